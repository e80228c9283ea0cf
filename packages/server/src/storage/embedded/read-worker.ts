// The thread that walks: runs the queries of one list in one snapshot, on a
// connection that cannot write. It knows nothing of what it reads.

import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { ListQuery, OnlyIf } from '../../slices.ts';
import { isSqliteFailure, type SqliteFailure } from './failure.ts';

const [STEPS_BACK, LEAST] = [10, 19];

/** What the thread answers a list of queries with. */
export type Answer =
  /** The rows of each query as a text of JSON: its columns, and the values of each row. */
  { readonly results: readonly string[] } | { readonly failure: SqliteFailure };

// Where cores are short, whoever verifies comes first. Elsewhere it would be said of the whole process.
if (process.platform === 'linux') setPriority(Math.min(getPriority() + STEPS_BACK, LEAST));

const connection = new Database(workerData.file, {
  readonly: true,
  fileMustExist: true,
  timeout: 1_000,
});
connection.pragma('temp_store = MEMORY');
connection.pragma('cache_size = -8192');

/** Statements by their text, of which there are as many as ways to ask. */
const prepared = new Map<string, Database.Statement>();
const MOST_PREPARED = 500;

function prepare(sql: string): Database.Statement {
  const found = prepared.get(sql) ?? asJson(sql);
  if (prepared.size >= MOST_PREPARED) prepared.clear();
  prepared.set(sql, found);
  return found;
}

/** SQLite writes the rows as one text: to hand over as many objects costs more than to read them. */
function asJson(sql: string): Database.Statement {
  const columns = connection
    .prepare(sql)
    .columns()
    .map(({ name }) => name);
  const names = columns.map((name) => `"${name}"`).join(', ');
  const start = `{"columns":${JSON.stringify(columns)},"rows":`.replaceAll("'", "''");
  const rows = `'${start}' || json_group_array(json_array(${names})) || '}'`;
  return connection.prepare(`select count(*) as count, ${rows} as rows from (${sql})`);
}

interface Found {
  readonly count: number;
  readonly rows: string;
}
const NOTHING: Found = { count: 0, rows: '{"columns":[],"rows":[]}' };

const readAll = connection.transaction((queries: readonly ListQuery[]) => {
  const found: Found[] = [];
  const holds = ({ query, fewerThan, holds }: OnlyIf) =>
    (found[query] ?? NOTHING).count < fewerThan === holds;
  for (const { sql, parameters, onlyIf = [] } of queries) {
    found.push(onlyIf.every(holds) ? (prepare(sql).get(...parameters) as Found) : NOTHING);
  }
  return found.map(({ rows }) => rows);
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
