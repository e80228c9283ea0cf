// Another file in the place of the database: looked at before anything is
// touched, and put there in one step, so that whoever dies on the way leaves the
// old one whole or the new one.

import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import type { Owner } from '@warder/core';
import Database from 'better-sqlite3';
import { pendingMigrations } from '../../migration.ts';
import { FileRefused } from '../../refusal.ts';
import { type Contents, contentsOf, faultsIn, sync, syncFolder } from './copy.ts';
import { isBusy, isSqliteFailure } from './failure.ts';
import { checkSqliteVersion, recordedIn } from './file.ts';
import { MIGRATIONS } from './migrations.ts';

/**
 * Looks whether a file can become the database, and takes out what must not come back with it: kept
 * replies, which may show a key again.
 * @param name what to call it
 * @throws FileRefused
 */
export function examineDraft(draft: string, name: string): Contents {
  const connection = new Database(draft, { fileMustExist: true });
  try {
    checkSqliteVersion(String(connection.prepare('SELECT sqlite_version()').pluck().get()));
    const [fault] = faultsIn(connection);
    if (fault !== undefined) throw new FileRefused(`${name} is damaged: ${fault}.`);
    const recorded = recordedIn(connection);
    if (recorded.length === 0) throw new FileRefused(`${name} is no database of Warder.`);
    const level = Math.max(...MIGRATIONS.map(({ number }) => number));
    if (recorded.some((one) => one.oldest_program > level)) {
      throw new FileRefused(
        `${name} was made by a later version of Warder: restore it with that version.`,
      );
    }
    pendingMigrations(MIGRATIONS, recorded);
    const contents = contentsOf(connection);
    if (contents.rows.installation !== 1) {
      throw new FileRefused(`${name} is the database of no installation.`);
    }
    connection.pragma('secure_delete = ON');
    connection.exec('DELETE FROM replies');
    becomeOneFile(connection);
    return contents;
  } catch (error) {
    if (!isSqliteFailure(error)) throw error;
    throw new FileRefused(`${name} cannot be read as a database (${error.code}).`);
  } finally {
    connection.close();
  }
}

/** What a file knows of events and owners, to hold later events against. */
export interface Known {
  /** Which of the events asked for it has. */
  readonly ids: ReadonlySet<string>;
  /** The number of the last sealed event of each chain. */
  readonly heads: ReadonlyMap<string, number>;
  /** Where owners are, by their own ids. */
  readonly owners: ReadonlyMap<string, Pick<Owner, 'workspaceId' | 'externalId'>>;
}

export function knownIn(file: string, asked: ReadonlySet<string>): Known {
  const connection = new Database(file, { readonly: true, fileMustExist: true });
  try {
    const ids = new Set<string>();
    for (const id of connection.prepare<[], string>('SELECT id FROM events').pluck().iterate()) {
      if (asked.has(id)) ids.add(id);
    }
    const heads = connection
      .prepare<[], { name: string; number: number }>('SELECT name, number FROM chains')
      .all();
    const owners = connection
      .prepare<[], Pick<Owner, 'id' | 'workspaceId' | 'externalId'>>(
        'SELECT id, workspace_id AS workspaceId, external_id AS externalId FROM owners',
      )
      .all();
    return {
      ids,
      heads: new Map(heads.map(({ name, number }) => [name, number])),
      owners: new Map(owners.map((owner) => [owner.id, owner])),
    };
  } finally {
    connection.close();
  }
}

/**
 * Puts a file in the place of the database, which nobody has open. The one that was there is kept.
 * @throws FileRefused where another program has it open all the same
 */
export function putInPlace(draft: string, file: string, keep: string): void {
  settle(draft);
  sync(draft);
  if (existsSync(file)) {
    settle(file);
    linkSync(file, keep);
    // Of a file too damaged to be settled, its log is kept with it.
    if (existsSync(`${file}-wal`)) linkSync(`${file}-wal`, `${keep}-wal`);
  }
  // The log of one file beside another would be taken for its own.
  for (const end of ['-wal', '-shm', '-journal']) rmSync(`${file}${end}`, { force: true });
  syncFolder(file);
  renameSync(draft, file);
  syncFolder(file);
}

/** Makes one file of a database and its log, where it can be read at all. */
function settle(file: string): void {
  const connection = new Database(file, { fileMustExist: true, timeout: 1_000 });
  try {
    becomeOneFile(connection);
  } catch (error) {
    if (isBusy(error)) {
      throw new FileRefused(
        `Another program has ${file} open, as Litestream does while it runs: stop it first.`,
      );
    }
    if (!isSqliteFailure(error)) throw error;
  } finally {
    connection.close();
  }
}

function becomeOneFile(connection: Database.Database): void {
  connection.pragma('wal_checkpoint(TRUNCATE)');
  connection.pragma('journal_mode = DELETE');
}
