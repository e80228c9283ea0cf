// The list of events in SQL. Of one workspace, by one filter, it is read from one
// index in order; by several types it is put together from the list of each.

import {
  type EventFilter,
  type EventType,
  positionAt,
  type Slice,
  type SliceRequest,
  type StoredEvent,
} from '@warder/core';
import { EVENT_COLUMNS, type EventRow, eventOf } from './event-rows.ts';
import type { Listing, Within } from './slices.ts';
import { type Builder, type Condition, conditionsOn } from './storage.ts';

/** No count goes on past it unless it must be exact. */
const COUNTED = 10_000;

export function listEvents(
  builder: Builder,
  within: Within,
  filter: EventFilter,
  { limit, offset = 0, from, total }: SliceRequest,
): Listing<Slice<StoredEvent>> {
  const backwards = from?.side === 'before';
  const kinds = filter.types ?? [undefined];
  const froms = kinds.map((type) =>
    builder.selectFrom('events').where(matching(within, filter, type)),
  );
  const pages = froms.map((one) => {
    const ordered = one
      .select(EVENT_COLUMNS)
      .orderBy('position', backwards ? 'asc' : 'desc')
      .limit(offset + limit + 1);
    if (from === null) return ordered;
    return ordered.where('position', backwards ? '>' : '<', from.place.position);
  });
  const bound = total === 'exact' ? Number.MAX_SAFE_INTEGER : COUNTED + 1;
  const counts = froms.map((one) =>
    builder
      .selectFrom(one.select('position').limit(bound).as('some'))
      .select((expression) => expression.fn.countAll<number>().as('count')),
  );
  return {
    queries: [...pages, ...(total === 'none' ? [] : counts)].map((one) => one.compile()),
    answer(results) {
      const rows = (results.slice(0, pages.length) as EventRow[][])
        .flat()
        .sort((a, b) => (a.id < b.id === backwards ? -1 : 1))
        .slice(offset);
      const items = rows.slice(0, limit).map(eventOf);
      const counted = (results.slice(pages.length).flat() as { count: number }[]).reduce(
        (sum, { count }) => sum + count,
        0,
      );
      const exact = total === 'exact' || counted <= COUNTED;
      return {
        items: backwards ? items.reverse() : items,
        more: rows.length > limit,
        ...(total === 'none' ? {} : { total: { count: exact ? counted : COUNTED, exact } }),
      };
    },
  };
}

function matching(within: Within, filter: EventFilter, type: EventType | undefined): Condition {
  const on = conditionsOn('events');
  const homes = new Set([within, filter.workspaceId].filter((id) => typeof id === 'string'));
  const conditions: Condition[] = Array.from(homes, (id) => on('workspace_id', '=', id));
  const { keyId, ownerId, actorId, created = {} } = filter;
  if (type !== undefined) conditions.push(on('type', '=', type));
  if (keyId !== undefined) conditions.push(on('subject_id', '=', keyId));
  if (ownerId !== undefined) conditions.push(on('owner_id', '=', ownerId));
  if (actorId !== undefined) conditions.push(on('actor_id', '=', actorId));
  const { after, before } = created;
  if (after !== undefined) conditions.push(on('position', '>=', positionAt(after)));
  if (before !== undefined) conditions.push(on('position', '<', positionAt(before)));
  return on.and(conditions);
}
