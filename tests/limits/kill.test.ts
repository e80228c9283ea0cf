// What a real process forgives when it ends: on SIGTERM nothing, on SIGKILL at most
// what it admitted since it last wrote.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, expect, test } from 'vitest';
import { killServices, type Service, startService, stopService } from '../kit/crash-child.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-limits-'));
afterEach(killServices);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LIMIT = 100;

async function post(service: Service, path: string, body: object) {
  const reply = await fetch(`${await service.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${service.firstKey()}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  return reply.json();
}

const metered = async (service: Service): Promise<string> => {
  const limits = [{ name: 'hour', limit: LIMIT, window_seconds: 3_600 }];
  return (await post(service, '/v1/keys', { limits })).key;
};

/** How many of so many verifications at once are admitted. */
async function admitted(service: Service, key: string, times: number): Promise<number> {
  const verdicts = await Promise.all(
    Array.from({ length: times }, () => post(service, '/v1/keys/verify', { key })),
  );
  return verdicts.filter(({ valid }) => valid === true).length;
}

/** What of the window is on the disk. */
function written(service: Service): number {
  const database = new Database(join(service.data, 'warder.db'), { readonly: true });
  try {
    return Number(database.prepare('SELECT max(taken) FROM limit_windows').pluck().get() ?? 0);
  } finally {
    database.close();
  }
}

test('a SIGTERM forgives nothing', async () => {
  const data = join(folder, 'term');
  const service = startService(data);
  const key = await metered(service);
  expect(await admitted(service, key, 70)).toBe(70);
  await stopService(service);
  expect(await admitted(startService(data), key, 70)).toBe(LIMIT - 70);
});

test('a SIGKILL forgives at most what was admitted since the last flush', async () => {
  const data = join(folder, 'kill');
  const service = startService(data);
  const key = await metered(service);
  expect(await admitted(service, key, 60)).toBe(60);
  await expect.poll(() => written(service), { interval: 20, timeout: 10_000 }).toBe(60);
  expect(await admitted(service, key, 10)).toBe(10);
  service.child.kill('SIGKILL');
  await service.ended;
  const kept = written(service);
  expect(kept).toBeGreaterThanOrEqual(60);
  expect(await admitted(startService(data), key, 60)).toBe(LIMIT - kept);
});
