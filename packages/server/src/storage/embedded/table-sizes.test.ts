// What the doctor is told of each table, on a real file.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { DEFAULT_RETENTION, livesOfTables } from '../../retention.ts';
import type { TableSize } from '../../table-size.ts';
import { openEmbedded } from '../embedded.ts';
import { tableSizes } from './table-sizes.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'warder-'));
const file = join(folder, 'warder.db');
await openEmbedded({ file }).storage.close();
const connection = new Database(file);
afterAll(() => {
  connection.close();
  rmSync(folder, { recursive: true });
});

const sizeOf = (table: string): TableSize =>
  tableSizes(connection, NOW).find((one) => one.table === table) ?? expect.unreachable(table);

test('every table says until when it keeps a row, and nothing else does', () => {
  const tables = tableSizes(connection, NOW).map(({ table }) => table);
  expect(tables.sort()).toEqual(Object.keys(livesOfTables(DEFAULT_RETENTION)).sort());
});

test('the bytes of all tables are those of the file, but for its list of tables', () => {
  connection.pragma('wal_checkpoint(TRUNCATE)');
  const pages = Number(connection.pragma('page_count', { simple: true }));
  const size = Number(connection.pragma('page_size', { simple: true }));
  const schema = connection
    .prepare<[], number>(`SELECT pgsize FROM dbstat('main', 1) WHERE name = 'sqlite_schema'`)
    .pluck()
    .get();
  const sum = tableSizes(connection, NOW).reduce((all, { bytes }) => all + bytes, 0);
  expect(sum + Number(schema)).toBe(pages * size);
});

test('growth is the rows of the last day, and told by the newest where they are many', () => {
  const insert = connection.prepare(
    `INSERT INTO events (position, id, type, created_at, actor_type, actor_id, subject_type, subject_id)
    VALUES (?, ?, 'a', ?, 'system', 's', 'key', 'k')`,
  );
  const add = (from: number, count: number, at: (i: number) => number) =>
    connection.transaction(() => {
      for (let i = 0; i < count; i++) insert.run(from + i, `e${from + i}`, at(i));
    })();
  add(1, 500, (i) => NOW - 3 * DAY + i);
  add(501, 70, (i) => NOW - DAY + 1 + i);
  expect(sizeOf('events')).toMatchObject({ rows: 570, lastDay: 70 });
  // One each second of the last five hours: as many as that is in a day.
  add(1_000, 18_000, (i) => NOW - 18_000_000 + i * 1_000);
  expect(sizeOf('events').lastDay).toBeGreaterThan(86_000);
  expect(sizeOf('events').lastDay).toBeLessThan(87_000);
  expect(sizeOf('key_search')).toMatchObject({ rows: null, lastDay: null });
});
