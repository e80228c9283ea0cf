// The routes of keys: list, create, get, update, delete, and a key about itself.

import { type CreatedKey, type Key, type KeyDraft, notFound, type TokenFormat } from '@warder/core';
import type { z } from 'zod';
import type { Admission } from '../../admission.ts';
import { type Answer, route } from '../../dialect.ts';
import { wholeSeconds } from '../../moments.ts';
import { scopesIn, shownScopes } from '../../scopes-text.ts';
import * as schemas from './schemas.ts';

/** What an operator chooses of how keys look. */
export interface KeyLook {
  readonly format: TokenFormat;
  readonly scopes: 'text' | 'array';
}

/** States that a paused or blocked key is not in. Expiry is none of them. */
const NOT_DISABLED = ['active', 'expired', 'not_yet_valid'] as const;

/** @param own whom the key's own route takes */
export function keyRoutes(look: KeyLook, own: Admission) {
  const keyAnswer = (key: Key): Answer => ({ status: 200, body: { data: keyBody(key, look) } });

  return [
    route({
      method: 'GET',
      path: '/keys',
      operationId: 'listApiKeys',
      summary: 'List API keys',
      permission: 'keys:read',
      query: schemas.KeyPage,
      replies: { 200: schemas.KeyList },
      run: ({ operations, query }) =>
        operations.listKeys({
          workspaceId: query.workspace_id,
          limit: query.limit,
          offset: query.offset,
          total: 'exact',
          statuses: query.include_disabled ? undefined : NOT_DISABLED,
        }),
      out: ({ items, total }) => ({
        status: 200,
        body: { data: items.map((key) => keyBody(key, look)), total_count: total?.count },
      }),
    }),
    route({
      method: 'POST',
      path: '/keys',
      operationId: 'createApiKey',
      summary: 'Create an API key',
      permission: 'keys:write',
      query: schemas.InWorkspace,
      body: schemas.KeyCreate,
      replies: { 201: schemas.CreatedKeyAnswer },
      run: ({ operations, query, body }) =>
        operations.createKey({
          ...termsOf({ ...body, limit_reset: body.limit_reset ?? (body.limit ? 'monthly' : null) }),
          name: body.name,
          workspaceId: body.workspace_id ?? query.workspace_id,
          format: look.format,
        }),
      out: ({ key, secret }: CreatedKey) => ({
        status: 201,
        body: { data: { ...keyBody(key, look), key: secret } },
      }),
    }),
    route({
      method: 'GET',
      path: '/keys/{id}',
      operationId: 'getApiKey',
      summary: 'Get an API key',
      permission: 'keys:read',
      params: schemas.KeyAddress,
      replies: { 200: schemas.KeyAnswer },
      run: ({ operations, params }) => operations.getKey(params.id),
      out: keyAnswer,
    }),
    route({
      method: 'PATCH',
      path: '/keys/{id}',
      operationId: 'updateApiKey',
      summary: 'Update an API key',
      permission: 'keys:write',
      params: schemas.KeyAddress,
      body: schemas.KeyPatch,
      replies: { 200: schemas.KeyAnswer },
      run: ({ operations, params, body }) =>
        operations.updateKey(params.id, { ...termsOf(body), name: body.name }),
      out: keyAnswer,
    }),
    route({
      method: 'DELETE',
      path: '/keys/{id}',
      operationId: 'deleteApiKey',
      summary: 'Delete an API key',
      description: 'Deleting a key again by its id answers the same.',
      permission: 'keys:write',
      params: schemas.KeyAddress,
      replies: { 200: schemas.Deleted },
      run: ({ operations, params }) => operations.deleteKey(params.id),
      out: () => ({ status: 200, body: { deleted: true } }),
    }),
    route({
      method: 'GET',
      path: '/key',
      operationId: 'getCurrentApiKey',
      summary: 'Get the API key that calls',
      permission: null,
      verdict: true,
      admits: own,
      replies: { 200: schemas.KeyAnswer },
      run: async ({ operations }) => {
        const { key } = await operations.whoami();
        if (key === null) throw notFound('key');
        return key;
      },
      out: keyAnswer,
    }),
  ];
}

/** What a body says of a key; what it does not name stays as it is. */
function termsOf(body: Partial<z.output<typeof schemas.KeyPatch>>) {
  const { scopes, limit, limit_reset, expires_at, disabled, soft_blocked } = body;
  const kept = {
    ...(scopes === undefined ? {} : { scopes }),
    ...(limit === undefined ? {} : { limit }),
    ...(limit_reset === undefined ? {} : { limit_reset }),
  };
  return {
    ...(scopes === undefined ? {} : { scopes: scopesIn(scopes) }),
    ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
    ...(disabled === undefined ? {} : { enabled: !disabled }),
    ...(soft_blocked === undefined ? {} : { softBlocked: soft_blocked }),
    ...(Object.keys(kept).length === 0 ? {} : { extension: { phaseo: kept } }),
  } satisfies KeyDraft;
}

function keyBody(key: Key, look: KeyLook) {
  const scopes = shownScopes(key, Object(key.extension.phaseo));
  const status = key.revokedAt !== null ? 'revoked' : key.enabled ? 'active' : 'paused';
  return {
    id: key.id,
    hash: key.handle,
    workspace_id: key.workspaceId,
    name: key.name,
    label: key.name,
    prefix: `${key.prefix}${key.start}`,
    status,
    disabled: status !== 'active' || key.softBlocked,
    soft_blocked: key.softBlocked,
    scopes: look.scopes === 'text' ? scopes : scopesIn(scopes),
    created_by: key.createdBy.id,
    created_at: wholeSeconds(key.createdAt),
    updated_at: wholeSeconds(key.updatedAt),
    last_used_at: wholeSeconds(key.lastUsedAt),
    expires_at: wholeSeconds(key.expiresAt),
  };
}
