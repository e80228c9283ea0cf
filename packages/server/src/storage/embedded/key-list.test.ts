// What a page of keys costs, told by the plans that SQLite makes for it, and what a
// list answers that has more rows to visit than it may.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  KEY_SORTS,
  KEY_STATUSES,
  type Key,
  type KeyFilter,
  NEWEST_FIRST,
  placeOfKey,
  type Slice,
  type SliceRequest,
} from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HALF, load, ONE, WORDS } from '../../../../../bench/load.ts';
import { INSTANCE, NOW } from '../../../../../tests/fixtures/domain.ts';
import { type Listing, listOwners, listWorkspaces } from '../../slices.ts';
import { openEmbedded } from '../embedded.ts';
import { builder } from './builder.ts';
import { SORT_COLUMNS } from './key-indices.ts';
import { listKeys } from './key-list.ts';
import { walksIn } from './walk.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
const file = join(folder, 'warder.db');
const KEYS = 12_000;
const walks = walksIn(builder);
let store: ReturnType<typeof openEmbedded>;
let database: Database.Database;
let home = '';

beforeAll(async () => {
  await openEmbedded({ file }).storage.close();
  const [workspace] = load({ file, keys: [KEYS, 500], now: NOW });
  home = workspace?.id ?? '';
  store = openEmbedded({ file });
  database = new Database(file, { readonly: true });
}, 120_000);
afterAll(async () => {
  database.close();
  await store.storage.close();
  rmSync(folder, { recursive: true });
});

/** The plans of the queries that a list makes, without those that have nothing to ask. */
function plansOf({ queries }: Listing<unknown>): string[] {
  return queries
    .filter(({ sql }) => sql !== 'select 1 where false')
    .map(({ sql, parameters }) =>
      database
        .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...parameters)
        .map(({ detail }) => detail)
        .join('\n'),
    );
}

