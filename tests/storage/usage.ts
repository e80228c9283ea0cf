// What a store promises of usage: that figures add up whatever was rolled up when,
// that they are bounded by the buckets asked for, stay behind the walls between
// tenants, and go with what they are of.

import {
  added,
  bucketOf,
  COUNTED_CODES,
  type Counts,
  deleteWorkspace,
  eraseKey,
  eraseOwner,
  type Key,
  type KeyRefusal,
  NO_COUNTS,
  type NotedRefusal,
  REFUSALS_KEPT,
  type Storage,
  USAGE_STEPS,
  type UsageRetention,
  type UsageSpan,
  type UsageStep,
  type UsageSubject,
  type Use,
} from '@warder/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOW, runs } from '../fixtures/domain.ts';
import { type OpenStore, useOf, worldIn } from './store.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FOR_EVER: UsageRetention = { hours: 0, days: 0, refusals: 0 };

const spanAround = (step: UsageStep, from: number, to: number): UsageSpan => ({
  step,
  from: bucketOf(step, from),
  to: bucketOf(step, to) + 1,
});
const allOf = (step: UsageStep) => spanAround(step, NOW - 10 * DAY, NOW + 1000 * DAY);

async function tendAll(storage: Storage, now: number, keep = FOR_EVER): Promise<void> {
  while (await storage.tendUsage(now, keep));
}

const countsOf = (use: Use): Counts =>
  Object.fromEntries(COUNTED_CODES.map((code, i) => [code, use.counts[i] ?? 0])) as Counts;

