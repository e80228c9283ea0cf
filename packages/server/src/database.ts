// A database in PostgreSQL, for who has one. What speaks to it is loaded only where somebody
// asks for it.

import type { Storage } from '@warder/core';
import type { Lookup } from './lookup.ts';
import type { Migration } from './migration.ts';
import type { MigrateOptions } from './storage/postgres/migrate.ts';
import type { PostgresOptions } from './storage/postgres.ts';

export type { MigrateOptions } from './storage/postgres/migrate.ts';
export type { PostgresOptions } from './storage/postgres.ts';

/**
 * Opens the store in a database, and sets an empty one up.
 * @throws AddressError for a URL that is none, SchemaError where this program must not run on the
 * database, unavailable where it does not answer
 */
export async function openPostgres(
  options: PostgresOptions,
): Promise<{ storage: Storage; lookup: Lookup }> {
  const engine = await import('./storage/postgres.ts');
  return await engine.openPostgres(options);
}

/** Runs the migrations that a database lacks, and answers which. @throws as `openPostgres` does */
export async function migratePostgres(options: MigrateOptions): Promise<readonly Migration[]> {
  const engine = await import('./storage/postgres/migrate.ts');
  return await engine.migrateDatabase(options);
}

/** The migrations that a database lacks, without changing it. @throws as `openPostgres` does */
export async function pendingInPostgres(options: MigrateOptions): Promise<readonly Migration[]> {
  const engine = await import('./storage/postgres/migrate.ts');
  return await engine.pendingInDatabase(options);
}
