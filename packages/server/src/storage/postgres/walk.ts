// One page of a list, read from one or several indices that are each in its order. Each
// is read by a statement of its own, ended after so many rows, and what they found is
// merged here: only as far as the one that was ended first.

import type { Place, Slice, SliceRequest } from '@warder/core';
import { sql } from 'kysely';
import {
  all,
  type Listing,
  type ListQuery,
  MOST_VISITED,
  NOTHING,
  type OnlyIf,
  type Placed,
  type Sql,
  sliceOf,
  totalOf,
} from '../../slices.ts';
import type { Builder, Query } from '../../storage.ts';
import { isUpwards, orderOf, type Scan, scanned, unordered } from './scan.ts';

/** What is read of the rows of one table. */
export type Arm = Scanned | Hits;

/** A scan in the order of the list. Rows of a narrow table beside the list's own stand for its. */
export interface Scanned {
  readonly scan: Scan;
  /** What has to be looked up row by row. */
  readonly residual: readonly Sql[];
}

/** Positions of few rows, in no order: all of them are looked at. */
export interface Hits {
  readonly positions: Sql;
  readonly residual: readonly Sql[];
}

export interface Walk {
  readonly table: string;
  readonly arms: readonly Arm[];
  readonly columns: Sql;
  /** Behind FROM, for the columns. */
  readonly join?: Sql;
  /** The column that stands before the position in the order; null for none. */
  readonly value: string | null;
  readonly ascending: boolean;
  /** The most rows that a page visits. */
  readonly visits?: number;
}

/** The statements of one arm: its part of a page, and where it was ended; both are one of all arms' in a page that passes over rows. */
interface Leg {
  readonly page: Query;
  readonly reached: Query | null;
}

function legsOf(builder: Builder, walk: Walk, slice: SliceRequest): readonly Leg[] {
  const { arms, visits = MOST_VISITED } = walk;
  const { limit, from, offset = 0 } = slice;
  const upwards = isUpwards(walk.ascending, from);
  // An offset is for surfaces that owe whole pages, whatever they cost.
  if (offset > 0) return [{ page: passing(walk, slice, upwards).compile(builder), reached: null }];
  const most = Math.ceil(visits / arms.length);
  return arms.map((arm) => {
    if (!('scan' in arm)) {
      const page = sql`${gathered(walk, arm, from, upwards)} limit ${limit + 1}`;
      return { page: page.compile(builder), reached: null };
    }
    const { scan, residual } = arm;
    const bounded = residual.length > 0;
    const reading = { upwards, behind: from?.place ?? null };
    const rows = sql.ref(`${scan.table}`);
    const found = scanned(scan, sql`${rows}.*`, {
      ...reading,
      most: bounded ? sql.lit(most) : sql`${limit + 1}`,
    });
    const page = sql`select ${walk.columns}, ${placeOf(scan.table, walk.value)} from ${read(walk, scan, found)} where ${all(residual)} order by ${orderOf(scan, upwards)} limit ${limit + 1}`;
    const last = { ...reading, most: sql.lit(1), offset: most - 1 };
    return {
      page: page.compile(builder),
      reached: bounded
        ? scanned(scan, placeOf(scan.table, walk.value), last).compile(builder)
        : null,
    };
  });
}

/** What stands behind FROM: what a scan found, under its table's name, with the list's own rows. */
function read({ table, join = sql`` }: Walk, scan: Scan, found: Sql): Sql {
  const name = sql.ref(scan.table);
  if (scan.table === table) return sql`(${found}) as ${name} ${join}`;
  return sql`(${found}) as ${name} ${lookedUp(table, sql.ref(`${scan.table}.position`))} ${join}`;
}

/** A row looked up for each that there is, never the other way around. */
function lookedUp(table: string, place: Sql): Sql {
  const position = sql.ref(`${table}.position`);
  return sql`inner join lateral (select * from ${sql.table(table)} where ${position} = ${place} limit 1) as ${sql.ref(table)} on true`;
}

function gathered(walk: Walk, hits: Hits, from: SliceRequest['from'], upwards: boolean): Sql {
  const { table, value, columns, join = sql`` } = walk;
  const direction = upwards ? sql`asc` : sql`desc`;
  const than = upwards ? sql`>` : sql`<`;
  const position = sql.ref(`${table}.position`);
  const column = value === null ? null : sql.ref(`${table}.${value}`);
  const place = from?.place ?? null;
  // In the order of creation no more rows are looked up than the page needs.
  const begin =
    place === null || column !== null ? sql`` : sql`where position ${than} ${place.position}`;
  const few = sql`select position from (${hits.positions}) as found ${begin} order by position ${direction}`;
  const behind =
    place === null || column === null
      ? []
      : [sql`(${column}, ${position}) ${than} (${place.value}, ${place.position})`];
  const order =
    column === null
      ? sql`few.position ${direction}`
      : sql`${column} ${direction}, ${position} ${direction}`;
  return sql`select ${columns}, ${placeOf(table, value)} from (${few}) as few ${lookedUp(table, sql`few.position`)} ${join} where ${all([...hits.residual, ...behind])} order by ${order}`;
}

