// The index that keys are searched by is filled some keys at a time: one by one each
// would cost more than all else that is written with it. Keys behind the last one it
// holds are found by looking at them.

import type Database from 'better-sqlite3';
import { MARK, SEARCH_FILLED } from './key-indices.ts';

/** As many as a search looks at one by one before the index takes them in. */
const LEAST_A_STEP = 64;
const MOST_A_STEP = 200;
/** So much of the index is merged with each step: what a step adds goes through some five levels. */
const PAGES_A_STEP = 64;

const WAITING = `FROM keys INDEXED BY keys_live_by_created_at
  WHERE deleted_at IS NULL AND position > ${SEARCH_FILLED} ORDER BY position`;

export function isSearchDue(connection: Database.Database): boolean {
  const text = `SELECT 1 ${WAITING} LIMIT 1 OFFSET ${LEAST_A_STEP - 1}`;
  return connection.prepare(text).get() !== undefined;
}

/** Takes in the next keys, within a transaction; answers whether there were any. */
export function fillSearch(connection: Database.Database, most = MOST_A_STEP): boolean {
  const last = connection
    .prepare<[], bigint | null>(
      `SELECT max(position) FROM (SELECT position ${WAITING} LIMIT ${most})`,
    )
    .safeIntegers()
    .pluck()
    .get();
  if (typeof last !== 'bigint') return false;
  connection
    .prepare(
      `INSERT INTO key_search (rowid, workspace, text)
        SELECT position, ${MARK('workspace_id')}, search FROM keys INDEXED BY keys_live_by_created_at
        WHERE deleted_at IS NULL AND position > ${SEARCH_FILLED} AND position <= ? ORDER BY position`,
    )
    .run(last);
  connection.prepare('UPDATE key_search_filled SET position = ? WHERE id = 1').run(last);
  connection
    .prepare("INSERT INTO key_search (key_search, rank) VALUES ('merge', ?)")
    .run(PAGES_A_STEP);
  return true;
}
