// Where usage is stored, in SQLite's words: a table for each step, a row for a
// subject and a bucket that saw a verification, a column for each verdict. The
// bucket stands first in the key: what is written now lies together, what has ended
// is found without an index, and a subject's figures are one look-up a bucket.

import { COUNTED_CODES, USAGE_STEPS, type UsageStep } from '@warder/core';
import type { Connected } from './connection.ts';

/** Which table holds which step. Each is rolled up into the next. */
export const USAGE_TABLES: Readonly<Record<UsageStep, string>> = {
  hour: 'usage_hours',
  day: 'usage_days',
  month: 'usage_months',
};

export const COUNT_COLUMNS: readonly string[] = COUNTED_CODES;

// Made of the codes while no migration is released; a code that comes later is a
// migration that adds its column to each of the three.
const counters = COUNT_COLUMNS.map((column) => `${column} INTEGER NOT NULL DEFAULT 0`).join(
  ',\n  ',
);
const steps = USAGE_STEPS.map(
  (step) => `
CREATE TABLE ${USAGE_TABLES[step]} (
  bucket INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  position INTEGER NOT NULL,
  ${counters},
  PRIMARY KEY (bucket, kind, position)
) STRICT, WITHOUT ROWID;`,
);

export const USAGE_SCHEMA = `${steps.join('')}
-- The last row of a step that is rolled up into the next: all before it are, too.
CREATE TABLE usage_rolled (
  step TEXT PRIMARY KEY,
  bucket INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO usage_rolled VALUES ('hour', -1, 0, 0), ('day', -1, 0, 0);
-- Subjects that are gone, whose rows are still to be removed.
CREATE TABLE usage_to_forget (
  kind INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (kind, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_refusals (
  number INTEGER PRIMARY KEY,
  key_position INTEGER NOT NULL REFERENCES keys (position),
  at INTEGER NOT NULL,
  code TEXT NOT NULL,
  missing_scopes TEXT NOT NULL,
  address TEXT
) STRICT;
CREATE INDEX key_refusals_of_key ON key_refusals (key_position);
`;

/** A row of one of the tables, by its place. Positions are texts here: they pass 2^53. */
export interface Mark {
  readonly bucket: number;
  readonly kind: number;
  readonly position: string;
}

export const COARSER: Readonly<Record<UsageStep, UsageStep | null>> = {
  hour: 'day',
  day: 'month',
  month: null,
};

/** How far a step is rolled up. */
export function markOf(store: Connected, step: UsageStep): Mark {
  const sql = `SELECT bucket, kind, CAST(position AS TEXT) AS position FROM usage_rolled WHERE step = ?`;
  return store.row<Mark>({ sql, parameters: [step] }) ?? { bucket: -1, kind: 0, position: '0' };
}
