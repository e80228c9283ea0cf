// Contract: lists are in order and whole, page by page, in both directions.

import {
  dayOf,
  deleteKey,
  disableKey,
  editKey,
  editWorkspace,
  eraseKey,
  folded,
  KEY_SORTS,
  KEY_STATUSES,
  type Key,
  type KeyFilter,
  type KeyOrder,
  type KeyStatus,
  type Place,
  placeOf,
  placeOfKey,
  type Range,
  revokeKey,
  type Slice,
  type SliceRequest,
  searchableKey,
  softBlockKey,
  statusOf,
} from '@warder/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOW, runs } from '../fixtures/domain.ts';
import { type OpenStore, type World, worldIn } from './store.ts';

const whole = { limit: 1_000, from: null, total: 'exact' } as const;
const exactly = (count: number) => ({ count, exact: true });

export function listContract(open: OpenStore): void {
  test('a list sees what was committed before it was asked for', async () => {
    const world = worldIn(open());
    for (let count = 1; count <= 20; count++) {
      const { key } = await world.key();
      const { items, total } = await world.all.keys({ now: NOW }, { ...whole, limit: 1 });
      expect(items).toEqual([key]);
      expect(total).toEqual(exactly(count));
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
    const slice = await world.all.keys({ now: NOW }, { limit: 3, from: null, total: 'none' });
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

  const orders = KEY_SORTS.flatMap((by): KeyOrder[] => [
    { by, descending: true },
    { by, descending: false },
  ]);
  test.each(orders)(
    'walking pages by $by (descending: $descending) repeats none and loses none, while others come, change and go',
    async (order) => {
      const world = worldIn(open());
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
        await world.storage.recordUses([{ keyId: key.id, at: lastUsedAt }]);
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

  test('any filter, in any order and page by page, lists what a look at every key finds', async () => {
    const world = worldIn(open());
    const homes = [
      await declaring(world, 'Acme', ['plan', 'a.b']),
      await declaring(world, 'Beta', []),
    ];
    const drawn = fc.record({
      home: fc.constantFrom(...homes.map(({ id }) => id), null),
      acts: fc.subarray(['disable', 'block', 'revoke', 'delete', 'erase'] as const, {
        maxLength: 1,
      }),
      environment: fc.constantFrom('live', 'test'),
      ownerId: fc.constantFrom(null, 'a', 'Bär'),
      name: fc.constantFrom(
        null,
        'Straße 1',
        'CAFÉ "x"',
        'cafe\u0301 100%',
        '東京都の鍵',
        '🔑🔑🔑',
      ),
      scopes: fc.subarray(['files:read', 'files:write', '*']),
      plan: fc.constantFrom(undefined, 'gold', 5, 1e21, true, null, ['gold']),
      actor: fc.constantFrom('actor', 'other'),
      later: fc.nat(4),
      expires: fc.constantFrom(null, -1, 1, 5_000),
      used: fc.constantFrom(null, 0, 1, 2),
    });
    const keys: Key[] = [];
    for (const one of fc.sample(drawn, { numRuns: runs(80, 400), seed: 3 })) {
      world.host.at = NOW - 10 + one.later;
      world.host.actor = one.actor;
      const { environment, ownerId, name, scopes, home } = one;
      const metadata = one.plan === undefined ? {} : { plan: one.plan, 'a.b': one.later };
      const made = await world.key({
        ...{ environment, ownerId, name, metadata, workspaceId: home },
        expiresAt: one.expires === null ? null : NOW + one.expires,
        rights: { kind: 'standard', scopes },
      });
      let { key } = made;
      for (const act of one.acts) key = await world.change(key, ACTS[act](key, world));
      const lastUsedAt = one.used === null ? null : NOW + one.used * 86_400_000;
      if (lastUsedAt !== null) await world.storage.recordUses([{ keyId: key.id, at: lastUsedAt }]);
      keys.push(key.erasedAt === null ? { ...key, lastUsedAt } : key);
    }
    while ((await world.storage.turnStates(NOW, 20)) > 0);

    const optional = <Value>(value: fc.Arbitrary<Value>) =>
      fc.option(value, { nil: undefined, freq: 2 });
    const range = (moments: readonly number[]) =>
      fc.record({
        after: fc.option(fc.constantFrom(...moments), { nil: undefined }),
        before: fc.option(fc.constantFrom(...moments), { nil: undefined }),
      });
    const filters = fc.record({
      workspaceId: fc.constantFrom(...homes.map(({ id }) => id), undefined),
      statuses: optional(fc.subarray([...KEY_STATUSES], { minLength: 1 })),
      kind: optional(fc.constantFrom('standard', 'management')),
      ownerId: optional(fc.constantFrom('a', 'Bär', 'nobody')),
      scope: optional(fc.constantFrom('files:read', '*', 'files:none')),
      environment: optional(fc.constantFrom('live', 'test')),
      createdBy: optional(fc.constantFrom('actor', 'other', 'nobody')),
      expires: optional(range([NOW - 1, NOW, NOW + 1, NOW + 5_000, NOW + 5_001])),
      created: optional(range([NOW - 9, NOW - 8, NOW - 7])),
      lastUsed: optional(range([NOW, NOW + 86_400_000, NOW + 180_000_000])),
      neverUsed: optional(fc.constant(true)),
      metadata: optional(
        fc.array(
          fc.record({
            name: fc.constantFrom('plan', 'a.b'),
            value: fc.constantFrom('gold', '5', '1e+21', 'true', '2', 'x"'),
          }),
          { maxLength: 2 },
        ),
      ),
      search: optional(
        fc.constantFrom('strasse', 'caf', 'e 100', '東京都', '🔑🔑🔑', 'wdr_live', 'bar', ' 1\n'),
      ),
      includeDeleted: fc.boolean(),
      order: fc.constantFrom(...orders),
    });
    const asked = fc.record({ filter: filters, limit: fc.integer({ min: 1, max: 30 }) });
    await fc.assert(
      fc.asyncProperty(asked, async ({ filter, limit }) => {
        const { order } = filter;
        const expected = keys
          .filter((key) => isFound(key, { ...filter, now: NOW }))
          .sort(inOrder(order))
          .map(({ id }) => id);
        const read = (slice: SliceRequest) => world.all.keys({ ...filter, now: NOW }, slice);
        const { items, total } = await read(whole);
        expect(items.map(({ id }) => id)).toEqual(expected);
        expect(total).toEqual(exactly(expected.length));
        expect((await read({ ...whole, total: 'bounded' })).total).toEqual(total);
        const offset = await read({ ...whole, limit, offset: 3 });
        expect(offset.items.map(({ id }) => id)).toEqual(expected.slice(3, 3 + limit));
        for (const side of ['after', 'before'] as const) {
          const seen: string[] = [];
          let place = beyondAll(order, side);
          for (let more = true; more; ) {
            const slice = await read({ limit, from: { side, place }, total: 'none' });
            const ids = slice.items.map(({ id }) => id);
            seen.splice(side === 'after' ? seen.length : 0, 0, ...ids);
            more = slice.more;
            const end = side === 'after' ? slice.items.at(-1) : slice.items[0];
            if (more && end) place = placeOfKey(end, order);
          }
          expect(seen).toEqual(expected);
        }
      }),
      { numRuns: runs(150, 5_000) },
    );
    await world.storage.close();
  });

  test('a key moves to the state that time gives it, without a new version, and never shows under the old one', async () => {
    const world = worldIn(open());
    const { id: workspaceId } = await world.workspace('Acme');
    const made: Key[] = [];
    for (let i = 0; i < 5; i++) {
      const [notBefore, expiresAt] = [NOW + 10, NOW + 20];
      made.push((await world.key({ workspaceId, notBefore, expiresAt })).key);
    }
    const ids = made.map(({ id }) => id).reverse();
    const listed = async (status: KeyStatus, now: number) =>
      (await world.all.keys({ workspaceId, statuses: [status], now }, whole)).items.map(
        ({ id }) => id,
      );
    expect(await world.storage.turnStates(NOW + 9, 100)).toBe(0);
    expect(await listed('not_yet_valid', NOW + 9)).toEqual(ids);
    expect(await listed('not_yet_valid', NOW + 10)).toEqual([]);
    expect(await world.storage.turnStates(NOW + 10, 2)).toBe(2);
    expect(await world.storage.turnStates(NOW + 10, 100)).toBe(3);
    expect(await world.storage.turnStates(NOW + 10, 100)).toBe(0);
    expect(await listed('active', NOW + 10)).toEqual(ids);
    expect(await listed('active', NOW + 20)).toEqual([]);
    expect(await world.storage.turnStates(NOW + 20, 100)).toBe(5);
    expect(await listed('expired', NOW + 20)).toEqual(ids);
    expect(await world.storage.turnStates(NOW + 1e12, 100)).toBe(0);
    for (const key of made) expect(await world.all.key(key.id)).toEqual(key);
    await world.storage.close();
  });

  test('metadata that a workspace declares later is found at once, and from its own index once it is filled', async () => {
    const world = worldIn(open());
    let workspace = await declaring(world, 'Acme', []);
    const { id: workspaceId } = workspace;
    const make = async (plan: string) => (await world.key({ workspaceId, metadata: { plan } })).key;
    const gold: Key[] = [];
    for (let i = 0; i < 450; i++)
      (i % 3 === 0 ? gold : []).unshift(await make(i % 3 === 0 ? 'gold' : 'tin'));
    const declare = async (metadataFilters: readonly string[]) => {
      const change = editWorkspace(workspace, { settings: { metadataFilters } }, world.act());
      if (change === null) return;
      const was = workspace.version;
      await world.all.commit([{ type: 'update_workspace', workspace: change.workspace, was }]);
      workspace = change.workspace;
    };
    const metadata = [{ name: 'plan', value: 'gold' }];
    const found = async () =>
      (await world.all.keys({ workspaceId, metadata, now: NOW }, { ...whole, total: 'bounded' }))
        .items;
    const tend = async () => {
      let steps = 0;
      while (await world.storage.tendLists()) {
        steps++;
        expect(await found()).toEqual(gold);
      }
      return steps;
    };
    await declare(['plan']);
    expect(await found()).toEqual(gold);
    gold.unshift(await make('gold'));
    expect(await tend()).toBeGreaterThan(2);
    gold.unshift(await make('gold'));
    const [changed] = gold.splice(5, 1);
    if (changed) {
      await world.change(changed, editKey(changed, { metadata: { plan: 'tin' } }, world.act()));
    }
    const [deleted] = gold.splice(7, 1);
    if (deleted) await world.change(deleted, deleteKey(deleted, world.act()));
    expect(await found()).toEqual(gold);
    await declare([]);
    await world.storage.tendLists();
    await declare(['plan']);
    expect(await found()).toEqual(gold);
    expect(await tend()).toBeGreaterThan(2);
    expect(await found()).toEqual(gold);
    await declare([]);
    expect(await tend()).toBeGreaterThan(2);
    expect(await found()).toEqual(gold);
    await world.storage.close();
  });

  test('a search finds part of a name, an owner or a shown token, as people write it, and nothing of another workspace', async () => {
    const world = worldIn(open());
    const { id: workspaceId } = await world.workspace('Acme');
    const { id: other } = await world.workspace('Beta');
    const { key } = await world.key({
      workspaceId,
      name: 'Große Straße ÜBER',
      ownerId: 'Zoë "Z" O\u2019Neil',
    });
    const { key: second } = await world.key({
      workspaceId: other,
      name: 'GROSSE STRASSE',
      ownerId: '東京都',
    });
    const found = async (search: string, id?: string) =>
      (await world.all.keys({ workspaceId: id, search: folded(search), now: NOW }, whole)).items;
    for (const text of [
      'große str',
      'STRASSE',
      'uber',
      'zoe "z"',
      'ZOË',
      key.start,
      `${key.prefix}${key.start}`,
      key.end,
    ]) {
      expect(await found(text, workspaceId), text).toEqual([key]);
    }
    expect(await found('GROSSE STRASSE')).toEqual([second, key]);
    expect(await found('東京都')).toEqual([second]);
    expect(await found('東京都', workspaceId)).toEqual([]);
    expect(await found('strasse zoe', workspaceId)).toEqual([]);
    for (const text of ['" OR text : "', 'text:strasse', 'str*', 'NEAR(a b)', "' OR 1=1 --"]) {
      expect(await found(text, workspaceId), text).toEqual([]);
    }
    const renamed = await world.change(key, editKey(key, { name: 'Plain' }, world.act()));
    expect(await found('strasse', workspaceId)).toEqual([]);
    expect(await found('plain', workspaceId)).toEqual([renamed]);
    await world.change(renamed, eraseKey(renamed, world.act()));
    expect(await found('plain', workspaceId)).toEqual([]);
    await world.storage.close();
  });

  test('workspaces and owners are paged the same way, without deleted workspaces', async () => {
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
    const ofHome = await world.all.owners({ workspaceId: home.id }, { ...whole, limit: 2 });
    expect(ofHome.total).toEqual(exactly(7));
    expect((await world.all.workspaces({}, whole)).total).toEqual(exactly(6));
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
    { ownerId: 'b', statuses: ['active'] },
    (key: Key) => key.ownerId === 'b' && statusOf(key, NOW) === 'active',
  ],
] as const;

function newestFirst(a: Dated, b: Dated): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
}

/** A workspace that declares metadata. */
async function declaring(world: World, name: string, metadataFilters: readonly string[]) {
  const workspace = await world.workspace(name);
  const change = editWorkspace(workspace, { settings: { metadataFilters } }, world.act());
  if (change === null) return workspace;
  await world.all.commit([{ type: 'update_workspace', workspace: change.workspace, was: 1 }]);
  return change.workspace;
}

/** What a filter says, without any index. */
function isFound(key: Key, filter: KeyFilter): boolean {
  const { statuses, expires, created, lastUsed, metadata = [], search, scope, now } = filter;
  const status = statusOf(key, now);
  const createdAt = Number.parseInt(key.id.replaceAll('-', '').slice(0, 12), 16);
  const inRange = (at: number | null, { after, before }: Range = {}) =>
    (after === undefined && before === undefined) ||
    (at !== null && at >= (after ?? 0) && at < (before ?? Number.MAX_VALUE));
  const days = {
    after: lastUsed?.after === undefined ? undefined : dayOf(lastUsed.after),
    before: lastUsed?.before === undefined ? undefined : dayOf(lastUsed.before),
  };
  const texts = searchableKey(key);
  const given = (value: unknown) => value === undefined;
  return (
    key.erasedAt === null &&
    (statuses
      ? statuses.includes(status)
      : status !== 'deleted' || filter.includeDeleted === true) &&
    (given(filter.workspaceId) || key.workspaceId === filter.workspaceId) &&
    (given(filter.kind) || key.kind === filter.kind) &&
    (given(filter.ownerId) || key.ownerId === filter.ownerId) &&
    (given(filter.environment) || key.environment === filter.environment) &&
    (given(filter.createdBy) || key.createdBy.id === filter.createdBy) &&
    (scope === undefined || (key.kind === 'standard' && key.scopes.includes(scope))) &&
    inRange(key.expiresAt, expires) &&
    inRange(createdAt, created) &&
    inRange(key.lastUsedAt === null ? null : dayOf(key.lastUsedAt), days) &&
    (!filter.neverUsed || key.lastUsedAt === null) &&
    (search === undefined || texts.includes(search)) &&
    metadata.every(({ name, value }) => {
      const member = key.metadata[name];
      return typeof member === 'object' ? false : String(member) === value && member !== undefined;
    })
  );
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

/** The place before the first of any list, or behind its last. */
function beyondAll({ by, descending }: KeyOrder, side: 'after' | 'before'): Place {
  const greatest = descending === (side === 'after');
  if (by === 'created_at') return { value: null, position: greatest ? (1n << 63n) - 1n : -1n };
  const value = by === 'name' ? (greatest ? '\u{10ffff}' : '') : greatest ? 2 ** 53 - 1 : -1;
  return { value, position: greatest ? (1n << 63n) - 1n : -1n };
}

function inOrder(order: KeyOrder) {
  return (one: Key, other: Key): number => {
    const [a, b] = [placeOfKey(one, order), placeOfKey(other, order)];
    const values = Buffer.from(`${a.value ?? ''}`.padStart(20)).compare(
      Buffer.from(`${b.value ?? ''}`.padStart(20)),
    );
    const texts = order.by === 'name' ? ((a.value ?? '') < (b.value ?? '') ? -1 : 1) : values;
    const least = a.value === b.value ? Number(a.position - b.position) : texts;
    return order.descending ? -least : least;
  };
}
