// Contract: lists are in order and whole, page by page, in both directions.

import {
  deleteKey,
  disableKey,
  eraseKey,
  KEY_STATUSES,
  type Key,
  type Position,
  revokeKey,
  type Slice,
  type SliceRequest,
  softBlockKey,
  statusOf,
} from '@warder/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOW, runs } from '../fixtures/domain.ts';
import { type OpenStore, type World, worldIn } from './store.ts';

const whole = { limit: 1_000, from: null, total: true } as const;

export function listContract(open: OpenStore): void {
  test('a list sees what was committed before it was asked for', async () => {
    const world = worldIn(open());
    for (let count = 1; count <= 20; count++) {
      const { key } = await world.key();
      const { items, total } = await world.all.keys({ now: NOW }, { ...whole, limit: 1 });
      expect(items).toEqual([key]);
      expect(total).toBe(count);
      await world.storage.recordUses([{ keyId: key.id, at: count }]);
      const used = await world.all.keys({ now: NOW }, { ...whole, limit: 1 });
      expect(used.items).toEqual([{ ...key, lastUsedAt: count }]);
    }
    await world.storage.close();
  });

  test('keys of one moment stand in the order of their ids, and a count is only made when asked for', async () => {
    const world = worldIn(open());
    const keys = [];
    for (let i = 0; i < 5; i++) keys.unshift((await world.key()).key);
    const slice = await world.all.keys({ now: NOW }, { limit: 3, from: null, total: false });
    expect(slice).toEqual({ items: keys.slice(0, 3), more: true });
    await world.storage.close();
  });

  test('every status lists exactly the keys that the core gives it, and their number', async () => {
    const world = worldIn(open());
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

    const within = world.storage.within(workspaceId);
    const listed = keys.filter((key) => key.erasedAt === null).sort(newestFirst);
    for (const reach of [within, world.all]) {
      for (const status of KEY_STATUSES) {
        const expected = listed.filter((key) => statusOf(key, NOW) === status);
        expect(expected.length, `no key is ${status}`).toBeGreaterThan(0);
        const { items, total } = await reach.keys({ status, now: NOW }, whole);
        expect(items).toEqual(expected);
        expect(total).toBe(expected.length);
      }
      const live = listed.filter((key) => key.deletedAt === null);
      expect((await reach.keys({ now: NOW }, whole)).items).toEqual(live);
      const all = await reach.keys({ includeDeleted: true, now: NOW }, whole);
      expect(all).toEqual({ items: listed, more: false, total: listed.length });
      for (const [filter, matches] of FILTERS) {
        const { items } = await reach.keys({ ...filter, now: NOW }, whole);
        expect(items).toEqual(live.filter(matches));
      }
    }
    await world.storage.close();
  });

  test('walking pages in either direction repeats none and loses none, while others come and go', async () => {
    const disturbance = fc.record({ make: fc.nat(120), drop: fc.option(fc.nat(20)) });
    const walk = fc.record({
      limit: fc.integer({ min: 1, max: 4 }),
      includeDeleted: fc.boolean(),
      disturbances: fc.array(disturbance, { minLength: 1, maxLength: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(walk, async ({ limit, includeDeleted, disturbances }) => {
        const world = worldIn(open());
        const staying: string[] = [];
        for (let i = 0; i < 12; i++) staying.push((await makeAt(world, i * 10)).id);
        const passing: Key[] = [];
        for (const side of ['after', 'before'] as const) {
          const seen: Key[] = [];
          const left = [...disturbances];
          let position = side === 'after' ? ABOVE : BELOW;
          for (let more = true; more; ) {
            const from = { side, position };
            const filter = { includeDeleted, now: NOW };
            const slice = await world.all.keys(filter, { limit, from, total: false });
            expect(slice.items).toEqual([...slice.items].sort(newestFirst));
            more = slice.more;
            if (more) expect(slice.items).toHaveLength(limit);
            seen.push(...slice.items);
            position = (side === 'after' ? slice.items.at(-1) : slice.items[0]) ?? position;

            const { make, drop } = left.pop() ?? {};
            if (make !== undefined) passing.push(await makeAt(world, make));
            const [dropped] = passing.splice(drop ?? passing.length, 1);
            if (dropped) await world.change(dropped, deleteKey(dropped, world.act()));
          }
          const ids = seen.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          expect(staying.filter((id) => !ids.includes(id))).toEqual([]);
        }
        await world.storage.close();
      }),
      { numRuns: runs(12, 300) },
    );
  });

  test('workspaces, owners and events are paged the same way, without deleted workspaces', async () => {
    const world = worldIn(open());
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
    expect(await pages((slice) => world.all.workspaces(slice))).toEqual(live);
    expect(await pages((slice) => world.all.owners({}, slice))).toEqual(owners.sort(newestFirst));
    const events = await pages((slice) => world.all.events({}, slice));
    expect(events).toHaveLength(14);
    expect(events).toEqual([...events].sort(newestFirst));
    const ofHome = await pages((slice) => world.storage.within(home.id).events({}, slice));
    expect(ofHome).toEqual(events.filter(({ workspaceId }) => workspaceId === home.id));
    expect((await world.all.owners({ workspaceId: home.id }, { ...whole, limit: 2 })).total).toBe(
      7,
    );
    expect((await world.all.workspaces(whole)).total).toBe(6);
    await world.storage.close();
  });
}

const ACTS = {
  disable: (key: Key, { act }: World) => (key.revokedAt === null ? disableKey(key, act()) : null),
  block: (key: Key, { act }: World) => (key.revokedAt === null ? softBlockKey(key, act()) : null),
  revoke: (key: Key, { act }: World) => revokeKey(key, null, act()),
  delete: (key: Key, { act }: World) => deleteKey(key, act()),
  erase: (key: Key, { act }: World) => eraseKey(key, act()),
} as const;

const FILTERS = [
  [{ ownerId: 'a' }, (key: Key) => key.ownerId === 'a'],
  [{ environment: 'test' }, (key: Key) => key.environment === 'test'],
  [{ kind: 'management' }, (key: Key) => key.kind === 'management'],
  [
    { ownerId: 'b', status: 'active' },
    (key: Key) => key.ownerId === 'b' && statusOf(key, NOW) === 'active',
  ],
] as const;

function newestFirst(a: Position, b: Position): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
}

/** Reads a list to its end and back by pages of two, and gives it whole. */
async function pages<Item extends Position>(
  read: (slice: SliceRequest) => Promise<Slice<Item>>,
): Promise<Item[]> {
  const forth: Item[] = [];
  let slice = await read({ limit: 2, from: null, total: false });
  for (;;) {
    forth.push(...slice.items);
    const last = forth.at(-1);
    if (!slice.more || !last) break;
    slice = await read({ limit: 2, from: { side: 'after', position: last }, total: false });
  }
  const back: Item[] = [];
  for (let more = true; more; ) {
    const position = back[0] ?? forth.at(-1);
    if (!position) break;
    const before = await read({ limit: 2, from: { side: 'before', position }, total: false });
    back.unshift(...before.items);
    more = before.more;
  }
  expect(back).toEqual(forth.slice(0, -1));
  return forth;
}

/** Positions past either end of any list. */
const ABOVE: Position = { createdAt: Number.MAX_SAFE_INTEGER, id: '' };
const BELOW: Position = { createdAt: 0, id: '' };

async function makeAt(world: World, offset: number): Promise<Key> {
  world.host.at = NOW + offset;
  return (await world.key()).key;
}
