// The routes of the audit log: pages of it, and all of it as lines.

import { describeEvent, type EventQuery, type StoredEvent } from '@warder/core';
import type { z } from 'zod';
import { route } from '../../dialect.ts';
import { pageBody, pageRequest } from './paging.ts';
import * as parameters from './parameters.ts';
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
    query: parameters.EventPageQuery,
    replies: { 200: schemas.EventPage },
    run: ({ operations, query }) =>
      operations.listEvents({ ...pageRequest(query), ...eventQuery(query) }),
    out: (page) => pageBody(page, describeEvent),
  }),
  route({
    method: 'GET',
    path: '/v1/events/export',
    operationId: 'exportEvents',
    summary: 'Export events',
    description:
      'All that match, oldest first, each a line of JSON as the list shows it. It leaves an event of its own.',
    permission: 'events:read',
    query: parameters.EventQuery,
    mediaType: 'application/x-ndjson',
    replies: { 200: schemas.Event },
    run: ({ operations, query }) => operations.exportEvents(eventQuery(query)),
    out: (events) => ({ status: 200, body: undefined, items: described(events) }),
  }),
];

function eventQuery(query: z.output<typeof parameters.EventQuery>): EventQuery {
  const { created_after: after, created_before: before } = query;
  return {
    workspaceId: query.workspace_id,
    keyId: query.key_id,
    ownerId: query.owner_id,
    actorId: query.actor_id,
    types: query.type,
    created: { after, before },
  };
}

async function* described(events: AsyncIterable<StoredEvent>) {
  for await (const event of events) yield describeEvent(event);
}
