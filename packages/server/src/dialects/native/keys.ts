// The routes of keys: create, list, get, update, revoke, disable, enable, delete,
// and whoami.

import {
  type CreatedKey,
  creditsAt,
  describeCredits,
  describeKey,
  describeWorkspace,
  type Key,
  moment,
  statusOf,
} from '@warder/core';
import type { z } from 'zod';
import { type Answer, route, type Telling } from '../../dialect.ts';
import { Confirm } from './confirmation.ts';
import { orderOf, pageBody, pageRequest } from './paging.ts';
import * as parameters from './parameters.ts';
import * as schemas from './schemas.ts';

export const keyRoutes = [
  route({
    method: 'POST',
    path: '/v1/keys',
    operationId: 'createKey',
    summary: 'Create a key',
    description:
      'The reply holds the key itself, once. A standard key has scopes and is made to be verified; a management key (kind `management`, which also needs management_keys:write) has permissions and calls this API.',
    permission: 'keys:write',
    body: schemas.KeyCreate,
    retryable: true,
    replies: { 201: schemas.CreatedKey },
    run: ({ operations, body }) =>
      operations.createKey({
        ...termsOf(body),
        workspaceId: body.workspace_id,
        kind: body.kind,
        environment: body.environment,
      }),
    out: ({ key, secret }: CreatedKey, { now }) => ({
      status: 201,
      body: { ...keyBody(key, now), key: secret },
      version: key.version,
      location: `/v1/keys/${key.id}`,
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/keys',
    operationId: 'listKeys',
    summary: 'List keys',
    description:
      'Newest first. Without workspace_id a key of the instance sees all workspaces. All filters given must hold. `metadata.<name>=<value>` filters by a member of the metadata that the workspace declares in its metadata_filters: a text, or a number or truth value as JSON writes it.',
    permission: 'keys:read',
    query: parameters.KeyPageQuery,
    replies: { 200: schemas.KeyPage },
    run: ({ operations, query }) =>
      operations.listKeys({ ...pageRequest(query), ...keyFilter(query) }),
    out: (page, { now }) => pageBody(page, (key) => keyBody(key, now)),
  }),
  route({
    method: 'GET',
    path: '/v1/keys/{id}',
    operationId: 'getKey',
    summary: 'Get a key',
    permission: 'keys:read',
    params: parameters.IdParams,
    query: parameters.KeyQuery,
    replies: { 200: schemas.Key },
    run: ({ operations, params, query }) =>
      operations.getKey(params.id, { includeDeleted: query.include_deleted }),
    out: keyAnswer,
  }),
  route({
    method: 'PATCH',
    path: '/v1/keys/{id}',
    operationId: 'updateKey',
    summary: 'Update a key',
    description:
      'A merge patch (RFC 7396): what is absent stays, null clears. States are changed by the calls named after them.',
    permission: 'keys:write',
    params: parameters.IdParams,
    body: schemas.KeyPatch,
    replies: { 200: schemas.Key },
    run: ({ operations, params, body, ifVersion }) =>
      operations.updateKey(params.id, termsOf(body), { ifVersion }),
    out: keyAnswer,
  }),
  route({
    method: 'DELETE',
    path: '/v1/keys/{id}',
    operationId: 'deleteKey',
    summary: 'Erase a key',
    description:
      'Revokes the key and removes its name, owner, metadata and usage. What stays is a tombstone, so that its text is never good again; the reply shows it.',
    permission: 'keys:write',
    params: parameters.IdParams,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Key },
    run: ({ operations, params, ifVersion }) => operations.eraseKey(params.id, { ifVersion }),
    out: keyAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/keys/{id}/revoke',
    operationId: 'revokeKey',
    summary: 'Revoke a key',
    description: 'Final. Revoking a revoked key again changes nothing.',
    permission: 'keys:write',
    params: parameters.IdParams,
    body: schemas.KeyRevoke,
    bodyOptional: true,
    retryable: true,
    replies: { 200: schemas.Key },
    run: ({ operations, params, body, ifVersion }) =>
      operations.revokeKey(params.id, body.reason, { ifVersion }),
    out: keyAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/keys/{id}/disable',
    operationId: 'disableKey',
    summary: 'Disable a key',
    description: 'Until it is enabled again.',
    permission: 'keys:write',
    params: parameters.IdParams,
    retryable: true,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Key },
    run: ({ operations, params, ifVersion }) => operations.disableKey(params.id, { ifVersion }),
    out: keyAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/keys/{id}/enable',
    operationId: 'enableKey',
    summary: 'Enable a key',
    permission: 'keys:write',
    params: parameters.IdParams,
    retryable: true,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Key },
    run: ({ operations, params, ifVersion }) => operations.enableKey(params.id, { ifVersion }),
    out: keyAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/keys/{id}/credits',
    operationId: 'creditKey',
    summary: 'Add to the credits of a key, or set them',
    description:
      'Either `add` or `set`, for a key that has credits of its own. What is spent at the same time counts before or after, and is never lost: two calls that add at once add both. `remaining` in the reply is of the moment of the call.',
    permission: 'keys:write',
    params: parameters.IdParams,
    body: schemas.Crediting,
    retryable: true,
    replies: { 200: schemas.Key },
    run: ({ operations, params, body, ifVersion }) =>
      operations.creditKey(params.id, body, { ifVersion }),
    out: keyAnswer,
  }),
  route({
    method: 'GET',
    path: '/v1/whoami',
    operationId: 'whoami',
    summary: 'Who am I',
    description: 'Any key about itself.',
    permission: null,
    verdict: true,
    replies: { 200: schemas.Whoami },
    run: ({ operations }) => operations.whoami(),
    out: ({ caller, key, workspace }, { now }) => ({
      status: 200,
      body: {
        identity: caller.identity,
        kind: key?.kind ?? null,
        instance: 'instance' in caller.home,
        workspace: workspace && describeWorkspace(workspace),
        permissions: caller.permissions,
        key: key && keyBody(key, now),
      },
    }),
  }),
];

