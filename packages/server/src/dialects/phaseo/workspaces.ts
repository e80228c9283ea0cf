// The routes of workspaces, addressed by id or slug.

import { WarderError, type Workspace } from '@warder/core';
import { type Answer, route } from '../../dialect.ts';
import { wholeSeconds } from '../../moments.ts';
import { saying } from './errors.ts';
import * as schemas from './schemas.ts';

const NOT_FOUND = { not_found: saying(404, 'not_found', 'Workspace not found') };

export const workspaceRoutes = [
  route({
    method: 'GET',
    path: '/workspaces',
    operationId: 'listWorkspaces',
    summary: 'List workspaces',
    permission: 'workspaces:read',
    query: schemas.WorkspacePage,
    replies: { 200: schemas.WorkspaceList },
    run: ({ operations, query }) => operations.listWorkspaces({ ...query, total: 'exact' }),
    out: ({ items, total }) => ({
      status: 200,
      body: { data: items.map(workspaceBody), total_count: total?.count },
    }),
  }),
  route({
    method: 'POST',
    path: '/workspaces',
    operationId: 'createWorkspace',
    summary: 'Create a workspace',
    permission: 'workspaces:write',
    body: schemas.WorkspaceCreate,
    replies: { 201: schemas.WorkspaceAnswer },
    run: ({ operations, body }) => operations.createWorkspace(body),
    out: (workspace) => ({ status: 201, body: { data: workspaceBody(workspace) } }),
  }),
  route({
    method: 'GET',
    path: '/workspaces/{id}',
    operationId: 'getWorkspace',
    summary: 'Get a workspace',
    permission: 'workspaces:read',
    params: schemas.WorkspaceAddress,
    replies: { 200: schemas.WorkspaceAnswer },
    errors: NOT_FOUND,
    run: ({ operations, params }) => operations.getWorkspace(params.id),
    out: workspaceAnswer,
  }),
  route({
    method: 'PATCH',
    path: '/workspaces/{id}',
    operationId: 'updateWorkspace',
    summary: 'Update a workspace',
    permission: 'workspaces:write',
    params: schemas.WorkspaceAddress,
    body: schemas.WorkspacePatch,
    replies: { 200: schemas.WorkspaceAnswer },
    errors: NOT_FOUND,
    run: ({ operations, params, body }) => operations.updateWorkspace(params.id, body),
    out: workspaceAnswer,
  }),
  route({
    method: 'DELETE',
    path: '/workspaces/{id}',
    operationId: 'deleteWorkspace',
    summary: 'Delete a workspace',
    description: 'Neither the default workspace nor one that has keys.',
    permission: 'workspaces:write',
    params: schemas.WorkspaceAddress,
    replies: { 200: schemas.Deleted },
    errors: {
      ...NOT_FOUND,
      conflict: saying(400, 'bad_request', 'Workspaces with active API keys cannot be deleted'),
    },
    run: async ({ operations, params }) => {
      const { id, isDefault } = await operations.getWorkspace(params.id);
      if (isDefault)
        throw new WarderError('bad_request', 'The default workspace cannot be deleted');
      return operations.deleteWorkspace(id);
    },
    out: () => ({ status: 200, body: { deleted: true } }),
  }),
];

function workspaceAnswer(workspace: Workspace): Answer {
  return { status: 200, body: { data: workspaceBody(workspace) } };
}

function workspaceBody(workspace: Workspace) {
  return {
    id: workspace.id,
    name: workspace.name,
    slug: workspace.slug,
    created_by: workspace.createdBy.id,
    created_at: wholeSeconds(workspace.createdAt),
    updated_at: wholeSeconds(workspace.updatedAt),
  };
}
