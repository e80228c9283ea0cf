// What SQLite says, as the errors that callers are told of: a store that cannot
// be reached is `unavailable`, anything else a fault. SQLite's own words are for
// the log only.

import { WarderError } from '@warder/core';

/** An error of SQLite, as its driver throws it or a worker reports it. */
export interface SqliteFailure {
  readonly code: string;
  readonly message: string;
}

const MESSAGES = {
  read: 'The store cannot be read now: try again in a moment.',
  write: 'The store cannot be written now: try again in a moment.',
} as const;
export type Doing = keyof typeof MESSAGES;

/** Triggers refuse what is written after the installation was moved elsewhere. */
const UNAVAILABLE =
  /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|NOMEM|PERM|PROTOCOL|CORRUPT|NOTADB|CONSTRAINT_TRIGGER)/;

export function unavailable(doing: Doing, internal: string, cause?: unknown): WarderError {
  return new WarderError('unavailable', MESSAGES[doing], { internal, cause, retryAfterSeconds: 1 });
}

/** The error to throw on for one that was caught. */
export function toldOf(error: unknown, doing: Doing): unknown {
  if (error instanceof WarderError || !isSqliteFailure(error)) return error;
  const internal = `${error.code}: ${error.message}`;
  if (UNAVAILABLE.test(error.code)) return unavailable(doing, internal, error);
  return new WarderError('internal', 'Something went wrong in the store.', {
    internal,
    cause: error,
  });
}

/** Whether another process holds the file for a moment, so that nothing was done. */
export function isBusy(error: unknown): boolean {
  return isSqliteFailure(error) && /^SQLITE_(BUSY|LOCKED)/.test(error.code);
}

export function isSqliteFailure(error: unknown): error is SqliteFailure {
  return error instanceof Object && 'code' in error && String(error.code).startsWith('SQLITE_');
}
