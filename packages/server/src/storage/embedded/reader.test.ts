// The reading thread: one snapshot a list, a deadline, and a new start after a death.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { openReader } from './reader.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'warder.db');
const one = { sql: 'SELECT 1 AS one WHERE ? = ?', parameters: ['a', 'a'] };
const unavailable = { code: 'unavailable', message: expect.stringMatching(/cannot be read now/) };
const SECONDS_OF_WORK = {
  sql: 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000000) SELECT count(*) FROM n',
  parameters: [],
};

test('a thread that died is started again, and only those who waited for it are told', async () => {
  const reader = openReader(file, 10_000);
  await expect(reader.read([one])).rejects.toMatchObject(unavailable);
  new Database(file).close();
  expect(await reader.read([one, one])).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  await reader.close();
});

test('a list past its deadline is given up, and the next one is read', async () => {
  const reader = openReader(file, 700);
  const slow = reader.read([SECONDS_OF_WORK]);
  const behind = reader.read([one]);
  await expect(slow).rejects.toMatchObject(unavailable);
  await expect(behind).rejects.toMatchObject(unavailable);
  for (let answer: unknown; !answer; ) answer = await reader.read([one]).catch(() => null);
  await reader.close();
});

test('lines take turns: one that asks for much waits behind itself, and nobody else does', async () => {
  const reader = openReader(file, 10_000);
  const order: string[] = [];
  const ask = (line: string) => reader.read([one], line).then(() => order.push(line));
  const flood = Array.from({ length: 50 }, () => ask('greedy'));
  await Promise.all([...flood, ask('modest'), ask('another'), ask('modest')]);
  const places = (line: string) => order.flatMap((one, i) => (one === line ? i : []));
  // One of the greedy line is being read already, and one has its turn in each round.
  expect(places('modest')).toEqual([2, 5]);
  expect(places('another')).toEqual([3]);
  await reader.close();
});

test('one that was given up in its line leaves the others in theirs', async () => {
  const reader = openReader(file, 700);
  const slow = ['a', 'a', 'b'].map((line) => reader.read([SECONDS_OF_WORK], line));
  for (const one of slow) await expect(one).rejects.toMatchObject(unavailable);
  for (let answer: unknown; !answer; ) answer = await reader.read([one], 'a').catch(() => null);
  await reader.close();
});

test('a fault of a query is told as one of the store, and the thread lives on', async () => {
  const reader = openReader(file, 10_000);
  const fault = reader.read([{ sql: 'SELECT * FROM secrets', parameters: [] }]);
  await expect(fault).rejects.toMatchObject({
    code: 'internal',
    message: 'Something went wrong in the store.',
    facts: { internal: expect.stringContaining('no such table') },
  });
  expect(await reader.read([one])).toEqual([[{ one: 1 }]]);
  await reader.close();
});

test('the thread cannot write', async () => {
  const reader = openReader(file, 10_000);
  const write = reader.read([{ sql: 'CREATE TABLE x (y) RETURNING 1', parameters: [] }]);
  await expect(write).rejects.toMatchObject({
    code: expect.stringMatching(/internal|unavailable/),
  });
  await reader.close();
});

test('whoever waits when the reader is closed is told so', async () => {
  const reader = openReader(file, 10_000);
  const waiting = [reader.read([one]), reader.read([one])].map((read) =>
    expect(read).rejects.toMatchObject(unavailable),
  );
  await reader.close();
  await Promise.all(waiting);
  await expect(reader.read([one])).rejects.toMatchObject(unavailable);
});
