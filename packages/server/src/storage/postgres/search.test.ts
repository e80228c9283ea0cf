// What a search costs that its index cannot make short, what the index holds, and that
// whatever JSON may say is found around.

import {
  editKey,
  editWorkspace,
  eraseKey,
  type KeyFilter,
  placeOf,
  positionOf,
  type SliceRequest,
} from '@warder/core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('while another transaction writes the metadata of a key', () => {
  /** Runs something meanwhile; the change is committed once that has ended, or waits for it. */
  async function changing(
    make: (change: postgres.TransactionSql) => Promise<unknown>,
    meanwhile: () => Promise<unknown>,
  ) {
    let hasEnded = false;
    const blocked = async (change: postgres.TransactionSql) => {
      const [row] = await change`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
      return row !== undefined;
    };
    const { ended } = await client.begin(async (change) => {
      await make(change);
      const ended = meanwhile().finally(() => {
        hasEnded = true;
      });
      while (!hasEnded && !(await blocked(change)));
      return { ended };
    });
    await ended;
  }
  const tend = async () => {
    while (await world.storage.tendLists());
  };
  const declaring = async (name: string) => {
    const workspace = await world.workspace(name);
    const { key } = await world.key({ workspaceId: workspace.id, metadata: { plan: 'tin' } });
    const patch = { settings: { metadataFilters: ['plan'] } };
    const edit = editWorkspace(workspace, patch, world.act());
    if (edit === null) throw new Error('unreachable');
    const change = { type: 'update_workspace', workspace: edit.workspace, was: 1 } as const;
    const find = async (value: string) => {
      const filter = { workspaceId: workspace.id, metadata: [{ name: 'plan', value }], now: NOW };
      return (await world.all.keys(filter, whole)).items.map(({ id }) => id);
    };
    return { key, find, declare: () => world.all.commit([change]) };
  };

  test('what declares it waits for a key that is being made, which is found', async () => {
    const { key, find, declare } = await declaring('Delta');
    const { id } = world.draft().key;
    const made = JSON.stringify({
      ...{ id, position: `${positionOf(id)}`, handle: id, metadata: '{"plan":"gold"}' },
      digest: `\\x${'0'.repeat(64)}`,
    });
    const make = (change: postgres.TransactionSql) => change`
      INSERT INTO other.keys SELECT (jsonb_populate_record(key, ${made}::text::jsonb)).*
        FROM other.keys AS key WHERE id = ${key.id}`;
    await changing(make, async () => {
      await declare();
      await tend();
    });
    expect([await find('tin'), await find('gold')]).toEqual([[key.id], [id]]);
  });

  test('what fills its index waits, and the key is found by what it is changed to', async () => {
    const { key, find, declare } = await declaring('Epsilon');
    await declare();
    const edit = (change: postgres.TransactionSql) =>
      change`UPDATE other.keys SET metadata = '{"plan":"gold"}' WHERE id = ${key.id}`;
    await changing(edit, tend);
    expect([await find('tin'), await find('gold')]).toEqual([[], [key.id]]);
  });
});
