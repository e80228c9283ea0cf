// The routes of keys: list, create, get, update, delete.

import { type CreatedKey, type Key, moment, type TokenFormat } from '@warder/core';
import { route } from '../../dialect.ts';
import { scopesIn, shownScopes } from '../../scopes-text.ts';
import { ofOneKey, ofUpdate } from './errors.ts';
import * as schemas from './schemas.ts';

const PREFIX_LENGTH = 6;

export function keyRoutes(format: TokenFormat) {
  return [
    route({
      method: 'GET',
      path: '/keys',
      operationId: 'listManagedKeys',
      summary: 'List keys',
      permission: 'keys:read',
      query: schemas.KeyPage,
      replies: { 200: schemas.KeyList },
      run: async ({ operations, query: { team_id, limit, offset } }) => {
        const request = { workspaceId: team_id, limit, offset, total: 'exact' } as const;
        return { ...(await operations.listKeys(request)), limit, offset };
      },
      out: ({ items, total, limit, offset }) => ({
        status: 200,
        body: { ok: true, limit, offset, total: total?.count, keys: items.map(shownKey) },
      }),
    }),
    route({
      method: 'POST',
      path: '/keys',
      operationId: 'createManagedKey',
      summary: 'Create a key',
      permission: 'keys:write',
      query: schemas.InTeam,
      body: schemas.KeyCreate,
      replies: { 201: schemas.CreatedKeyAnswer },
      run: ({ operations, query, body: { name, scopes, status, soft_blocked, team_id } }) =>
        operations.createKey({
          name,
          workspaceId: team_id ?? query.team_id,
          format,
          scopes: scopesIn(scopes),
          enabled: status !== 'disabled',
          revoked: status === 'revoked',
          softBlocked: soft_blocked,
          extension: { phaseo: { scopes } },
        }),
      out: ({ key, secret }: CreatedKey) => ({
        status: 201,
        body: { ok: true, key: { ...shownKey(key), key: secret } },
      }),
    }),
    route({
      method: 'GET',
      path: '/keys/{id}',
      operationId: 'getManagedKey',
      summary: 'Get a key',
      permission: 'keys:read',
      params: schemas.KeyAddress,
      replies: { 200: schemas.KeyAnswer },
      errors: ofOneKey,
      run: ({ operations, params }) => operations.getKey(params.id),
      out: (key) => ({ status: 200, body: { ok: true, key: wholeKey(key) } }),
    }),
    route({
      method: 'PATCH',
      path: '/keys/{id}',
      operationId: 'updateManagedKey',
      summary: 'Update a key',
      permission: 'keys:write',
      params: schemas.KeyAddress,
      body: schemas.KeyPatch,
      replies: { 200: schemas.Done },
      errors: ofUpdate,
      run: ({ operations, params, body: { name, status, soft_blocked } }) =>
        operations.updateKey(params.id, {
          name,
          softBlocked: soft_blocked,
          ...(status === undefined ? {} : CHANGES[status]),
        }),
      out: () => ({ status: 200, body: { ok: true, message: 'Key updated successfully' } }),
    }),
    route({
      method: 'DELETE',
      path: '/keys/{id}',
      operationId: 'deleteManagedKey',
      summary: 'Delete a key for good',
      permission: 'keys:write',
      params: schemas.KeyAddress,
      replies: { 200: schemas.Done },
      errors: ofOneKey,
      run: async ({ operations, params }) => {
        // Nothing is left of its name afterwards.
        const { id, name } = await operations.getKey(params.id);
        await operations.eraseKey(id);
        return name ?? '';
      },
      out: (name) => ({
        status: 200,
        body: { ok: true, message: `Key "${name}" deleted successfully` },
      }),
    }),
  ];
}

/** What a status asks of a key. */
const CHANGES = {
  active: { enabled: true },
  disabled: { enabled: false },
  revoked: { revoked: true },
} as const;

function statusOf(key: Key) {
  if (key.revokedAt !== null) return 'revoked';
  return key.enabled ? 'active' : 'disabled';
}

/** What every answer tells of a key; its schema leaves the rest out. */
function shownKey(key: Key) {
  return {
    id: key.id,
    name: key.name,
    prefix: key.start.slice(0, PREFIX_LENGTH),
    status: statusOf(key),
    scopes: shownScopes(key, Object(key.extension.phaseo)),
    created_at: moment(key.createdAt),
    last_used_at: moment(key.lastUsedAt),
  };
}

function wholeKey(key: Key) {
  return {
    ...shownKey(key),
    team_id: key.workspaceId,
    created_by: key.createdBy.id,
    soft_blocked: key.softBlocked,
  };
}
