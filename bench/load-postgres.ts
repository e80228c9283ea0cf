// Very many keys in a schema of PostgreSQL, fast. For measurements, never for data that
// matters.

import type { Workspace } from '@warder/core';
import type postgres from 'postgres';
import { metadataOf } from '../packages/server/src/storage/postgres/key-indices.ts';
import { type MadeRow, type ManyKeys, manyKeys } from './load.ts';

const ROWS_AT_ONCE = 2_000;

/** Loads keys into the schema `warder` that `openPostgres` made, and has the planner look at them. */
export async function loadPostgres(
  client: postgres.Sql,
  many: ManyKeys,
): Promise<readonly Workspace[]> {
  const { workspaces, rows } = manyKeys(many);
  const run = (sql: string) => client.unsafe(sql);
  // Sorting once is cheaper than keeping all indices sorted.
  const indices = await client.unsafe<{ name: string; text: string }[]>(
    `SELECT indexname AS name, indexdef AS text FROM pg_indexes WHERE schemaname = 'warder'
      AND tablename IN ('keys', 'key_search') AND indexdef NOT LIKE '%UNIQUE%'`,
  );
  for (const { name } of indices) await run(`DROP INDEX warder.${name}`);
  await run('ALTER TABLE warder.keys DISABLE TRIGGER USER');

  const waiting: Record<MadeRow['table'], object[]> = { workspaces: [], keys: [], key_usage: [] };
  const write = async (table: MadeRow['table']) => {
    const some = JSON.stringify(waiting[table].splice(0), written);
    await client.unsafe(
      `INSERT INTO warder.${table}
        SELECT * FROM json_populate_recordset(null::warder.${table}, $1::text::json)`,
      [some],
    );
  };
  for (const { table, row } of rows()) {
    if (waiting[table].push(row) === ROWS_AT_ONCE) await write(table);
  }
  for (const table of ['workspaces', 'keys', 'key_usage'] as const) await write(table);

  await run(`INSERT INTO warder.key_search
    SELECT position, warder.pieces_of(workspace_id, search) FROM warder.keys
    -- An installation's first key was there already.
    ON CONFLICT DO NOTHING`);
  await run(`INSERT INTO warder.key_scopes
    SELECT workspace_id, json_array_elements_text(scopes::json), position FROM warder.keys`);
  await run(
    `INSERT INTO warder.key_metadata ${metadataOf('made', 'CROSS JOIN warder.keys AS made')}`,
  );
  for (const { text } of indices) await run(text);
  await run('ALTER TABLE warder.keys ENABLE TRIGGER USER');
  for (const table of ['keys', 'key_usage', 'key_search', 'key_scopes', 'key_metadata']) {
    await run(`VACUUM ANALYZE warder.${table}`);
  }
  return workspaces;
}

/** Positions are longer than a number of JSON may be; bytes are written as PostgreSQL reads them. */
function written(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const one = this[name];
  if (one instanceof Uint8Array) return `\\x${Buffer.from(one).toString('hex')}`;
  return typeof value === 'bigint' ? `${value}` : value;
}
