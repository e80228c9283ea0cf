// What a page of keys costs, told by the plans that PostgreSQL makes for it: with the
// values at hand, and for any values.

import {
  KEY_SORTS,
  KEY_STATUSES,
  type KeyFilter,
  NEWEST_FIRST,
  positionAt,
  type SliceRequest,
  type Storage,
} from '@warder/core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HALF, ONE, WORDS } from '../../../../../bench/load.ts';
import { loadPostgres } from '../../../../../bench/load-postgres.ts';
import { INSTANCE, NOW } from '../../../../../tests/fixtures/domain.ts';
import { asked, expectOneIndex, MODES, visits, walking } from '../../../../../tests/kit/plans.ts';
import { type PostgresServer, startPostgres } from '../../../../../tests/kit/servers.ts';
import { MANY, manyKeysContract } from '../../../../../tests/storage/many-keys.ts';
import { listKeysToErase, listOwners, listWorkspaces } from '../../slices.ts';
import { openPostgres } from '../postgres.ts';
import { builderFor } from './builder.ts';
import { listKeys } from './key-list.ts';
import { walksIn } from './runs.ts';

const builder = builderFor('warder');
const walks = walksIn(builder);
let server: PostgresServer;
let client: postgres.Sql;
let storage: Storage;
let home = '';

beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
  ({ storage } = await openPostgres({ url: server.url }));
  client = postgres(server.tcpUrl, { max: 1, onnotice: () => {} });
  const [workspace] = await loadPostgres(client, { keys: [MANY, 500], now: NOW });
  home = workspace?.id ?? '';
}, 240_000);
afterAll(async () => {
  await client?.end();
  await storage?.close();
  await server?.stop();
});

const DAY = 86_400_000;
const alone: Record<string, readonly [Partial<KeyFilter>, RegExp]> = {
  'no filter': [{}, /^keys_live_by_created_at_in_workspace$/],
  ...Object.fromEntries(
    KEY_STATUSES.filter((status) => status !== 'deleted').map((status) => [
      status,
      [{ statuses: [status] }, /^keys_by_state$/] as const,
    ]),
  ),
  'three statuses': [{ statuses: ['active', 'revoked', 'expired'] }, /^keys_by_state$/],
  kind: [{ kind: 'management' }, /^keys_by_kind$/],
  owner: [{ ownerId: HALF.owner }, /^keys_by_owner$/],
  scope: [{ scope: HALF.scope }, /^key_scopes_pkey$/],
  environment: [{ environment: 'test' }, /^keys_by_environment$/],
  maker: [{ createdBy: HALF.maker }, /^keys_by_maker$/],
  'never used': [{ neverUsed: true }, /^keys_live_by_last_used_at_in_workspace$/],
  metadata: [{ metadata: [{ name: 'plan', value: HALF.plan }] }, /^key_metadata_pkey$/],
  created: [
    { created: { after: NOW - 300 * DAY, before: NOW } },
    /^keys_live_by_created_at_in_workspace$/,
  ],
};
const sides = ['after', 'before'] as const;
/** A place behind which there are keys on either side. */
const amid = (side: 'after' | 'before', value: string | number | null = null): SliceRequest => {
  const position = positionAt(NOW - (MANY / 2) * 60_000);
  return { limit: 50, from: { side, place: { value, position } }, total: 'none' };
};

