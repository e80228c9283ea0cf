// The routes of members: who belongs to which workspace, in which role.

import { describeMember, type Member } from '@warder/core';
import { type Answer, route } from '../../dialect.ts';
import { Confirm } from './confirmation.ts';
import { nameFilter, pageBody, pageRequest } from './paging.ts';
import * as parameters from './parameters.ts';
import * as schemas from './schemas.ts';

export const memberRoutes = [
  route({
    method: 'POST',
    path: '/v1/members',
    operationId: 'addMember',
    summary: 'Add a member',
    description:
      'Who it is, the issuer and the subject of its tokens say together. Its role is a preset of permissions, none of which may go beyond your own. Refused with 409 for a subject that is a member of the workspace already.',
    permission: 'members:write',
    body: schemas.MemberAdd,
    retryable: true,
    replies: { 201: schemas.Member },
    run: ({ operations, body }) => {
      const { workspace_id: workspaceId, ...draft } = body;
      return operations.addMember({ ...draft, workspaceId });
    },
    out: (member) => ({
      ...memberAnswer(member),
      status: 201,
      location: `/v1/members/${member.id}`,
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/members',
    operationId: 'listMembers',
    summary: 'List members',
    description: 'Without those that were removed.',
    permission: 'members:read',
    query: parameters.MemberPageQuery,
    replies: { 200: schemas.MemberPage },
    run: ({ operations, query }) =>
      operations.listMembers({
        ...pageRequest(query),
        ...nameFilter(query),
        workspaceId: query.workspace_id,
        role: query.role,
      }),
    out: (page) => pageBody(page, describeMember),
  }),
  route({
    method: 'GET',
    path: '/v1/members/{id}',
    operationId: 'getMember',
    summary: 'Get a member',
    permission: 'members:read',
    params: parameters.IdParams,
    replies: { 200: schemas.Member },
    run: ({ operations, params }) => operations.getMember(params.id),
    out: memberAnswer,
  }),
  route({
    method: 'PATCH',
    path: '/v1/members/{id}',
    operationId: 'updateMember',
    summary: 'Update a member',
    description:
      'A merge patch (RFC 7396). Neither its role nor the new one may go beyond your own permissions, and a workspace keeps its last owner (409). A role that is set here is no longer changed by claims.',
    permission: 'members:write',
    params: parameters.IdParams,
    body: schemas.MemberPatch,
    replies: { 200: schemas.Member },
    run: ({ operations, params, body, ifVersion }) =>
      operations.updateMember(params.id, body, { ifVersion }),
    out: memberAnswer,
  }),
  route({
    method: 'DELETE',
    path: '/v1/members/{id}',
    operationId: 'removeMember',
    summary: 'Remove a member',
    description:
      'Final: ends its sign-ins, and disables the keys that it owns (whose `owner_id` is its id) and the management keys that it made, but for those of `keep_keys`. Standard keys that it made for others stay. A workspace keeps its last owner (409). No claim brings it back.',
    permission: 'members:write',
    params: parameters.IdParams,
    query: parameters.MemberRemoveQuery,
    body: Confirm,
    bodyOptional: true,
    replies: { 200: schemas.Member },
    run: ({ operations, params, query, ifVersion }) =>
      operations.removeMember(params.id, { keepKeys: query.keep_keys, ifVersion }),
    out: memberAnswer,
  }),
];

function memberAnswer(member: Member): Answer {
  return { status: 200, body: describeMember(member), version: member.version };
}
