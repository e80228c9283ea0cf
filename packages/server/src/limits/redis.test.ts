// The contract of every store of windows, on Redis alone and on a cluster of three, and
// what only a store that processes share promises.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW } from '../../../../tests/fixtures/domain.ts';
import { isInstalled } from '../../../../tests/kit/real-gateway.ts';
import { type RedisServer, startRedis, startRedisCluster } from '../../../../tests/kit/redis.ts';
import { limitContract } from '../../../../tests/limits/contract.ts';
import { type SharedLimitStore, windowOf } from '../limits.ts';
import { openRedisLimits } from './redis.ts';

const ONE = { cost: 1, spend: true };
const LIMIT = { name: 'hour', limit: 2, windowSeconds: 3_600, override: null };

describe.runIf(isInstalled('redis-server'))('Redis', () => {
  let redis: RedisServer;
  let counting: SharedLimitStore;
  let stores: SharedLimitStore[] = [];
  const open = async (options: { clock?: 'given' } = {}) => {
    const store = await openRedisLimits({ addresses: [redis.address], ...options });
    stores.push(store);
    return store;
  };
  beforeAll(async () => {
    redis = await startRedis();
    counting = await openRedisLimits({ addresses: [redis.address], clock: 'given' });
  });
  afterAll(async () => {
    await counting?.close();
    for (const store of stores) await store.close();
    stores = [];
    await redis?.stop();
  });

  limitContract('in Redis', async () => ({ store: counting, close: async () => {} }));

  it('counts by its own clock, whatever clock each process has', async () => {
    const [one, other] = [await open(), await open()];
    const window = windowOf('key', 'skewed', LIMIT);
    const before = Date.now();
    const first = await one.take([window], ONE, NOW);
    const second = await other.take([window], ONE, NOW + 7_200_000);
    const third = await one.take([window], ONE, NOW - 7_200_000);
    expect([first, second, third].map(({ admitted }) => admitted)).toEqual([true, true, false]);
    expect(new Set([first, second, third].map((one) => one.figures[0]?.resetAt)).size).toBe(1);
    expect(Math.abs((first.figures[0]?.resetAt ?? 0) - 3_600_000 - before)).toBeLessThan(60_000);
  });

  it('keeps nothing of a window for long after its end', async () => {
    const store = await open();
    const window = windowOf('identifier', 'somebody', { ...LIMIT, windowSeconds: 60 }, 'w');
    await store.take([window], ONE, NOW);
    await store.take([{ ...window, limit: 0 }], ONE, NOW);
    await store.take([windowOf('key', 'asked', LIMIT)], { cost: 1, spend: false }, NOW);
    const found = (await redis.ask('KEYS', '*')) as string[];
    expect(found).toContain('warder:{w}:identifier somebody hour');
    expect(found.filter((key) => key.includes('asked'))).toEqual([]);
    // Those of the tests before may have gone since; -1 would be one that stays for ever.
    for (const key of found) expect(await redis.ask('PTTL', key)).not.toBe(-1);
    expect(await redis.ask('PTTL', 'warder:{w}:identifier somebody hour')).toBeLessThan(65_001);
  });

  it('goes on where it forgot its scripts', async () => {
    const store = await open();
    const window = windowOf('key', 'flushed', { ...LIMIT, limit: 3 });
    const first = await store.take([window], ONE, NOW);
    await redis.ask('SCRIPT', 'FLUSH');
    expect((await store.take([window], ONE, NOW)).figures[0]?.remaining).toBe(1);
    await redis.ask('SCRIPT', 'FLUSH');
    store.giveBack([window], first.figures, 1);
    expect((await store.take([window], ONE, NOW)).admitted).toBe(true);
    expect((await store.take([window], ONE, NOW)).admitted).toBe(true);
    expect((await store.take([window], ONE, NOW)).admitted).toBe(false);
  });

  it('begins all windows anew where it was emptied', async () => {
    const store = await open();
    const window = windowOf('key', 'emptied', { ...LIMIT, limit: 1 });
    expect((await store.take([window], ONE, NOW)).admitted).toBe(true);
    expect((await store.take([window], ONE, NOW)).admitted).toBe(false);
    await redis.ask('FLUSHALL');
    expect((await store.take([window], ONE, NOW)).admitted).toBe(true);
    expect((await store.take([window], ONE, NOW)).admitted).toBe(false);
  });

  it('that wants another password says so, and never the password', async () => {
    const guarded = await startRedis({ requirepass: 'right-horse' });
    try {
      const address = { ...guarded.address, password: 'wrong-horse' };
      const store = await openRedisLimits({ addresses: [address], patienceMilliseconds: 200 });
      const error = await store.take([windowOf('key', 'a', LIMIT)], ONE, NOW).catch((e) => e);
      expect(error).toMatchObject({
        code: 'unavailable',
        facts: { internal: expect.stringContaining('WRONGPASS') },
      });
      expect(JSON.stringify([error.message, error.facts, error.stack])).not.toContain('horse');
      await store.close();
      const right = await openRedisLimits({ addresses: [guarded.address] });
      expect((await right.take([windowOf('key', 'a', LIMIT)], ONE, NOW)).admitted).toBe(true);
      await right.close();
    } finally {
      await guarded.stop();
    }
  });

  it('that is not there is waited for no longer than was said, and named by why', async () => {
    const address = { ...redis.address, port: 1 };
    const store = await openRedisLimits({ addresses: [address], patienceMilliseconds: 50 });
    await expect(store.take([windowOf('key', 'a', LIMIT)], ONE, NOW)).rejects.toMatchObject({
      facts: { internal: expect.stringContaining('ECONNREFUSED') },
    });
    store.giveBack([windowOf('key', 'a', LIMIT)], [], 1);
    await store.close();
  });

  it('in another database of the same server knows other windows', async () => {
    const address = { ...redis.address, database: 3 };
    const other = await openRedisLimits({ addresses: [address] });
    const window = windowOf('key', 'database', { ...LIMIT, limit: 1 });
    expect((await (await open()).take([window], ONE, NOW)).admitted).toBe(true);
    expect((await other.take([window], ONE, NOW)).admitted).toBe(true);
    await other.close();
  });
});

describe.runIf(isInstalled('redis-server'))('a cluster of three', () => {
  let nodes: readonly RedisServer[] = [];
  let store: SharedLimitStore;
  beforeAll(async () => {
    nodes = await startRedisCluster();
    const addresses = nodes.slice(0, 2).map(({ address }) => address);
    store = await openRedisLimits({ addresses, clock: 'given' });
  });
  afterAll(async () => {
    await store?.close();
    for (const node of nodes) await node.stop();
  });

  limitContract('in a cluster', async () => ({ store, close: async () => {} }));

  it('has all windows of a workspace in one slot, and workspaces in all of them', async () => {
    for (let workspace = 0; workspace < 30; workspace++) {
      const windows = (['key', 'owner', 'workspace'] as const).map((per) =>
        windowOf(per, `${per}-of-${workspace}`, LIMIT, `workspace-${workspace}`),
      );
      expect((await store.take(windows, ONE, NOW)).admitted).toBe(true);
    }
    for (const node of nodes) expect(Number(await node.ask('DBSIZE'))).toBeGreaterThan(6);
  });
});
