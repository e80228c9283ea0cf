// A part of one index, read in its order. PostgreSQL takes no hint of which index to use,
// so the order that is asked for is one that no other index gives: by the column that the
// index begins with, although it has one value alone, and by where nulls would stand
// among the positions, although no position is null.

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
  const [first] = equal;
  const columns = [...(first ? [first.column] : []), ...(value === null ? [] : [value])];
  const each = columns.map((column) => sql`${sql.ref(`${table}.${column}`)} ${direction}`);
  const nulls = isApart(scan) ? (upwards ? sql` nulls first` : sql` nulls last`) : sql``;
  return sql.join([...each, sql`${sql.ref(`${table}.position`)} ${direction}${nulls}`]);
}

/**
 * Whether its index has nulls first: none but those of one column before the position, which would
 * serve for narrower ones, too, and primary keys, which would serve for all.
 */
function isApart({ equal, value, own = false }: Scan): boolean {
  return !own && equal.length + (value === null ? 0 : 1) !== 1;
}

function bounds(scan: Scan, upwards: boolean, behind: Place | null): Sql[] {
  const { table, equal, value, range = {} } = scan;
  const { from, before } = range;
  const ref = (column: string) => sql.ref(`${table}.${column}`);
  const same = equal.map(({ column, value: one }, i) => {
    // What equals a value is not sorted by; what is any of one value is.
    if (i > 0) return sql`${ref(column)} = ${one}`;
    return sql`${ref(column)} = any(array[${typed(one)}])`;
  });
  const within = ref(value ?? 'position');
  /** The end that it comes to is told by rows: from two ends of one column a narrow range is guessed. */
  const end = (isEnd: boolean, than: Sql, at: number | bigint | undefined) => {
    if (at === undefined) return [];
    const one = unguessed(at);
    return [
      isEnd ? sql`(${within}, ${within}) ${than} (${one}, ${one})` : sql`${within} ${than} ${one}`,
    ];
  };
  const least = end(!upwards, sql`>=`, from);
  const most = end(upwards, sql`<`, before);
  if (behind === null || isAhead(scan, upwards, behind)) return [...same, ...least, ...most];
  const than = upwards ? sql`>` : sql`<`;
  const cursor =
    value === null
      ? sql`${within} ${than} ${unguessed(behind.position)}`
      : sql`(${within}, ${ref('position')}) ${than} (${unguessed(behind.value)}, ${behind.position})`;
  return [...same, cursor, ...(upwards ? most : least)];
}

function typed(value: unknown): Sql {
  return sql`cast(${value} as ${typeof value === 'string' ? sql`text` : sql`bigint`})`;
}

/** Not to be guessed from: what seems to be a handful of rows is worth sorting, and may be very many by now. */
function unguessed(value: unknown): Sql {
  return sql`(select ${typed(value)})`;
}

/** Whether a cursor lies before its range, so that it begins where the range does. */
function isAhead({ value, range = {} }: Scan, upwards: boolean, behind: Place): boolean {
  const { from, before } = range;
  const key = value === null ? behind.position : behind.value;
  if (key === null || typeof key === 'string') return false;
  return upwards ? from !== undefined && key < from : before !== undefined && key >= before;
}