function keyFilter(query: z.output<typeof parameters.KeyPageQuery>) {
  return {
    workspaceId: query.workspace_id,
    statuses: query.status,
    kind: query.kind,
    ownerId: query.owner_id,
    scope: query.scope,
    environment: query.environment,
    createdBy: query.created_by,
    expires: { after: query.expires_after, before: query.expires_before },
    created: { after: query.created_after, before: query.created_before },
    lastUsed: { after: query.last_used_after, before: query.last_used_before },
    neverUsed: query.never_used,
    metadata: metadataFilters(query),
    search: query.search,
    includeDeleted: query.include_deleted,
    order: orderOf(query.sort),
  };
}

const METADATA = 'metadata.';

/** The `metadata.<name>` parameters of a query. */
function metadataFilters(query: Readonly<Record<string, unknown>>) {
  return Object.entries(query).flatMap(([name, value]) =>
    name.startsWith(METADATA) && typeof value === 'string'
      ? [{ name: name.slice(METADATA.length), value }]
      : [],
  );
}

type Terms = z.output<typeof schemas.KeyPatch>;

function termsOf(body: Terms | z.output<typeof schemas.KeyCreate>) {
  return {
    name: body.name,
    ownerId: body.owner_id,
    scopes: body.scopes,
    permissions: body.permissions,
    grants: body.grants,
    allowedCidrs: body.allowed_cidrs,
    allowSelfRevoke: body.allow_self_revoke,
    limits: body.limits,
    metadata: body.metadata,
    credits: body.credits,
    notBefore: body.not_before,
    expiresAt: body.expires_at,
  };
}

function keyAnswer(key: Key, { now }: Pick<Telling, 'now'>): Answer {
  return { status: 200, body: keyBody(key, now), version: key.version };
}

function keyBody(key: Key, now: number) {
  return {
    ...describeKey(key),
    status: statusOf(key, now),
    last_used_at: moment(key.lastUsedAt),
    credits: key.credits && describeCredits(creditsAt(key.credits, now)),
  };
}
