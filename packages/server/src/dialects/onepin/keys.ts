// The routes of keys: list, create, get, update, rotate, delete.

import type { Key, KeyStatus, Limit, TokenFormat } from '@warder/core';
import type { z } from 'zod';
import { route, type Telling } from '../../dialect.ts';
import { wholeSeconds } from '../../moments.ts';
import { answer, metaOf } from './answers.ts';
import type { keyBodies } from './bodies.ts';
import * as schemas from './schemas.ts';

type Query = z.output<typeof schemas.ApiKeyPage>;

/** What an operator chooses of keys. */
export interface KeyChoices {
  readonly format: TokenFormat;
  readonly bodies: ReturnType<typeof keyBodies>;
  /** Whether an offset counts pages, not rows. */
  readonly pages: boolean;
}

/** States by what this API can say of a key. For expired and for blocked it has no word: such a key is active. */
const STATUSES: Readonly<Record<'active' | 'revoked', readonly KeyStatus[]>> = {
  active: ['active', 'soft_blocked', 'expired', 'not_yet_valid'],
  revoked: ['disabled', 'revoked', 'deleted'],
};

export function keyRoutes({ format, bodies, pages }: KeyChoices) {
  const keyAnswer = (key: Key, telling: Telling) => answer(keyBody(key), telling);
  const step = (limit: number) => (pages ? 1 : limit);

  return [
    route({
      method: 'GET',
      path: '/api-keys',
      operationId: 'list_api_keys',
      summary: 'List API keys',
      description: 'List API keys for the current workspace without secret material.',
      permission: 'keys:read',
      query: schemas.ApiKeyPage,
      replies: { 200: schemas.ApiKeyList },
      run: async ({ operations, query }) => {
        const { limit, offset, status = 'active' } = query;
        const page = await operations.listKeys({
          limit,
          offset: pages ? offset * limit : offset,
          total: 'exact',
          statuses: status === 'all' ? undefined : STATUSES[status],
          includeDeleted: true,
        });
        return { page, query };
      },
      out: ({ page, query }, telling) => {
        const { limit, offset } = query;
        const total = page.total?.count ?? 0;
        const by = step(limit);
        const isLast = (pages ? (offset + 1) * limit : offset + limit) >= total;
        const pagination = {
          limit,
          total,
          next: isLast ? null : linkTo(offset + by, query, telling),
          prev: offset === 0 ? null : linkTo(Math.max(0, offset - by), query, telling),
        };
        const data = page.items.map(keyBody);
        return { status: 200, body: { data, meta: metaOf(telling), pagination } };
      },
    }),
    route({
      method: 'POST',
      path: '/api-keys',
      operationId: 'create_api_key',
      summary: 'Create an API key',
      description: 'Create a live API key and return its plaintext value exactly once.',
      permission: 'keys:write',
      body: bodies.create,
      replies: { 201: schemas.ApiKeyCreatedAnswer },
      run: ({ operations, body: { name, scopes, rate_limit_per_min: perMinute } }) => {
        const limits = perMinute == null ? null : [minuteLimit(perMinute)];
        return operations.createKey({ name, scopes, limits, format });
      },
      out: ({ key, secret }, telling) => answer(createdBody(key, secret), telling, 201),
    }),
    route({
      method: 'GET',
      path: '/api-keys/{key_id}',
      operationId: 'get_api_key',
      summary: 'Get an API key',
      permission: 'keys:read',
      params: schemas.ApiKeyAddress,
      replies: { 200: schemas.ApiKeyAnswer },
      run: ({ operations, params }) => operations.getKey(params.key_id, { includeDeleted: true }),
      out: keyAnswer,
    }),
    route({
      method: 'PATCH',
      path: '/api-keys/{key_id}',
      operationId: 'update_api_key',
      summary: 'Update an API key',
      description: 'Update API-key metadata, scopes, rate limit, or active state.',
      permission: 'keys:write',
      params: schemas.ApiKeyAddress,
      body: bodies.update,
      replies: { 200: schemas.ApiKeyAnswer },
      run: ({ operations, params, body: { name, scopes, rate_limit_per_min, active } }) =>
        operations.updateKey(params.key_id, {
          name: name ?? undefined,
          scopes: scopes ?? undefined,
          limitsByName: minuteEdit(rate_limit_per_min),
          enabled: active ?? undefined,
        }),
      out: keyAnswer,
    }),
    route({
      method: 'DELETE',
      path: '/api-keys/{key_id}',
      operationId: 'delete_api_key',
      summary: 'Delete an API key',
      description: 'Soft-revoke an API key. Repeating it changes nothing.',
      permission: 'keys:write',
      params: schemas.ApiKeyAddress,
      replies: { 200: schemas.ApiKeyAnswer },
      run: ({ operations, params }) => operations.revokeKey(params.key_id),
      out: keyAnswer,
    }),
    route({
      method: 'PATCH',
      path: '/api-keys/{key_id}/rotate',
      operationId: 'rotate_api_key',
      summary: 'Rotate an API key',
      description: 'Rotate an API key by revoking the old row and creating a new key.',
      permission: 'keys:write',
      params: schemas.ApiKeyAddress,
      replies: { 200: schemas.ApiKeyRotatedAnswer },
      run: ({ operations, params }) => operations.replaceKey(params.key_id, format),
      out: ({ replaced, key, secret }, telling) =>
        answer({ old_key: keyBody(replaced), new_key: createdBody(key, secret) }, telling),
    }),
  ];
}

/** This list from another offset on, with whatever else was asked of it. */
function linkTo(offset: number, { limit, status }: Query, { url }: Telling): string {
  const query = new URLSearchParams({ offset: String(offset), limit: String(limit) });
  if (status !== undefined) query.set('status', status);
  return `${url}/api-keys?${query}`;
}

const MINUTE = { name: 'minute', windowSeconds: 60 } as const;

function minuteLimit(limit: number): Limit {
  return { ...MINUTE, limit, override: null };
}

/** Null clears; what is not given stays. */
function minuteEdit(limit: number | null | undefined): Record<string, Limit | null> | undefined {
  if (limit === undefined) return undefined;
  return { [MINUTE.name]: limit === null ? null : minuteLimit(limit) };
}

function isMinute({ name, windowSeconds }: Limit): boolean {
  return name === MINUTE.name && windowSeconds === MINUTE.windowSeconds;
}

function keyBody(key: Key) {
  return {
    id: key.id,
    workspace_id: key.workspaceId,
    created_by: key.createdBy.type === 'member' ? key.createdBy.id : null,
    name: key.name ?? '',
    key_type: key.environment,
    key_prefix: key.prefix,
    key_suffix: key.end,
    scopes: key.kind === 'standard' ? key.scopes : [],
    active: key.enabled && key.revokedAt === null,
    last_used_at: wholeSeconds(key.lastUsedAt),
    rate_limit_per_min: key.limits?.find(isMinute)?.limit ?? null,
    revoked_at: wholeSeconds(key.revokedAt),
    created_at: wholeSeconds(key.createdAt),
    updated_at: wholeSeconds(key.updatedAt),
    preview: key.prefix + key.end,
  };
}

/** The reply's schema puts the secret where it belongs. */
function createdBody(key: Key, secret: string) {
  return { ...keyBody(key), api_key: secret };
}
