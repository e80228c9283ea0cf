// Migrations on their own, without a start: which ones a database lacks, and running them,
// maybe as another role than the service has.

import type { Migration } from '../../migration.ts';
import { addressOf } from './address.ts';
import { checkSchema, SCHEMA } from './builder.ts';
import type { Connection } from './connection.ts';
import { toldOf } from './failure.ts';
import { MIGRATIONS } from './migrations.ts';
import { connectToPrimary } from './primary.ts';
import { type PostgresMigration, pendingIn, prepareSchema } from './schema.ts';

export interface MigrateOptions {
  readonly url: string;
  readonly schema?: string;
}

const MILLISECONDS = 10_000;

/** The migrations that a database lacks. Changes nothing. @throws AddressError, SchemaError, unavailable */
export function pendingInDatabase(options: MigrateOptions): Promise<readonly Migration[]> {
  return connected(options, ({ connection, schema }) => pendingIn(connection, schema, MIGRATIONS));
}

/** Runs what a database lacks, also beside running services. @throws AddressError, SchemaError, unavailable */
export function migrateDatabase(
  options: MigrateOptions,
  migrations: readonly PostgresMigration[] = MIGRATIONS,
): Promise<readonly Migration[]> {
  return connected(options, async ({ connection, open, schema }) => {
    const pending = await pendingIn(connection, schema, migrations);
    await prepareSchema(connection, open, schema, migrations, 'run');
    return pending;
  });
}

interface Connected {
  readonly connection: Connection;
  readonly open: () => Promise<Connection>;
  readonly schema: string;
}

/** Runs it with a connection that it may use as it likes, and that ends with it. @throws AddressError, SchemaError, unavailable */
export async function connected<Result>(
  { url, schema = SCHEMA }: MigrateOptions,
  use: (to: Connected) => Promise<Result>,
): Promise<Result> {
  checkSchema(schema);
  const address = addressOf(url);
  const deadlines = { connectMilliseconds: MILLISECONDS, statementMilliseconds: MILLISECONDS };
  try {
    const open = () => connectToPrimary({ address, ...deadlines, prepare: false });
    const connection = await open();
    try {
      return await use({ connection, open, schema });
    } finally {
      connection.destroy();
    }
  } catch (error) {
    throw toldOf(error, 'read');
  }
}
