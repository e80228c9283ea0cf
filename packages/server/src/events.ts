// The list of events in SQL. Of one workspace, by one filter, it is read from one
// index in order; by several types it is put together from the list of each. What
// has to be looked up row by row is ended after so many.

import type { EventFilter, Slice, SliceRequest, StoredEvent } from '@warder/core';
import { EVENT_COLUMNS, type EventRow, eventOf } from './event-rows.ts';
import {
  type Equal,
  homesOf,
  type Listing,
  listed,
  MOST_LOOKED_UP,
  type Run,
  type Sql,
  type Walks,
  type Within,
} from './slices.ts';
import { sql } from './storage.ts';

/** A filter as what holds of its rows: of any of these, and the index of one workspace's. */
interface Fact {
  readonly index: string;
  readonly anyOf: readonly Equal[];
  /** The condition of that index. */
  readonly present?: readonly Sql[];
}

export function listEvents(
  walks: Walks,
  within: Within,
  filter: EventFilter,
  slice: SliceRequest,
): Listing<Slice<StoredEvent>> {
  const homes = homesOf(within, filter).map((value) => ({ column: 'workspace_id', value }));
  const facts = factsOf(filter);
  const [driver] = homes.length === 0 ? [] : facts;
  const index = driver?.index ?? (homes.length === 0 ? null : 'events_list_in_workspace');
  const runs = (driver?.anyOf ?? [null]).map(
    (fact): Run => ({
      table: 'events',
      index,
      equal: [...homes, ...(fact === null ? [] : [fact])],
      present: driver?.present ?? [],
      created: filter.created,
      residual: facts.filter((one) => one !== driver).map(saying),
    }),
  );
  const columns = listed('events', EVENT_COLUMNS);
  const walk = { runs, columns, ascending: false, visits: MOST_LOOKED_UP };
  return walks.listing<EventRow, StoredEvent>(walk, slice, eventOf);
}

function saying({ anyOf }: Fact) {
  const each = anyOf.map(({ column, value }) => sql`${sql.ref(`events.${column}`)} = ${value}`);
  return sql`(${sql.join(each, sql` or `)})`;
}

/** Those that are likely to be narrow first. */
function factsOf({ keyId, ownerId, actorId, types }: EventFilter): readonly Fact[] {
  const fact = (
    index: string,
    column: string,
    values: readonly (string | undefined)[],
    present: readonly Sql[] = [],
  ): Fact[] => {
    const given = values.filter((value) => value !== undefined);
    const anyOf = given.map((value) => ({ column, value }));
    return anyOf.length === 0 ? [] : [{ index, anyOf, present }];
  };
  return [
    ...fact('events_of_subject', 'subject_id', [keyId]),
    ...fact('events_of_owner', 'owner_id', [ownerId], [sql`events.owner_id is not null`]),
    ...fact('events_of_actor', 'actor_id', [actorId]),
    ...fact('events_of_type', 'type', types ?? []),
  ];
}