/** A full-text index is always said to be scanned, and so is what a subquery of a few rows gives. */
const SLOW = /TEMP B-TREE|SCAN (?!key_search VIRTUAL TABLE|\(subquery|reached|CONSTANT ROW)/;
/** Of a query that only asks whether another one is worth it. */
const GUARD = /metadata_names|^SCAN CONSTANT ROW\n/;
/** That the index is entered where the page begins. */
const FROM_THERE = /position[<>]\?|VIRTUAL TABLE INDEX \d+:M\d[<>]/;

const DAY = 86_400_000;
const alone: Record<string, Partial<KeyFilter>> = {
  'no filter': {},
  ...Object.fromEntries(KEY_STATUSES.map((status) => [status, { statuses: [status] }])),
  'three statuses': { statuses: ['active', 'revoked', 'expired'] },
  kind: { kind: 'management' },
  owner: { ownerId: HALF.owner },
  scope: { scope: HALF.scope },
  environment: { environment: 'test' },
  maker: { createdBy: HALF.maker },
  'never used': { neverUsed: true },
  metadata: { metadata: [{ name: 'plan', value: HALF.plan }] },
  search: { search: WORDS.half },
  created: { created: { after: NOW - 300 * DAY, before: NOW } },
};
const ranges: Record<string, Partial<KeyFilter>> = {
  'expiring before': { expires: { before: NOW + 3_000 * DAY } },
  'expiring after': { expires: { after: NOW } },
  'last used before': { lastUsed: { before: NOW } },
  'last used after': { lastUsed: { after: NOW - 300 * DAY } },
};
const sides = ['after', 'before'] as const;
const deep = (side: 'after' | 'before', value: string | number | null = null): SliceRequest => ({
  limit: 50,
  from: { side, place: { value, position: 1n << 60n } },
  total: 'none',
});

describe('in the order of creation', () => {
  test.each(Object.entries(alone))('%s is read from one index in that order', (_, filter) => {
    for (const side of sides) {
      for (const plan of plansOf(listKeys(builder, home, { ...filter, now: NOW }, deep(side)))) {
        expect(plan).not.toMatch(SLOW);
        if (!GUARD.test(plan)) expect(plan).toMatch(FROM_THERE);
      }
    }
  });

  test.each(Object.entries(ranges))(
    '%s walks a covering index, or gathers what its own index has of it',
    (_, filter) => {
      for (const side of sides) {
        const plans = plansOf(listKeys(builder, home, { ...filter, now: NOW }, deep(side)));
        const walks = plans.filter((plan) => plan.includes('_by_created_at_in_workspace'));
        expect(walks).toHaveLength(2);
        for (const plan of plans) {
          expect(plan).not.toMatch(/SCAN keys\b/);
          if (walks.includes(plan)) expect(plan).not.toMatch(/TEMP B-TREE/);
        }
      }
    },
  );

  test.each(['owner', 'search', 'no filter', 'created'])(
    '%s across all workspaces is read from one index in that order',
    (name) => {
      for (const side of sides) {
        const filter = { ...alone[name], now: NOW };
        for (const plan of plansOf(listKeys(builder, null, filter, deep(side)))) {
          expect(plan).not.toMatch(SLOW);
          if (!GUARD.test(plan)) expect(plan).toMatch(FROM_THERE);
        }
      }
    },
  );

  test('workspaces and owners are read from one index in that order', () => {
    for (const side of sides) {
      for (const list of [
        listWorkspaces(walks, null, {}, deep(side)),
        listOwners(walks, null, {}, deep(side)),
        listOwners(walks, home, {}, deep(side)),
      ]) {
        for (const plan of plansOf(list)) expect(plan).not.toMatch(SLOW);
      }
    }
  });
});

describe.each(KEY_SORTS)('sorted by %s', (by) => {
  test('a list of one workspace reads one index in that order and enters it where the page begins', () => {
    for (const within of by === 'created_at' ? [null, home] : [home]) {
      for (const includeDeleted of [false, true]) {
        for (const descending of [false, true]) {
          const filter = { includeDeleted, order: { by, descending }, now: NOW };
          const value = by === 'created_at' ? null : by === 'name' ? 'm' : 5;
          for (const side of sides) {
            for (const plan of plansOf(listKeys(builder, within, filter, deep(side, value)))) {
              expect(plan).not.toMatch(SLOW);
              expect(plan).toMatch(FROM_THERE);
            }
          }
        }
      }
    }
  });
});

test.each(['expires_at', 'last_used_at', 'name'] as const)(
  'sorted by %s, a list of all workspaces goes from key to key through the index of each',
  (by) => {
    for (const shelf of ['live', 'deleted'] as const) {
      const includeDeleted = shelf === 'deleted';
      const filter = { includeDeleted, order: { by, descending: false }, now: NOW };
      for (const side of sides) {
        const from = deep(side, by === 'name' ? 'm' : 5);
        for (const plan of plansOf(listKeys(builder, null, filter, from))) {
          // The keys of a page are put in order once more, and nothing else is.
          expect(plan.match(/TEMP B-TREE/g)).toHaveLength(1);
          expect(plan).not.toMatch(/SCAN (?!workspaces|every|kinds|homes|merged|CONSTANT ROW)/);
          const index = `keys_${shelf}_by_${by}_in_workspace`;
          for (const entry of ['=? AND (position|rowid)[<>]', '[<>]']) {
            const entered = `${index} \\(workspace_id=\\? AND ${SORT_COLUMNS[by]}${entry}\\?`;
            expect(plan).toMatch(new RegExp(entered.replaceAll('=?', '=\\?')));
          }
        }
      }
    }
  },
);

describe('a list that has more rows to visit than it may', () => {
  const reach = () => store.storage.everywhere(INSTANCE.instance);
  const walk = async (filter: Partial<KeyFilter>, limit = 50) => {
    const ids: string[] = [];
    let pages = 0;
    let from: SliceRequest['from'] = null;
    for (let more = true; more; pages++) {
      const slice: Slice<Key> = await reach().keys(
        { workspaceId: home, ...filter, now: NOW },
        { limit, from, total: 'none' },
      );
      ids.push(...slice.items.map(({ id }) => id));
      more = slice.more;
      const key = slice.items.at(-1);
      const place = slice.reached ?? (key && placeOfKey(key, filter.order ?? NEWEST_FIRST));
      from = place ? { side: 'after', place } : null;
    }
    return { ids, pages };
  };

  test('ends a page early and says where the next begins, and loses nothing', async () => {
    // Across all workspaces no index holds a scope: one key of each has it.
    const { ids, pages } = await walk({ scope: ONE.scope, workspaceId: undefined });
    expect(ids).toHaveLength(2);
    expect(pages).toBe(Math.ceil((KEYS + 500) / 2_000));
    const both = { environment: 'live', expires: { after: 0 }, lastUsed: { after: 0 } } as const;
    const whole = await walk({}, 250);
    const few = await walk(both, 250);
    expect(few.ids).toEqual(whole.ids.filter((id) => few.ids.includes(id)));
    expect(few.ids.length).toBeGreaterThan(KEYS / 16);
  });

  test.each<Partial<KeyFilter>>([
    { order: { by: 'name', descending: true } },
    { order: { by: 'expires_at', descending: false }, environment: 'live', neverUsed: true },
    {
      order: { by: 'last_used_at', descending: true },
      environment: 'test',
      workspaceId: undefined,
    },
    { order: { by: 'name', descending: false }, search: 'team', workspaceId: undefined },
  ])('loses nothing in another order, and repeats nothing: %o', async (filter) => {
    const { ids, pages } = await walk(filter, 250);
    const found = await reach().keys(
      { workspaceId: home, ...filter, order: undefined, now: NOW },
      { limit: KEYS * 2, offset: 1, from: null, total: 'exact' },
    );
    expect(ids).toHaveLength(found.total?.count ?? 0);
    expect(new Set(ids).size).toBe(ids.length);
    expect(found.items.filter(({ id }) => !ids.includes(id))).toEqual([]);
    expect(pages).toBeLessThan(70);
  });

  test('counts to 10,000 and says that there are more', async () => {
    const all = { now: NOW, workspaceId: home };
    const one = { limit: 1, from: null };
    const bounded = await reach().keys(all, { ...one, total: 'bounded' });
    expect(bounded.total).toEqual({ count: 10_000, exact: false });
    const exact = await reach().keys(all, { ...one, total: 'exact' });
    expect(exact.total).toEqual({ count: KEYS, exact: true });
    const half = await reach().keys({ ...all, ownerId: HALF.owner }, { ...one, total: 'bounded' });
    expect(half.total?.exact).toBe(true);
    expect(half.total?.count).toBe((await walk({ ownerId: HALF.owner }, 250)).ids.length);
  });

  test('passes over an offset', async () => {
    const filter = { workspaceId: home, environment: 'test', now: NOW } as const;
    const { ids } = await walk({ environment: 'test' }, 250);
    const slice = await reach().keys(filter, {
      limit: 3,
      offset: 1_001,
      from: null,
      total: 'none',
    });
    expect(slice.items.map(({ id }) => id)).toEqual(ids.slice(1_001, 1_004));
  });

  test.each<Partial<KeyFilter>>([
    { ownerId: ONE.owner },
    { createdBy: ONE.maker },
    { scope: ONE.scope },
    { metadata: [{ name: 'plan', value: ONE.plan }] },
    { search: WORDS.one },
    { statuses: ['disabled'] },
    { expires: { after: NOW + 4_000 * DAY } },
    { lastUsed: { before: NOW - 4_000 * DAY } },
    { ownerId: ONE.owner, order: { by: 'name', descending: false } },
    { search: WORDS.one, environment: 'live', order: { by: 'expires_at', descending: true } },
  ])('finds the one of many in a single page: %o', async (filter) => {
    const slice = await reach().keys(
      { ...filter, workspaceId: home, now: NOW },
      { limit: 50, from: null, total: 'bounded' },
    );
    const { environment } = filter;
    const found = slice.items.filter((key) => key.environment === (environment ?? key.environment));
    expect(slice.items).toEqual(found);
    expect(slice.items.length).toBeLessThanOrEqual(1);
    if (environment === undefined) expect(slice.items).toHaveLength(1);
    expect(slice.more).toBe(false);
    expect(slice.total).toEqual({ count: slice.items.length, exact: true });
  });
});
