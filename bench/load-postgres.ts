// Very many keys in a schema of PostgreSQL, fast. For measurements, never for data that
// matters.

import type { Workspace } from '@warder/core';
import type postgres from 'postgres';
import { type MadeRow, type ManyKeys, manyKeys } from './load.ts';

const ROWS_AT_ONCE = 2_000;

/** Loads keys into a schema that `openPostgres` made, and has the planner look at them. */
export async function loadPostgres(
  client: postgres.Sql,
  schema: string,
  many: ManyKeys,
): Promise<readonly Workspace[]> {
  const { workspaces, rows } = manyKeys(many);
  const waiting: Record<MadeRow['table'], object[]> = { workspaces: [], keys: [], key_usage: [] };
  const write = async (table: MadeRow['table']) => {
    const some = JSON.stringify(waiting[table].splice(0), written);
    const name = `${schema}.${table}`;
    await client.unsafe(
      `INSERT INTO ${name} SELECT * FROM json_populate_recordset(null::${name}, $1::text::json)`,
      [some],
    );
  };
  for (const { table, row } of rows()) {
    if (waiting[table].push(row) === ROWS_AT_ONCE) await write(table);
  }
  for (const table of ['workspaces', 'keys', 'key_usage'] as const) await write(table);
  await client.unsafe(`VACUUM ANALYZE ${schema}.keys`);
  for (const table of ['workspaces', 'key_usage', 'key_search', 'key_scopes', 'key_metadata']) {
    await client.unsafe(`VACUUM ANALYZE ${schema}.${table}`);
  }
  return workspaces;
}

/** Positions are longer than a number of JSON may be; bytes are written as PostgreSQL reads them. */
function written(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const one = this[name];
  if (one instanceof Uint8Array) return `\\x${Buffer.from(one).toString('hex')}`;
  return typeof value === 'bigint' ? `${value}` : value;
}
