// Who has the database open. Every process that does shares a lock beside the
// file; whoever puts another file in its place holds it alone. It is SQLite's own
// lock on an empty file, so the system takes it back from a process that dies.

import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { FileRefused } from '../../refusal.ts';
import { folderOf } from './copy.ts';
import { isBusy } from './failure.ts';

/** Ends a lock. */
export type Release = () => void;

/** Others that only share it come and go within this time. */
const WAIT_MILLISECONDS = 1_000;

/** For whoever opens the file. @throws FileRefused while another process replaces it */
export function shareFile(file: string): Release {
  return lock(
    file,
    'BEGIN; SELECT 1 FROM sqlite_schema',
    `The database ${file} is being restored: try again once that has ended.`,
  );
}

/** For whoever replaces the file. @throws FileRefused while any process has it open */
export function takeFile(file: string): Release {
  return lock(
    file,
    'BEGIN EXCLUSIVE',
    `The database ${file} is in use, by a running service or another command: stop it first.`,
  );
}

function lock(file: string, begin: string, refusal: string): Release {
  const path = `${file}-lock`;
  const folder = folderOf(file);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Not opened where it is there: closing it again would end a lock that this process has.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const connection = new Database(path, { timeout: WAIT_MILLISECONDS });
  try {
    // Otherwise an empty journal would be left behind by who dies.
    connection.pragma('journal_mode = MEMORY');
    connection.exec(begin);
  } catch (error) {
    connection.close();
    throw isBusy(error) ? new FileRefused(refusal) : error;
  }
  return () => connection.close();
}
