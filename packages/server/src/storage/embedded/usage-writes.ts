// Writing usage: uses added to the hours of the key, its owner, its workspace and
// the installation, a statement for all of them, and the last refusals of keys. What
// comes for an hour that is rolled up already is added to its day as well, and what
// comes for such a day to its month (usage-upkeep.ts).

import { type KeyRefusal, positionOf, REFUSALS_KEPT, type UsageStep, type Use } from '@warder/core';
import {
  askedOf,
  type FigureRow,
  type FoundUse,
  isBehind,
  raised,
  rowsOfUses,
  textOfFigures,
  textOfRefusals,
} from '../../usage-rows.ts';
import { COARSER, COUNT_COLUMNS, USAGE_TABLES } from '../../usage-tables.ts';
import type { Connected } from './connection.ts';
import { markOf } from './usage-schema.ts';

/** Adds uses, within a transaction. Those of keys that are gone are passed over. */
export function recordUses(store: Connected, uses: readonly Use[]): void {
  const found = store.rows<FoundUse>({ sql: FIND, parameters: [askedOf(uses)] });
  const { hours, lastUses } = rowsOfUses(uses, found);
  addFigures(store, 'hour', hours);
  for (const sql of [RECORD_LAST_USES, RECORD_LAST_DAYS]) {
    if (lastUses !== null) store.affected({ sql, parameters: [lastUses] });
  }
}

const FIND = `SELECT json_each.key AS place, CAST(keys.position AS TEXT) AS keys, keys.kind AS kind,
    CAST(workspaces.position AS TEXT) AS workspaces, CAST(owners.position AS TEXT) AS owners
  FROM json_each(?) CROSS JOIN keys
    ON keys.position = CAST(value ->> 0 AS INTEGER) AND keys.id = value ->> 1
  LEFT JOIN workspaces ON workspaces.id = keys.workspace_id AND workspaces.deleted_at IS NULL
  LEFT JOIN owners ON owners.workspace_id = keys.workspace_id
    AND owners.external_id = keys.owner_id AND owners.erased_at IS NULL
  WHERE keys.erased_at IS NULL`;
const RECORD_LAST_USES = `INSERT INTO key_usage (key_position, last_used_at)
  SELECT CAST(value ->> 0 AS INTEGER), value ->> 1 FROM json_each(?) WHERE true
  ON CONFLICT (key_position) DO UPDATE SET last_used_at = excluded.last_used_at
    WHERE key_usage.last_used_at < excluded.last_used_at`;
const RECORD_LAST_DAYS = `UPDATE keys SET last_used_day = used.day
  FROM (SELECT CAST(value ->> 0 AS INTEGER) AS position, value ->> 2 AS day FROM json_each(?)) AS used
  WHERE keys.position = used.position AND keys.last_used_day < used.day`;

/** Adds figures to a step, and to the coarser ones where theirs are rolled up already. */
export function addFigures(store: Connected, step: UsageStep, rows: readonly FigureRow[]): void {
  if (rows.length === 0) return;
  store.affected({ sql: ADD[step], parameters: [textOfFigures(rows)] });
  const coarser = COARSER[step];
  if (coarser === null) return;
  const mark = markOf(store, step);
  addFigures(
    store,
    coarser,
    raised(
      rows.filter((row) => !isBehind(row, mark)),
      step,
      coarser,
    ),
  );
}

function addTo(table: string): string {
  const values = COUNT_COLUMNS.map((_, i) => `value ->> ${i + 3}`).join(', ');
  const sums = COUNT_COLUMNS.map((column) => `${column} = ${column} + excluded.${column}`);
  return `INSERT INTO ${table} (bucket, kind, position, ${COUNT_COLUMNS.join(', ')})
    SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS INTEGER), ${values} FROM json_each(?) WHERE true
    ON CONFLICT (bucket, kind, position) DO UPDATE SET ${sums.join(', ')}`;
}

const ADD: Readonly<Record<UsageStep, string>> = {
  hour: addTo(USAGE_TABLES.hour),
  day: addTo(USAGE_TABLES.day),
  month: addTo(USAGE_TABLES.month),
};

/** Adds refusals and keeps the last of each key, within a transaction. */
export function recordRefusals(store: Connected, refusals: readonly KeyRefusal[]): void {
  store.affected({ sql: ADD_REFUSALS, parameters: [textOfRefusals(refusals)] });
  for (const keyId of new Set(refusals.map((one) => one.keyId))) {
    const position = positionOf(keyId);
    store.affected({ sql: TRIM_REFUSALS, parameters: [position, position] });
  }
}

const ADD_REFUSALS = `INSERT INTO key_refusals (key_position, at, code, missing_scopes, address)
  SELECT keys.position, value ->> 2, value ->> 3, value ->> 4, value ->> 5
  FROM json_each(?) CROSS JOIN keys
    ON keys.position = CAST(value ->> 0 AS INTEGER) AND keys.id = value ->> 1
  WHERE keys.erased_at IS NULL ORDER BY json_each.key`;
const TRIM_REFUSALS = `DELETE FROM key_refusals WHERE key_position = ? AND number <=
  (SELECT number FROM key_refusals WHERE key_position = ?
    ORDER BY number DESC LIMIT 1 OFFSET ${REFUSALS_KEPT})`;
