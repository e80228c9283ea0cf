// The tables of usage in SQLite's words, and how far they are rolled up.

import { USAGE_STEPS, type UsageStep } from '@warder/core';
import { COUNT_COLUMNS, type Mark, USAGE_TABLES } from '../../usage-tables.ts';
import type { Connected } from './connection.ts';

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

/** How far a step is rolled up. */
export function markOf(store: Connected, step: UsageStep): Mark {
  const sql = `SELECT bucket, kind, CAST(position AS TEXT) AS position FROM usage_rolled WHERE step = ?`;
  return store.row<Mark>({ sql, parameters: [step] }) ?? { bucket: -1, kind: 0, position: '0' };
}
