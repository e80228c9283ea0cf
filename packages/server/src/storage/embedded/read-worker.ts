// The thread that walks: runs the queries of one list in one snapshot, on a
// connection that cannot write. It knows nothing of what it reads.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { ListQuery, OnlyIf } from '../../slices.ts';
import { isSqliteFailure, type SqliteFailure } from './failure.ts';

const LISTS_PRIORITY = 10;

/** What the thread answers a list of queries with. */
export type Answer =
  | { readonly results: readonly (readonly unknown[])[] }
  | { readonly failure: SqliteFailure };

// Where cores are short, whoever verifies comes first. Elsewhere it would be said of the whole process.
if (process.platform === 'linux') setPriority(LISTS_PRIORITY);

const connection = new Database(workerData.file, {
  readonly: true,
  fileMustExist: true,
  timeout: 1_000,
});
connection.pragma('temp_store = MEMORY');

/** Statements by their text, of which there are as many as ways to ask. */
const prepared = new Map<string, Database.Statement>();
const MOST_PREPARED = 500;

function prepare(sql: string): Database.Statement {
  const found = prepared.get(sql) ?? connection.prepare(sql);
  if (prepared.size >= MOST_PREPARED) prepared.clear();
  prepared.set(sql, found);
  return found;
}

const readAll = connection.transaction((queries: readonly ListQuery[]) => {
  const results: unknown[][] = [];
  const holds = ({ query, fewerThan, holds }: OnlyIf) =>
    (results[query] ?? []).length < fewerThan === holds;
  for (const { sql, parameters, onlyIf = [] } of queries) {
    results.push(onlyIf.every(holds) ? prepare(sql).all(...parameters) : []);
  }
  return results;
});

function answer(queries: readonly ListQuery[]): Answer {
  try {
    return { results: readAll(queries) };
  } catch (error) {
    if (!isSqliteFailure(error)) throw error;
    return { failure: { code: error.code, message: error.message } };
  }
}

parentPort?.on('message', (queries: readonly ListQuery[] | 'close') => {
  if (queries !== 'close') return parentPort?.postMessage(answer(queries));
  connection.close();
  parentPort?.close();
});
