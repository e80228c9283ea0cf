// Usage in one file: what a code that comes later must not forget, how few rows are
// looked at, and that neither a stop between any two steps nor another process that
// does the same counts anything twice.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  bucketOf,
  USAGE_STEPS,
  type UsageRetention,
  type UsageSubject,
  VERDICT_CODES,
} from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { NOW } from '../../../../../tests/fixtures/domain.ts';
import { useOf, worldIn } from '../../../../../tests/storage/store.ts';
import { USAGE_TABLES } from '../../usage-tables.ts';
import { openEmbedded } from '../embedded.ts';
import { listRefusals, listUsage } from './usage-figures.ts';
import { behindMark } from './usage-upkeep.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FOR_EVER: UsageRetention = { hours: 0, days: 0, refusals: 0 };
const folder = mkdtempSync(join(tmpdir(), 'warder-usage-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${++files}.db`);

test('each step has a column for every verdict that a known key can be given', async () => {
  const file = newFile();
  await openEmbedded({ file }).storage.close();
  const database = new Database(file, { readonly: true });
  const codes = VERDICT_CODES.filter((code) => !['malformed', 'not_found'].includes(code));
  for (const step of USAGE_STEPS) {
    const columns = database.pragma(`table_info(${USAGE_TABLES[step]})`) as { name: string }[];
    expect(columns.map(({ name }) => name)).toEqual(['bucket', 'kind', 'position', ...codes]);
  }
  database.close();
});

test('figures are read by one look-up for each bucket, whoever they are of', async () => {
  const file = newFile();
  await openEmbedded({ file }).storage.close();
  const database = new Database(file, { readonly: true });
  const id = '01900000-0000-7000-8000-00000000000a';
  const subjects: readonly UsageSubject[] = [
    { type: 'installation' },
    ...(['workspace', 'owner', 'key'] as const).map((type) => ({ type, id })),
  ];
  const within = { none: null, one: id };
  for (const subject of subjects) {
    for (const step of USAGE_STEPS) {
      for (const home of Object.values(within)) {
        for (const { sql, parameters } of listUsage(home, subject, { step, from: 1, to: 9 })
          .queries) {
          const plan = database
            .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
            .all(...parameters)
            .map(({ detail }) => detail);
          expect(plan).toContain(
            'SEARCH stored USING PRIMARY KEY (bucket=? AND kind=? AND position=?)',
          );
          // But for the tables that the query itself makes: a row a bucket.
          const scans = plan.filter((detail) => detail.startsWith('SCAN'));
          expect(
            scans.filter(
              (detail) => !/^SCAN (subject|buckets|bounds|CONSTANT ROW|\(subquery)/.test(detail),
            ),
          ).toEqual([]);
        }
      }
    }
  }
  for (const home of Object.values(within)) {
    for (const { sql, parameters } of listRefusals(home, id).queries) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
      expect(JSON.stringify(plan)).toContain('key_refusals_of_key (key_position=?)');
      expect(JSON.stringify(plan)).not.toMatch(/SCAN (?!CONSTANT ROW)/);
    }
  }
  database.close();
});

test('what is not rolled up is entered where it begins, however much of its hour is', async () => {
  const file = newFile();
  await openEmbedded({ file }).storage.close();
  const database = new Database(file, { readonly: true });
  for (const step of ['hour', 'day'] as const) {
    const plans = behindMark(step).map((from) =>
      database
        .prepare<unknown[], { detail: string }>(
          `EXPLAIN QUERY PLAN SELECT 1 ${from} ORDER BY bucket, kind, position LIMIT 1`,
        )
        .all(9)
        .map(({ detail }) => detail),
    );
    const table = `SEARCH ${USAGE_TABLES[step]} USING PRIMARY KEY`;
    expect(plans.map(([first]) => first)).toEqual([
      `${table} (bucket=? AND kind=? AND position>?)`,
      `${table} (bucket=? AND kind>?)`,
      `${table} (bucket>? AND bucket<?)`,
    ]);
    expect(plans.flat().filter((detail) => /SCAN|TEMP/.test(detail))).toEqual([]);
  }
  database.close();
});

test('a stop between any two steps of a roll-up counts nothing twice and loses nothing', async () => {
  const file = newFile();
  let world = worldIn(openEmbedded({ file }), 1);
  const ids: string[] = [];
  for (let i = 0; i < 60; i++) ids.push((await world.key()).key.id);
  for (const day of [0, 1, 40]) {
    for (const hour of [0, 1, 2]) {
      const at = NOW + day * DAY + hour * HOUR;
      await world.storage.recordUses(ids.map((id) => useOf(id, at)));
    }
  }
  const now = NOW + 80 * DAY;
  const sums = () =>
    Promise.all(
      USAGE_STEPS.map(async (step) => {
        const span = { step, from: bucketOf(step, NOW), to: bucketOf(step, now) + 1 };
        const found = await world.all.usage({ type: 'installation' }, span);
        return found.reduce((sum, { counts }) => sum + counts.valid, 0);
      }),
    );
  expect(await sums()).toEqual([540, 540, 540]);
  let steps = 0;
  while (await world.storage.tendUsage(now, FOR_EVER)) {
    await world.storage.close();
    world = worldIn(openEmbedded({ file }), ++steps + 1);
    expect(await sums()).toEqual([540, 540, 540]);
  }
  expect(steps).toBeGreaterThan(5);
  await world.storage.close();
});

test('two processes that roll up and count at once add everything once', async () => {
  const file = newFile();
  const one = worldIn(openEmbedded({ file }), 1);
  const two = worldIn(openEmbedded({ file }), 2);
  const ids: string[] = [];
  for (let i = 0; i < 20; i++) ids.push((await one.key()).key.id);
  const now = NOW + 3 * DAY;
  const work = async ({ storage }: typeof one) => {
    for (let round = 0; round < 24; round++) {
      await storage.recordUses(ids.map((id) => useOf(id, NOW + round * HOUR)));
      await storage.tendUsage(now, FOR_EVER);
    }
  };
  await Promise.all([work(one), work(two)]);
  while (await one.storage.tendUsage(now, FOR_EVER));
  for (const step of USAGE_STEPS) {
    const span = { step, from: bucketOf(step, NOW), to: bucketOf(step, now) + 1 };
    const found = await two.all.usage({ type: 'installation' }, span);
    expect(found.reduce((sum, { counts }) => sum + counts.valid, 0)).toBe(2 * 24 * 20);
  }
  await one.storage.close();
  await two.storage.close();
});
