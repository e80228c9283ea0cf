// The table of the metadata that lists are filtered by, after a workspace declared
// other names: what its keys have of a new one is filled in, what they had of an old
// one is dropped, a little at a time. Writes of keys keep it true on their own.

import type Database from 'better-sqlite3';
import { metadataOf } from './key-indices.ts';

const KEYS_A_STEP = 200;

interface Due {
  readonly workspace: string;
  readonly name: string;
  readonly dropped: 0 | 1;
}

const DUE = `SELECT workspace_id AS workspace, name, dropped FROM metadata_names
  WHERE dropped = 1 OR filled_to IS NOT NULL LIMIT 1`;

export function isMetadataDue(connection: Database.Database): boolean {
  return connection.prepare(DUE).get() !== undefined;
}

/** Does one step, within a transaction; answers whether there was one to do. */
export function tendMetadata(connection: Database.Database): boolean {
  const due = connection.prepare<[], Due>(DUE).get();
  if (due === undefined) return false;
  for (const text of due.dropped ? DROP : FILL) connection.prepare(text).run(due);
  return true;
}

const ROW = 'workspace_id = @workspace AND name = @name';

const DROP = [
  `DELETE FROM key_metadata WHERE (workspace_id, name, value, position) IN
    (SELECT * FROM key_metadata WHERE ${ROW} LIMIT ${KEYS_A_STEP})`,
  `DELETE FROM metadata_names WHERE ${ROW} AND dropped = 1
    AND NOT EXISTS (SELECT 1 FROM key_metadata WHERE ${ROW})`,
];

/** The next keys that are looked at, from the oldest on. */
const NEXT = `(SELECT position, workspace_id, metadata FROM keys INDEXED BY keys_live_by_created_at_in_workspace
    WHERE workspace_id = @workspace AND deleted_at IS NULL
      AND position > (SELECT filled_to FROM metadata_names WHERE ${ROW})
    ORDER BY position LIMIT ${KEYS_A_STEP})`;
const FILL = [
  `INSERT OR IGNORE INTO key_metadata ${metadataOf('next', `CROSS JOIN ${NEXT} AS next`)}
    AND names.name = @name`,
  `UPDATE metadata_names SET filled_to = (SELECT max(position) FROM ${NEXT}) WHERE ${ROW}`,
];
