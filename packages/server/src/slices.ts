// Lists in SQL: keyset pages, newest first, confined to a reach. A list is one
// or two queries in index order and, on demand, a count; an engine runs them in
// one snapshot and hands the rows back to be put together.

import type {
  Event,
  Key,
  KeyFilter,
  KeyStatus,
  Owner,
  Slice,
  SliceRequest,
  Workspace,
  WorkspaceFilter,
} from '@warder/core';
import {
  EVENT_COLUMNS,
  type EventRow,
  eventOf,
  keyOf,
  OWNER_COLUMNS,
  type OwnerRow,
  ownerOf,
  type UsedKeyRow,
  WORKSPACE_COLUMNS,
  type WorkspaceRow,
  workspaceOf,
} from './rows.ts';
import { type Builder, type Condition, conditionsOn, type Query, selectKeys } from './storage.ts';

/** The queries of a list, and what their rows amount to. */
export interface Listing<Answer> {
  readonly queries: readonly Query[];
  answer(results: readonly (readonly unknown[])[]): Answer;
}

/** The workspace a list is confined to; null for every one. */
export type Within = string | null;

export function listKeys(
  builder: Builder,
  within: Within,
  filter: KeyFilter,
  slice: SliceRequest,
): Listing<Slice<Key>> {
  const parts = shelvesOf(filter).map((shelf) => {
    const all = keyConditions(within, filter, shelf);
    return {
      page: page(selectKeys(builder).where(all), slice),
      count: builder.selectFrom('keys').select(counted).where(all),
    };
  });
  return listing<UsedKeyRow, Key>(parts, slice, keyOf);
}

export function listWorkspaces(
  builder: Builder,
  within: Within,
  slice: SliceRequest,
): Listing<Slice<Workspace>> {
  const on = conditionsOn('workspaces');
  const live = on('deleted_at', 'is', null);
  const all = within === null ? live : on.and([live, on('id', '=', within)]);
  const from = builder.selectFrom('workspaces').where(all);
  const part = { page: page(from.select(WORKSPACE_COLUMNS), slice), count: from.select(counted) };
  return listing<WorkspaceRow, Workspace>([part], slice, workspaceOf);
}

export function listOwners(
  builder: Builder,
  within: Within,
  filter: WorkspaceFilter,
  slice: SliceRequest,
): Listing<Slice<Owner>> {
  const on = conditionsOn('owners');
  const homes = homesOf(within, filter).map((id) => on('workspace_id', '=', id));
  const from = builder.selectFrom('owners').where(on.and(homes));
  const part = { page: page(from.select(OWNER_COLUMNS), slice), count: from.select(counted) };
  return listing<OwnerRow, Owner>([part], slice, ownerOf);
}

export function listEvents(
  builder: Builder,
  within: Within,
  filter: WorkspaceFilter,
  slice: SliceRequest,
): Listing<Slice<Event>> {
  const on = conditionsOn('events');
  const homes = homesOf(within, filter).map((id) => on('workspace_id', '=', id));
  const from = builder.selectFrom('events').where(on.and(homes));
  const part = { page: page(from.select(EVENT_COLUMNS), slice), count: from.select(counted) };
  return listing<EventRow, Event>([part], slice, eventOf);
}

/** Keys of deleted workspaces that are not tombstones yet. */
export function listKeysToErase(
  builder: Builder,
  within: Within,
  most: number,
): Listing<readonly Key[]> {
  const gone = builder.selectFrom('workspaces').select('id').where('deleted_at', 'is not', null);
  const confined = within === null ? gone : gone.where('id', '=', within);
  const queries = SHELVES.map((shelf) =>
    selectKeys(builder)
      .where('workspace_id', 'in', confined)
      .where(onShelf(shelf))
      .limit(most)
      .compile(),
  );
  return {
    queries,
    answer: (results) => (results.flat() as UsedKeyRow[]).slice(0, most).map(keyOf),
  };
}

// Deleted keys stand in indices of their own, so that however many there are,
// the others are read without passing them; a list of both merges the two.
const SHELVES = ['live', 'deleted'] as const;
type Shelf = (typeof SHELVES)[number];

function shelvesOf({ status, includeDeleted = false }: KeyFilter): readonly Shelf[] {
  if (status === undefined) return includeDeleted ? SHELVES : ['live'];
  return status === 'deleted' ? ['deleted'] : ['live'];
}

