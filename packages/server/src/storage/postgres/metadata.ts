// The table of the metadata that lists are filtered by, after a workspace declared
// other names: what its keys have of a new one is filled in, what they had of an old
// one is dropped, a little at a time. Writes of keys keep it true on their own.

import type { Query } from '../../storage.ts';
import { inSchema } from './builder.ts';
import { metadataOf } from './key-indices.ts';

const KEYS_A_STEP = 200;

/** A name that has a step to be done. */
export interface DueMetadata {
  readonly workspace_id: string;
  readonly name: string;
  readonly dropped: boolean;
}

/** Finds one, if any; within a transaction that goes on to do its step, no other takes it meanwhile. */
export function dueMetadata(schema: string): Query {
  const sql = `SELECT workspace_id, name, dropped FROM warder.metadata_names
    WHERE dropped OR filled_to IS NOT NULL LIMIT 1 FOR UPDATE SKIP LOCKED`;
  return { sql: inSchema(schema, sql), parameters: [] };
}

/** Its step, to be run in the transaction that found it. */
export function metadataStep(schema: string, due: DueMetadata): readonly Query[] {
  const parameters = [due.workspace_id, due.name];
  const texts = due.dropped ? DROP : FILL;
  return texts.map((sql) => ({ sql: inSchema(schema, sql), parameters }));
}

const ROW = 'workspace_id = $1 AND name = $2';

const DROP = [
  `DELETE FROM warder.key_metadata WHERE (workspace_id, name, value, position) IN
    (SELECT workspace_id, name, value, position FROM warder.key_metadata WHERE ${ROW} LIMIT ${KEYS_A_STEP})`,
  `DELETE FROM warder.metadata_names WHERE ${ROW} AND dropped
    AND NOT EXISTS (SELECT 1 FROM warder.key_metadata WHERE ${ROW})`,
];

// The next keys, from the oldest on. They are held, or one that is changed at this moment
// would be filled in as it was.
const FILL = [
  `WITH next AS (SELECT position, workspace_id, metadata FROM warder.keys
      WHERE workspace_id = ANY (ARRAY[$1::text]) AND deleted_at IS NULL
        AND position > (SELECT filled_to FROM warder.metadata_names WHERE ${ROW})
      ORDER BY workspace_id, position LIMIT ${KEYS_A_STEP} FOR NO KEY UPDATE),
    filled AS (INSERT INTO warder.key_metadata ${metadataOf('next', 'CROSS JOIN next')}
      AND names.name = $2 ON CONFLICT DO NOTHING)
    UPDATE warder.metadata_names SET filled_to = (SELECT max(position) FROM next) WHERE ${ROW}`,
];
