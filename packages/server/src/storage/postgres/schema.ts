// What a start may find in a database, and how migrations run in it: one process at a time,
// under a lock that a pooler in transaction mode keeps, too. What takes long runs outside of
// a transaction, so that nobody who uses the table waits for it, and goes on where it ended.

import {
  type Migration,
  pendingMigrations,
  type RecordedMigration,
  recordOf,
  SchemaError,
} from '../../migration.ts';
import { inSchema } from './builder.ts';
import type { Connection } from './connection.ts';
import { isClash, isDenied, isLocked } from './failure.ts';

export interface PostgresMigration extends Migration {
  /**
   * Of one that takes long on a large table: an index of that name, whose text is one `CREATE INDEX
   * CONCURRENTLY`; or one statement that writes some rows, and is run until it finds none. Either
   * may be cut short and run again. Any other runs in a transaction.
   */
  readonly outside?: { readonly index: string } | 'fill';
}

/** What a start does about migrations that a database lacks. An empty one is set up either way. */
export type Pending = 'run' | 'refuse';

/** Before it, `MERGE` and security fixes that are counted on are missing. */
const OLDEST_VERSION = 150_000;
/** How long a start waits for another one that migrates, and for who uses what is changed. */
const WAIT_MILLISECONDS = 15_000;
/** While it waits for a lock, all who use the table wait behind it: this long at once. */
const LOCK_MILLISECONDS = 1_000;
/** How long all of it may take. */
const MIGRATION_MILLISECONDS = 3_600_000;

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS warder.migrations (
  number bigint PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  oldest_program bigint NOT NULL
)`;

/** There while an installation is copied into the database. */
export const COPYING_TABLE = `CREATE TABLE warder.copying (
  id smallint PRIMARY KEY CHECK (id = 1),
  installation text NOT NULL
)`;

export async function isBeingCopied(connection: Connection, schema: string): Promise<boolean> {
  const found = await connection.run({
    sql: 'SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2',
    parameters: [schema, 'copying'],
  });
  return found.count > 0;
}

/**
 * Makes a database ready, or finds that it is.
 * @param open opens another connection to it, which holds the lock
 * @param use `copying` by who copies an installation into it, which nobody else may use meanwhile
 * @throws SchemaError where this program must not run on it
 */
export async function prepareSchema(
  connection: Connection,
  open: () => Promise<Connection>,
  schema: string,
  migrations: readonly PostgresMigration[],
  pending: Pending,
  use: 'whole' | 'copying' = 'whole',
): Promise<void> {
  await checkServer(connection);
  if (use === 'whole' && (await isBeingCopied(connection, schema))) {
    throw new SchemaError(
      'A copy into this database is not finished: run the same `warder copy` again, which goes on where it ended.',
    );
  }
  const recorded = await recordedIn(connection, schema);
  const [needed] = pendingMigrations(migrations, recorded);
  if (needed === undefined) return;
  if (pending === 'refuse' && recorded.length > 0) {
    throw lacking(needed);
  }
  await migrate(connection, open, schema, migrations);
}

/** The migrations that a database lacks, without changing it. @throws SchemaError where this program must not run on it */
export async function pendingIn(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  return pendingMigrations(migrations, await recordedIn(connection, schema));
}

/** For who only reads. @throws SchemaError where migrations are pending, on an empty database too */
export async function mustBeWhole(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  const [needed] = await pendingIn(connection, schema, migrations);
  if (needed !== undefined) throw lacking(needed);
}

function lacking({ number, name }: Migration): SchemaError {
  return new SchemaError(
    `The database lacks migration ${number} (${name}): run \`warder migrate\` first.`,
  );
}

async function migrate(
  connection: Connection,
  open: () => Promise<Connection>,
  schema: string,
  migrations: readonly PostgresMigration[],
): Promise<void> {
  // In a transaction that does nothing else: a lock of the session would be lost behind a pooler.
  const lock = await open();
  try {
    await lock.script('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0');
    await taken(lock, schema);
    // Read again now that no other process migrates.
    for (const migration of await pendingOnes(connection, schema, migrations)) {
      if (migration.outside !== undefined) await runOutside(connection, schema, migration);
      await patiently(() => runInside(connection, schema, migration));
      if (!lock.alive) {
        throw new SchemaError('The lock of migrations was lost: run `warder migrate` again.');
      }
    }
  } catch (error) {
    if (isLocked(error)) throw heldUp();
    if (isDenied(error)) {
      throw new SchemaError(
        'The role of this connection may not change the schema: run `warder migrate` with one that may, as `warder migrate --print-grants` tells.',
      );
    }
    throw error;
  } finally {
    lock.destroy();
  }
}