describe.each(MODES)('with %s', (mode) => {
  test.each(Object.entries(alone))(
    '%s is read from one index in the order of creation',
    async (_, [filter, index]) => {
      for (const side of sides) {
        const plans = await asked(
          client,
          listKeys(builder, home, { ...filter, now: NOW }, amid(side)),
          mode,
        );
        const pages = plans.filter(({ query }) => !query.sql.includes('metadata_names'));
        expect(pages.length).toBeGreaterThan(0);
        for (const { nodes } of pages) expectOneIndex(nodes, index);
      }
    },
  );

  test.each([
    ['no filter', /^keys_live_by_created_at$/],
    ['owner', /^keys_by_owner_everywhere$/],
    ['never used', /^keys_live_by_last_used_at$/],
    ['created', /^keys_live_by_created_at$/],
  ])('%s across all workspaces is read from one index in that order', async (name, index) => {
    const filter = { ...alone[name]?.[0], now: NOW };
    for (const side of sides) {
      for (const { nodes } of await asked(
        client,
        listKeys(builder, null, filter, amid(side)),
        mode,
      )) {
        expectOneIndex(nodes, index);
      }
    }
  });

  test.each(KEY_SORTS)('sorted by %s, a list reads one index in that order', async (by) => {
    for (const within of [home, null]) {
      for (const descending of [false, true]) {
        const filter = { order: { by, descending }, now: NOW };
        const value = by === 'created_at' ? null : by === 'name' ? 'key' : 20_000;
        for (const side of sides) {
          const list = listKeys(builder, within, filter, amid(side, value));
          const index = `keys_live_by_${by}${within === null ? '' : '_in_workspace'}`;
          for (const { nodes } of await asked(client, list, mode)) {
            expectOneIndex(nodes, new RegExp(`^${index}$`));
          }
        }
      }
    }
  });

  test('workspaces and owners are read from one index in that order', async () => {
    for (const side of sides) {
      for (const [list, index] of [
        [listWorkspaces(walks, null, {}, amid(side)), /^workspaces_list$/],
        [listOwners(walks, null, {}, amid(side)), /^owners_pkey$/],
        [listOwners(walks, home, {}, amid(side)), /^owners_list_in_workspace$/],
      ] as const) {
        for (const { nodes } of await asked(client, list, mode)) {
          const names = walking(nodes).map((node) => node['Index Name']);
          // So few that PostgreSQL may read them all.
          for (const name of names)
            expect(name ?? 'none').toMatch(new RegExp(`none|${index.source}`));
        }
      }
    }
  });

  test('keys of deleted workspaces are found without a look at any other', async () => {
    await client.unsafe('UPDATE warder.workspaces SET deleted_at = 1 WHERE id <> $1', [home]);
    for (const { nodes } of await asked(client, listKeysToErase(walks, null, 100), mode)) {
      const ofKeys = nodes.filter((node) => node['Relation Name'] === 'keys');
      // None is deleted here, so that any index of deleted ones will do.
      const index = /^keys_(live_.*_in_workspace|deleted_.*)$/;
      for (const node of ofKeys) expect(node['Index Name']).toMatch(index);
      expect(ofKeys).toHaveLength(1);
      expect(visits(ofKeys)).toBeLessThanOrEqual(100);
    }
    await client.unsafe('UPDATE warder.workspaces SET deleted_at = null');
  });

  test.each<Partial<KeyFilter>>([
    { ownerId: HALF.owner, environment: 'test' },
    { ownerId: HALF.owner, createdBy: ONE.maker, kind: 'management' },
    { environment: 'live', neverUsed: true, scope: 'none:such' },
    { environment: 'live', kind: 'management', order: { by: 'name', descending: false } },
    { expires: { after: NOW }, lastUsed: { after: 0 }, kind: 'management' },
    { search: WORDS.half },
    { search: WORDS.one },
    { search: WORDS.one, environment: 'live', order: { by: 'expires_at', descending: true } },
    { search: 'nowhere', ownerId: HALF.owner },
    { metadata: [{ name: 'plan', value: HALF.plan }], kind: 'management' },
    { metadata: [{ name: 'undeclared', value: 'x' }] },
    { statuses: ['deleted', 'disabled', 'soft_blocked'], kind: 'management' },
    { scope: ONE.scope, workspaceId: undefined },
  ])('visits at most 10,000 rows for a page by %o', async (filter) => {
    const within = 'workspaceId' in filter ? null : home;
    for (const side of sides) {
      const { by } = filter.order ?? NEWEST_FIRST;
      const from = amid(side, by === 'created_at' ? null : by === 'name' ? 'key' : 5);
      let visited = 0;
      for (const { nodes } of await asked(
        client,
        listKeys(builder, within, { ...filter, now: NOW }, from),
        mode,
      )) {
        visited += visits(nodes);
      }
      expect(visited).toBeLessThanOrEqual(10_000);
    }
  });
});

describe('a list that has more rows to visit than it may', () => {
  manyKeysContract(() => ({ all: storage.everywhere(INSTANCE.instance), home }));
});
