// Workers over PostgreSQL are equal processes: each reads and writes the database by
// itself, and their supervisor only keeps them running.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runs } from '../fixtures/domain.ts';
import { killServices, startService, stopService } from '../kit/crash-child.ts';
import { type PostgresServer, startPostgres } from '../kit/servers.ts';
import { connectionToEach, until, workersOf } from '../kit/workers.ts';

const WORKERS = 2;
const timeout = runs(300_000, 900_000);
const folder = mkdtempSync(join(tmpdir(), 'warder-workers-postgres-'));
let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
}, timeout);
afterEach(killServices);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('workers over PostgreSQL obey what one of them changed, are replaced, reloaded and stopped', {
  timeout,
}, async () => {
  const flags = ['--workers', `${WORKERS}`, '--database', server.tcpUrl, '--log-level', 'info'];
  const service = startService(join(folder, 'data'), null, flags);
  await service.url;
  const each = await connectionToEach(service, WORKERS);
  const [one, other] = each;
  if (one === undefined || other === undefined) throw new Error('there are two');
  for (let round = 0; round < runs(3, 30); round++) {
    const { body } = await one.ask('POST', '/v1/keys', {});
    const key = String(body.key);
    for (const connection of each) expect(await connection.verify(key)).toBe('valid');
    expect((await other.ask('POST', `/v1/keys/${body.id}/revoke`)).status).toBe(200);
    await until(async () => (await one.verify(key)) === 'revoked', 'it is obeyed');
    expect(await other.verify(key)).toBe('revoked');
  }
  for (const connection of each) connection.close();

  const [dying = 0] = workersOf(service);
  process.kill(dying, 'SIGKILL');
  await until(() => !workersOf(service).includes(dying), 'it is gone');
  for (const connection of await connectionToEach(service, WORKERS)) connection.close();
  const before = workersOf(service);
  service.child.kill('SIGHUP');
  await until(() => service.said().includes('all workers are new'), 'all workers are new');
  expect(workersOf(service).filter((pid) => before.includes(pid))).toEqual([]);
  expect(await stopService(service)).toEqual({ code: 0, signal: null });
});
