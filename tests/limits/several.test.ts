// Several processes that share windows in Redis: together they admit exactly the limit,
// whichever of them is asked, and one that dies forgets nothing.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { killServices, type Service, startService } from '../kit/crash-child.ts';
import { isInstalled } from '../kit/real-gateway.ts';
import { type RedisServer, startRedis } from '../kit/redis.ts';

const CALLERS = 100;
const CALLS = 50;
const PASSWORD = 'correct-horse-battery';

async function post(service: Service, path: string, body: object, key = service.firstKey()) {
  const reply = await fetch(`${await service.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(reply.status).toBeLessThan(300);
  return reply.json();
}

describe.runIf(isInstalled('redis-server'))('three processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warder-several-'));
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis({ requirepass: PASSWORD });
    process.env.REDIS_URL = redis.url;
  });
  afterEach(killServices);
  afterAll(async () => {
    delete process.env.REDIS_URL;
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const startThree = async (name: string) => {
    const data = join(folder, name);
    const first = startService(data);
    await first.url;
    const services = [first, startService(data), startService(data)];
    await Promise.all(services.map(({ url }) => url));
    return services;
  };
  const verifyMany = async (services: readonly Service[], body: object) => {
    let admitted = 0;
    const caller = async (_: unknown, i: number) => {
      for (let call = 0; call < CALLS; call++) {
        const service = services[(i + call) % services.length];
        if (service === undefined) throw new Error('there are several');
        const verdict = await post(service, '/v1/keys/verify', body);
        if (verdict.valid) admitted++;
        else expect(verdict.code).toBe('rate_limited');
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return admitted;
  };

  test('of a hundred callers with fifty calls each admit exactly the limit', async () => {
    const services = await startThree('exact');
    const [first] = services;
    if (first === undefined) throw new Error('there are three');
    const limits = [{ name: 'hour', limit: 1_234, window_seconds: 3_600 }];
    const { key } = await post(first, '/v1/keys', { limits });
    const admitted = await verifyMany(services, { key });
    for (const service of services) {
      expect(service.said()).not.toContain(PASSWORD);
      expect(service.said()).not.toMatch(/"level":"(warn|error)"/);
    }
    expect(admitted).toBe(1_234);
  });

  test('go on in the window of one that is killed, and count identifiers together', async () => {
    const [first, ...others] = await startThree('killed');
    const [second, third] = others;
    if (!first || !second || !third) throw new Error('there are three');
    const limits = [{ name: 'hour', limit: 2, window_seconds: 3_600 }];
    const { key } = await post(first, '/v1/keys', { limits });
    const body = { identifier: 'x', limit: 2, window_seconds: 3_600 };
    const told = async (service: Service) => [
      (await post(service, '/v1/keys/verify', { key })).code,
      (await post(service, '/v1/limits/logins/take', body)).allowed,
    ];
    expect(await told(first)).toEqual(['valid', true]);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(await told(second)).toEqual(['valid', true]);
    expect(await told(third)).toEqual(['rate_limited', false]);
  });
});
