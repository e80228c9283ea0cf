// What PostgreSQL and the connection to it say, as the errors that callers are told of: a
// store that cannot be reached is `unavailable`, anything else a fault. Their own words
// are for the log only.

import { WarderError } from '@warder/core';

/** An error of the server (its code is an SQLSTATE), of the driver or of the system. */
interface PostgresFailure {
  readonly code: string;
  readonly message: string;
}

const MESSAGES = {
  read: 'The store cannot be read now: try again in a moment.',
  write: 'The store cannot be written now: try again in a moment.',
} as const;
export type Doing = keyof typeof MESSAGES;

/** A connection is no longer of any use, or never came to be. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected';
  readonly code = 'DISCONNECTED';
}

/** There was no answer in time. What was asked may have been done all the same. */
export class Overdue extends Error {
  override readonly name = 'Overdue';
  readonly code = 'OVERDUE';
}

/**
 * Connections (08), authorisation of them (28), names of databases (3D), a server that reads only
 * (25006), transactions ended by others (25P03, 25P04), transactions that met (40), locks (55P03),
 * resources (53), an administrator or a deadline (57), the system (58), damage (XX001, XX002).
 */
const UNAVAILABLE =
  /^(08...|28...|3D...|25006|25P03|25P04|40...|55P03|53...|57...|58...|XX001|XX002)$/;

export function unavailable(doing: Doing, internal: string, cause?: unknown): WarderError {
  return new WarderError('unavailable', MESSAGES[doing], { internal, cause, retryAfterSeconds: 1 });
}

/** The error to throw on for one that was caught. */
export function toldOf(error: unknown, doing: Doing): unknown {
  if (error instanceof WarderError || !isPostgresFailure(error)) return error;
  const internal = `${error.code}: ${error.message}`;
  if (isLost(error) || UNAVAILABLE.test(error.code)) return unavailable(doing, internal, error);
  return new WarderError('internal', 'Something went wrong in the store.', {
    internal,
    cause: error,
  });
}

/** Whether the connection is to blame, which nobody knows more of from then on. */
export function isLost(error: unknown): boolean {
  if (!isPostgresFailure(error)) return false;
  // What the server says has a severity; the driver and the system say only why nothing is said.
  return !('severity' in error) || /^(08|57P)/.test(error.code);
}

/**
 * Whether a transaction got in the way of another, or of a migration that changed a table whose
 * statements the server keeps, so that nothing was done.
 */
export function isClash(error: unknown): boolean {
  if (!isPostgresFailure(error)) return false;
  const changed = error.code === '0A000' && error.message.startsWith('cached plan');
  return changed || /^(40001|40P01)$/.test(error.code);
}

/** Whether a row like it is there already. */
export function isTaken(error: unknown): boolean {
  return isPostgresFailure(error) && error.code === '23505';
}

/** Whether the role may not do that. */
export function isDenied(error: unknown): boolean {
  return isPostgresFailure(error) && error.code === '42501';
}

/** Whether a lock was waited for in vain. */
export function isLocked(error: unknown): boolean {
  return isPostgresFailure(error) && error.code === '55P03';
}

export function isPostgresFailure(error: unknown): error is PostgresFailure {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
