// What a page of keys costs, told by the plans that SQLite makes for it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEY_SORTS, KEY_STATUSES, type KeyFilter, type SliceRequest } from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HALF, load, WORDS } from '../../../../../bench/load.ts';
import { INSTANCE, NOW } from '../../../../../tests/fixtures/domain.ts';
import { MANY, manyKeysContract } from '../../../../../tests/storage/many-keys.ts';
import { SORT_COLUMNS } from '../../key-filters.ts';
import { type Listing, listOwners, listWorkspaces } from '../../slices.ts';
import { openEmbedded } from '../embedded.ts';
import { builder } from './builder.ts';
import { listKeys } from './key-list.ts';
import { walksIn } from './walk.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
const file = join(folder, 'warder.db');
const walks = walksIn(builder);
let store: ReturnType<typeof openEmbedded>;
let database: Database.Database;
let home = '';

beforeAll(async () => {
  await openEmbedded({ file }).storage.close();
  const [workspace] = load({ file, keys: [MANY, 500], now: NOW });
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
  manyKeysContract(() => ({ all: store.storage.everywhere(INSTANCE.instance), home }));
});
