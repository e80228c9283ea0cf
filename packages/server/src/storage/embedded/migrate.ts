// Migrations on their own, without a start: which ones a file lacks, and running
// them, with the copy that is left of what the file was.

import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Migration } from '../../migration.ts';
import { copyBefore, openFile, pendingIn } from './file.ts';
import { shareFile } from './lock.ts';
import { MIGRATIONS } from './migrations.ts';

export interface Migrated {
  readonly applied: readonly Migration[];
  /** Where the file as it was is left; null where nothing ran, or nothing was there before. */
  readonly copy: string | null;
}

/** The migrations that a file lacks. Changes nothing. @throws SchemaError where this program must not run on it */
export function pendingOf(
  file: string,
  migrations: readonly Migration[] = MIGRATIONS,
): readonly Migration[] {
  const connection = new Database(file, { readonly: true, fileMustExist: true });
  try {
    return pendingIn(connection, migrations);
  } finally {
    connection.close();
  }
}

/** Runs what a file lacks, also beside a running service. @throws SchemaError, FileRefused */
export function migrateFile(file: string, migrations: readonly Migration[] = MIGRATIONS): Migrated {
  const release = shareFile(file);
  try {
    const applied = pendingOf(file, migrations);
    const [first] = applied;
    if (first === undefined) return { applied, copy: null };
    openFile(file, migrations).close();
    const copy = copyBefore(file, first);
    return { applied, copy: existsSync(copy) ? copy : null };
  } finally {
    release();
  }
}
