// What every store of rate windows promises. A store's own test opens a new one for
// each of these.

import type { Limit, LimitSubject } from '@warder/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LimitStore, type Window, windowOf } from '../../packages/server/src/limits.ts';
import { NOW, runs } from '../fixtures/domain.ts';
import { createLimitModel } from './model.ts';

export interface OpenLimits {
  readonly store: LimitStore;
  close(): Promise<void>;
}

const limitWith = (differing: Partial<Limit> = {}): Limit => ({
  name: 'minute',
  limit: 3,
  windowSeconds: 60,
  override: null,
  ...differing,
});
const ONE = { cost: 1, spend: true };

export function limitContract(kind: string, open: () => Promise<OpenLimits>): void {
  let made = 0;
  /** A window that no other test has: a store may be shared by many. */
  const windowWith = (differing: Partial<Limit> = {}, per: LimitSubject = 'key'): Window =>
    windowOf(per, `subject-${++made}`, limitWith(differing));
  const on = (title: string, run: (store: LimitStore) => Promise<void>) =>
    it(title, async () => {
      const { store, close } = await open();
      try {
        await run(store);
      } finally {
        await close();
      }
    });

  describe(`windows ${kind}`, () => {
    on('begin with their first use and end for good after their length', async (store) => {
      const window = windowWith();
      const told = await store.take([window], ONE, NOW);
      expect(told).toEqual({
        admitted: true,
        retryAfterSeconds: 0,
        figures: [
          {
            name: 'minute',
            per: 'key',
            limit: 3,
            remaining: 2,
            windowSeconds: 60,
            resetAt: NOW + 60_000,
          },
        ],
      });
      await store.take([window], ONE, NOW + 59_000);
      const third = await store.take([window], ONE, NOW + 59_999);
      expect(third.figures[0]).toMatchObject({ remaining: 0, resetAt: NOW + 60_000 });
      const fourth = await store.take([window], ONE, NOW + 59_999);
      expect(fourth).toMatchObject({ admitted: false, retryAfterSeconds: 1 });
      const next = await store.take([window], ONE, NOW + 60_000);
      expect(next.figures[0]).toMatchObject({ remaining: 2, resetAt: NOW + 120_000 });
    });

    on('admit exactly their limit of a thousand at once', async (store) => {
      const window = windowWith({ limit: 100 });
      const told = await Promise.all(
        Array.from({ length: 1_000 }, () =>
          store.take([{ ...window }], { cost: 1, spend: true }, NOW),
        ),
      );
      expect(told.filter(({ admitted }) => admitted)).toHaveLength(100);
    });

    on('are charged all or none', async (store) => {
      const [wide, narrow] = [windowWith(), windowWith({ name: 'narrow', limit: 1 })];
      await store.take([wide, narrow], ONE, NOW);
      for (const order of [
        [wide, narrow],
        [narrow, wide],
      ]) {
        const { admitted } = await store.take(order, ONE, NOW);
        expect(admitted).toBe(false);
      }
      const { figures } = await store.take([wide], { cost: 1, spend: false }, NOW);
      expect(figures[0]?.remaining).toBe(2);
    });

    on('charge nothing for a refusal, and do not begin with one', async (store) => {
      const window = windowWith();
      await store.take([window], { cost: 4, spend: true }, NOW);
      const { figures } = await store.take([window], ONE, NOW + 1_000);
      expect(figures[0]).toMatchObject({ remaining: 2, resetAt: NOW + 61_000 });
    });

    on('take a cost whole or not at all', async (store) => {
      const window = windowWith({ limit: 10 });
      expect((await store.take([window], { cost: 7, spend: true }, NOW)).admitted).toBe(true);
      expect((await store.take([window], { cost: 4, spend: true }, NOW)).admitted).toBe(false);
      const last = await store.take([window], { cost: 3, spend: true }, NOW);
      expect([last.admitted, last.figures[0]?.remaining]).toEqual([true, 0]);
      expect((await store.take([window], { cost: 0, spend: true }, NOW)).admitted).toBe(true);
    });

    on('are judged without being charged where nothing is spent', async (store) => {
      const window = windowWith({ limit: 1 });
      for (let i = 0; i < 3; i++) {
        const { admitted, figures } = await store.take([window], { cost: 1, spend: false }, NOW);
        expect([admitted, figures[0]?.remaining]).toEqual([true, 1]);
      }
      expect((await store.take([window], ONE, NOW + 5_000)).figures[0]?.resetAt).toBe(NOW + 65_000);
    });

    on('obey an override from the next use on and until its end', async (store) => {
      const window = windowWith({ limit: 1, override: { limit: 3, until: NOW + 10_000 } });
      await store.take([window], ONE, NOW);
      await store.take([window], ONE, NOW);
      const after = await store.take([window], ONE, NOW + 10_000);
      expect(after).toMatchObject({ admitted: false, figures: [{ limit: 1, remaining: 0 }] });
    });

    on('go on where their limit was edited', async (store) => {
      const window = windowWith({ limit: 2 });
      await store.take([window], ONE, NOW);
      const edited = { ...window, limit: 5, place: -1 };
      expect((await store.take([edited], ONE, NOW)).figures[0]?.remaining).toBe(3);
    });

    on('are given back what a use was charged, while they are the same', async (store) => {
      const windows = [windowWith({ limit: 5 }), windowWith({ name: 'b', windowSeconds: 600 })];
      const charged = await store.take(windows, { cost: 2, spend: true }, NOW);
      store.giveBack(windows, charged.figures, 2);
      const again = await store.take(windows, ONE, NOW + 1_000);
      expect(again.figures.map(({ remaining }) => remaining)).toEqual([4, 2]);
      expect(again.figures[0]?.resetAt).toBe(NOW + 61_000);

      // The first window ended since: only the second still knows of it.
      const later = NOW + 61_000;
      await store.take(windows, ONE, later);
      store.giveBack(windows, again.figures, 1);
      const { figures } = await store.take(windows, { cost: 0, spend: true }, later);
      expect(figures.map(({ remaining }) => remaining)).toEqual([4, 2]);
    });

    on('of two subjects, or two names, know nothing of each other', async (store) => {
      const [one, other] = [windowWith({ limit: 1 }), windowWith({ limit: 1 })];
      const named = windowOf('key', one.id.split(' ')[1] ?? '', limitWith({ name: 'x', limit: 1 }));
      for (const window of [one, other, named]) {
        expect((await store.take([window], ONE, NOW)).admitted).toBe(true);
      }
    });

    on('do what the model does, whatever comes', async (store) => {
      const subjects: LimitSubject[] = ['key', 'owner', 'workspace', 'identifier'];
      const step = fc.record({
        passed: fc.oneof(fc.constant(0), fc.nat(500), fc.nat(90_000)),
        windows: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
        cost: fc.oneof(fc.constant(1), fc.nat(6)),
        spend: fc.oneof(fc.constant(true), fc.boolean()),
        returned: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
          const model = createLimitModel();
          const all = [1, 2, 3, 4, 5, 6].map((limit, i) =>
            windowWith(
              {
                name: `n${i}`,
                limit: limit * 2,
                windowSeconds: [1, 5, 60, 61, 3_600, 2][i] ?? 1,
                override: i === 2 ? { limit: 3, until: NOW + 30_000 } : null,
              },
              subjects[i % 4],
            ),
          );
          let now = NOW;
          for (const { passed, windows, cost, spend, returned } of steps) {
            now += passed;
            const asked = windows.flatMap((i) => all[i] ?? []);
            const expected = model.take(asked, { cost, spend }, now);
            const told = await store.take(asked, { cost, spend }, now);
            expect({ admitted: told.admitted, figures: told.figures }).toEqual(expected);
            expect(told.retryAfterSeconds > 0).toBe(!told.admitted);
            if (returned && told.admitted && spend && cost > 0) {
              model.giveBack(asked, expected.figures, cost);
              store.giveBack(asked, told.figures, cost);
            }
          }
        }),
        { numRuns: runs(500, 20_000) },
      );
    });
  });
}
