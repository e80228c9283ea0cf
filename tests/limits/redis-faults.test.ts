// Redis killed, stopped, asleep, slow, cut off and emptied, under load: every verification
// is answered within its deadline, authentication never notices, and once Redis is back it
// counts again without a restart.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openRedisLimits } from '../../packages/server/src/limits/redis.ts';
import type { LimitFallback } from '../../packages/server/src/shared-limits.ts';
import { runs } from '../fixtures/domain.ts';
import { isInstalled } from '../kit/real-gateway.ts';
import { type Between, type RedisServer, standBetween, startRedis } from '../kit/redis.ts';
import { type Service, startService } from '../kit/service.ts';
import { counted, left, limitOf } from './service.ts';

/** How long a verification may take: the deadline of 250 ms, and what a busy machine adds to it. */
const MOST_MILLISECONDS = 1_500;
const FAULT_MILLISECONDS = runs(1_200, 3_000);
const MUCH = 1_000_000;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Fault {
  readonly name: string;
  begin(redis: RedisServer, between: Between): Promise<unknown>;
  end(redis: RedisServer, between: Between): Promise<unknown>;
}

const FAULTS: readonly Fault[] = [
  { name: 'killed', begin: (redis) => redis.kill(), end: (redis) => redis.start() },
  {
    name: 'stopped',
    begin: async (redis) => redis.signal('SIGSTOP'),
    end: async (redis) => redis.signal('SIGCONT'),
  },
  {
    name: 'asleep for two seconds',
    begin: async (redis) => void redis.ask('DEBUG', 'SLEEP', 2),
    end: () => sleep(1_000),
  },
  {
    name: 'made a replica by a failover',
    begin: (redis) => redis.ask('REPLICAOF', '127.0.0.1', 1),
    end: (redis) => redis.ask('REPLICAOF', 'NO', 'ONE'),
  },
  {
    name: 'out of memory',
    begin: (redis) => redis.ask('CONFIG', 'SET', 'maxmemory', 1),
    end: (redis) => redis.ask('CONFIG', 'SET', 'maxmemory', 0),
  },
  {
    name: 'slow by two seconds',
    begin: async (_, between) => between.slow(2_000),
    end: async (_, between) => between.heal(),
  },
  {
    name: 'cut off by something that swallows every byte',
    begin: async (_, between) => between.swallow(),
    end: async (_, between) => between.heal(),
  },
];

