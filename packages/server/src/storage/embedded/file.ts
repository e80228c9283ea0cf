// Opens the file: nobody but its owner may read it, every acknowledged commit is
// on the disk, and its schema is the one this program knows or may run on.
// Several processes may do so at once.

import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import {
  type Migration,
  pendingMigrations,
  type RecordedMigration,
  recordOf,
  SchemaError,
} from '../../migration.ts';
import { copyStill } from './copy.ts';
import { isBusy } from './failure.ts';

/** Before it, a reset of the WAL could corrupt the file. */
const OLDEST_SQLITE = '3.51.3';
/** How long a start waits for another one that migrates. */
const START_MILLISECONDS = 15_000;
/** Afterwards no thread waits long within SQLite: see `patiently` in embedded.ts and write-worker.ts. */
const BUSY_MILLISECONDS = 5;
/** What the connections keep of the file; the system keeps the rest. */
const READING_KILOBYTES = 8_192;
const WRITING_KILOBYTES = 8_192;
/** Each page of the log that was written often is worked in once: the longer, the cheaper. */
const CHECKPOINT_PAGES = 4_000;
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  oldest_program INTEGER NOT NULL
) STRICT`;

/** What a start does about migrations that a file lacks. A file that has some already is copied before. */
export type Pending = 'run' | 'run without a copy' | 'refuse';

/** @throws SchemaError where this program must not run on the file */
export function openFile(
  file: string,
  migrations: readonly Migration[],
  pending: Pending = 'run',
): Database.Database {
  makePrivate(file);
  const giveUpAt = performance.now() + START_MILLISECONDS;
  for (;;) {
    const connection = new Database(file, { timeout: START_MILLISECONDS });
    try {
      return prepared(connection, file, migrations, pending);
    } catch (error) {
      connection.close();
      // Two first starts can block each other while they turn to WAL, which SQLite does not wait out.
      if (!isBusy(error) || performance.now() > giveUpAt) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** @throws SchemaError for one with which the file would not be safe */
export function checkSqliteVersion(version: string): void {
  if (version.localeCompare(OLDEST_SQLITE, 'en', { numeric: true }) >= 0) return;
  throw new SchemaError(
    `Warder needs SQLite ${OLDEST_SQLITE} or later (this is ${version}): earlier ones can damage the file.`,
  );
}

function makePrivate(file: string): void {
  const folder = /^(.*)[/\\][^/\\]*$/.exec(file)?.[1];
  if (folder && !existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Not opened where it is there: closing it again would end locks that this process has.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
  // SQLite gives its two other files the mode of this one.
  for (const one of [file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(one)) chmodSync(one, 0o600);
  }
}

function prepared(
  connection: Database.Database,
  file: string,
  migrations: readonly Migration[],
  pending: Pending,
): Database.Database {
  checkSqliteVersion(String(connection.prepare('SELECT sqlite_version()').pluck().get()));
  connection.pragma('journal_mode = WAL');
  carefully(connection);
  // Off while migrating, so that a later migration can rebuild a table others refer to.
  connection.pragma('foreign_keys = OFF');
  const moved = movedAt(connection);
  if (moved !== null) {
    throw new SchemaError(
      `The installation in ${file} was moved to another database by \`warder copy\` at ${new Date(moved).toISOString()}: name that one by --database.`,
    );
  }
  migrate(connection, file, migrations, pending);
  connection.pragma('foreign_keys = ON');
  connection.pragma(`busy_timeout = ${BUSY_MILLISECONDS}`);
  return connection;
}

/** From now on nothing can be written through the connection, which reads single rows. */
export function onlyRead(connection: Database.Database): Database.Database {
  connection.pragma('query_only = ON');
  connection.pragma(`cache_size = -${READING_KILOBYTES}`);
  return connection;
}

/** A connection to a file that `openFile` has opened. Never waits for another process by itself. */
export function openForWriting(file: string): Database.Database {
  const connection = new Database(file, { fileMustExist: true, timeout: BUSY_MILLISECONDS });
  carefully(connection);
  connection.pragma('foreign_keys = ON');
  connection.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  return connection;
}

/** Sets a connection that writes up so that what it commits is on the disk. */
export function carefully(connection: Database.Database): void {
  connection.pragma('synchronous = FULL');
  connection.pragma('journal_size_limit = 67108864');
  connection.pragma(`cache_size = -${WRITING_KILOBYTES}`);
  connection.pragma('temp_store = MEMORY');
  connection.pragma('trusted_schema = OFF');
  // What is erased is overwritten, not only unlinked.
  connection.pragma('secure_delete = ON');
}

function migrate(
  connection: Database.Database,
  file: string,
  migrations: readonly Migration[],
  pending: Pending,
): void {
  const [needed] = pendingMigrations(migrations, recordedIn(connection));
  if (needed === undefined) return;
  if (pending === 'refuse') {
    throw new SchemaError(
      `The database ${file} lacks migration ${needed.number} (${needed.name}): run \`warder migrate\` first.`,
    );
  }
  connection
    .transaction(() => {
      // Read again now that no other process can write.
      const recorded = recordedIn(connection);
      const [first, ...rest] = pendingMigrations(migrations, recorded);
      if (first === undefined) return;
      if (recorded.length > 0 && pending === 'run') {
        copyStill(file, copyBefore(file, first), connection);
      }
      connection.exec(MIGRATIONS_TABLE);
      for (const migration of [first, ...rest]) {
        connection.exec(migration.sql);
        connection
          .prepare('INSERT INTO migrations VALUES (@number, @name, @checksum, @oldest_program)')
          .run(recordOf(migration));
      }
    })
    .immediate();
}

/** When `warder copy` took what is in it to another database; null where it did not. */
export function movedAt(connection: Database.Database): number | null {
  const is = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'moved'").get();
  return is === undefined ? null : Number(connection.prepare('SELECT at FROM moved').pluck().get());
}

/** Where the file as it was before that migration is left. */
export function copyBefore(file: string, { number }: Migration): string {
  return `${file}.before-${number}`;
}

/** The migrations that a file lacks, without changing it. @throws SchemaError where this program must not run on it */
export function pendingIn(
  connection: Database.Database,
  migrations: readonly Migration[],
): readonly Migration[] {
  return pendingMigrations(migrations, recordedIn(connection));
}

export function recordedIn(connection: Database.Database): RecordedMigration[] {
  const made = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get();
  if (made === undefined) return [];
  return connection
    .prepare<[], RecordedMigration>('SELECT * FROM migrations ORDER BY number')
    .all();
}
