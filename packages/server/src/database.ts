// A database in PostgreSQL, for who has one. What speaks to it is loaded only where somebody
// asks for it.

import type { Storage } from '@warder/core';
import type { Lookup } from './lookup.ts';
import type { Migration } from './migration.ts';
import type { SealedChains } from './sealed-chains.ts';
import type { DatabaseExamination } from './storage/postgres/examination.ts';
import type { MigrateOptions } from './storage/postgres/migrate.ts';
import type { PostgresOptions } from './storage/postgres.ts';
import { type Transferred, transfer } from './transfer.ts';

export type { DatabaseExamination } from './storage/postgres/examination.ts';
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

/** The statements that allow two roles what each needs: to migrate, and to serve. */
export async function grantsInPostgres(migrating: string, serving: string): Promise<string> {
  const { grantsFor } = await import('./storage/postgres/grants.ts');
  return grantsFor(migrating, serving);
}

/** The migrations that a database lacks, without changing it. @throws as `openPostgres` does */
export async function pendingInPostgres(options: MigrateOptions): Promise<readonly Migration[]> {
  const engine = await import('./storage/postgres/migrate.ts');
  return await engine.pendingInDatabase(options);
}

/**
 * Takes an installation from a file to a database while it is in use, and gives the file up in the end.
 * @throws TransferError, SchemaError; then the file goes on as before
 */
export async function transferToPostgres(
  file: string,
  options: MigrateOptions,
  tell: (pass: number, share: number) => void,
): Promise<Transferred> {
  const { openTransferSource } = await import('./storage/embedded/transfer-source.ts');
  const { withTransferTarget } = await import('./storage/postgres/transfer-target.ts');
  const source = openTransferSource(file);
  try {
    return await withTransferTarget(options, (target) => transfer(source, target, tell));
  } finally {
    source.close();
  }
}

/** Reads the chains of events in a database for as long as they are used. @throws as `openPostgres` does */
export async function withSealedEvents<Result>(
  options: MigrateOptions,
  use: (sealed: SealedChains) => Promise<Result>,
): Promise<Result> {
  const engine = await import('./storage/postgres/sealed.ts');
  return await engine.withSealedEvents(options, use);
}

/** Looks whether all is well with a database. @throws as `openPostgres` does */
export async function examinePostgres(
  options: MigrateOptions,
  now: () => number,
): Promise<DatabaseExamination> {
  const engine = await import('./storage/postgres/examination.ts');
  return await engine.examineDatabase(options, now);
}
