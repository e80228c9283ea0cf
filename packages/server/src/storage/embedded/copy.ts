// A whole copy of the file, verified: of one moment, in a single file, for its
// owner alone. A hot copy never holds up who reads or writes; a still one is made
// while nobody can write, before a migration changes the file.

import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import type { SecretCheck } from '@warder/core';
import Database from 'better-sqlite3';
import { FileRefused } from '../../refusal.ts';
import { isSqliteFailure } from './failure.ts';

/** What a copy holds: enough to know it again, and what it misses of a later state. */
export interface Contents {
  /** The number of its last migration. */
  readonly schema: number;
  readonly checks: readonly SecretCheck[];
  readonly lastEvent: EventMark | null;
  /** How many rows each table has. */
  readonly rows: Readonly<Record<string, number>>;
}

export interface EventMark {
  readonly id: string;
  readonly type: string;
  readonly createdAt: number;
}

/** Told of a share from 0 to 1, again and again. */
export type Progress = (share: number) => void;

const PAGES_A_STEP = 2_000;
/** Sealed replies may show a key again: they are of no use elsewhere, and stay where they are. */
const LEFT_OUT = 'replies';

/**
 * Copies a file that others go on using. Nothing is at `to` before, and on failure nothing after.
 * @throws FileRefused for a copy that does not hold what the file held
 */
export async function copyHot(file: string, to: string, progress: Progress): Promise<Contents> {
  closeSync(openSync(to, 'wx', 0o600));
  const source = new Database(file, { readonly: true, fileMustExist: true });
  try {
    // Open from here to the end, so that every page is of one moment whatever is written meanwhile.
    source.exec('BEGIN');
    const expected = contentsOf(source);
    await source.backup(to, {
      progress({ totalPages, remainingPages }) {
        progress(0.5 * (1 - remainingPages / totalPages));
        return PAGES_A_STEP;
      },
    });
    const copy = new Database(to, { fileMustExist: true });
    try {
      // One file without companions, which is read where nothing can be written.
      copy.pragma('journal_mode = DELETE');
      copy.pragma('secure_delete = ON');
      copy.exec(`DELETE FROM ${LEFT_OUT}`);
      progress(0.6);
      checkIntegrity(copy);
      mustEqual(contentsOf(copy), { ...expected, rows: { ...expected.rows, [LEFT_OUT]: 0 } });
    } finally {
      copy.close();
    }
    progress(0.9);
    return expected;
  } catch (error) {
    discard(to);
    throw error;
  } finally {
    source.close();
  }
}

/**
 * Copies a file beside it, in place of an older copy of that name, while `writer` is in a
 * transaction that lets nobody else write.
 */
export function copyStill(file: string, to: string, writer: Database.Database): void {
  // Of several programs that start at once one gets here.
  const draft = `${to}.new`;
  discard(draft);
  closeSync(openSync(draft, 'wx', 0o600));
  try {
    const source = new Database(file, { readonly: true, fileMustExist: true });
    try {
      source.prepare('VACUUM INTO ?').run(draft);
    } finally {
      source.close();
    }
    const copy = new Database(draft, { fileMustExist: true });
    try {
      checkIntegrity(copy);
      mustEqual(rowsIn(copy), rowsIn(writer));
    } finally {
      copy.close();
    }
    sync(draft);
    renameSync(draft, to);
    syncFolder(to);
  } catch (error) {
    discard(draft);
    throw error;
  }
}

/** What a file holds. The connection is in a transaction where others write. */
export function contentsOf(connection: Database.Database): Contents {
  const checks = 'SELECT name, value FROM secret_checks ORDER BY name';
  const last =
    'SELECT id, type, created_at AS createdAt FROM events ORDER BY created_at DESC, id DESC LIMIT 1';
  return {
    schema: Number(connection.prepare('SELECT max(number) FROM migrations').pluck().get() ?? 0),
    checks: connection.prepare<[], SecretCheck>(checks).all(),
    lastEvent: connection.prepare<[], EventMark>(last).get() ?? null,
    rows: rowsIn(connection),
  };
}

/** How many rows each table has, whatever the schema. */
function rowsIn(connection: Database.Database): Record<string, number> {
  const tables = connection
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY name",
    )
    .pluck()
    .all();
  const count = (name: string) =>
    Number(connection.prepare(`SELECT count(*) FROM "${name}"`).pluck().get());
  return Object.fromEntries(tables.map((name) => [name, count(name)]));
}

/** @throws FileRefused for a file that is damaged within */
export function checkIntegrity(connection: Database.Database): void {
  const found = faultsIn(connection);
  if (found.length > 0) throw new FileRefused(`The copy is damaged: ${found[0]}.`);
}

/** What SQLite finds wrong with a file; nothing for a sound one. */
export function faultsIn(connection: Database.Database): string[] {
  try {
    const said = connection.prepare<[], string>('PRAGMA integrity_check(5)').pluck().all();
    const faults = said.filter((line) => line !== 'ok').map((line) => line.replace(/\n/g, '; '));
    const rows = connection.prepare<[], { table: string }>('PRAGMA foreign_key_check').all();
    const loose = rows.slice(0, 1).map((row) => `a row of ${row.table} refers to none`);
    return [...faults, ...loose];
  } catch (error) {
    if (!isSqliteFailure(error)) throw error;
    return [`it cannot be read (${error.code})`];
  }
}

function mustEqual<Value>(copied: Value, expected: Value): void {
  if (JSON.stringify(copied) === JSON.stringify(expected)) return;
  throw new FileRefused('The copy does not hold what the database held: try again.');
}

/** Takes a file away, with what SQLite may have left beside it. */
export function discard(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true });
}

/** Has a file on the disk once this returns. */
export function sync(file: string): void {
  const opened = openSync(file, 'r+');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Has the names in a file's folder on the disk once this returns. */
export function syncFolder(file: string): void {
  // Windows opens no folder, and needs no such sync.
  if (process.platform === 'win32') return;
  const opened = openSync(folderOf(file), 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

export function folderOf(file: string): string {
  return /^(.*)[/\\][^/\\]*$/.exec(file)?.[1] || (file.startsWith('/') ? '/' : '.');
}