function onShelf(shelf: Shelf): Condition {
  const on = conditionsOn('keys');
  return shelf === 'live'
    ? on('deleted_at', 'is', null)
    : on.and([on('deleted_at', 'is not', null), on('erased_at', 'is', null)]);
}

function keyConditions(within: Within, filter: KeyFilter, shelf: Shelf): Condition {
  const on = conditionsOn('keys');
  const conditions: Condition[] = homesOf(within, filter).map((id) => on('workspace_id', '=', id));
  conditions.push(onShelf(shelf));
  if (filter.status) conditions.push(STATUS_CONDITIONS[filter.status](filter.now));
  if (filter.kind) conditions.push(on('kind', '=', filter.kind));
  if (filter.ownerId !== undefined) conditions.push(on('owner_id', '=', filter.ownerId));
  if (filter.environment) conditions.push(on('environment', '=', filter.environment));
  return on.and(conditions);
}

/** Both the reach and the filter confine: where they differ, nothing is found. */
function homesOf(within: Within, { workspaceId }: WorkspaceFilter): string[] {
  return [...new Set([within, workspaceId])].filter((id) => typeof id === 'string');
}

const key = conditionsOn('keys');
const inForce = key('revoked_at', 'is', null);
const switchedOn = key.and([inForce, key('enabled', '=', 1)]);
const unblocked = key.and([switchedOn, key('soft_blocked', '=', 0)]);
const unexpired = (now: number) =>
  key.and([unblocked, key.or([key('expires_at', 'is', null), key('expires_at', '>', now)])]);

/** The precedence of `statusOf` in the core, on stored facts. */
const STATUS_CONDITIONS: Readonly<Record<KeyStatus, (now: number) => Condition>> = {
  deleted: () => key('deleted_at', 'is not', null),
  revoked: () => key('revoked_at', 'is not', null),
  disabled: () => key.and([inForce, key('enabled', '=', 0)]),
  soft_blocked: () => key.and([switchedOn, key('soft_blocked', '=', 1)]),
  expired: (now) => key.and([unblocked, key('expires_at', '<=', now)]),
  not_yet_valid: (now) => key.and([unexpired(now), key('not_before', '>', now)]),
  active: (now) =>
    key.and([
      unexpired(now),
      key.or([key('not_before', 'is', null), key('not_before', '<=', now)]),
    ]),
};

interface Compilable {
  compile(): Query;
}

interface Pageable<Self> {
  where(condition: Condition): Self;
  orderBy(column: 'created_at' | 'id', direction: 'asc' | 'desc'): Self;
  limit(most: number): Self;
}

/** One more row than asked for, which tells whether more follow. */
function page<Select extends Pageable<Select>>(select: Select, { limit, from }: SliceRequest) {
  const direction = from?.side === 'before' ? 'asc' : 'desc';
  const ordered = select
    .orderBy('created_at', direction)
    .orderBy('id', direction)
    .limit(limit + 1);
  if (from === null) return ordered;
  // Every table that is listed has these two columns.
  const on = conditionsOn('events');
  const { createdAt, id } = from.position;
  return ordered.where(
    on(on.refTuple('created_at', 'id'), direction === 'asc' ? '>' : '<', on.tuple(createdAt, id)),
  );
}

const counted = conditionsOn('events').fn.countAll<number>().as('count');

function listing<Row extends { created_at: number; id: string }, Item>(
  parts: readonly { page: Compilable; count: Compilable }[],
  { limit, from, total }: SliceRequest,
  itemOf: (row: Row) => Item,
): Listing<Slice<Item>> {
  const counts = total ? parts.map((part) => part.count.compile()) : [];
  return {
    queries: [...parts.map((part) => part.page.compile()), ...counts],
    answer(results) {
      const backwards = from?.side === 'before';
      const rows = merged(results.slice(0, parts.length) as Row[][], backwards);
      const items = rows.slice(0, limit).map(itemOf);
      const sums = results.slice(parts.length).flat() as { count: number }[];
      return {
        items: backwards ? items.reverse() : items,
        more: rows.length > limit,
        total: total ? sums.reduce((sum, { count }) => sum + count, 0) : undefined,
      };
    },
  };
}

function merged<Row extends { created_at: number; id: string }>(
  lists: readonly Row[][],
  backwards: boolean,
): Row[] {
  const newestFirst = (a: Row, b: Row) =>
    b.created_at - a.created_at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
  if (lists.length < 2) return lists.flat();
  return lists.flat().sort((a, b) => (backwards ? newestFirst(b, a) : newestFirst(a, b)));
}
