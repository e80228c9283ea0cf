// Walks of SQLite's indices: one page, where a bounded one was ended, and how many
// rows there are. Indices that are read side by side are merged in one statement.

import type { Slice, SliceRequest } from '@warder/core';
import { sql } from 'kysely';
import {
  all,
  createdIn,
  type Listing,
  MOST_VISITED,
  NOTHING,
  type Run,
  type Sql,
  sliceOf,
  totalOf,
  type Walks,
} from '../../slices.ts';
import { type Builder, conditionsOn, type Query, selectKeys } from '../../storage.ts';

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

/** How SQLite reads what has a name, and events. */
export function walksIn(builder: Builder): Walks {
  return {
    holds: (column, text) => sql`instr(${column}, ${text}) > 0`,
    listing: ({ runs, columns, ascending, visits }, slice, itemOf) =>
      listing(
        builder,
        {
          arms: runs.map(armOf),
          columns,
          ascending,
          ...(visits && { visits }),
        },
        slice,
        itemOf,
      ),
    keysToErase(within, most) {
      const gone = builder
        .selectFrom('workspaces')
        .select('id')
        .where('deleted_at', 'is not', null);
      const confined = within === null ? gone : gone.where('id', '=', within);
      const on = conditionsOn('keys');
      const shelves = [
        on('keys.deleted_at', 'is', null),
        on.and([on('keys.deleted_at', 'is not', null), on('keys.erased_at', 'is', null)]),
      ];
      return shelves.map((shelf) =>
        selectKeys(builder)
          .where('workspace_id', 'in', confined)
          .where(shelf)
          .limit(most)
          .compile(),
      );
    },
  };
}

function armOf({ table, index, equal, present = [], created, residual }: Run): Arm {
  // A statement that cannot use its index fails, rather than become slow.
  const source =
    index === null ? sql.table(table) : sql`${sql.table(table)} indexed by ${sql.ref(index)}`;
  const position = sql.ref(`${table}.position`);
  const driving = [
    ...equal.map(({ column, value }) => sql`${sql.ref(`${table}.${column}`)} = ${value}`),
    ...present,
    ...createdIn(position, created),
  ];
  return { from: source, bare: source, position, value: null, driving, residual };
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