export function usageContract(open: OpenStore): void {
  /** Two workspaces; keys of two owners in one, one of nobody there, one in the other, one of management. */
  async function populated() {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const other = await world.workspace('Other');
    const ann = await world.owner(acme.id, 'ann');
    const bob = await world.owner(acme.id, 'bob');
    const made = async (workspaceId: string, ownerId: string | null = null) =>
      (await world.key({ workspaceId, ownerId })).key;
    const keys = {
      anns: await made(acme.id, 'ann'),
      annsToo: await made(acme.id, 'ann'),
      bobs: await made(acme.id, 'bob'),
      nobodys: await made(acme.id),
      elsewhere: await made(other.id),
    };
    const management = world.managementKey();
    await world.all.commit(management.changes);
    const subjects: Readonly<Record<string, UsageSubject>> = {
      everything: { type: 'installation' },
      acme: { type: 'workspace', id: acme.id },
      other: { type: 'workspace', id: other.id },
      ann: { type: 'owner', id: ann.id },
      bob: { type: 'owner', id: bob.id },
      key: { type: 'key', id: keys.anns.id },
      management: { type: 'key', id: management.key.id },
    };
    const valid = async (name: string, step: UsageStep = 'hour') =>
      (await world.all.usage(subjects[name] ?? expect.fail(name), allOf(step))).reduce(
        (sum, { counts }) => sum + counts.valid,
        0,
      );
    return { world, acme, other, ann, bob, keys, management: management.key, subjects, valid };
  }

  test('a use is counted for its key, its owner, its workspace and the installation', async () => {
    const { world, keys, management, subjects, valid } = await populated();
    const { anns, annsToo, bobs, nobodys, elsewhere } = keys;
    const used = [anns, anns, annsToo, bobs, nobodys, elsewhere, management, management];
    await world.storage.recordUses(used.map(({ id }) => useOf(id, NOW)));
    const sums = Object.fromEntries(
      await Promise.all(
        Object.keys(subjects).map(async (name) => [name, await valid(name)] as const),
      ),
    );
    // Of a management key only its own: it is what asks.
    expect(sums).toEqual({
      everything: 6,
      acme: 5,
      other: 1,
      ann: 3,
      bob: 1,
      key: 2,
      management: 2,
    });
    await world.storage.close();
  });

  test("what was used as the key of one owner stays that owner's when the key is given away", async () => {
    const { world, keys, valid } = await populated();
    await world.storage.recordUses([useOf(keys.anns.id, NOW)]);
    await world.change(keys.anns, { key: { ...keys.anns, ownerId: 'bob', version: 2 } });
    await world.storage.recordUses([useOf(keys.anns.id, NOW), useOf(keys.anns.id, NOW)]);
    expect([await valid('ann'), await valid('bob'), await valid('key')]).toEqual([1, 2, 3]);
    await world.storage.close();
  });

  test('a reach finds the figures and the refusals of nothing outside it', async () => {
    const { world, acme, other, keys, subjects } = await populated();
    await world.storage.recordUses(Object.values(keys).map(({ id }) => useOf(id, NOW)));
    const refusal = { at: NOW, code: 'expired', missingScopes: [], address: null } as const;
    await world.storage.recordRefusals([{ keyId: keys.anns.id, ...refusal }]);
    const found = async (workspaceId: string) => {
      const reach = world.storage.within(workspaceId);
      const names = await Promise.all(
        Object.entries(subjects).map(async ([name, subject]) =>
          (await reach.usage(subject, allOf('day'))).length > 0 ? [name] : [],
        ),
      );
      return [...names.flat(), (await reach.refusals(keys.anns.id)).length];
    };
    expect(await found(acme.id)).toEqual(['acme', 'ann', 'bob', 'key', 1]);
    expect(await found(other.id)).toEqual(['other', 0]);
    await world.storage.close();
  });

  test('hours, days and months always come to the same, whatever was rolled up when, and whatever came late', {
    timeout: 120_000,
  }, async () => {
    const use = fc.record({
      key: fc.constantFrom('anns', 'annsToo', 'bobs', 'nobodys', 'elsewhere'),
      // Mostly now, at times from an hour that is rolled up already, or ahead of the clock.
      back: fc.oneof(
        { weight: 3, arbitrary: fc.nat(2 * HOUR) },
        fc.nat(70 * DAY),
        fc.integer({ min: -3 * HOUR, max: 0 }),
      ),
      counts: fc.array(fc.nat(3), {
        minLength: COUNTED_CODES.length,
        maxLength: COUNTED_CODES.length,
      }),
    });
    const step = fc.record({
      uses: fc.array(use, { maxLength: 12 }),
      forward: fc.oneof(fc.nat(HOUR), fc.nat(2 * DAY), fc.nat(50 * DAY)),
      tends: fc.nat(6),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
        const { world, acme, other, ann, bob, keys, subjects } = await populated();
        const model = new Map<string, Counts>();
        const homes: Record<string, readonly UsageSubject[]> = {
          anns: [
            { type: 'workspace', id: acme.id },
            { type: 'owner', id: ann.id },
          ],
          annsToo: [
            { type: 'workspace', id: acme.id },
            { type: 'owner', id: ann.id },
          ],
          bobs: [
            { type: 'workspace', id: acme.id },
            { type: 'owner', id: bob.id },
          ],
          nobodys: [{ type: 'workspace', id: acme.id }],
          elsewhere: [{ type: 'workspace', id: other.id }],
        };
        const nameOf = (subject: UsageSubject, step: UsageStep, bucket: number) =>
          JSON.stringify([subject.type, 'id' in subject ? subject.id : null, step, bucket]);
        const note = (name: string, key: Key, use: Use) => {
          const of: UsageSubject[] = [
            ...(homes[name] ?? []),
            { type: 'key', id: key.id },
            { type: 'installation' },
          ];
          for (const subject of of) {
            for (const step of USAGE_STEPS) {
              const place = nameOf(subject, step, bucketOf(step, use.hour * HOUR));
              model.set(place, added(model.get(place) ?? NO_COUNTS, countsOf(use)));
            }
          }
        };
        let now = NOW;
        const check = async () => {
          for (const subject of Object.values(subjects)) {
            for (const step of USAGE_STEPS) {
              const span = spanAround(step, NOW - 71 * DAY, now + 4 * HOUR);
              const found = await world.all.usage(subject, span);
              const stored = found.map(({ bucket, counts }) => [
                nameOf(subject, step, bucket),
                counts,
              ]);
              const prefix = nameOf(subject, step, 0).slice(0, -2);
              const expected = [...model].filter(([name]) => name.startsWith(prefix));
              expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(expected));
            }
          }
        };
        for (const { uses, forward, tends } of steps) {
          const drawn = uses.map(({ key, back, counts }) => {
            const made = keys[key as keyof typeof keys];
            const hour = bucketOf('hour', now - back);
            const use: Use = { keyId: made.id, hour, lastUsedAt: null, counts };
            note(key, made, use);
            return use;
          });
          await world.storage.recordUses(drawn);
          now += forward;
          for (let i = 0; i < tends; i++) await world.storage.tendUsage(now, FOR_EVER);
        }
        await check();
        await tendAll(world.storage, now);
        await check();
        await world.storage.close();
      }),
      { numRuns: runs(8, 80) },
    );
  });

  test('hours and days that are not kept any longer are removed, and their months stay', async () => {
    const { world, keys, valid } = await populated();
    const moments = [NOW, NOW + 30 * DAY, NOW + 60 * DAY];
    for (const at of moments) await world.storage.recordUses([useOf(keys.anns.id, at)]);
    const now = NOW + 61 * DAY;
    const sums = async () => [
      await valid('acme', 'hour'),
      await valid('acme', 'day'),
      await valid('acme', 'month'),
    ];
    await tendAll(world.storage, now, { ...FOR_EVER, hours: NOW + 31 * DAY });
    expect(await sums()).toEqual([1, 3, 3]);
    await tendAll(world.storage, now, { ...FOR_EVER, hours: now, days: NOW + DAY });
    expect(await sums()).toEqual([0, 2, 3]);
    // What comes late for what was removed still counts where it is kept.
    await world.storage.recordUses([useOf(keys.anns.id, NOW)]);
    await tendAll(world.storage, now, { ...FOR_EVER, hours: now, days: NOW + DAY });
    expect(await sums()).toEqual([0, 2, 4]);
    await world.storage.close();
  });

  test('nothing is removed before it is rolled up', async () => {
    const { world, keys, valid } = await populated();
    await world.storage.recordUses([useOf(keys.anns.id, NOW)]);
    // The hour has not ended, whatever is kept.
    await tendAll(world.storage, NOW, { hours: NOW + DAY, days: NOW + DAY, refusals: 0 });
    expect([await valid('key', 'hour'), await valid('key', 'month')]).toEqual([1, 1]);
    await world.storage.close();
  });

  test('a step rolls up or removes a hundred rows at the most', async () => {
    const world = worldIn(await open());
    const ids: string[] = [];
    for (let i = 0; i < 130; i++) ids.push((await world.key()).key.id);
    await world.storage.recordUses(ids.slice(0, 65).map((id) => useOf(id, NOW)));
    await world.storage.recordUses(ids.slice(65).map((id) => useOf(id, NOW)));
    let steps = 0;
    while (await world.storage.tendUsage(NOW + HOUR, FOR_EVER)) steps++;
    // 130 keys and the installation.
    expect(steps).toBe(2);
    while (await world.storage.tendUsage(NOW + HOUR, { ...FOR_EVER, hours: NOW + HOUR })) steps++;
    expect(steps).toBe(4);
    await world.storage.close();
  });

  test('the figures of a key, an owner and a workspace go when it does, and what comes later is not counted for it', async () => {
    const { world, acme, ann, keys, valid } = await populated();
    const { anns, annsToo, bobs } = keys;
    const record = () =>
      world.storage.recordUses([anns, annsToo, bobs].map(({ id }) => useOf(id, NOW)));
    await record();
    await tendAll(world.storage, NOW + 40 * DAY);
    await record();
    const erased = eraseKey(anns, world.act()) ?? expect.fail();
    await world.change(anns, erased);
    await record();
    expect(await valid('key', 'month')).toBe(0);
    const owner = eraseOwner(ann, world.act())?.owner ?? expect.fail();
    await world.all.commit([{ type: 'update_owner', owner, was: ann.version }]);
    await tendAll(world.storage, NOW + 40 * DAY);
    await record();
    const sums = async () => [
      await valid('ann', 'month'),
      await valid('bob', 'month'),
      await valid('acme', 'month'),
    ];
    // What the workspace came to is nobody's in particular.
    expect(await sums()).toEqual([0, 4, 10]);
    const { workspace } = deleteWorkspace(acme, world.act()) ?? expect.fail();
    await world.all.commit([{ type: 'update_workspace', workspace, was: acme.version }]);
    await tendAll(world.storage, NOW + 40 * DAY);
    await record();
    expect((await sums())[2]).toBe(0);
    await world.storage.close();
  });

  test('uses of keys that are not there, and none at all, are passed over', async () => {
    const { world, keys, valid } = await populated();
    const nobody = '01900000-0000-7000-8000-0123456789ab';
    await world.storage.recordUses([]);
    await world.storage.recordUses([useOf(nobody, NOW), useOf('x', NOW), useOf(keys.anns.id, NOW)]);
    await world.storage.recordRefusals([]);
    const refusal = { at: NOW, code: 'expired', missingScopes: [], address: null } as const;
    await world.storage.recordRefusals([{ keyId: nobody, ...refusal }]);
    expect(await valid('everything')).toBe(1);
    expect(await world.all.refusals(nobody)).toEqual([]);
    await world.storage.close();
  });

  test('the last refusals of a key are kept, the newest first, until they are too old or the key is erased', async () => {
    const { world, keys } = await populated();
    const { anns, bobs } = keys;
    const refusal = (keyId: string, i: number): KeyRefusal => ({
      keyId,
      at: NOW + i,
      code: i % 2 === 0 ? 'expired' : 'insufficient_scope',
      missingScopes: i % 2 === 0 ? [] : ['files:write', 'Ключ'],
      address: i % 3 === 0 ? null : '2001:db8::1',
    });
    const all = Array.from({ length: REFUSALS_KEPT + 5 }, (_, i) => refusal(anns.id, i));
    await world.storage.recordRefusals(all.slice(0, 8));
    await world.storage.recordRefusals([...all.slice(8), refusal(bobs.id, 1)]);
    const told = (some: readonly NotedRefusal[]) => some.map(({ at }) => at - NOW);
    const found = await world.all.refusals(anns.id);
    expect(found).toEqual(
      all
        .slice(5)
        .reverse()
        .map(({ keyId: _, ...rest }) => rest),
    );
    expect(told(await world.all.refusals(bobs.id))).toEqual([1]);
    await tendAll(world.storage, NOW, { ...FOR_EVER, refusals: NOW + 12 });
    expect(told(await world.all.refusals(anns.id))).toEqual([14, 13, 12]);
    expect(told(await world.all.refusals(bobs.id))).toEqual([]);
    await world.change(anns, eraseKey(anns, world.act()));
    expect(await world.all.refusals(anns.id)).toEqual([]);
    await world.storage.recordRefusals([refusal(anns.id, 20)]);
    expect(await world.all.refusals(anns.id)).toEqual([]);
    await world.storage.close();
  });
}
