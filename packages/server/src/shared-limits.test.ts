import { stat } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { NOW } from '../../../tests/fixtures/domain.ts';
import { createLimitMemory } from './limits/memory.ts';
import { type SharedLimitStore, windowOf } from './limits.ts';
import { createLog } from './log.ts';
import { createSharedLimits, type LimitFallback } from './shared-limits.ts';

const ONE = { cost: 1, spend: true };
const window = (subject: string, limit = 2) =>
  windowOf('key', subject, { name: 'hour', limit, windowSeconds: 3_600, override: null });

/** A store that counts for itself, and can be away in each way that a real one is. */
function storeThat() {
  const memory = createLimitMemory();
  const store = {
    is: 'there' as 'there' | 'gone' | 'silent',
    held: Promise.resolve(),
    asked: 0,
    closed: false,
    name: 'the store',
    takeNow: () => null,
    async take(...given: Parameters<SharedLimitStore['take']>) {
      store.asked++;
      if (store.is === 'gone') throw new Error('connection refused');
      await store.held;
      if (store.is === 'silent') await new Promise(() => {});
      return memory.takeNow(...given) ?? expect.unreachable();
    },
    giveBack: memory.giveBack,
    async close() {
      store.closed = true;
    },
  };
  return store satisfies SharedLimitStore;
}

function made(fallback: LimitFallback = 'memory', deadlineMilliseconds?: number) {
  const lines: { level: string; msg: string; [name: string]: unknown }[] = [];
  const store = storeThat();
  const limits = createSharedLimits({
    store,
    storage: {
      takeWindows: () => expect.unreachable('windows are counted elsewhere'),
    },
    fallback,
    deadlineMilliseconds,
    memory: createLimitMemory(),
    digest: (text) => text,
    now: () => NOW,
    log: createLog('warn', (line) => lines.push(JSON.parse(line))),
  });
  return { store, limits, lines };
}

