// The routes of workspaces. A workspace's own keys see and edit it; the rest is
// for keys of the instance.

import { describeWorkspace, type Workspace } from '@warder/core';
import type { z } from 'zod';
import { type Answer, route } from '../../dialect.ts';
import { Confirm } from './confirmation.ts';
import { nameFilter, pageBody, pageRequest } from './paging.ts';
import * as parameters from './parameters.ts';
import * as schemas from './schemas.ts';

export const workspaceRoutes = [
  route({
    method: 'POST',
    path: '/v1/workspaces',
    operationId: 'createWorkspace',
    summary: 'Create a workspace',
    description: 'For keys of the instance. Needs only a name.',
    permission: 'workspaces:write',
    body: schemas.WorkspaceCreate,
    retryable: true,
    replies: { 201: schemas.Workspace },
    run: ({ operations, body }) =>
      operations.createWorkspace({
        name: body.name,
        slug: body.slug,
        settings: settingsOf(body.settings),
      }),
    out: (workspace) => ({
      ...workspaceAnswer(workspace),
      status: 201,
      location: `/v1/workspaces/${workspace.id}`,
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/workspaces',
    operationId: 'listWorkspaces',
    summary: 'List workspaces',
    permission: 'workspaces:read',
    query: parameters.NamePageQuery,
    replies: { 200: schemas.WorkspacePage },
    run: ({ operations, query }) =>
      operations.listWorkspaces({ ...pageRequest(query), ...nameFilter(query) }),
    out: (page) => pageBody(page, describeWorkspace),
  }),
  route({
    method: 'GET',
    path: '/v1/workspaces/{id}',
    operationId: 'getWorkspace',
    summary: 'Get a workspace',
    permission: 'workspaces:read',
    params: parameters.IdParams,
    replies: { 200: schemas.Workspace },
    run: ({ operations, params }) => operations.getWorkspace(params.id),
    out: workspaceAnswer,
  }),
  route({
    method: 'PATCH',
    path: '/v1/workspaces/{id}',
    operationId: 'updateWorkspace',
    summary: 'Update a workspace',
    description: 'A merge patch (RFC 7396): settings that are not named stay.',
    permission: 'workspaces:write',
    params: parameters.IdParams,
    body: schemas.WorkspacePatch,
    replies: { 200: schemas.Workspace },
    run: ({ operations, params, body, ifVersion }) =>
      operations.updateWorkspace(
        params.id,
        { ...body, settings: settingsOf(body.settings) },
        { ifVersion },
      ),
    out: workspaceAnswer,
  }),
  route({
    method: 'DELETE',
    path: '/v1/workspaces/{id}',
    operationId: 'deleteWorkspace',
    summary: 'Delete a workspace',
    description:
      'Refused with 409 while it has keys that are not revoked, unless `keys=revoke`: then no key of it is good from this reply on, and they are erased in steps. Its events stay.',
    permission: 'workspaces:write',
    params: parameters.IdParams,
    query: parameters.WorkspaceDeleteQuery,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Workspace },
    run: ({ operations, params, query, ifVersion }) =>
      operations.deleteWorkspace(params.id, { revokeKeys: query.keys === 'revoke', ifVersion }),
    out: workspaceAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/workspaces/{id}/suspend',
    operationId: 'suspendWorkspace',
    summary: 'Suspend a workspace',
    description: 'All its keys answer `suspended` until it is resumed.',
    permission: 'workspaces:write',
    params: parameters.IdParams,
    retryable: true,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Workspace },
    run: ({ operations, params, ifVersion }) =>
      operations.suspendWorkspace(params.id, { ifVersion }),
    out: workspaceAnswer,
  }),
  route({
    method: 'POST',
    path: '/v1/workspaces/{id}/resume',
    operationId: 'resumeWorkspace',
    summary: 'Resume a workspace',
    permission: 'workspaces:write',
    params: parameters.IdParams,
    retryable: true,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Workspace },
    run: ({ operations, params, ifVersion }) =>
      operations.resumeWorkspace(params.id, { ifVersion }),
    out: workspaceAnswer,
  }),
];

function workspaceAnswer(workspace: Workspace): Answer {
  return { status: 200, body: describeWorkspace(workspace), version: workspace.version };
}

type GivenSettings = z.output<typeof schemas.WorkspacePatch>['settings'];

const SETTINGS = {
  token_prefix: 'tokenPrefix',
  default_life_seconds: 'defaultLifeSeconds',
  max_life_seconds: 'maxLifeSeconds',
  max_keys: 'maxKeys',
  max_keys_per_owner: 'maxKeysPerOwner',
  known_scopes: 'knownScopes',
  metadata_filters: 'metadataFilters',
  ordinary_keys_manage: 'ordinaryKeysManage',
  key_limits: 'keyLimits',
  owner_limits: 'ownerLimits',
  workspace_limits: 'workspaceLimits',
} as const satisfies Record<keyof NonNullable<GivenSettings>, keyof Workspace['settings']>;

function settingsOf(given: GivenSettings): Partial<Workspace['settings']> | undefined {
  if (given === undefined) return undefined;
  const named = Object.entries(SETTINGS).filter(([name]) => name in given);
  return Object.fromEntries(
    named.map(([name, setting]) => [setting, given[name as keyof typeof given]]),
  );
}
