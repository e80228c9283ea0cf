// The routes of owners. An owner's address is the caller's own id of
// it, as one percent-encoded path segment.

import { creditsAt, describeCredits, describeOwner, type Owner } from '@warder/core';
import { type Answer, route, type Telling } from '../../dialect.ts';
import { Confirm } from './confirmation.ts';
import { nameFilter, pageBody, pageRequest } from './paging.ts';
import * as parameters from './parameters.ts';
import * as schemas from './schemas.ts';

const ADDRESS = 'A key of the instance names the workspace by workspace_id; without it `default`.';

export const ownerRoutes = [
  route({
    method: 'GET',
    path: '/v1/owners',
    operationId: 'listOwners',
    summary: 'List owners',
    permission: 'owners:read',
    query: parameters.OwnerPageQuery,
    replies: { 200: schemas.OwnerPage },
    run: ({ operations, query }) =>
      operations.listOwners({
        ...pageRequest(query),
        ...nameFilter(query),
        workspaceId: query.workspace_id,
      }),
    out: (page, { now }) => pageBody(page, (owner) => ownerBody(owner, now)),
  }),
  route({
    method: 'GET',
    path: '/v1/owners/{owner_id}',
    operationId: 'getOwner',
    summary: 'Get an owner',
    description: ADDRESS,
    permission: 'owners:read',
    params: parameters.OwnerParams,
    query: parameters.WorkspaceQuery,
    replies: { 200: schemas.Owner },
    run: ({ operations, params, query }) => operations.getOwner(address(params, query)),
    out: ownerAnswer,
  }),
  route({
    method: 'PUT',
    path: '/v1/owners/{owner_id}',
    operationId: 'putOwner',
    summary: 'Create or replace an owner',
    description: `What is not named is cleared, but for credits. ${ADDRESS}`,
    permission: 'owners:write',
    params: parameters.OwnerParams,
    body: schemas.OwnerPut,
    replies: { 200: schemas.Owner, 201: schemas.Owner },
    run: ({ operations, params, body, ifVersion }) => {
      const { workspace_id, ...facts } = body;
      return operations.putOwner(address(params, { workspace_id }), facts, { ifVersion });
    },
    out: ({ owner, created }, telling) => ({
      ...ownerAnswer(owner, telling),
      ...(created ? { status: 201, location: locationOf(owner) } : {}),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/v1/owners/{owner_id}',
    operationId: 'updateOwner',
    summary: 'Update an owner',
    description: `A merge patch (RFC 7396). ${ADDRESS}`,
    permission: 'owners:write',
    params: parameters.OwnerParams,
    query: parameters.WorkspaceQuery,
    body: schemas.OwnerPatch,
    replies: { 200: schemas.Owner },
    run: ({ operations, params, query, body, ifVersion }) =>
      operations.patchOwner(address(params, query), body, { ifVersion }),
    out: ownerAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/owners/{owner_id}/credits',
    operationId: 'creditOwner',
    summary: 'Add to the credits of an owner, or set them',
    description: `Either \`add\` or \`set\`, for an owner that has credits. What is spent at the same time counts before or after, and is never lost: two calls that add at once add both. \`remaining\` in the reply is of the moment of the call. ${ADDRESS}`,
    permission: 'owners:write',
    params: parameters.OwnerParams,
    query: parameters.WorkspaceQuery,
    body: schemas.Crediting,
    retryable: true,
    replies: { 200: schemas.Owner },
    run: ({ operations, params, query, body, ifVersion }) =>
      operations.creditOwner(address(params, query), body, { ifVersion }),
    out: ownerAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/owners/{owner_id}/suspend',
    operationId: 'suspendOwner',
    summary: 'Suspend an owner',
    description: `All its keys answer \`suspended\` until it is resumed. ${ADDRESS}`,
    permission: 'owners:write',
    params: parameters.OwnerParams,
    query: parameters.WorkspaceQuery,
    retryable: true,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Owner },
    run: ({ operations, params, query, ifVersion }) =>
      operations.suspendOwner(address(params, query), { ifVersion }),
    out: ownerAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/owners/{owner_id}/resume',
    operationId: 'resumeOwner',
    summary: 'Resume an owner',
    description: ADDRESS,
    permission: 'owners:write',
    params: parameters.OwnerParams,
    query: parameters.WorkspaceQuery,
    retryable: true,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Owner },
    run: ({ operations, params, query, ifVersion }) =>
      operations.resumeOwner(address(params, query), { ifVersion }),
    out: ownerAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/owners/{owner_id}/erase',
    operationId: 'eraseOwner',
    summary: 'Erase an owner',
    description: `Final. Its name, type and metadata go at once; what its events hold of it, and at last your id of it, within moments after. Refused with 409 while a key names it, unless \`keys=erase\`: then none of its keys is good from this reply on, and they are erased too. ${ADDRESS}`,
    permission: 'owners:write',
    params: parameters.OwnerParams,
    query: parameters.OwnerEraseQuery,
    retryable: true,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Owner },
    run: ({ operations, params, query, ifVersion }) =>
      operations.eraseOwner(address(params, query), { keys: query.keys === 'erase', ifVersion }),
    out: ownerAnswer,
  }),
];

function address(params: { owner_id: string }, query: { workspace_id?: string | undefined }) {
  return { ownerId: params.owner_id, workspaceId: query.workspace_id };
}

function locationOf({ externalId, workspaceId }: Owner): string {
  return `/v1/owners/${encodeURIComponent(externalId)}?workspace_id=${workspaceId}`;
}

function ownerAnswer(owner: Owner, { now }: Pick<Telling, 'now'>): Answer {
  return { status: 200, body: ownerBody(owner, now), version: owner.version };
}

function ownerBody(owner: Owner, now: number) {
  const { credits } = owner;
  return { ...describeOwner(owner), credits: credits && describeCredits(creditsAt(credits, now)) };
}
