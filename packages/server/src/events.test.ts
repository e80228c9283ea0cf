// Lists of events as SQLite plans them: each filter by itself is one index in order.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ALL_KEYS,
  type Caller,
  type EventFilter,
  NO_ORIGIN,
  operations,
  placeOf,
} from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INSTANCE } from '../../../tests/fixtures/domain.ts';
import { worldIn } from '../../../tests/storage/store.ts';
import { listErasure, listPrunable, listUnlogged, listUnsealed } from './chains.ts';
import { listEvents } from './events.ts';
import { createHost } from './host.ts';
import { NOTHING } from './slices.ts';
import { builder } from './storage/embedded/builder.ts';
import { walksIn } from './storage/embedded/walk.ts';
import { openEmbedded } from './storage/embedded.ts';

const walks = walksIn(builder);
const folder = mkdtempSync(join(tmpdir(), 'warder-'));
const file = join(folder, 'warder.db');
await openEmbedded({ file }).storage.close();
const database = new Database(file, { readonly: true });
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const everything: Caller = {
  identity: { type: 'system', id: 'test' },
  home: { instance: INSTANCE.instance },
  environment: null,
  permissions: ['*'],
  grants: { scopes: ['*'], environments: ['live', 'test'], maxLifeSeconds: null },
  bounds: ALL_KEYS,
  expiresAt: null,
  keysEndBy: null,
  key: null,
  origin: NO_ORIGIN,
};

function plan({ sql, parameters }: { sql: string; parameters: readonly unknown[] }): string {
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
  return (rows as { detail: string }[]).map(({ detail }) => detail).join('\n');
}

const FILTERS: readonly (readonly [string, EventFilter])[] = [
  ['events_list_in_workspace', {}],
  ['events_of_subject', { keyId: 'k' }],
  ['events_of_owner', { ownerId: 'o' }],
  ['events_of_actor', { actorId: 'a' }],
  ['events_of_type', { types: ['key.created'] }],
  ['events_of_type', { types: ['key.created', 'key.revoked'] }],
  ['events_list_in_workspace', { created: { after: 1, before: 2 } }],
];
const SLICES = [null, 'after', 'before'] as const;

test.each(FILTERS)('%s is what %j is read from, in order', (index, filter) => {
  for (const side of SLICES) {
    const from = side && { side, place: { value: null, position: 5n } };
    const { queries } = listEvents(walks, 'w', filter, { limit: 50, from, total: 'none' });
    for (const query of queries.filter(({ sql }) => sql !== NOTHING.sql)) {
      const found = plan(query);
      expect(found).toMatch(new RegExp(`SEARCH events USING INDEX ${index} \\(`));
      expect(found).not.toMatch(/TEMP B-TREE|SCAN (?!CONSTANT ROW)/);
    }
  }
});

test('all events are read in the order of the table', () => {
  const slice = { limit: 50, from: null, total: 'none' } as const;
  const [page] = listEvents(walks, null, {}, slice).queries;
  const lines = page ? plan(page).split('\n') : [];
  expect(lines).toContain('SCAN events');
  expect(lines.filter((line) => /TEMP B-TREE/.test(line))).toEqual([]);
});

test('what is to be sealed, pruned, logged and erased is found without looking at the rest', () => {
  for (const { queries } of [
    listUnsealed(builder, null, 100),
    listPrunable(builder, null, 5, 100),
    listUnlogged(builder, null, 100),
    listErasure(builder, null, 100),
  ]) {
    for (const query of queries) {
      const found = plan(query);
      expect(found).not.toMatch(/TEMP B-TREE/);
      expect(found).not.toMatch(/SCAN (events|owners|keys)(?! USING)/);
    }
  }
});

describe('by what no index of all workspaces holds', () => {
  const busy = join(folder, 'busy.db');
  const EVENTS = 4_500;
  const reach = () => world.storage.everywhere(INSTANCE.instance);
  let world: ReturnType<typeof worldIn>;
  beforeAll(async () => {
    world = worldIn(openEmbedded({ file: busy }));
    await world.workspace('Oldest');
    for (let i = 0; i < EVENTS; i += 100) {
      const changes = Array.from({ length: 100 }, () => world.draft().changes).flat();
      expect(await reach().commit(changes)).toBe('done');
    }
  }, 60_000);
  afterAll(() => world.storage.close());

  async function pagesOf(filter: EventFilter, side: 'after' | 'before' = 'after') {
    const pages: number[] = [];
    let position = side === 'after' ? (1n << 63n) - 1n : -1n;
    for (let more = true; more; ) {
      const slice = await reach().events(filter, {
        limit: 50,
        from: { side, place: { value: null, position } },
        total: 'none',
      });
      pages.push(slice.items.length);
      const end = side === 'after' ? slice.items.at(-1) : slice.items[0];
      position = slice.reached?.position ?? (end ? placeOf(end).position : position);
      more = slice.more;
    }
    return pages;
  }

  test.each<EventFilter>([
    { types: ['workspace.created'] },
    { types: ['workspace.created', 'owner.erased'] },
    { types: ['workspace.created'], actorId: 'actor' },
  ])('%j ends a page early, says where the next begins, and loses nothing', async (filter) => {
    expect(await pagesOf(filter)).toEqual([0, 0, 1]);
    expect(await pagesOf(filter, 'before')).toEqual([1, 0, 0]);
  });

  test('is exported whole', async () => {
    const refuse = () => Promise.reject(new Error('nothing is verified'));
    const verifier = { verify: refuse, windows: refuse };
    const host = createHost({ secret: Buffer.alloc(32, 1) });
    const limits = { take: () => Promise.reject(new Error('nothing is taken')) };
    const parts = { storage: world.storage, host, verifier, limits, defaultWorkspaceId: 'none' };
    const found: string[] = [];
    const useCases = operations(parts).as(everything);
    for await (const { type } of await useCases.exportEvents({ types: ['key.created'] })) {
      found.push(type);
    }
    expect(found).toHaveLength(EVENTS);
    const rare: string[] = [];
    for await (const { type } of await useCases.exportEvents({ types: ['events.exported'] })) {
      rare.push(type);
    }
    expect(rare.length).toBeGreaterThan(0);
  });

  test('and counts among 10,000, or to the end', async () => {
    const filter: EventFilter = { types: ['workspace.created'] };
    const slice = { limit: 1, from: null } as const;
    expect((await reach().events(filter, { ...slice, total: 'exact' })).total).toEqual({
      count: 1,
      exact: true,
    });
  });
});
