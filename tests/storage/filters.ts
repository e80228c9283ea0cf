// Contract: filters find just what they say, whatever index they are read from, and
// whatever time and changes of settings have left to be moved.

import {
  deleteKey,
  editKey,
  editWorkspace,
  eraseKey,
  folded,
  KEY_STATUSES,
  type Key,
  type KeyFilter,
  type KeyOrder,
  type KeyStatus,
  NEWEST_FIRST,
  placeOfKey,
  type SliceRequest,
} from '@warder/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOW, runs } from '../fixtures/domain.ts';
import { ACTS, beyondAll, inOrder, isFound, ORDERS } from './key-model.ts';
import { type OpenStore, useOf, type World, worldIn } from './store.ts';

const whole = { limit: 1_000, from: null, total: 'exact' } as const;
const exactly = (count: number) => ({ count, exact: true });

export function filterContract(open: OpenStore): void {
  test('any filter, in any order and page by page, lists what a look at every key finds', async () => {
    const world = worldIn(await open());
    const homes = [
      await declaring(world, 'Acme', ['plan', 'a.b']),
      await declaring(world, 'Beta', []),
    ];
    const drawn = fc.record({
      home: fc.constantFrom(...homes.map(({ id }) => id), null),
      act: fc.constantFrom(
        null,
        null,
        null,
        'disable',
        'block',
        'revoke',
        'delete',
        'delete',
        'erase',
      ),
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
    for (const one of fc.sample(fc.noBias(drawn), { numRuns: runs(80, 400), seed: 3 })) {
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
      if (one.act) key = await world.change(key, ACTS[one.act](key, world));
      const lastUsedAt = one.used === null ? null : NOW + one.used * 86_400_000;
      if (lastUsedAt !== null) await world.storage.recordUses([useOf(key.id, lastUsedAt)]);
      keys.push(key.erasedAt === null ? { ...key, lastUsedAt } : key);
      // From here on some are in whatever is filled in later, and some are not.
      if (keys.length === 70) await world.storage.tendLists();
    }
    while ((await world.storage.turnStates(NOW, 20)) > 0);

    const range = (moments: readonly number[]) =>
      fc.record({
        after: fc.option(fc.constantFrom(...moments), { nil: undefined }),
        before: fc.option(fc.constantFrom(...moments), { nil: undefined }),
      });
    const parts: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
      statuses: fc.subarray([...KEY_STATUSES], { minLength: 1 }),
      kind: fc.constantFrom('standard', 'management'),
      ownerId: fc.constantFrom('a', 'Bär', 'nobody'),
      scope: fc.constantFrom('files:read', '*', 'files:none'),
      environment: fc.constantFrom('live', 'test'),
      createdBy: fc.constantFrom('actor', 'other', 'nobody'),
      expires: range([NOW - 1, NOW, NOW + 1, NOW + 5_000, NOW + 5_001]),
      created: range([NOW - 9, NOW - 8, NOW - 7]),
      lastUsed: range([0, NOW, NOW + 86_400_000, NOW + 180_000_000]),
      neverUsed: fc.constant(true),
      metadata: fc.array(
        fc.record({
          name: fc.constantFrom('plan', 'a.b'),
          value: fc.constantFrom('gold', '5', '1e+21', 'true', '2', 'x"'),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      search: fc.constantFrom(
        'strasse',
        'caf',
        'e 100',
        '東京都',
        '🔑🔑🔑',
        'wdr_live',
        'bar',
        ' 1\n',
      ),
    };
    // More at once would mostly find nothing.
    const some = fc.subarray(Object.entries(parts), { maxLength: 3 }).chain((chosen) => {
      // Each part draws what its name in a filter takes.
      return fc.record(Object.fromEntries(chosen)) as fc.Arbitrary<Partial<KeyFilter>>;
    });
    const asked = fc.record({
      some,
      workspaceId: fc.constantFrom(...homes.map(({ id }) => id), undefined),
      includeDeleted: fc.boolean(),
      order: fc.constantFrom(...ORDERS),
      limit: fc.integer({ min: 1, max: 30 }),
    });
    const check = async (some: Partial<KeyFilter>, order: KeyOrder, limit: number) => {
      const filter = { ...some, order };
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
    };
    for (const [name, part] of Object.entries(parts)) {
      for (const value of fc.sample(fc.noBias(part), { numRuns: 6, seed: 5 })) {
        for (const workspaceId of [...homes.map(({ id }) => id), undefined]) {
          await check({ [name]: value, workspaceId }, NEWEST_FIRST, 30);
          const created = { after: NOW - 9, before: NOW - 7 };
          await check({ created, [name]: value, workspaceId }, NEWEST_FIRST, 30);
        }
      }
    }
    await fc.assert(
      fc.asyncProperty(asked, ({ some, order, limit, ...more }) =>
        check({ ...some, ...more }, order, limit),
      ),
      { numRuns: runs(150, 5_000) },
    );
    await world.storage.close();
  });

  test('a key moves to the state that time gives it, without a new version, and never shows under the old one', async () => {
    const world = worldIn(await open());
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
    const either = { workspaceId, statuses: ['expired', 'active'], now: NOW + 20 } as const;
    const both = await world.all.keys(either, { ...whole, total: 'exact' });
    expect(both.items.map(({ id }) => id)).toEqual(ids);
    expect(both.total).toEqual({ count: ids.length, exact: true });
    expect(await world.storage.turnStates(NOW + 20, 100)).toBe(5);
    expect(await listed('expired', NOW + 20)).toEqual(ids);
    expect(await world.storage.turnStates(NOW + 1e12, 100)).toBe(0);
    for (const key of made) expect(await world.all.key(key.id)).toEqual(key);
    await world.storage.close();
  });

  test('metadata that a workspace declares later is found at once, and from its own index once it is filled', async () => {
    const world = worldIn(await open());
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

  test.each(['at once', 'long after'])(
    'a search finds part of a name, an owner or a shown token, as people write it, and nothing of another workspace: %s',
    async (when) => {
      const world = worldIn(await open());
      const { id: third } = await world.workspace('Third');
      const tend = async () => {
        if (when === 'at once') return;
        for (let i = 0; i < 70; i++) await world.key({ workspaceId: third });
        await world.storage.tendLists();
      };
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
      await tend();
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
    },
  );
}

/** A workspace that declares metadata. */
async function declaring(world: World, name: string, metadataFilters: readonly string[]) {
  const workspace = await world.workspace(name);
  const change = editWorkspace(workspace, { settings: { metadataFilters } }, world.act());
  if (change === null) return workspace;
  await world.all.commit([{ type: 'update_workspace', workspace: change.workspace, was: 1 }]);
  return change.workspace;
}
