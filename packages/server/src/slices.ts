// Lists in SQL: pages in the order of an index, confined to a reach. A list is a
// few queries that an engine runs in one snapshot, some only where an earlier one
// found too little, and whose rows are put together at the end. How an index is read
// in its order, each engine says in words of its own.

import type {
  Key,
  NameFilter,
  Owner,
  OwnerFilter,
  Place,
  Range,
  Slice,
  SliceRequest,
  Total,
  Workspace,
  WorkspaceFilter,
} from '@warder/core';
import { positionAt } from '@warder/core';
import {
  type CreditedOwnerRow,
  keyOf,
  OWNER_COLUMNS,
  ownerOf,
  type UsedKeyRow,
  WORKSPACE_COLUMNS,
  type WorkspaceRow,
  workspaceOf,
} from './rows.ts';
import { type Query, type RawBuilder, sql } from './storage.ts';

/** A query of a list: left out, as if it had found nothing, unless all of its conditions hold. */
export interface ListQuery extends Query {
  readonly onlyIf?: readonly OnlyIf[];
}

/** That an earlier query of the same list, by its place, found fewer rows than so many, or not. */
export interface OnlyIf {
  readonly query: number;
  readonly fewerThan: number;
  readonly holds: boolean;
}

/** The queries of a list, and what their rows amount to. */
export interface Listing<Answer> {
  readonly queries: readonly ListQuery[];
  answer(results: readonly (readonly unknown[])[]): Answer;
}

/** The workspace a list is confined to; null for every one. */
export type Within = string | null;

/** The most rows that a page or a count visits, unless it must be exact. */
export const MOST_VISITED = 10_000;
/** The most of them that a page visits in an index that holds what it asks for. */
export const MOST_PASSED = 5_000;
/** The most of them where each has to be looked up. */
export const MOST_LOOKED_UP = 2_000;

export type Sql = RawBuilder<unknown>;

/** Rows of a table that stand side by side in one index, in the order of creation. */
export interface Run {
  readonly table: 'workspaces' | 'owners' | 'members' | 'events';
  /** Null for the order that the table itself has. */
  readonly index: string | null;
  /** What the index begins with. */
  readonly equal: readonly Equal[];
  /** The condition of an index that leaves rows out, word for word. */
  readonly present?: readonly Sql[];
  readonly created?: Range | undefined;
  /** What has to be looked up row by row. */
  readonly residual: readonly Sql[];
}

export interface Equal {
  readonly column: string;
  readonly value: string | number;
}

/** Runs that are read side by side, merged in their common order. */
export interface RunWalk {
  readonly runs: readonly Run[];
  readonly columns: Sql;
  readonly ascending: boolean;
  /** The most rows that a page visits; as many as may be unless given. */
  readonly visits?: number;
}

/** How an engine reads them. */
export interface Walks {
  /** That a text holds another. */
  holds(column: Sql, text: string): Sql;
  listing<Row, Item>(
    walk: RunWalk,
    slice: SliceRequest,
    itemOf: (row: Row) => Item,
  ): Listing<Slice<Item>>;
  /** Up to `most` of the keys of deleted workspaces that are not deleted, and of those that are but not erased. */
  keysToErase(within: Within, most: number): readonly Query[];
}

export function totalOf(row: unknown, total: 'bounded' | 'exact'): Total {
  // Of the very query above.
  const { found, visited } = row as { found: number; visited: number };
  const exact = total === 'exact' || visited <= MOST_VISITED;
  return { count: exact ? found : Math.min(found, MOST_VISITED), exact };
}

/** What the queries of a walk add to each row. */
export interface Placed {
  readonly place: string;
  readonly sorted: string | number | null;
}

/** The page that a walk's rows amount to. */
export function sliceOf<Row, Item>(
  rows: readonly unknown[],
  reached: readonly unknown[],
  { limit, from }: SliceRequest,
  itemOf: (row: Row) => Item,
): Slice<Item> {
  const items = (rows as Row[]).slice(0, limit).map(itemOf);
  const ordered = from?.side === 'before' ? items.reverse() : items;
  if (rows.length > limit) return { items: ordered, more: true };
  const [end] = reached as Placed[];
  if (end === undefined) return { items: ordered, more: false };
  const place: Place = { value: end.sorted, position: BigInt(end.place) };
  return { items: ordered, more: true, reached: place };
}

/** Stands where a list has no query to make. */
export const NOTHING: Query = { sql: 'select 1 where false', parameters: [] };

export function listWorkspaces(
  walks: Walks,
  within: Within,
  filter: NameFilter,
  slice: SliceRequest,
): Listing<Slice<Workspace>> {
  const confined = within === null ? [] : [sql`workspaces.id = ${within}`];
  const run = {
    table: 'workspaces',
    index: 'workspaces_list',
    equal: [],
    present: [sql`workspaces.deleted_at is null`],
    residual: confined,
  } as const;
  const walk = named(walks, run, filter, WORKSPACE_COLUMNS);
  return walks.listing<WorkspaceRow, Workspace>(walk, slice, workspaceOf);
}

export function listOwners(
  walks: Walks,
  within: Within,
  filter: OwnerFilter,
  slice: SliceRequest,
): Listing<Slice<Owner>> {
  const { type } = filter;
  const equal = homesOf(within, filter).map((value) => ({ column: 'workspace_id', value }));
  const run = {
    table: 'owners',
    index: equal.length === 0 ? null : 'owners_list_in_workspace',
    equal,
    residual: type === undefined ? [] : [sql`owners.type = ${type}`],
  } as const;
  const walk = named(walks, run, filter, OWNER_COLUMNS);
  // Looked up for each owner of the page, which a join leaves to the planner.
  const [balance, refill] = ['balance', 'refill_at'].map(
    (column) =>
      sql`(select ${sql.ref(column)} from balances where subject = owners.id) as ${sql.ref(column)}`,
  );
  const columns = sql`${walk.columns}, ${balance}, ${refill}`;
  return walks.listing<CreditedOwnerRow, Owner>({ ...walk, columns }, slice, ownerOf);
}

/** The walk of what has a name, in the order of creation. */
export function named(
  { holds }: Walks,
  run: Run,
  { created, search, ascending = false }: NameFilter,
  columns: readonly string[],
): RunWalk {
  const { table, residual } = run;
  const found = search === undefined ? [] : [holds(sql.ref(`${table}.search`), search)];
  const confined = { ...run, created, residual: [...residual, ...found] };
  return { runs: [confined], columns: listed(table, columns), ascending };
}

/** A range of creation, on positions. */
export function createdIn(position: Sql, range: Range | undefined): Sql[] {
  const { after, before } = range ?? {};
  return [
    ...(after === undefined ? [] : [sql`${position} >= ${positionAt(after)}`]),
    ...(before === undefined ? [] : [sql`${position} < ${positionAt(before)}`]),
  ];
}

export function listed(table: string, columns: readonly string[]): Sql {
  return sql.raw(columns.map((column) => `"${table}"."${column}"`).join(', '));
}

/** Keys of deleted workspaces that are not tombstones yet. */
export function listKeysToErase(
  walks: Walks,
  within: Within,
  most: number,
): Listing<readonly Key[]> {
  return {
    queries: walks.keysToErase(within, most),
    answer: (results) => (results.flat() as UsedKeyRow[]).slice(0, most).map(keyOf),
  };
}

/** Both the reach and the filter confine: where they differ, nothing is found. */
export function homesOf(within: Within, { workspaceId }: WorkspaceFilter): string[] {
  return [...new Set([within, workspaceId])].filter((id) => typeof id === 'string');
}

export function all(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}
