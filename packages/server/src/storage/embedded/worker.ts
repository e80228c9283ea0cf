// The thread that walks: runs the queries of one list in one snapshot, on a
// connection that cannot write. It knows nothing of what it reads.

import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { Query } from '../../storage.ts';
import { isSqliteFailure, type SqliteFailure } from './failure.ts';

/** What the thread answers a list of queries with. */
export type Answer =
  | { readonly results: readonly (readonly unknown[])[] }
  | { readonly failure: SqliteFailure };

const connection = new Database(workerData.file, {
  readonly: true,
  fileMustExist: true,
  timeout: 1_000,
});
connection.pragma('temp_store = MEMORY');

const readAll = connection.transaction((queries: readonly Query[]) =>
  queries.map(({ sql, parameters }) => connection.prepare(sql).all(...parameters)),
);

function answer(queries: readonly Query[]): Answer {
  try {
    return { results: readAll(queries) };
  } catch (error) {
    if (!isSqliteFailure(error)) throw error;
    return { failure: { code: error.code, message: error.message } };
  }
}

parentPort?.on('message', (queries: readonly Query[] | 'close') => {
  if (queries !== 'close') return parentPort?.postMessage(answer(queries));
  connection.close();
  parentPort?.close();
});
