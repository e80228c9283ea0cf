// Lists of events, members and owners, and what upkeep looks for, as PostgreSQL plans them:
// each filter by itself is one index in order.

import type { EventFilter, MemberFilter, OwnerFilter } from '@warder/core';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asked, expectOneIndex, MODES, walking } from '../../../../../tests/kit/plans.ts';
import { type PostgresServer, startPostgres } from '../../../../../tests/kit/servers.ts';
import { listErasure, listPrunable, listUnlogged, listUnsealed } from '../../chains.ts';
import { listEvents } from '../../events.ts';
import { listMembers } from '../../members.ts';
import { listKeysToErase, listOwners } from '../../slices.ts';
import { openPostgres } from '../postgres.ts';
import { builderFor } from './builder.ts';
import { walksIn } from './runs.ts';

const builder = builderFor('warder');
const walks = walksIn(builder);
let server: PostgresServer;
let client: postgres.Sql;

/** Half of 30,000 rows each are of workspace `w`, and half of those of whatever is asked for. */
const ROWS = 30_000;
const FILL = [
  `INSERT INTO warder.events (position, id, workspace_id, type, created_at, actor_type, actor_id,
      subject_type, subject_id, owner_id, chain, number, mac, "after")
    SELECT i, i, CASE i % 2 WHEN 0 THEN 'w' ELSE 'v' END,
      CASE i / 2 % 2 WHEN 0 THEN 'key.created' ELSE 'key.revoked' END, i, 'key',
      CASE i / 2 % 2 WHEN 0 THEN 'a' ELSE 'b' END, 'key',
      CASE i / 2 % 2 WHEN 0 THEN 'k' ELSE 'j' END, CASE i / 2 % 2 WHEN 0 THEN 'o' END,
      CASE i % 2 WHEN 0 THEN 'w' ELSE 'v' END, i / 2, 'mac', '{}'
    FROM generate_series(1, ${ROWS}) AS i`,
  `INSERT INTO warder.chains SELECT name, ${ROWS / 2}, 'mac', 0, '', null, 0
    FROM unnest(ARRAY['w', 'v']) AS name`,
  `INSERT INTO warder.members (position, id, workspace_id, issuer, subject, role, source,
      created_at, updated_at, removed_at, version, search)
    SELECT i, i, CASE i % 2 WHEN 0 THEN 'w' ELSE 'v' END, 'issuer', i,
      CASE i / 2 % 2 WHEN 0 THEN 'viewer' ELSE 'editor' END, 'api', i, i,
      CASE WHEN i % 5 = 0 THEN i END, 1, i FROM generate_series(1, ${ROWS}) AS i`,
  `INSERT INTO warder.owners (position, id, workspace_id, external_id, metadata, created_at,
      updated_at, version, search)
    SELECT i, i, CASE i % 2 WHEN 0 THEN 'w' ELSE 'v' END, i, '{}', i, i, 1, i
    FROM generate_series(1, ${ROWS}) AS i`,
];

beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
  await (await openPostgres({ url: server.url })).storage.close();
  client = postgres(server.tcpUrl, { max: 1, onnotice: () => {} });
  for (const text of FILL) await client.unsafe(text);
  for (const table of ['events', 'chains', 'members', 'owners']) {
    await client.unsafe(`VACUUM ANALYZE warder.${table}`);
  }
}, 120_000);
afterAll(async () => {
  await client?.end();
  await server?.stop();
});

const EVENTS: readonly (readonly [string, EventFilter])[] = [
  ['events_list_in_workspace', {}],
  ['events_of_subject', { keyId: 'k' }],
  ['events_of_owner', { ownerId: 'o' }],
  ['events_of_actor', { actorId: 'a' }],
  ['events_of_type', { types: ['key.created'] }],
  ['events_of_type', { types: ['key.created', 'key.revoked'] }],
];
const MEMBERS: readonly (readonly [string, string | null, MemberFilter])[] = [
  ['members_list', null, {}],
  ['members_list_in_workspace', 'w', {}],
  ['members_of_role', 'w', { role: 'viewer' }],
];
const OWNERS: readonly (readonly [string, string | null, OwnerFilter])[] = [
  ['owners_pkey', null, {}],
  ['owners_list_in_workspace', 'w', {}],
];
const SLICES = (['after', 'before'] as const).map((side) => {
  const from = { side, place: { value: null, position: BigInt(ROWS / 2) } };
  return { limit: 50, from, total: 'none' } as const;
});

describe.each(MODES)('with %s', (mode) => {
  const expectIndex = async (index: string, list: Parameters<typeof asked>[1]) => {
    const plans = await asked(client, list, mode);
    expect(plans.length).toBeGreaterThan(0);
    for (const { nodes } of plans) expectOneIndex(nodes, new RegExp(`^${index}$`));
  };

  test.each(EVENTS)('%s is what events by %j are read from, in order', async (index, filter) => {
    for (const slice of SLICES) await expectIndex(index, listEvents(walks, 'w', filter, slice));
  });

  test('all events are read in the order of the table', async () => {
    for (const slice of SLICES)
      await expectIndex('events_pkey', listEvents(walks, null, {}, slice));
  });

  test.each(MEMBERS)(
    '%s is what members of %j by %j are read from, in order',
    async (index, within, filter) => {
      for (const slice of SLICES)
        await expectIndex(index, listMembers(walks, within, filter, slice));
    },
  );

  test.each(OWNERS)(
    '%s is what owners of %j by %j are read from, in order',
    async (index, within, filter) => {
      for (const slice of SLICES)
        await expectIndex(index, listOwners(walks, within, filter, slice));
    },
  );

  test('what is to be sealed, pruned, logged and erased is found without looking at the rest', async () => {
    for (const list of [
      listUnsealed(builder, null, 100),
      listPrunable(builder, null, 5, 100),
      listUnlogged(builder, null, 100),
      listErasure(builder, null, 100),
      listKeysToErase(walks, null, 100),
    ]) {
      for (const { nodes } of await asked(client, list, mode)) {
        for (const node of walking(nodes)) {
          if (['events', 'owners'].includes(node['Relation Name'] ?? '')) {
            expect(node['Node Type']).not.toBe('Seq Scan');
            expect(node['Actual Rows'] * node['Actual Loops']).toBeLessThanOrEqual(100);
            expect(node['Rows Removed by Filter'] ?? 0).toBe(0);
          }
        }
      }
    }
  });
});
