// The routes of API keys: list, create, revoke.

import {
  type Caller,
  invalid,
  type Key,
  MAX_OFFSET,
  notFound,
  type Operations,
  type OwnedKey,
  type TokenFormat,
} from '@warder/core';
import type { Admission } from '../../admission.ts';
import { route } from '../../dialect.ts';
import { wholeSeconds } from '../../moments.ts';
import { cursorsOf, enveloped, offsetOf } from './envelope.ts';
import { ofKeys } from './errors.ts';
import * as schemas from './schemas.ts';
import { RULES } from './validation.ts';

/** @param bootstrap also takes the service credential */
export function keyRoutes(format: TokenFormat, bootstrap: Admission) {
  return [
    route({
      method: 'GET',
      path: '/api-keys',
      operationId: 'listApiKeys',
      summary: 'List API keys',
      description: 'Those of the calling principal, the newest first, also revoked ones.',
      permission: 'keys:read',
      query: schemas.KeyPage,
      replies: { 200: schemas.ApiKeyList },
      errors: ofKeys,
      run: async ({ operations, query: { limit, offset, after, before } }) => {
        if (offset !== undefined && (after ?? before) !== undefined) {
          throw invalid('offset', 'cannot be given together with a cursor');
        }
        const { owner } = await operations.whoami();
        if (owner === null) throw notFound('owner');
        const every = { limit, includeDeleted: true };
        if (offset === undefined) {
          const page = await operations.listKeys({ ...every, after, before });
          return { page, principal: owner.id, meta: cursorsOf(page) };
        }
        const from = Math.min(offset, MAX_OFFSET);
        const page = await operations.listKeys({ ...every, offset: from, total: 'exact' });
        return { page, principal: owner.id, meta: offsetOf(page, offset, limit) };
      },
      out: ({ page, principal, meta }) =>
        enveloped(
          200,
          page.items.map((key) => keyBody(key, principal)),
          meta,
        ),
    }),
    route({
      method: 'POST',
      path: '/api-keys',
      operationId: 'createApiKey',
      summary: 'Create an API key',
      description:
        'For the calling principal, or with the service credential for the one that is named. A retry under the same Idempotency-Key answers 200.',
      permission: 'keys:write',
      admits: bootstrap,
      body: schemas.ApiKeyCreate,
      retryable: true,
      replies: { 200: schemas.CreatedApiKey, 201: schemas.CreatedApiKey },
      run: async ({ operations, caller, body: { principal_id, name, scopes, expires_at } }) =>
        operations.createKey({
          name,
          ownerId: caller.key === null ? await named(operations, principal_id) : undefined,
          format,
          scopes: scopes ?? everything(caller),
          expiresAt: expires_at ?? undefined,
        }),
      out: ({ key, secret, owner }: OwnedKey) =>
        enveloped(201, { api_key: keyBody(key, owner?.id), raw_key: secret }),
    }),
    route({
      method: 'DELETE',
      path: '/api-keys/{api_key_id}',
      operationId: 'revokeApiKey',
      summary: 'Revoke an API key',
      description: 'For good. Revoking it again answers the same.',
      permission: 'keys:write',
      params: schemas.KeyAddress,
      replies: { 200: schemas.Revoked },
      errors: ofKeys,
      run: ({ operations, params }) => operations.revokeKey(params.api_key_id),
      out: () => enveloped(200, { revoked: true }),
    }),
  ];
}

/** Whom a service makes a key for. */
async function named(operations: Operations, id: string | null | undefined): Promise<string> {
  if (id === null || id === undefined) throw invalid('/principal_id', RULES.missing);
  const { externalId, erasedAt } = await operations.getOwnerById(id);
  if (erasedAt !== null) throw notFound('owner');
  return externalId;
}

/** Full access, or all that the calling key has itself. */
function everything({ grants: { scopes } }: Caller): readonly string[] {
  return scopes.includes('*') ? ['*'] : scopes;
}

/** @param principal id of the owner; every key here has one */
function keyBody(key: Key, principal: string | undefined) {
  const { delegation_id, pact_id } = Object(key.extension.cobo);
  return {
    id: key.id,
    principal_id: principal,
    name: key.name ?? '',
    key_prefix: `${key.prefix}${key.start}`,
    scopes: key.kind === 'standard' ? key.scopes : [],
    expires_at: wholeSeconds(key.expiresAt),
    last_used_at: wholeSeconds(key.lastUsedAt),
    is_revoked: key.revokedAt !== null,
    revoked_at: wholeSeconds(key.revokedAt),
    created_at: wholeSeconds(key.createdAt),
    updated_at: wholeSeconds(key.updatedAt),
    delegation_id: idOrNull(delegation_id),
    pact_id: idOrNull(pact_id),
  };
}

/** What is kept for a key may have come from elsewhere. */
function idOrNull(value: unknown): string | null {
  return schemas.ApiKey.shape.pact_id.safeParse(value).data ?? null;
}
