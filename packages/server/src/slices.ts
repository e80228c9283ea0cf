// Lists in SQL: pages in the order of an index, confined to a reach. A list is a
// few queries that an engine runs in one snapshot, some only where an earlier one
// found too little, and whose rows are put together at the end.

import type {
  Key,
  NameFilter,
  Owner,
  OwnerFilter,
  Place,
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
import {
  type Builder,
  conditionsOn,
  type Query,
  type RawBuilder,
  selectKeys,
  sql,
} from './storage.ts';

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

/** One index as it is read in its order. */
export interface Arm {
  /** What stands behind FROM, with the table that the residual conditions and the columns are of. */
  readonly from: Sql;
  /** The same where only the place is asked for. */
  readonly bare: Sql;
  readonly position: Sql;
  /** The column that stands before the position in the order; null for none. */
  readonly value: Sql | null;
  /** What is not greater than any of its values. */
  readonly least?: Sql;
  /** What the index itself answers. */
  readonly driving: readonly Sql[];
  /** What has to be looked up row by row. */
  readonly residual: readonly Sql[];
  /** Whether it is known to hold so few rows that all may be looked at. */
  readonly few?: boolean;
}

/** Indices that are read side by side, merged in their common order. */
export interface Walk {
  readonly arms: readonly Arm[];
  readonly columns: Sql;
  /** Behind FROM of the arms, for the columns. */
  readonly join?: Sql;
  readonly ascending: boolean;
  /** The most rows that a page visits; as many as may be unless given. */
  readonly visits?: number;
  /** Whether its arm begins and ends by itself. */
  readonly ended?: boolean;
}

/** What the queries of a walk add to each row. */
interface Placed {
  readonly place: string;
  readonly sorted: string | number | null;
}

/** One page of a walk, and where a bounded one was ended. */
export function walkQueries(builder: Builder, walk: Walk, slice: SliceRequest) {
  const { arms, columns, join = sql``, visits = MOST_VISITED, ended = false } = walk;
  const { limit, offset = 0 } = slice;
  const upwards = walk.ascending !== (slice.from?.side === 'before');
  const direction = upwards ? sql`asc` : sql`desc`;
  const sorted = arms.some(({ value }) => value !== null);
  const order = sorted ? sql`sorted ${direction}, place ${direction}` : sql`place ${direction}`;
  const long = arms.some(({ residual, few }) => residual.length > 0 && !few);
  // An offset is for surfaces that owe whole pages, whatever they cost.
  const bounded = offset === 0 && long;

  // The cursor first: of two bounds on one column SQLite seeks by the first, and a cursor lies
  // within whatever range its list has.
  const begun = (arm: Arm): readonly Arm[] =>
    (ended ? [[]] : beyond(arm, slice.from, upwards)).map((start) => ({
      ...arm,
      driving: [...start, ...arm.driving],
    }));
  const places = (arm: Arm) =>
    sql`select ${placeOf(arm)} from ${arm.bare} where ${all(arm.driving)}`;
  const visited = united(arms.flatMap(begun).map(places));
  const last = sql`${visited} order by ${order} limit 1 offset ${sql.lit(visits - 1)}`;
  const rows = (arm: Arm) => {
    const end = bounded && !ended ? [within(arm, upwards)] : [];
    const conditions = all([...arm.driving, ...arm.residual, ...end]);
    return sql`select ${columns}, ${placeOf(arm)} from ${arm.from} ${join} where ${conditions}`;
  };
  const reached = bounded && !ended ? sql`with reached as materialized (${last}) ` : sql``;
  const page = sql`${reached}${united(arms.flatMap(begun).map(rows))} order by ${order} limit ${limit + 1} offset ${offset}`;
  return {
    page: page.compile(builder) as Query,
    reached: bounded
      ? (sql`select cast(place as text) as place, sorted from (${last})`.compile(builder) as Query)
      : null,
  };
}

/** How many rows a walk finds, having visited one more than `most` at the most. */
export function countQuery(builder: Builder, { arms }: Walk, total: 'bounded' | 'exact'): Query {
  const counted = ({ from, bare, driving, residual }: Arm) =>
    residual.length === 0
      ? sql`select 1 as found from ${bare} where ${all(driving)}`
      : sql`select ${all(residual)} as found from ${from} where ${all(driving)}`;
  const limit = total === 'exact' ? sql`` : sql`limit ${sql.lit(MOST_VISITED + 1)}`;
  const visited = sql`${united(arms.map(counted))} ${limit}`;
  // A condition on a column that is null is null, which a sum passes over.
  return sql`select coalesce(sum(found), 0) as found, count(*) as visited from (${visited})`.compile(
    builder,
  );
}

export function totalOf(row: unknown, total: 'bounded' | 'exact'): Total {
  // Of the very query above.
  const { found, visited } = row as { found: number; visited: number };
  const exact = total === 'exact' || visited <= MOST_VISITED;
  return { count: exact ? found : Math.min(found, MOST_VISITED), exact };
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

/** The list of a single walk. */
export function listing<Row, Item>(
  builder: Builder,
  walk: Walk,
  slice: SliceRequest,
  itemOf: (row: Row) => Item,
): Listing<Slice<Item>> {
  const { total, limit } = slice;
  const { page, reached } = walkQueries(builder, walk, slice);
  const short = { query: 0, fewerThan: limit + 1, holds: true };
  const ending = reached ?? NOTHING;
  const count = total === 'none' ? NOTHING : countQuery(builder, walk, total);
  return {
    queries: [page, { ...ending, onlyIf: [short] }, count],
    answer([rows = [], end = [], counted = []]) {
      const answer = sliceOf(rows, end, slice, itemOf);
      return total === 'none' ? answer : { ...answer, total: totalOf(counted[0], total) };
    },
  };
}

/** Stands where a list has no query to make. */
export const NOTHING: Query = { sql: 'select 1 where false', parameters: [] };

export function listWorkspaces(
  builder: Builder,
  within: Within,
  filter: NameFilter,
  slice: SliceRequest,
): Listing<Slice<Workspace>> {
  const confined = within === null ? [] : [sql`workspaces.id = ${within}`];
  return listing<WorkspaceRow, Workspace>(
    builder,
    named(
      'workspaces',
      'workspaces_list',
      [sql`workspaces.deleted_at is null`],
      confined,
      filter,
      WORKSPACE_COLUMNS,
    ),
    slice,
    workspaceOf,
  );
}

export function listOwners(
  builder: Builder,
  within: Within,
  filter: OwnerFilter,
  slice: SliceRequest,
): Listing<Slice<Owner>> {
  const { type } = filter;
  const homes = homesOf(within, filter).map((id) => sql`owners.workspace_id = ${id}`);
  const ofType = type === undefined ? [] : [sql`owners.type = ${type}`];
  const index = homes.length === 0 ? null : 'owners_list_in_workspace';
  const walk = named('owners', index, homes, ofType, filter, OWNER_COLUMNS);
  const columns = sql`${walk.columns}, balances.balance, balances.refill_at`;
  const join = sql`left join balances on balances.subject = owners.id`;
  return listing<CreditedOwnerRow, Owner>(builder, { ...walk, columns, join }, slice, ownerOf);
}

/** The walk of what has a name, in the order of creation. */
export function named(
  table: 'workspaces' | 'owners' | 'members',
  index: string | null,
  driving: readonly Sql[],
  residual: readonly Sql[],
  { created, search, ascending = false }: NameFilter,
  columns: readonly string[],
): Walk {
  const position = sql.ref(`${table}.position`);
  const source = index === null ? sql.table(table) : indexed(table, index);
  const found =
    search === undefined ? [] : [sql`instr(${sql.ref(`${table}.search`)}, ${search}) > 0`];
  const arm: Arm = {
    from: source,
    bare: source,
    position,
    value: null,
    driving: [...driving, ...createdIn(position, created)],
    residual: [...residual, ...found],
  };
  return { arms: [arm], columns: listed(table, columns), ascending };
}

/** A table as one index of it gives it: a statement that cannot use it fails. */
export function indexed(table: string, index: string): Sql {
  return sql`${sql.table(table)} indexed by ${sql.ref(index)}`;
}

/** A range of creation, on positions. */
export function createdIn(position: Sql, range: NameFilter['created']): Sql[] {
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
  builder: Builder,
  within: Within,
  most: number,
): Listing<readonly Key[]> {
  const gone = builder.selectFrom('workspaces').select('id').where('deleted_at', 'is not', null);
  const confined = within === null ? gone : gone.where('id', '=', within);
  const on = conditionsOn('keys');
  const shelves = [
    on('keys.deleted_at', 'is', null),
    on.and([on('keys.deleted_at', 'is not', null), on('keys.erased_at', 'is', null)]),
  ];
  const queries = shelves.map((shelf) =>
    selectKeys(builder).where('workspace_id', 'in', confined).where(shelf).limit(most).compile(),
  );
  return {
    queries,
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

function united(queries: readonly Sql[]): Sql {
  return sql.join(queries, sql` union all `);
}

function placeOf({ position, value }: Arm): Sql {
  return sql`${position} as place, ${value ?? sql`null`} as sorted`;
}

/** What an arm begins with behind a place: more than one where it has to be entered at more than one. */
export function beyond(
  { position, value }: Arm,
  from: SliceRequest['from'],
  upwards: boolean,
): Sql[][] {
  if (from === null) return [[]];
  const { place } = from;
  const than = upwards ? sql`>` : sql`<`;
  const behind = sql`${position} ${than} ${place.position}`;
  if (value === null) return [[behind]];
  // As a row of two values SQLite would enter at the first and pass all that share it.
  return [[sql`${value} = ${place.value}`, behind], [sql`${value} ${than} ${place.value}`]];
}

/** Not further than the last place to be visited, which is none where the end comes before. */
function within({ position, value, least = sql`-1` }: Arm, upwards: boolean): Sql {
  const than = upwards ? sql`<=` : sql`>=`;
  // A blob is more than any number and any text; no position is less than 0.
  const [greatest, end] = [sql`x'ff'`, upwards ? sql`x'ff'` : sql`-1`];
  return value === null
    ? sql`${position} ${than} coalesce((select place from reached), ${end})`
    : sql`(${value}, ${position}) ${than} (select sorted, place from (select sorted, place from reached) union all select ${upwards ? greatest : least}, ${end} limit 1)`;
}
