// A part of one index, read in its order. PostgreSQL takes no hint of which index to
// use, so the statement leaves no other: it is bounded as rows of all the columns that
// the index begins with, and ordered by every one of them, which no other index gives.

import type { Place, SliceRequest } from '@warder/core';
import { sql } from 'kysely';
import { all, type Equal, type Sql } from '../../slices.ts';

export interface Scan {
  readonly table: string;
  /** What the index begins with. */
  readonly equal: readonly Equal[];
  /** The column that stands before the position in the order; null for none. */
  readonly value: string | null;
  /** A range of that column, or of the position where there is none. */
  readonly range?: Ends;
  /** The condition of an index that leaves rows out, word for word, and what few rows fail. */
  readonly where: readonly Sql[];
  /** Whether it is the table's own order, rather than that of an index that leaves rows out. */
  readonly own?: boolean;
}

/** From the one on, up to the other without it. */
export interface Ends {
  readonly from?: number | bigint | undefined;
  readonly before?: number | bigint | undefined;
}

export interface Reading {
  readonly upwards: boolean;
  /** The place of a cursor, which it begins behind. */
  readonly behind?: Place | null;
  /** How many rows at the most; no end unless given. */
  readonly most?: Sql;
  /** How many are passed over. */
  readonly offset?: number;
}

/** Whether a list is read upwards, which a cursor's other side turns around. */
export function isUpwards(ascending: boolean, from: SliceRequest['from']): boolean {
  return ascending !== (from?.side === 'before');
}

/** Reads these columns of a scan. */
export function scanned(scan: Scan, columns: Sql, reading: Reading): Sql {
  const { upwards, behind = null, most, offset = 0 } = reading;
  const conditions = all([...bounds(scan, upwards, behind), ...scan.where]);
  const read = sql`select ${columns} from ${sql.table(scan.table)} where ${conditions} order by ${orderOf(scan, upwards)}`;
  if (most === undefined) return read;
  return offset === 0
    ? sql`${read} limit ${most}`
    : sql`${read} limit ${most} offset ${sql.lit(offset)}`;
}

/** Reads these columns of a scan in no order. */
export function unordered(scan: Scan, columns: Sql, most?: Sql): Sql {
  const { table, equal, value, range = {}, where } = scan;
  const within = sql.ref(`${table}.${value ?? 'position'}`);
  const conditions = all([
    ...equal.map((one) => sql`${sql.ref(`${table}.${one.column}`)} = ${one.value}`),
    ...(range.from === undefined ? [] : [sql`${within} >= ${range.from}`]),
    ...(range.before === undefined ? [] : [sql`${within} < ${range.before}`]),
    ...where,
  ]);
  const limit = most === undefined ? sql`` : sql`limit ${most}`;
  return sql`select ${columns} from ${sql.table(table)} where ${conditions} ${limit}`;
}

/** The order of a scan, for whatever reads what it gives under the name of its table. */
export function orderOf(scan: Scan, upwards: boolean): Sql {
  const { table, equal, value } = scan;
  const direction = upwards ? sql`asc` : sql`desc`;
  const columns = [...equal.map(({ column }) => column), ...(value === null ? [] : [value])];
  const each = columns.map((column) => sql`${sql.ref(`${table}.${column}`)} ${direction}`);
  const position = sql.ref(`${table}.position`);
  return sql.join([...each, sql`${position} ${isApart(scan) ? apart(upwards) : direction}`]);
}

/** Whether its index has nothing before the position, as the primary key of its table has. */
function isApart({ equal, value, own = false }: Scan): boolean {
  return !own && equal.length === 0 && value === null;
}

/** No position is null: where nulls stand is all that tells such an index from the primary key. */
function apart(upwards: boolean): Sql {
  return upwards ? sql`asc nulls first` : sql`desc nulls last`;
}

function bounds(scan: Scan, upwards: boolean, behind: Place | null): Sql[] {
  const { equal, value, range = {} } = scan;
  const { from, before } = range;
  const first = equal.map((one) => one.value);
  // A cursor that lies outside of the range begins where the range does.
  const key = value === null ? behind?.position : behind?.value;
  const isAhead =
    typeof key === 'string' || typeof key === 'object' || key === undefined
      ? false
      : upwards
        ? from !== undefined && key < from
        : before !== undefined && key >= before;
  const cursor =
    behind === null || isAhead
      ? null
      : [...first, ...(value === null ? [] : [behind.value]), behind.position];
  const least = from === undefined ? first : [...first, from];
  const most = before === undefined ? first : [...first, before];
  return [
    ...(upwards && cursor !== null ? bound(scan, sql`>`, cursor) : bound(scan, sql`>=`, least)),
    ...(!upwards && cursor !== null
      ? bound(scan, sql`<`, cursor)
      : bound(scan, before === undefined ? sql`<=` : sql`<`, most)),
  ];
}

/** On as many columns of the index as there are values. */
function bound({ table, equal, value }: Scan, than: Sql, values: readonly unknown[]): Sql[] {
  if (values.length === 0) return [];
  const names = [
    ...equal.map(({ column }) => column),
    ...(value === null ? [] : [value]),
    'position',
  ].slice(0, values.length);
  const columns = sql.join(names.map((name) => sql.ref(`${table}.${name}`)));
  const [first, ...others] = values;
  // Not to be guessed from: a range that seems to hold a handful of rows is worth sorting.
  const type = typeof first === 'string' ? sql`text` : sql`bigint`;
  const unknown = sql`(select cast(${first} as ${type}))`;
  return [
    values.length === 1
      ? sql`${columns} ${than} ${unknown}`
      : sql`(${columns}) ${than} (${sql.join([unknown, ...others])})`,
  ];
}
