// The route of the audit log.

import { type Event, moment } from '@warder/core';
import { route } from '../../dialect.ts';
import { pageBody, pageRequest } from './paging.ts';
import * as schemas from './schemas.ts';

export const eventRoutes = [
  route({
    method: 'GET',
    path: '/v1/events',
    operationId: 'listEvents',
    summary: 'List events',
    description:
      'Newest first: one with every change, with who made it, from where, and what changed.',
    permission: 'events:read',
    query: schemas.WithinPageQuery,
    replies: { 200: schemas.EventPage },
    run: ({ operations, query }) =>
      operations.listEvents({ ...pageRequest(query), workspaceId: query.workspace_id }),
    out: (page) => pageBody(page, eventBody),
  }),
];

function eventBody(event: Event) {
  const { id, type, actor, subject, before, after } = event;
  const { address, requestId } = event.origin;
  return {
    id,
    workspace_id: event.workspaceId,
    type,
    created_at: moment(event.createdAt),
    actor,
    origin: { address, request_id: requestId },
    subject,
    before,
    after,
  };
}
