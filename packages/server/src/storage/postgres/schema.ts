// What a start may find in a database, and how migrations run in it: one process at a time,
// all or none, under a lock that a pooler in transaction mode keeps, too.

import {
  type Migration,
  pendingMigrations,
  type RecordedMigration,
  recordOf,
  SchemaError,
} from '../../migration.ts';
import { inSchema } from './builder.ts';
import type { Connection } from './connection.ts';

/** What a start does about migrations that a database lacks. An empty one is set up either way. */
export type Pending = 'run' | 'refuse';

/** Before it, `MERGE` and security fixes that are counted on are missing. */
const OLDEST_VERSION = 150_000;
/** How long a start waits for another one that migrates, and for who uses what is changed. */
const WAIT_MILLISECONDS = 15_000;
/** How long all of it may take. */
const MIGRATION_MILLISECONDS = 3_600_000;

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS warder.migrations (
  number bigint PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  oldest_program bigint NOT NULL
)`;

/** Makes a database ready, or finds that it is. @throws SchemaError where this program must not run on it */
export async function prepareSchema(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[],
  pending: Pending,
): Promise<void> {
  await checkServer(connection);
  const recorded = await recordedIn(connection, schema);
  const [needed] = pendingMigrations(migrations, recorded);
  if (needed === undefined) return;
  if (pending === 'refuse' && recorded.length > 0) {
    throw new SchemaError(
      `The database lacks migration ${needed.number} (${needed.name}): run \`warder migrate\` first.`,
    );
  }
  await migrate(connection, schema, migrations);
}

/** The migrations that a database lacks, without changing it. @throws SchemaError where this program must not run on it */
export async function pendingIn(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  return pendingMigrations(migrations, await recordedIn(connection, schema));
}

async function migrate(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  await connection.script(
    `BEGIN; SET LOCAL lock_timeout = ${WAIT_MILLISECONDS}; SET LOCAL statement_timeout = 0`,
  );
  try {
    await connection.run(
      {
        sql: `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`,
        parameters: [lockOf(schema)],
      },
      2 * WAIT_MILLISECONDS,
    );
    // Read again now that no other process migrates.
    for (const migration of await pendingIn(connection, schema, migrations)) {
      if (migration.number === 1) {
        await connection.script(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
        await connection.script(inSchema(schema, MIGRATIONS_TABLE));
      }
      await connection.script(inSchema(schema, migration.sql), MIGRATION_MILLISECONDS);
      const { number, name, checksum, oldest_program } = recordOf(migration);
      await connection.run({
        sql: inSchema(schema, 'INSERT INTO warder.migrations VALUES ($1, $2, $3, $4)'),
        parameters: [number, name, checksum, oldest_program],
      });
    }
    await connection.script('COMMIT');
  } catch (error) {
    await connection.script('ROLLBACK').catch(() => connection.destroy());
    throw error;
  }
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
