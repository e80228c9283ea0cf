// Contract: credits are taken all or not at all, never below zero, and only while
// everything is as it was judged.

import {
  type Credits,
  type CreditsWrite,
  creditingWrite,
  creditKey,
  creditsAt,
  editKey,
  eraseKey,
  type Key,
  newCredits,
  nextRefill,
  REFILL_INTERVALS,
  revokeKey,
  type Spend,
  suspendWorkspace,
} from '@warder/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NOW, runs } from '../fixtures/domain.ts';
import { type OpenStore, type World, worldIn } from './store.ts';

const DAY = 86_400_000;
const MONTH = 31 * DAY;

export function creditContract(open: OpenStore): void {
  test('a spend takes what it costs and tells what is left; one that is refused takes nothing', async () => {
    const world = worldIn(await open());
    const { key } = await world.key({ credits: newCredits({ remaining: 10 }, NOW) });
    const { storage } = world;
    expect(await storage.spend(spendOf(key, 7))).toEqual(left(true, 3));
    expect(await storage.spend(spendOf(key, 4))).toEqual(left(false, 3));
    expect(await storage.spend(spendOf(key, 3))).toEqual(left(true, 0));
    expect(await storage.spend(spendOf(key, 1))).toEqual(left(false, 0));
    expect(await storage.spend(spendOf(key, 0))).toEqual(left(true, 0));
    await storage.close();
  });

  test('a wish that takes nothing learns whether there is enough', async () => {
    const world = worldIn(await open());
    const { key } = await world.key({ credits: newCredits({ remaining: 2 }, NOW) });
    const asked = async (cost: number) =>
      world.storage.spend({ ...spendOf(key, cost), charge: false });
    expect(await asked(2)).toEqual(left(true, 2));
    expect(await asked(3)).toEqual(left(false, 2));
    expect((await world.all.key(key.id))?.credits?.remaining).toBe(2);
    await world.storage.close();
  });

  test('a thousand spends at once of the last hundred credits: a hundred are taken', async () => {
    const world = worldIn(await open());
    const { key } = await world.key({ credits: newCredits({ remaining: 100 }, NOW) });
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, () => world.storage.spend(spendOf(key, 1))),
    );
    expect(answers.filter((one) => one !== 'stale' && one.enough)).toHaveLength(100);
    expect(await balanceOf(world, key)).toBe(0);
    await world.storage.close();
  });

  test('spends of any costs at once are those of a counter, one after the other', async () => {
    const world = worldIn(await open());
    const cost = fc.integer({ min: 0, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 200 }),
        fc.array(cost, { maxLength: 40 }),
        async (remaining, costs) => {
          const { key } = await world.key({ credits: newCredits({ remaining }, NOW) });
          const wishes = costs.map((one) => world.storage.spend(spendOf(key, one)));
          let model = remaining;
          for (const [i, answer] of (await Promise.all(wishes)).entries()) {
            const wished = costs[i] ?? 0;
            // What takes nothing only looks, and may look a moment earlier.
            if (wished === 0) continue;
            const enough = model >= wished;
            if (enough) model -= wished;
            expect(answer).toEqual(left(enough, model));
          }
          expect(await balanceOf(world, key)).toBe(model);
        },
      ),
      { numRuns: runs(20, 500) },
    );
    await world.storage.close();
  });

  test('a refill that is due comes before the spend, once, and is seen by every read', async () => {
    const world = worldIn(await open());
    const credits = newCredits({ remaining: 1, refill: { amount: 5, interval: 'month' } }, NOW);
    const { key } = await world.key({ credits });
    const later = { now: NOW + 3 * MONTH };
    const looked = { ...spendOf(key, 5), ...later, charge: false };
    expect(await world.storage.spend(looked)).toMatchObject({ enough: true, remaining: 5 });
    const wishes = Array.from({ length: 8 }, () =>
      world.storage.spend({ ...spendOf(key, 1), ...later }),
    );
    const answers = (await Promise.all(wishes)).map((one) => one !== 'stale' && one.enough);
    expect(answers).toEqual([true, true, true, true, true, false, false, false]);
    const stored = (await world.all.key(key.id))?.credits;
    expect(stored).toEqual({ ...credits, remaining: 0, refillAt: Date.UTC(2027, 2, 20, 12) });
    await world.storage.close();
  });

  test('a refill that is not enough stays: what was refused is told with it', async () => {
    const world = worldIn(await open());
    const credits = newCredits({ remaining: 1, refill: { amount: 5, interval: 'day' } }, NOW);
    const { key } = await world.key({ credits });
    const spend = { ...spendOf(key, 6), now: NOW + MONTH };
    expect(await world.storage.spend(spend)).toMatchObject({ enough: false, remaining: 5 });
    await world.storage.close();
  });

  test('nothing is taken once the key, its owner or its workspace has changed', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const owner = await world.owner(acme.id, 'customer-1');
    const credits = newCredits({ remaining: 10 }, NOW);
    const { key } = await world.key({ workspaceId: acme.id, ownerId: 'customer-1', credits });
    const judged = { keyId: key.id, key: 1, owner: 1, workspace: 1 };
    const spend = (more: object) =>
      world.storage.spend({ ...spendOf(key, 1), judged: { ...judged, ...more } });
    expect(await spend({})).toEqual(left(true, 9));
    for (const other of [{ key: 2 }, { owner: 2 }, { owner: null }, { workspace: null }]) {
      expect(await spend(other)).toBe('stale');
    }
    const revoked = await world.change(key, revokeKey(key, null, world.act()));
    expect(await spend({})).toBe('stale');
    expect(await spend({ key: revoked.version })).toEqual(left(true, 8));
    const suspended = suspendWorkspace(acme, world.act());
    if (suspended === null) throw new Error('not suspended');
    await world.all.commit([
      { type: 'update_workspace', workspace: suspended.workspace, was: acme.version },
    ]);
    expect(await spend({ key: revoked.version })).toBe('stale');
    expect(owner.version).toBe(1);
    await world.storage.close();
  });

  test('an owner’s balance is its own, and comes with it wherever it is read', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const owner = await world.owner(acme.id, 'customer-1', { remaining: 3 });
    const { key, digest } = await world.key({ workspaceId: acme.id, ownerId: 'customer-1' });
    const judged = { keyId: key.id, key: 1, owner: 1, workspace: 1 };
    const spend = { ...spendOf(key, 1), subject: owner.id, judged };
    expect(await world.storage.spend(spend)).toEqual(left(true, 2));
    const credits = { ...owner.credits, remaining: 2 };
    const page = { limit: 10, from: null, total: 'none' } as const;
    expect((await world.all.owner(acme.id, 'customer-1'))?.credits).toEqual(credits);
    expect((await world.all.ownerOfId(owner.id))?.credits).toEqual(credits);
    expect((await world.all.owners({}, page)).items.map((one) => one.credits)).toEqual([credits]);
    const found = await world.lookup.find([digest]);
    expect([found?.owner?.credits, found?.key.credits]).toEqual([credits, null]);
    await world.storage.close();
  });

  test('a spend changes neither version nor time of the key, and lists show what is left', async () => {
    const world = worldIn(await open());
    const credits = newCredits({ remaining: 10 }, NOW);
    const { key, digest } = await world.key({ credits });
    await world.key();
    await world.storage.spend(spendOf(key, 4));
    const spent = { ...key, credits: { ...credits, remaining: 6 } };
    expect(await world.all.key(key.id)).toEqual(spent);
    expect(await world.all.keyOfHandle(key.handle)).toEqual(spent);
    expect((await world.lookup.find([digest]))?.key).toEqual(spent);
    const page = { limit: 10, from: null, total: 'none' } as const;
    for (const order of [undefined, { by: 'name', descending: false } as const]) {
      const { items } = await world.all.keys({ now: NOW, order }, page);
      expect(items.find(({ id }) => id === key.id)).toEqual(spent);
    }
    await world.storage.close();
  });

  test('what is added and what is spent at once both count', async () => {
    const world = worldIn(await open());
    const { key } = await world.key({ credits: newCredits({ remaining: 50 }, NOW) });
    const add = () => write(world, creditingWrite(key, { add: 10 }, NOW));
    const both = Array.from({ length: 50 }, () => [add(), world.storage.spend(spendOf(key, 1))]);
    await Promise.all(both.flat());
    expect(await balanceOf(world, key)).toBe(500);
    await world.storage.close();
  });

  test('what is added or set after a refill was due comes on top of it', async () => {
    const world = worldIn(await open());
    const credits = newCredits({ remaining: 0, refill: { amount: 5, interval: 'month' } }, NOW);
    const { key } = await world.key({ credits });
    const late = NOW + 2 * MONTH;
    // Decided twice on what was read once: the refill is done once.
    await write(world, creditingWrite(key, { add: 3 }, late));
    await write(world, creditingWrite(key, { add: 3 }, late));
    expect(await balanceOf(world, key, late)).toBe(11);
    await write(world, creditingWrite(key, { set: 2 }, late));
    expect(await balanceOf(world, key, late)).toBe(2);
    await world.storage.close();
  });

  test('whatever is spent, added, set and waited for, the balance is that of a reference', async () => {
    const world = worldIn(await open());
    const step = fc.oneof(
      fc.record({ does: fc.constant('spend'), by: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ does: fc.constant('add'), by: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ does: fc.constant('set'), by: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ does: fc.constant('wait'), by: fc.integer({ min: 0, max: 80 }) }),
    );
    const refill = fc.record({
      amount: fc.integer({ min: 1, max: 20 }),
      interval: fc.constantFrom(...REFILL_INTERVALS),
      anchor: fc.integer({ min: -400, max: 40 }).map((days) => NOW + days * DAY),
    });
    const runsOf = fc.record({ refill, steps: fc.array(step, { maxLength: 25 }) });
    await fc.assert(
      fc.asyncProperty(runsOf, async ({ refill: given, steps }) => {
        let now = NOW;
        const credits = newCredits({ remaining: 10, refill: given }, now);
        const { key } = await world.key({ credits });
        const model = { balance: 10, next: nextRefill(given, now) };
        for (const { does, by } of steps) {
          if (does === 'wait') now += by * DAY;
          // One refill after the other, as a calendar on the wall would have it.
          for (; model.next <= now; model.next = nextRefill(given, model.next)) {
            model.balance = Math.max(model.balance, given.amount);
          }
          const read = await world.all.key(key.id);
          if (read?.credits == null) throw new Error('the key is gone');
          const told = creditsAt(read.credits, now);
          expect([told.remaining, told.refillAt]).toEqual([model.balance, model.next]);
          if (does === 'spend') {
            const enough = model.balance >= by;
            if (enough) model.balance -= by;
            const answer = { enough, remaining: model.balance, refillAt: model.next };
            expect(await world.storage.spend({ ...spendOf(read, by), now })).toEqual(answer);
          } else if (does === 'add') {
            model.balance += by;
            await write(world, creditingWrite(read, { add: by }, now));
          } else if (does === 'set') {
            model.balance = by;
            await write(world, creditingWrite(read, { set: by }, now));
          }
        }
      }),
      { numRuns: runs(30, 1_000) },
    );
    await world.storage.close();
  });

  test('nothing is added where there are no credits, or more than can be counted', async () => {
    const world = worldIn(await open());
    const bare = await world.key();
    const full = await world.key({
      credits: newCredits({ remaining: Number.MAX_SAFE_INTEGER - 5 }, NOW),
    });
    const commit = (key: Key, amount: number) =>
      world.all.commit([
        { type: 'write_credits', write: creditingWrite(key, { add: amount }, NOW) },
      ]);
    expect(await commit(bare.key, 1)).toBe('stale');
    expect(await commit(full.key, 6)).toBe('stale');
    expect(await commit(full.key, 5)).toBe('done');
    expect(await balanceOf(world, full.key)).toBe(Number.MAX_SAFE_INTEGER);
    await world.storage.close();
  });

  test('credits of another workspace are out of reach', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const other = await world.workspace('Other');
    const credits = newCredits({ remaining: 1 }, NOW);
    const { key } = await world.key({ workspaceId: acme.id, credits });
    const change = {
      type: 'write_credits',
      write: creditingWrite(key, { add: 1 }, NOW),
    } as const;
    await expect(world.storage.within(other.id).commit([change])).rejects.toMatchObject({
      code: 'internal',
    });
    expect(await world.storage.within(acme.id).commit([change])).toBe('done');
    await world.storage.close();
  });

  test('a balance ends with its key’s credits, and with the key', async () => {
    const world = worldIn(await open());
    const given = { credits: newCredits({ remaining: 5 }, NOW) };
    const [one, two] = [await world.key(given), await world.key(given)];
    const without = editKey(one.key, { credits: null }, world.act());
    await world.change(one.key, without);
    const close = { subject: one.key.id, workspaceId: null, due: null } as const;
    await write(world, { ...close, does: { what: 'close' } });
    await world.change(two.key, eraseKey(two.key, world.act()));
    for (const { key } of [one, two]) {
      const spend = { ...spendOf(key, 1), judged: { ...spendOf(key, 1).judged, key: 2 } };
      expect(await world.storage.spend(spend)).toBe('stale');
    }
    expect((await world.lookup.find([two.digest]))?.key.credits).toBeNull();
    expect(creditKey(one.key, { add: 1 }, world.act()).key.version).toBe(1);
    await world.storage.close();
  });
}

const left = (enough: boolean, remaining: number) => ({ enough, remaining, refillAt: null });

/** A wish to take credits of a key of the instance that nobody has changed. */
export function spendOf(key: Key, cost: number): Spend {
  const judged = { keyId: key.id, key: key.version, owner: null, workspace: null };
  const refill = key.credits?.refill ?? null;
  return { subject: key.id, refill, cost, charge: true, judged, now: NOW };
}

async function write(world: World, write: CreditsWrite): Promise<void> {
  expect(await world.all.commit([{ type: 'write_credits', write }])).toBe('done');
}

async function balanceOf(world: World, key: Key, now = NOW): Promise<number | undefined> {
  const credits: Credits | null | undefined = (await world.all.key(key.id))?.credits;
  expect(credits?.refillAt ?? Infinity).toBeGreaterThan(now);
  return credits?.remaining;
}
