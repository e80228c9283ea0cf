// Contract: lists are in order and whole, page by page, in both directions.

import {
  deleteKey,
  editKey,
  KEY_STATUSES,
  type Key,
  placeOf,
  placeOfKey,
  type Slice,
  type SliceRequest,
  statusOf,
} from '@warder/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOW, runs } from '../fixtures/domain.ts';
import { ACTS, beyondAll, inOrder, ORDERS } from './key-model.ts';
import { type OpenStore, useOf, worldIn } from './store.ts';

const whole = { limit: 1_000, from: null, total: 'exact' } as const;
const exactly = (count: number) => ({ count, exact: true });

export function listContract(open: OpenStore): void {
  test('a list sees what was committed before it was asked for', async () => {
    const world = worldIn(await open());
    for (let count = 1; count <= 20; count++) {
      const { key } = await world.key();
      const { items, total } = await world.all.keys({ now: NOW }, { ...whole, limit: 1 });
      expect(items).toEqual([key]);
      expect(total).toEqual(exactly(count));
      await world.storage.recordUses([useOf(key.id, count)]);
      const used = await world.all.keys({ now: NOW }, { ...whole, limit: 1 });
      expect(used.items).toEqual([{ ...key, lastUsedAt: count }]);
    }
    await world.storage.close();
  });

  test('keys of one moment stand in the order of their ids, and a count is only made when asked for', async () => {
    const world = worldIn(await open());
    const keys = [];
    for (let i = 0; i < 5; i++) keys.unshift((await world.key()).key);
    const slice = await world.all.keys({ now: NOW }, { limit: 3, from: null, total: 'none' });
    expect(slice).toEqual({ items: keys.slice(0, 3), more: true });
    await world.storage.close();
  });

  test('every status lists exactly the keys that the core gives it, and their number', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    const times = fc.constantFrom(null, -1, 0, 1);
    const fate = fc.record({
      expires: times,
      begins: times,
      acts: fc.subarray(['disable', 'block', 'revoke', 'delete', 'erase'] as const),
      environment: fc.constantFrom('live', 'test'),
      ownerId: fc.constantFrom(null, 'a', 'b'),
    });
    const keys: Key[] = [];
    for (const drawn of fc.sample(fate, { numRuns: runs(60, 600), seed: 1 })) {
      const { environment, ownerId, acts } = drawn;
      const expiresAt = drawn.expires === null ? null : NOW + drawn.expires;
      const later = drawn.begins === null ? null : NOW + drawn.begins;
      const notBefore = expiresAt !== null && later !== null && later >= expiresAt ? null : later;
      world.host.at = NOW - (keys.length % 7);
      const made = await world.key({ workspaceId, environment, ownerId, expiresAt, notBefore });
      let { key } = made;
      for (const act of acts) key = await world.change(key, ACTS[act](key, world));
      keys.push(key);
    }

    while ((await world.storage.turnStates(NOW, 20)) > 0);
    const within = world.storage.within(workspaceId);
    const listed = keys.filter((key) => key.erasedAt === null).sort(newestFirst);
    for (const reach of [within, world.all]) {
      for (const status of KEY_STATUSES) {
        const expected = listed.filter((key) => statusOf(key, NOW) === status);
        expect(expected.length, `no key is ${status}`).toBeGreaterThan(0);
        const { items, total } = await reach.keys({ statuses: [status], now: NOW }, whole);
        expect(items).toEqual(expected);
        expect(total).toEqual(exactly(expected.length));
      }
      const live = listed.filter((key) => key.deletedAt === null);
      expect((await reach.keys({ now: NOW }, whole)).items).toEqual(live);
      const all = await reach.keys({ includeDeleted: true, now: NOW }, whole);
      expect(all).toEqual({ items: listed, more: false, total: exactly(listed.length) });
      for (const [filter, matches] of FILTERS) {
        const { items } = await reach.keys({ ...filter, now: NOW }, whole);
        expect(items).toEqual(live.filter(matches));
      }
    }
    await world.storage.close();
  });

  test.each(ORDERS)(
    'walking pages by $by (descending: $descending) repeats none and loses none, while others come, change and go',
    async (order) => {
      const world = worldIn(await open());
      const { id: workspaceId } = await world.workspace('Acme');
      const disturbance = fc.record({ make: fc.nat(120), drop: fc.option(fc.nat(20)) });
      const walk = fc.record({
        limit: fc.integer({ min: 1, max: 4 }),
        includeDeleted: fc.boolean(),
        within: fc.boolean(),
        disturbances: fc.array(disturbance, { minLength: 1, maxLength: 12 }),
      });
      const makeAt = async (offset: number): Promise<Key> => {
        world.host.at = NOW + offset;
        const expiresAt = offset % 3 === 0 ? null : NOW + 1_000 + (offset % 5);
        const name = offset % 4 === 0 ? null : `Schlüssel ${offset % 6}`;
        const { key } = await world.key({ workspaceId, name, expiresAt });
        if (offset % 2 === 0) return key;
        const lastUsedAt = NOW + (offset % 4) * 86_400_000;
        await world.storage.recordUses([useOf(key.id, lastUsedAt)]);
        return { ...key, lastUsedAt };
      };
      const staying: string[] = [];
      for (let i = 0; i < 12; i++) staying.push((await makeAt(i * 10 + (i % 3))).id);
      const passing: Key[] = [];
      await fc.assert(
        fc.asyncProperty(walk, async ({ limit, includeDeleted, within, disturbances }) => {
          const filter = { includeDeleted, order, now: NOW, ...(within ? { workspaceId } : {}) };
          for (const side of ['after', 'before'] as const) {
            const seen: Key[] = [];
            const left = [...disturbances];
            let from: SliceRequest['from'] = { side, place: beyondAll(order, side) };
            for (let more = true; more; ) {
              const slice: Slice<Key> = await world.all.keys(filter, {
                limit,
                from,
                total: 'none',
              });
              expect(slice.items).toEqual(slice.items.toSorted(inOrder(order)));
              more = slice.more;
              const end = side === 'after' ? slice.items.at(-1) : slice.items[0];
              if (more && !slice.reached) expect(slice.items).toHaveLength(limit);
              seen.push(...slice.items);
              from = {
                side,
                place: slice.reached ?? (end && placeOfKey(end, order)) ?? from.place,
              };

              const { make, drop } = left.pop() ?? {};
              if (make !== undefined) passing.push(await makeAt(make));
              const [dropped] = passing.splice(drop ?? passing.length, 1);
              if (dropped) await world.change(dropped, deleteKey(dropped, world.act()));
              const [renamed] = passing;
              if (renamed) {
                const patch = { name: `Renamed ${left.length}`, expiresAt: NOW + 5_000 };
                passing[0] = await world.change(renamed, editKey(renamed, patch, world.act()));
              }
            }
            // One that moved in the order meanwhile may be met where it was and where it is.
            const ids = seen.map(({ id }) => id).filter((id) => staying.includes(id));
            expect(ids).toHaveLength(staying.length);
            expect(new Set(ids)).toEqual(new Set(staying));
          }
        }),
        { numRuns: runs(4, 100) },
      );
      await world.storage.close();
    },
  );

  test('workspaces and owners are paged the same way, without deleted workspaces', async () => {
    const world = worldIn(await open());
    const workspaces = [];
    for (let i = 0; i < 7; i++) {
      world.host.at = NOW + (i % 3);
      workspaces.push(await world.workspace(`Workspace ${i}`));
    }
    const [gone, home] = workspaces;
    if (!gone || !home) throw new Error('unreachable');
    const owners = [];
    for (let i = 0; i < 7; i++) {
      world.host.at = NOW + (i % 3);
      owners.push(await world.owner(home.id, `customer-${i}`));
    }
    const deleted = { ...gone, deletedAt: NOW, version: 2 };
    await world.all.commit([{ type: 'update_workspace', workspace: deleted, was: 1 }]);

    const live = workspaces.slice(1).sort(newestFirst);
    expect(await pages((slice) => world.all.workspaces({}, slice))).toEqual(live);
    expect(await pages((slice) => world.all.owners({}, slice))).toEqual(owners.sort(newestFirst));
    const oldest = await world.all.workspaces({ ascending: true }, whole);
    expect(oldest.items).toEqual(live.toReversed());
    const created = { after: NOW + 1, before: NOW + 2 };
    const between = await world.all.owners({ created, search: 'mer-' }, whole);
    expect(between.items).toEqual(owners.filter(({ createdAt }) => createdAt === NOW + 1));
    expect((await world.all.owners({ search: 'customer-3' }, whole)).items).toHaveLength(1);
    expect((await world.all.workspaces({ search: 'space 3' }, whole)).items).toHaveLength(1);
    expect((await world.all.workspaces({ search: 'workspace-4' }, whole)).items).toHaveLength(1);
    const [, second] = owners;
    if (!second) throw new Error('unreachable');
    const typed = { ...second, type: 'agent', version: 2 };
    await world.all.commit([{ type: 'update_owner', owner: typed, was: 1 }]);
    const agents = await world.all.owners({ workspaceId: home.id, type: 'agent' }, whole);
    expect([agents.items, agents.total]).toEqual([[typed], exactly(1)]);
    expect((await world.all.owners({ type: 'age' }, whole)).items).toEqual([]);

    const ofHome = await world.all.owners({ workspaceId: home.id }, { ...whole, limit: 2 });
    expect(ofHome.total).toEqual(exactly(7));
    expect((await world.all.workspaces({}, whole)).total).toEqual(exactly(6));
    await world.storage.close();
  });
}