/** Tried again and again: who waits for a lock within a statement is waited for by who builds an index. */
async function taken(connection: Connection, schema: string): Promise<void> {
  for (const giveUpAt = performance.now() + WAIT_MILLISECONDS; ; ) {
    const { rows } = await connection.run<{ taken: boolean }>({
      sql: `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS taken`,
      parameters: [lockOf(schema)],
    });
    // Ends the statement on the server, too: until then its snapshot would be waited for.
    await connection.script('SELECT 1');
    if (rows[0]?.taken) return;
    if (performance.now() > giveUpAt) throw heldUp();
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80));
  }
}

function heldUp(): SchemaError {
  return new SchemaError(
    `Something held up the migrations for ${WAIT_MILLISECONDS / 1000} s: another process that migrates, or a long transaction. Try again once it has ended.`,
  );
}

async function pendingOnes(
  connection: Connection,
  schema: string,
  migrations: readonly PostgresMigration[],
): Promise<readonly PostgresMigration[]> {
  const numbers = (await pendingIn(connection, schema, migrations)).map(({ number }) => number);
  return migrations.filter(({ number }) => numbers.includes(number));
}

/** Nothing of it was kept where it met those who use the tables: again, until they let it pass. */
async function patiently(run: () => Promise<void>): Promise<void> {
  for (const giveUpAt = performance.now() + WAIT_MILLISECONDS; ; ) {
    try {
      return await run();
    } catch (error) {
      const met = isLocked(error) || isClash(error);
      if (!met || performance.now() > giveUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 200));
  }
}

/** What is left of a migration is done in a transaction, and noted with it. */
async function runInside(
  connection: Connection,
  schema: string,
  migration: PostgresMigration,
): Promise<void> {
  await connection.script(
    `BEGIN; SET LOCAL lock_timeout = ${LOCK_MILLISECONDS}; SET LOCAL statement_timeout = 0`,
  );
  try {
    if (migration.number === 1) {
      // To make one that is there takes a right that it needs no more.
      const made = await connection.run({
        sql: 'SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1',
        parameters: [schema],
      });
      if (made.count === 0) await connection.script(`CREATE SCHEMA ${schema}`);
      await connection.script(inSchema(schema, MIGRATIONS_TABLE));
    }
    if (migration.outside === undefined) {
      await connection.script(inSchema(schema, migration.sql), MIGRATION_MILLISECONDS);
    }
    const { number, name, checksum, oldest_program } = recordOf(migration);
    await connection.run({
      sql: inSchema(schema, 'INSERT INTO warder.migrations VALUES ($1, $2, $3, $4)'),
      parameters: [number, name, checksum, oldest_program],
    });
    await connection.script('COMMIT');
  } catch (error) {
    await connection.script('ROLLBACK').catch(() => connection.destroy());
    throw error;
  }
}

async function runOutside(
  connection: Connection,
  schema: string,
  { sql, outside }: PostgresMigration,
): Promise<void> {
  const text = inSchema(schema, sql);
  if (outside === 'fill') {
    for (;;) {
      const { count } = await connection.run(
        { sql: text, parameters: [] },
        MIGRATION_MILLISECONDS,
        'rare',
      );
      if (count === 0) return;
    }
  }
  if (outside === undefined) return;
  const found = await connection.run<{ valid: boolean }>({
    sql: `SELECT indisvalid AS valid FROM pg_catalog.pg_index
      WHERE indexrelid = to_regclass($1)`,
    parameters: [`${schema}.${outside.index}`],
  });
  const [index] = found.rows;
  if (index?.valid) return;
  // What is left of one that was cut short: it is written to, and never read.
  const drop = `DROP INDEX CONCURRENTLY ${schema}.${outside.index}`;
  if (index !== undefined) await alone(connection, drop);
  await alone(connection, text);
}

/** In no transaction, and for as long as it takes. */
async function alone(connection: Connection, sql: string): Promise<void> {
  await connection.script('SET statement_timeout = 0');
  await connection.script(sql, MIGRATION_MILLISECONDS);
}

const lockOf = (schema: string) => `${schema} migrations`;

async function recordedIn(connection: Connection, schema: string): Promise<RecordedMigration[]> {
  const made = await connection.run({
    sql: 'SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = $2',
    parameters: [schema, 'migrations'],
  });
  if (made.count === 0) return [];
  const found = await connection.run<RecordedMigration>({
    sql: inSchema(schema, 'SELECT * FROM warder.migrations ORDER BY number'),
    parameters: [],
  });
  return [...found.rows];
}

/** @throws SchemaError */
async function checkServer(connection: Connection): Promise<void> {
  const { rows } = await connection.run<{ version: string; number: number; encoding: string }>({
    sql: `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
      current_setting('server_encoding') AS encoding`,
    parameters: [],
  });
  const [server] = rows;
  if (server === undefined) return;
  if (server.number < OLDEST_VERSION) {
    throw new SchemaError(`Warder needs PostgreSQL 15 or later (this is ${server.version}).`);
  }
  if (server.encoding !== 'UTF8') {
    throw new SchemaError(
      `Warder needs a database whose encoding is UTF8 (this one's is ${server.encoding}).`,
    );
  }
}
