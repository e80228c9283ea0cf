// The routes of principals, which are the owners of the workspace: what creating a
// first key needs.

import type { Owner } from '@warder/core';
import type { Admission } from '../../admission.ts';
import { route } from '../../dialect.ts';
import { wholeSeconds } from '../../moments.ts';
import { cursorsOf, enveloped } from './envelope.ts';
import { ofService } from './errors.ts';
import * as schemas from './schemas.ts';

/** @param service takes the service credential alone */
export function principalRoutes(service: Admission) {
  return [
    route({
      method: 'POST',
      path: '/principals',
      operationId: 'createPrincipal',
      summary: 'Create a principal, or find it',
      description: 'One that is there already by its `external_id` stays as it is: 200.',
      permission: 'owners:write',
      admits: service,
      body: schemas.PrincipalCreate,
      replies: { 200: schemas.EnsuredPrincipal, 201: schemas.EnsuredPrincipal },
      errors: ofService,
      run: ({ operations, body: { external_id, type, name, metadata } }) =>
        operations.ensureOwner({ ownerId: external_id }, { type, name, metadata: metadata ?? {} }),
      out: ({ owner, created }) =>
        enveloped(created ? 201 : 200, { ...principalBody(owner), created }),
    }),
    route({
      method: 'GET',
      path: '/principals',
      operationId: 'listPrincipals',
      summary: 'List principals',
      description: 'The newest first.',
      permission: 'owners:read',
      admits: service,
      query: schemas.PrincipalPage,
      replies: { 200: schemas.PrincipalList },
      errors: ofService,
      run: ({ operations, query }) => operations.listOwners(query),
      out: (page) => {
        const there = page.items.filter(({ erasedAt }) => erasedAt === null);
        return enveloped(200, there.map(principalBody), cursorsOf(page));
      },
    }),
  ];
}

function principalBody(owner: Owner) {
  return {
    id: owner.id,
    external_id: owner.externalId,
    type: owner.type,
    name: owner.name,
    metadata: owner.metadata,
    created_at: wholeSeconds(owner.createdAt),
    updated_at: wholeSeconds(owner.updatedAt),
  };
}