describe.runIf(isInstalled('redis-server'))('with Redis', () => {
  let redis: RedisServer;
  let between: Between;
  const services: Service[] = [];
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  beforeAll(async () => {
    process.on('unhandledRejection', note);
    redis = await startRedis({ 'enable-debug-command': 'yes' });
    between = await standBetween(redis.address.port);
  });
  afterEach(async () => {
    for (const service of services.splice(0)) await service.close();
    expect(rejections).toEqual([]);
  });
  afterAll(async () => {
    process.off('unhandledRejection', note);
    await between?.stop();
    await redis?.stop();
  });

  const start = async (fallback: LimitFallback) => {
    const limits = async () => ({
      store: await openRedisLimits({ addresses: [between.address] }),
      fallback,
    });
    const service = await startService({ limits });
    services.push(service);
    const make = (limits: readonly object[]) => service.createKey({ limits });
    const revoked = await make([limitOf('hour', MUCH, 3_600)]);
    await service.expectCall(200, 'POST', `/v1/keys/${revoked.id}/revoke`);
    return {
      service,
      limited: await make([limitOf('hour', MUCH, 3_600)]),
      few: await make([limitOf('hour', 3, 3_600)]),
      free: await make([]),
      revoked,
      said: () =>
        service.log.filter((line) => /limits (are not|cannot|are shared again)/.test(line)),
    };
  };
  /** Verifies again and again, several at once: how long each took, and what it was told. */
  const load = (service: Service, key: string) => {
    const codes: string[] = [];
    let slowest = 0;
    let over = false;
    const one = async () => {
      while (!over) {
        const began = performance.now();
        codes.push((await service.verify(key)).code);
        slowest = Math.max(slowest, performance.now() - began);
      }
    };
    const all = Promise.all([1, 2, 3, 4].map(one));
    return {
      async end() {
        over = true;
        await all;
        return { codes: counted(codes), total: codes.length, slowest };
      },
    };
  };
  const takenOf = async (id: string) => {
    const [key = ''] = (await redis.ask('KEYS', `*${id}*`)) as string[];
    return Number(await redis.ask('HGET', key, 't'));
  };

  it.each(FAULTS)(
    '$name, each verification is answered in time, and none is forgotten for good',
    async (fault) => {
      const { service, limited, few, free, revoked, said } = await start('memory');
      const running = load(service, limited.key);
      await expect.poll(() => takenOf(limited.id)).toBeGreaterThan(0);
      await fault.begin(redis, between);
      await expect.poll(said, { timeout: 10_000 }).toHaveLength(1);
      const codes: string[] = [];
      for (let i = 0; i < 5; i++) codes.push((await service.verify(few.key)).code);
      expect(counted(codes)).toEqual({ valid: 3, rate_limited: 2 });
      expect((await service.verify(free.key)).code).toBe('valid');
      expect((await service.verify(revoked.key)).code).toBe('revoked');
      await sleep(FAULT_MILLISECONDS);
      expect(said()).toHaveLength(1);
      await fault.end(redis, between);
      await expect.poll(() => said().at(-1), { timeout: 20_000 }).toContain('shared again');
      const before = await takenOf(limited.id);
      await expect.poll(() => takenOf(limited.id)).toBeGreaterThan(before);
      const { codes: told, total, slowest } = await running.end();
      expect(told).toEqual({ valid: total, rate_limited: 0 });
      console.log(`Redis ${fault.name}: ${total} answers, the slowest ${Math.round(slowest)} ms`);
      expect(slowest).toBeLessThan(MOST_MILLISECONDS);
    },
  );

  it('emptied, windows begin anew, and nothing is refused for it', async () => {
    const { service, few, said } = await start('memory');
    const codes = async () => {
      const found: string[] = [];
      for (let i = 0; i < 4; i++) found.push((await service.verify(few.key)).code);
      return counted(found);
    };
    expect(await codes()).toEqual({ valid: 3, rate_limited: 1 });
    await redis.ask('FLUSHALL');
    expect(await codes()).toEqual({ valid: 3, rate_limited: 1 });
    expect(said()).toEqual([]);
  });

  it('away, keys with limits are refused by 503 where that is asked for, and no others', async () => {
    const { service, few, free, revoked, said } = await start('refuse');
    expect((await service.verify(few.key)).code).toBe('valid');
    await redis.kill();
    for (let i = 0; i < 3; i++) {
      const { status, body, headers } = await service.call('POST', '/v1/keys/verify', {
        body: { key: few.key },
      });
      expect([status, body.code, headers['retry-after']]).toEqual([503, 'unavailable', '1']);
    }
    expect((await service.verify(free.key)).code).toBe('valid');
    expect((await service.verify(revoked.key)).code).toBe('revoked');
    await redis.start();
    await expect.poll(() => said().at(-1), { timeout: 10_000 }).toContain('shared again');
    expect(left(await service.verify(few.key))).toEqual([2]);
  });

  it('away, nothing is limited where that is asked for', async () => {
    const { service, few } = await start('admit');
    await redis.kill();
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) codes.push((await service.verify(few.key)).code);
    expect(counted(codes)).toEqual({ valid: 6, rate_limited: 0 });
    await redis.start();
  });

  it('not there at the start, the service starts all the same, and counts in it once it comes', async () => {
    await redis.kill();
    const { service, few, said } = await start('memory');
    expect(left(await service.verify(few.key))).toEqual([2]);
    expect(said()).toHaveLength(1);
    expect(said()[0]).toContain('not connected');
    await redis.start();
    await expect.poll(() => said().at(-1), { timeout: 10_000 }).toContain('shared again');
    expect(left(await service.verify(few.key))).toEqual([2]);
    expect(await takenOf(few.id)).toBe(1);
  });
});
