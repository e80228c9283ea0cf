// Which migrations a database still needs, and whether this program may run on
// it. A migration is final once released: its checksum is in the database, and
// an edited one is refused. Each engine has its own texts and runs them.

import { hash } from 'node:crypto';

export interface Migration {
  /** 1, 2, 3, ... without a gap. */
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** The lowest number that a program must know as its last, to run on the result of this one. */
  readonly oldestProgram: number;
}

/** A migration as the database remembers it. */
export interface RecordedMigration {
  readonly number: number;
  readonly name: string;
  readonly checksum: string;
  readonly oldest_program: number;
}

/** A database that this program must not touch. The message is for whoever starts the program. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/**
 * The migrations still to be run, in order.
 * @throws SchemaError where this program is too old for the database, or a migration is not the one that ran
 */
export function pendingMigrations(
  known: readonly Migration[],
  recorded: readonly RecordedMigration[],
): readonly Migration[] {
  const level = Math.max(0, ...known.map(({ number }) => number));
  const needed = Math.max(0, ...recorded.map((one) => one.oldest_program));
  if (level < needed) {
    throw new SchemaError(
      `This Warder is too old for its database (it knows schema ${level}, the database needs ${needed}): run the version that wrote it, or a later one.`,
    );
  }
  const byNumber = new Map(recorded.map((one) => [one.number, one]));
  for (const migration of known) {
    const ran = byNumber.get(migration.number);
    if (ran !== undefined && ran.checksum !== checksumOf(migration)) {
      throw new SchemaError(
        `Migration ${migration.number} (${migration.name}) is not the one that this database was made with: a released migration must never be edited.`,
      );
    }
  }
  const pending = known.filter(({ number }) => !byNumber.has(number));
  const overtaken = pending.find(({ number }) => number <= Math.max(0, ...byNumber.keys()));
  if (overtaken !== undefined) {
    throw new SchemaError(
      `This database lacks migration ${overtaken.number} (${overtaken.name}), though later ones ran on it.`,
    );
  }
  return pending;
}

export function recordOf(migration: Migration): RecordedMigration {
  return {
    number: migration.number,
    name: migration.name,
    checksum: checksumOf(migration),
    oldest_program: migration.oldestProgram,
  };
}

function checksumOf({ sql }: Migration): string {
  return hash('sha256', sql);
}
