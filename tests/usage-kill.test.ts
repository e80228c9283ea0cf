// Usage and the end of the process: after a SIGTERM every verification that was
// answered is counted, once; after a SIGKILL all that was written, and no more than
// there was.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, expect, test } from 'vitest';
import { killServices, type Service, startService, stopService } from './kit/crash-child.ts';
import { type Client, clientOf, newLedger } from './kit/kill-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-usage-kill-'));
afterEach(killServices);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ledger = newLedger();

async function newKey(client: Client): Promise<string> {
  const created = await client.change({
    method: 'POST',
    path: '/v1/keys',
    body: { name: 'counted' },
    idempotencyKey: null,
    makes: ['key.created'],
    holds: () => true,
  });
  return String(created?.body.id);
}

/** What the file says of all hours of that key, without its service. */
function countedIn(service: Service, keyId: string): number {
  const database = new Database(join(service.data, 'warder.db'), { readonly: true });
  try {
    const sum = database.prepare(
      'SELECT coalesce(sum(valid), 0) FROM usage_hours WHERE kind = 3 AND position = (SELECT position FROM keys WHERE id = ?)',
    );
    return Number(sum.pluck().get(keyId));
  } finally {
    database.close();
  }
}

test('a SIGTERM under load loses no verification that was answered, and counts none twice', async () => {
  const service = startService(join(folder, 'term'));
  await service.url;
  const client = await clientOf(service, ledger);
  const keyId = await newKey(client);
  let valid = 0;
  const load = Array.from({ length: 8 }, async () => {
    for (
      let code = await client.verify(keyId);
      code === 'valid';
      code = await client.verify(keyId)
    ) {
      valid++;
    }
  });
  await expect.poll(() => valid, { interval: 5, timeout: 30_000 }).toBeGreaterThan(150);
  expect(await stopService(service)).toEqual({ code: 0, signal: null });
  await Promise.all(load);
  expect(countedIn(service, keyId)).toBe(valid);
});

test('a SIGKILL loses nothing that was written, and the next start goes on from there', async () => {
  const data = join(folder, 'kill');
  const killed = startService(data);
  await killed.url;
  const client = await clientOf(killed, ledger);
  const keyId = await newKey(client);
  const verify = async (by: Client, times: number) => {
    for (let i = 0; i < times; i++) expect(await by.verify(keyId)).toBe('valid');
  };
  await verify(client, 60);
  await expect.poll(() => countedIn(killed, keyId), { timeout: 10_000 }).toBe(60);
  await verify(client, 25);
  killed.child.kill('SIGKILL');
  expect(await killed.ended).toEqual({ code: null, signal: 'SIGKILL' });

  const kept = countedIn(killed, keyId);
  expect(kept).toBeGreaterThanOrEqual(60);
  expect(kept).toBeLessThanOrEqual(85);
  const next = startService(data);
  await next.url;
  await verify(await clientOf(next, ledger), 10);
  expect(await stopService(next)).toEqual({ code: 0, signal: null });
  expect(countedIn(next, keyId)).toBe(kept + 10);
});