const FILTERS = [
  [{ ownerId: 'a' }, (key: Key) => key.ownerId === 'a'],
  [{ environment: 'test' }, (key: Key) => key.environment === 'test'],
  [{ kind: 'management' }, (key: Key) => key.kind === 'management'],
  [
    { ownerId: 'b', statuses: ['active'] },
    (key: Key) => key.ownerId === 'b' && statusOf(key, NOW) === 'active',
  ],
] as const;

function newestFirst(a: Dated, b: Dated): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
}

interface Dated {
  readonly createdAt: number;
  readonly id: string;
}

/** Reads a list to its end and back by pages of two, and gives it whole. */
async function pages<Item extends Dated>(
  read: (slice: SliceRequest) => Promise<Slice<Item>>,
): Promise<Item[]> {
  const forth: Item[] = [];
  let slice = await read({ limit: 2, from: null, total: 'none' });
  for (;;) {
    forth.push(...slice.items);
    const last = forth.at(-1);
    if (!slice.more || !last) break;
    slice = await read({ limit: 2, from: { side: 'after', place: placeOf(last) }, total: 'none' });
  }
  const back: Item[] = [];
  for (let more = true; more; ) {
    const first = back[0] ?? forth.at(-1);
    if (!first) break;
    const from = { side: 'before', place: placeOf(first) } as const;
    const before = await read({ limit: 2, from, total: 'none' });
    back.unshift(...before.items);
    more = before.more;
  }
  expect(back).toEqual(forth.slice(0, -1));
  return forth;
}