describe('limits that several processes share', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are asked of the store, and never answered at once', async () => {
    const { store, limits, lines } = made();
    expect(limits.takeNow([window('a')], ONE, NOW)).toBeNull();
    expect((await limits.take([window('a')], ONE, NOW)).figures[0]?.remaining).toBe(1);
    expect([store.asked, limits.away(), lines]).toEqual([1, null, []]);
  });

  it('need no store where there is no window', async () => {
    const { store, limits } = made();
    store.is = 'gone';
    expect(await limits.take([], ONE, NOW)).toEqual({
      admitted: true,
      figures: [],
      retryAfterSeconds: 0,
    });
    expect(store.asked).toBe(0);
  });

  it('are kept by each process for itself while the store is away, which is said once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { store, limits, lines } = made();
    store.is = 'gone';
    const told = [await limits.take([window('a')], ONE, NOW)];
    for (let i = 0; i < 2; i++) told.push(await limits.take([window('a')], ONE, NOW));
    expect(told.map(({ admitted }) => admitted)).toEqual([true, true, false]);
    expect(limits.takeNow([window('a')], ONE, NOW)?.admitted).toBe(false);
    expect(store.asked).toBe(1);
    expect(lines).toMatchObject([
      { level: 'warn', store: 'the store', reason: 'connection refused', fallback: 'memory' },
    ]);
    expect(limits.away()).not.toBeNull();
  });

  it('are shared again once the store answers, without a restart, which is said once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { store, limits, lines } = made();
    await limits.take([window('a')], ONE, NOW);
    store.is = 'gone';
    for (let i = 0; i < 3; i++) await limits.take([window('a')], ONE, NOW);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(store.asked).toBeLessThan(80);
    expect(limits.away()).not.toBeNull();
    store.is = 'there';
    await vi.advanceTimersByTimeAsync(1_000);
    expect(limits.away()).toBeNull();
    expect(limits.takeNow([window('a')], ONE, NOW)).toBeNull();
    // What it was asked meanwhile to find out whether it is there took nothing.
    expect((await limits.take([window('a')], ONE, NOW)).figures[0]?.remaining).toBe(0);
    expect(lines.map(({ msg }) => msg)).toEqual([
      'limits are not shared now: each process counts for itself',
      'limits are shared again',
    ]);
  });

  it('that get no answer wait no longer than their deadline, and the next not at all', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { store, limits, lines } = made();
    store.is = 'silent';
    const waiting = [1, 2, 3].map(() => limits.take([window('a', 5)], ONE, NOW));
    await vi.advanceTimersByTimeAsync(249);
    expect(limits.away()).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect((await Promise.all(waiting)).map(({ admitted }) => admitted)).toEqual([
      true,
      true,
      true,
    ]);
    expect(limits.takeNow([window('a', 5)], ONE, NOW)?.figures[0]?.remaining).toBe(1);
    expect(lines).toMatchObject([{ reason: 'the store: no answer within 250 ms' }]);
  });

  it('are told of an answer that came while the process was busy, however late it is read', async () => {
    const { store, limits } = made('memory', 20);
    let answer = () => {};
    store.held = new Promise((resolve) => {
      answer = resolve;
    });
    const waiting = limits.take([window('a', 5)], ONE, NOW);
    setImmediate(() => {
      void stat('.').then(answer);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
    });
    expect((await waiting).admitted).toBe(true);
    expect(limits.away()).toBeNull();
  });

  it('refuse what has limits, and nothing else, where they were told to', async () => {
    const { store, limits } = made('refuse');
    store.is = 'gone';
    for (let i = 0; i < 2; i++) {
      await expect(limits.take([window('a')], ONE, NOW)).rejects.toMatchObject({
        code: 'unavailable',
        message: 'Limits cannot be counted now.',
        facts: { retryAfterSeconds: 1 },
      });
      expect(limits.takeNow([window('a')], ONE, NOW)).toBeNull();
    }
    expect((await limits.take([], ONE, NOW)).admitted).toBe(true);
    await limits.close();
  });

  it('limit nothing where they were told to', async () => {
    const { store, limits } = made('admit');
    store.is = 'gone';
    for (let i = 0; i < 5; i++) {
      const { admitted, figures } = await limits.take([window('a')], ONE, NOW);
      expect([admitted, figures[0]?.remaining]).toEqual([true, 2]);
      limits.giveBack([window('a')], figures, 1);
    }
    await limits.close();
  });

  it('are given back where they were charged', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { store, limits } = made();
    const shared = await limits.take([window('a')], ONE, NOW);
    store.is = 'gone';
    const apart = await limits.take([window('a')], ONE, NOW);
    expect([shared, apart].map(({ figures }) => figures[0]?.remaining)).toEqual([1, 1]);
    limits.giveBack([window('a')], apart.figures, 1);
    const again = await limits.take([window('a')], ONE, NOW);
    expect(again.figures[0]?.remaining).toBe(1);
    store.is = 'there';
    await vi.advanceTimersByTimeAsync(1_000);
    limits.giveBack([window('a')], again.figures, 1);
    expect((await limits.take([window('a')], ONE, NOW)).figures[0]?.remaining).toBe(0);
    limits.giveBack([window('a')], shared.figures, 1);
    expect((await limits.take([window('a')], ONE, NOW)).admitted).toBe(true);
  });

  it('of identifiers are counted where those of keys are', async () => {
    const { store, limits } = made();
    const limit = { name: 'logins', limit: 1, windowSeconds: 60, override: null };
    const taking = () =>
      limits.taker.take({ workspaceId: 'w', identifier: 'somebody', limit }, ONE);
    expect((await taking()).admitted).toBe(true);
    expect((await taking()).admitted).toBe(false);
    expect(store.asked).toBe(2);
    await limits.close();
    expect(store.closed).toBe(true);
  });
});
