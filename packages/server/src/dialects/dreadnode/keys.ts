// The routes of a user's own keys: list, create, revoke, and a key that ends itself.

import {
  type Key,
  type KeyStatus,
  MAX_LIMIT,
  type Operations,
  type TokenFormat,
  WarderError,
} from '@warder/core';
import { z } from 'zod';
import { route } from '../../dialect.ts';
import { wholeSeconds } from '../../moments.ts';
import * as schemas from './schemas.ts';

/** States in which a key is shown as active. For expired and for blocked this API has no word. */
const ACTIVE = ['active', 'soft_blocked', 'expired', 'not_yet_valid'] as const;
/** What stands for no restriction at all. */
const ALL_SCOPES = ['*'];
const NOTHING = { 204: z.undefined() };
const nothing = () => ({ status: 204, body: undefined });

export function keyRoutes(format: TokenFormat) {
  return [
    route({
      method: 'GET',
      path: '/user/api-keys',
      operationId: 'list_api_keys',
      summary: 'List Api Keys',
      description: 'All keys of the caller, the newest first; those that ended too.',
      permission: 'keys:read',
      replies: { 200: schemas.ApiKeys },
      run: ({ operations }) => ownKeys(operations),
      out: (keys) => ({ status: 200, body: keys.map(keyBody) }),
    }),
    route({
      method: 'POST',
      path: '/user/api-keys',
      operationId: 'create_api_key',
      summary: 'Create Api Key',
      permission: 'keys:write',
      body: schemas.ApiKeyCreate,
      replies: { 201: schemas.CreatedApiKey },
      run: ({ operations, body }) => createOwn(operations, body, format),
      out: ({ key, secret }) => ({ status: 201, body: { ...keyBody(key), key: secret } }),
    }),
    route({
      method: 'DELETE',
      path: '/user/api-keys/self',
      operationId: 'revoke_self_api_key',
      summary: 'Revoke Self Api Key',
      description: 'Ends the very key that calls, where it was made to allow that.',
      permission: null,
      replies: NOTHING,
      run: ({ operations }) => operations.revokeSelf(),
      out: nothing,
    }),
    route({
      method: 'DELETE',
      path: '/user/api-keys/{id}',
      operationId: 'revoke_api_key',
      summary: 'Revoke Api Key',
      description: 'Repeating it changes nothing.',
      permission: 'keys:write',
      params: schemas.ApiKeyAddress,
      replies: NOTHING,
      run: ({ operations, params }) => operations.revokeKey(params.id),
      out: nothing,
    }),
  ];
}

async function createOwn(
  operations: Operations,
  body: z.output<typeof schemas.ApiKeyCreate>,
  format: TokenFormat,
) {
  const { name = null, allow_self_revoke } = body;
  const { allowed_scopes = null, org_id = null, workspace_id = null } = body;
  if (workspace_id !== null && org_id === null) {
    throw new WarderError('bad_request', 'workspace_id needs the org_id that it belongs to.');
  }
  const active = name === null ? [] : await ownKeys(operations, ACTIVE);
  if (active.some((key) => key.name === name)) {
    throw new WarderError('conflict', 'You have an active key of this name already.');
  }
  return operations.createKey({
    name,
    format,
    scopes: allowed_scopes ?? ALL_SCOPES,
    allowSelfRevoke: allow_self_revoke,
    extension: { dreadnode: { allowed_scopes, org_id, workspace_id } },
  });
}

/** All of them: this API has no pages. */
async function ownKeys(
  operations: Operations,
  statuses?: readonly KeyStatus[],
): Promise<readonly Key[]> {
  const keys: Key[] = [];
  for (let after: string | undefined; ; ) {
    const asked = { limit: MAX_LIMIT, after, statuses, includeDeleted: true };
    const { items, next } = await operations.listKeys(asked);
    keys.push(...items);
    if (next === null) return keys;
    after = next;
  }
}

export function keyBody(key: Key) {
  const kept = schemas.Kept.parse(key.extension.dreadnode);
  return {
    active: key.enabled && key.revokedAt === null,
    allow_self_revoke: key.allowSelfRevoke,
    allowed_scopes: allowedScopes(key, kept.allowed_scopes),
    created_at: wholeSeconds(key.createdAt),
    id: key.id,
    last_used_at: wholeSeconds(key.lastUsedAt),
    masked_key: `${(key.prefix + key.start).slice(0, 7)}...${key.end.slice(-4)}`,
    name: key.name,
    org_id: kept.org_id,
    workspace_id: kept.workspace_id,
  };
}

/** What was given, as long as the key still has the scopes it stands for; null for everything. */
function allowedScopes(key: Key, given: readonly string[] | null): readonly string[] | null {
  const scopes = key.kind === 'standard' ? key.scopes : [];
  const standsFor = (some: readonly string[] | null) =>
    JSON.stringify([...new Set(some ?? ALL_SCOPES)]) === JSON.stringify(scopes);
  if (standsFor(given)) return given;
  return standsFor(null) ? null : scopes;
}
