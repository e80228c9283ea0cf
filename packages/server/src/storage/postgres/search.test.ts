// What a search costs that its index cannot make short, what the index holds, and that
// whatever JSON may say is found around.

import {
  editKey,
  editWorkspace,
  eraseKey,
  type KeyFilter,
  placeOf,
  type SliceRequest,
} from '@warder/core';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadPostgres } from '../../../../../bench/load-postgres.ts';
import { NOW } from '../../../../../tests/fixtures/domain.ts';
import { type PostgresServer, startPostgres } from '../../../../../tests/kit/servers.ts';
import { type World, worldIn } from '../../../../../tests/storage/store.ts';
import { openPostgres } from '../postgres.ts';

const KEYS = 11_900;
let server: PostgresServer;
let client: postgres.Sql;
let many: World;
let world: World;
let workspaceId = '';

beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
  many = worldIn(await openPostgres({ url: server.url }));
  world = worldIn(await openPostgres({ url: server.url, schema: 'other' }));
  client = postgres(server.tcpUrl, { max: 1, onnotice: () => {} });
  // Both pieces of `abcdef` are in every name, and it is in one of the oldest alone.
  const nameOf = (i: number) => (i === 5 ? 'abcdef' : 'def abc');
  workspaceId = (await loadPostgres(client, { keys: [KEYS], now: NOW, nameOf }))[0]?.id ?? '';
}, 240_000);
afterAll(async () => {
  await client?.end();
  await many?.storage.close();
  await world?.storage.close();
  await server?.stop();
});

async function walk(filter: Partial<KeyFilter>) {
  const visited: number[] = [];
  let from: SliceRequest['from'] = null;
  for (let more = true; more; ) {
    const slice = await many.all.keys({ now: NOW, ...filter }, { limit: 50, from, total: 'none' });
    visited.push(slice.items.length);
    const last = slice.items.at(-1);
    const place = slice.reached ?? (last && placeOf(last));
    more = slice.more && place !== undefined;
    from = place ? { side: 'after', place } : null;
  }
  return visited;
}

test('a search whose every piece is in very many keys is read page by page, short ones too, and finds all', async () => {
  expect(await walk({ workspaceId, search: 'abcdef' })).toEqual([0, 0, 0, 0, 0, 1]);
  expect(await walk({ search: 'abcdef' })).toEqual([0, 0, 0, 0, 0, 1]);
  expect(await walk({ workspaceId, search: 'abcdef', environment: 'live' })).toHaveLength(6);
});

test('a search that many keys match fills its pages', async () => {
  const pages = await walk({ workspaceId, search: 'def abc' });
  expect(pages).toEqual([...Array.from({ length: 237 }, () => 50), 49]);
});

const whole = { limit: 100, from: null, total: 'exact' } as const;

test('what is renamed, deleted or erased leaves the index of what is searched', async () => {
  const home = (await world.workspace('Acme')).id;
  const held = async (piece: string) =>
    Number(
      (await client`SELECT count(*) FROM other.key_search WHERE pieces @> ARRAY[${piece}]`)[0]
        ?.count,
    );
  const { key } = await world.key({ workspaceId: home, name: 'Umbrella' });
  expect(await held('mbr')).toBe(1);
  const renamed = await world.change(key, editKey(key, { name: 'Parasol' }, world.act()));
  expect([await held('mbr'), await held('aso')]).toEqual([0, 1]);
  await world.change(renamed, eraseKey(renamed, world.act()));
  expect(await held('aso')).toBe(0);
  const rows = await client`SELECT 1 FROM other.key_search WHERE pieces @> ARRAY[${home}]`;
  expect(rows).toHaveLength(0);
});

test('metadata with what no text of PostgreSQL holds is kept, and what stands beside it is found', async () => {
  const workspace = await world.workspace('Beta');
  const declared = editWorkspace(
    workspace,
    { settings: { metadataFilters: ['plan'] } },
    world.act(),
  );
  if (declared === null) throw new Error('unreachable');
  const change = { type: 'update_workspace', workspace: declared.workspace, was: 1 } as const;
  const home = workspace.id;
  const strange = { plan: 'gold', a: '\u0000\u0000', b: '\ud800', c: '\\u0000', 'd\u0000': 1 };
  const { key: early } = await world.key({ workspaceId: home, metadata: strange });
  const find = async (name: string, value: string) => {
    const filter = { workspaceId: home, metadata: [{ name, value }], now: NOW };
    return (await world.all.keys(filter, whole)).items.map(({ id }) => id);
  };
  expect(await find('plan', 'gold')).toEqual([early.id]);
  await world.all.commit([change]);
  while (await world.storage.tendLists());
  const { key: late } = await world.key({ workspaceId: home, metadata: strange });
  expect(await find('plan', 'gold')).toEqual([late.id, early.id]);
  expect(await find('c', '\\u0000')).toEqual([late.id, early.id]);
  expect((await world.all.key(late.id))?.metadata).toEqual(strange);
});

test('keys that are written while a workspace declares metadata are all in its index once it is filled', async () => {
  const workspace = await world.workspace('Gamma');
  const home = workspace.id;
  const edits = ['tin', 'gold'];
  const { key } = await world.key({ workspaceId: home, metadata: { plan: 'none' } });
  const made = Array.from({ length: 60 }, async (_, i) => {
    const metadata = { plan: edits[i % 2] ?? '' };
    return (await world.key({ workspaceId: home, metadata })).key.id;
  });
  const declared = editWorkspace(
    workspace,
    { settings: { metadataFilters: ['plan'] } },
    world.act(),
  );
  if (declared === null) throw new Error('unreachable');
  const change = { type: 'update_workspace', workspace: declared.workspace, was: 1 } as const;
  const committed = world.all.commit([change]);
  const edited = world.change(key, editKey(key, { metadata: { plan: 'gold' } }, world.act()));
  expect(await committed).toBe('done');
  const tended = (async () => {
    while (await world.storage.tendLists());
  })();
  const ids = await Promise.all(made);
  await Promise.all([edited, tended]);
  while (await world.storage.tendLists());
  const filter = { workspaceId: home, metadata: [{ name: 'plan', value: 'gold' }], now: NOW };
  const found = (await world.all.keys(filter, whole)).items.map(({ id }) => id);
  const gold = [key.id, ...ids.filter((_, i) => i % 2 === 1)];
  expect(found.toSorted()).toEqual(gold.toSorted());
});