function passing(walk: Walk, { limit, offset = 0, from }: SliceRequest, upwards: boolean): Sql {
  const { value, arms } = walk;
  const rows = arms.map((arm) => {
    if (!('scan' in arm)) return gathered(walk, arm, from, upwards);
    const found = scanned(arm.scan, sql`${sql.ref(arm.scan.table)}.*`, { upwards });
    const order = arms.length === 1 ? sql`order by ${orderOf(arm.scan, upwards)}` : sql``;
    return sql`select ${walk.columns}, ${placeOf(arm.scan.table, value)} from ${read(walk, arm.scan, found)} where ${all(arm.residual)} ${order}`;
  });
  const bounds = sql`limit ${limit + 1} offset ${offset}`;
  const [only, ...others] = rows;
  if (only !== undefined && others.length === 0) return sql`${only} ${bounds}`;
  const direction = upwards ? sql`asc` : sql`desc`;
  const sorted = value === null ? sql`` : sql`sorted ${direction}, `;
  const each = rows.map((row) => sql`(${row})`);
  return sql`select page.* from (${sql.join(each, sql` union all `)}) as page order by ${sorted}cast(place as bigint) ${direction} ${bounds}`;
}

/** What places a row in the order: a text of its position, since that is too long for a number. */
function placeOf(table: string, value: string | null): Sql {
  const place = sql`cast(${sql.ref(`${table}.position`)} as text) as place`;
  return value === null ? place : sql`${place}, ${sql.ref(`${table}.${value}`)} as sorted`;
}

/** How many rows a walk finds, having visited one more than may be at the most. */
export function countQuery(builder: Builder, walk: Walk, total: 'bounded' | 'exact'): Query {
  const most = total === 'exact' ? undefined : sql.lit(MOST_VISITED + 1);
  const counted = walk.arms.map((arm) => {
    const says = sql`${all(arm.residual)} as found`;
    if (!('scan' in arm)) {
      return sql`select ${says} from (${arm.positions}) as few ${lookedUp(walk.table, sql`few.position`)}`;
    }
    const { scan, residual } = arm;
    if (residual.length === 0) return unordered(scan, sql`true as found`, most);
    const found = unordered(scan, sql`${sql.ref(scan.table)}.*`, most);
    return sql`select ${says} from ${read({ ...walk, join: sql`` }, scan, found)}`;
  });
  const visited = sql.join(
    counted.map((one) => sql`(${one})`),
    sql` union all `,
  );
  const limit = most === undefined || counted.length === 1 ? sql`` : sql`limit ${most}`;
  return sql`select cast(count(*) filter (where found) as double precision) as found, cast(count(*) as double precision) as visited from (${visited} ${limit}) as counted`.compile(
    builder,
  );
}

/** Where the queries of a page stand among those of its list. */
export interface Paged {
  readonly rows: number;
  readonly reached: number;
}

/** Adds the queries of a page, which are asked only where that holds. */
export function addPage(
  queries: ListQuery[],
  builder: Builder,
  walk: Walk,
  slice: SliceRequest,
  taken: readonly OnlyIf[] = [],
): readonly Paged[] {
  return legsOf(builder, walk, slice).map(({ page, reached }) => {
    const rows = queries.push({ ...page, onlyIf: taken }) - 1;
    const short = { query: rows, fewerThan: slice.limit + 1, holds: true };
    const onlyIf = [...taken, short];
    return { rows, reached: queries.push({ ...(reached ?? NOTHING), onlyIf }) - 1 };
  });
}

/** Merges what was found, as far as every arm was read. */
export function mergedSlice<Row, Item>(
  pages: readonly Paged[],
  results: readonly (readonly unknown[])[],
  { value, ascending }: Pick<Walk, 'value' | 'ascending'>,
  slice: SliceRequest,
  itemOf: (row: Row) => Item,
): Slice<Item> {
  const at = (query: number) => results[query] ?? [];
  const rows = pages.flatMap(({ rows }) => at(rows));
  // Of the very queries above.
  const ends = pages.flatMap(({ reached }) => at(reached)) as Placed[];
  if ((slice.offset ?? 0) > 0) return sliceOf(rows, ends, slice, itemOf);
  const inOrder = byPlace(value !== null, isUpwards(ascending, slice.from));
  const [end] = ends.sort(inOrder);
  const merged = (rows as (Row & Placed)[])
    .filter((row) => end === undefined || inOrder(row, end) <= 0)
    .sort(inOrder);
  return sliceOf(merged, end === undefined ? [] : [end], slice, itemOf);
}

function byPlace(isSorted: boolean, upwards: boolean) {
  return (one: Placed, other: Placed): number => {
    const sorted = isSorted ? compared(one.sorted ?? 0, other.sorted ?? 0) : 0;
    const least = sorted || compared(BigInt(one.place), BigInt(other.place));
    return upwards ? least : -least;
  };
}

/** Texts as the server sorts them, by their bytes. */
function compared(one: Place['value'] | bigint, other: Place['value'] | bigint): number {
  if (typeof one === 'string' && typeof other === 'string') {
    return Buffer.compare(Buffer.from(one), Buffer.from(other));
  }
  if (one === null || other === null || one === other) return 0;
  return one < other ? -1 : 1;
}

/** The list of a single walk. */
export function listing<Row, Item>(
  builder: Builder,
  walk: Walk,
  slice: SliceRequest,
  itemOf: (row: Row) => Item,
): Listing<Slice<Item>> {
  const { total } = slice;
  const queries: ListQuery[] = [];
  const pages = addPage(queries, builder, walk, slice);
  const counted = total === 'none' ? null : queries.push(countQuery(builder, walk, total)) - 1;
  return {
    queries,
    answer(results) {
      const answer = mergedSlice(pages, results, walk, slice, itemOf);
      if (counted === null || total === 'none') return answer;
      return { ...answer, total: totalOf(results[counted]?.[0], total) };
    },
  };
}
