// An installation taken from a file to a database elsewhere while it is in use: passes that
// compare both, some rows at a time, and write what differs. Each is shorter than the one
// before; the last is made while nobody can write, and shows that both hold the same. It may
// be cut short anywhere and begun again: what is there already is only compared.

import { hash } from 'node:crypto';

/** A value as both sides write it: integers in decimal, bytes in hexadecimal. */
export type Value = string | null;
export type Row = readonly Value[];

export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Its primary key, which both sides order it by. */
  readonly key: readonly string[];
}

/** Rows of a table behind one key and up to another, in order; null for its beginning and its end. */
export interface Span {
  readonly after: Row | null;
  readonly upTo: Row | null;
}

export interface TransferSource {
  /** What tells this installation from others. */
  readonly installation: string;
  tables(): readonly CopiedTable[];
  /** How many rows a table has now. */
  count(table: CopiedTable): number;
  read(table: CopiedTable, after: Row | null, most: number): readonly Row[];
  /** Whether it was given up in favour of another database. */
  isMoved(): boolean;
  /** Lets nobody else write until `release`; who reads goes on. */
  hold(): void;
  release(): void;
  /** Ends the hold so that nobody can write any more. Durable when it returns. */
  giveUp(): void;
}

export interface TransferTarget {
  /** Makes the database ready, and marks it so that nobody uses it meanwhile. @throws SchemaError where it has an installation already */
  begin(installation: string): Promise<'begun' | 'finished before'>;
  sumOf(table: CopiedTable, span: Span): Promise<Sum>;
  /** Makes rows of those in that span; answers how many differed, or `clash` where rows further on stand in the way. */
  replace(table: CopiedTable, span: Span, rows: readonly Row[]): Promise<number | 'clash'>;
  clear(table: CopiedTable): Promise<void>;
  /** Lets it be used. Durable when it resolves. */
  finish(): Promise<void>;
}

export interface Sum {
  readonly rows: number;
  /** SHA-256 in hexadecimal of `textOf` each row, one a line. */
  readonly sha256: string;
}

export interface TransferredTable extends Sum {
  readonly table: string;
}

export interface Transferred {
  /** Null where it was finished before. */
  readonly tables: readonly TransferredTable[] | null;
  /** For how long nobody could write. */
  readonly heldMilliseconds: number;
}

/** Two sides that must be equal and are not. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
}

const ROWS_A_STEP = 1_000;
/** What a pass may have found different for the next one to be the last. */
const FEW = 2_000;
const MOST_PASSES = 6;

/**
 * @param tell is told of each pass, and of the share of it that is done
 * @throws TransferError, and what either side throws; then the source goes on as before
 */
export async function transfer(
  source: TransferSource,
  target: TransferTarget,
  tell: (pass: number, share: number) => void,
): Promise<Transferred> {
  if ((await target.begin(source.installation)) === 'finished before') {
    if (source.isMoved()) return { tables: null, heldMilliseconds: 0 };
    throw new TransferError('The database has this installation already, and it is not this copy.');
  }
  let passes = 0;
  const next = (isLast: boolean) => {
    passes++;
    return pass(source, target, isLast, (share) => tell(passes, share));
  };
  for (let differing = FEW; differing >= FEW && passes < MOST_PASSES; ) {
    ({ differing } = await next(false));
  }
  source.hold();
  const start = performance.now();
  try {
    const { tables } = await next(true);
    source.giveUp();
    const heldMilliseconds = Math.round(performance.now() - start);
    await target.finish();
    return { tables, heldMilliseconds };
  } catch (error) {
    source.release();
    throw error;
  }
}

async function pass(
  source: TransferSource,
  target: TransferTarget,
  isLast: boolean,
  tell: (share: number) => void,
): Promise<{ differing: number; tables: readonly TransferredTable[] }> {
  const tables = source.tables();
  const all = tables.reduce((sum, table) => sum + source.count(table), 0);
  const done: TransferredTable[] = [];
  let differing = 0;
  let before = 0;
  for (const table of tables) {
    const onRows = (rows: number) => tell(all === 0 ? 1 : Math.min(1, (before + rows) / all));
    let found = await passTable(source, target, table, isLast, onRows);
    if (found === 'clash') {
      // Rows that changed places: what is unique of one is still with another further on.
      await target.clear(table);
      found = await passTable(source, target, table, isLast, onRows);
    }
    if (found === 'clash') {
      throw new TransferError(`Rows of ${table.name} contradict each other.`);
    }
    differing += found.differing;
    before += found.rows;
    done.push({ table: table.name, rows: found.rows, sha256: found.sha256 });
  }
  return { differing, tables: done };
}

async function passTable(
  source: TransferSource,
  target: TransferTarget,
  table: CopiedTable,
  isLast: boolean,
  onRows: (rows: number) => void,
): Promise<'clash' | (Sum & { differing: number })> {
  const sums: string[] = [];
  let count = 0;
  let differing = 0;
  for (let after: Row | null = null; ; ) {
    const rows = source.read(table, after, ROWS_A_STEP);
    const last = rows.at(-1);
    const upTo: Row | null =
      rows.length < ROWS_A_STEP || last === undefined ? null : keyOf(table, last);
    const span = { after, upTo };
    const wanted = sumOf(rows);
    if (!equal(await target.sumOf(table, span), wanted)) {
      const replaced = await target.replace(table, span, rows);
      if (replaced === 'clash') return 'clash';
      differing += replaced;
      if (isLast && !equal(await target.sumOf(table, span), wanted)) {
        throw new TransferError(`What was written of ${table.name} is not what was read of it.`);
      }
    }
    sums.push(wanted.sha256);
    count += rows.length;
    onRows(count);
    if (upTo === null) break;
    after = upTo;
  }
  return { rows: count, sha256: hash('sha256', sums.join('\n')), differing };
}

function equal(one: Sum, other: Sum): boolean {
  return one.rows === other.rows && one.sha256 === other.sha256;
}

function sumOf(rows: readonly Row[]): Sum {
  return { rows: rows.length, sha256: hash('sha256', rows.map(textOf).join('\n')) };
}

/** A row as one text that no other row has: the length of each value in bytes, and the value. */
export function textOf(row: Row): string {
  return row
    .map((value) => (value === null ? '-;' : `${Buffer.byteLength(value)}:${value};`))
    .join('');
}

export function keyOf({ columns, key }: CopiedTable, row: Row): Row {
  return key.map((name) => row[columns.indexOf(name)] ?? null);
}
