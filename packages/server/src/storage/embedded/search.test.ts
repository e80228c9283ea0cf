// What a search costs that its index cannot make short, and how its index is filled.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyFilter, placeOf, type SliceRequest } from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { load } from '../../../../../bench/load.ts';
import { INSTANCE, NOW } from '../../../../../tests/fixtures/domain.ts';
import { worldIn } from '../../../../../tests/storage/store.ts';
import { openEmbedded } from '../embedded.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
const file = join(folder, 'warder.db');
const KEYS = 11_900;
let store: ReturnType<typeof openEmbedded>;
let workspaceId = '';

beforeAll(async () => {
  await openEmbedded({ file }).storage.close();
  // Both pieces of `abcdef` are in every name, and it is in one of the oldest alone.
  const nameOf = (i: number) => (i === 5 ? 'abcdef' : 'def abc');
  workspaceId = load({ file, keys: [KEYS], now: NOW, nameOf })[0]?.id ?? '';
  store = openEmbedded({ file });
}, 120_000);
afterAll(async () => {
  await store.storage.close();
  rmSync(folder, { recursive: true });
});

async function walk(filter: Partial<KeyFilter>) {
  const visited: number[] = [];
  let from: SliceRequest['from'] = null;
  for (let more = true; more; ) {
    const slice = await store.storage
      .everywhere(INSTANCE.instance)
      .keys({ now: NOW, ...filter }, { limit: 50, from, total: 'none' });
    visited.push(slice.items.length);
    const last = slice.items.at(-1);
    const place = slice.reached ?? (last && placeOf(last));
    more = slice.more && place !== undefined;
    from = place ? { side: 'after', place } : null;
  }
  return visited;
}

test('a search whose every piece is in very many keys is read page by page, short ones too, and finds all', async () => {
  expect(await walk({ workspaceId, search: 'abcdef' })).toEqual([0, 0, 1]);
  // Across all workspaces each key is looked up.
  expect(await walk({ search: 'abcdef' })).toEqual([0, 0, 0, 0, 0, 1]);
  expect(await walk({ workspaceId, search: 'abcdef', environment: 'live' })).toHaveLength(6);
});

test('a search that many keys match fills its pages', async () => {
  const pages = await walk({ workspaceId, search: 'def abc' });
  expect(pages).toEqual([...Array.from({ length: 237 }, () => 50), 49]);
});

test('keys get into the index some at a time, and are found before and after', async () => {
  const fresh = join(folder, 'fresh.db');
  const world = worldIn(openEmbedded({ file: fresh }));
  const database = new Database(fresh, { readonly: true });
  const held = () =>
    database.prepare("SELECT count(*) FROM key_search('text : key')").pluck().get();
  const found = async () =>
    (await world.all.keys({ now: NOW, search: 'key' }, { limit: 500, from: null, total: 'exact' }))
      .items.length;
  for (let i = 1; i <= 63; i++) await world.key({ name: 'key' });
  expect(await world.storage.tendLists()).toBe(false);
  expect([held(), await found()]).toEqual([0, 63]);
  await world.key({ name: 'key' });
  expect(await world.storage.tendLists()).toBe(true);
  expect(await world.storage.tendLists()).toBe(false);
  expect([held(), await found()]).toEqual([64, 64]);
  // A process whose clock is behind makes one that is older than the last in the index.
  world.host.at = NOW - 60_000;
  await world.key({ name: 'key' });
  expect([held(), await found()]).toEqual([65, 65]);
  database.close();
  await world.storage.close();
});
