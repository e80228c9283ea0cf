// What happens to several workers: one that is killed is replaced and nothing that was
// acknowledged is lost, one that was stopped believes nothing of before when it wakes,
// and without a supervisor none goes on.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { runs } from '../fixtures/domain.ts';
import { newFolder, run } from '../fixtures/program.ts';
import { killServices, type Service, startService, stopService } from '../kit/crash-child.ts';
import { checkFile } from '../kit/kill-checker.ts';
import { clientOf, newLedger, work } from '../kit/kill-load.ts';
import { connectionToEach, openConnection, until, workersOf } from '../kit/workers.ts';

const WORKERS = 3;
const timeout = runs(300_000, 900_000);
const folder = mkdtempSync(join(tmpdir(), 'warder-faults-'));
afterEach(killServices);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(name: string, flags: readonly string[] = []): Promise<Service> {
  const service = startService(join(folder, name), null, ['--workers', `${WORKERS}`, ...flags]);
  await service.url;
  return service;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('a worker that is killed under load is replaced, and nothing acknowledged is lost', {
  timeout,
}, async () => {
  const service = await start('killed');
  // What was asked of the dead one has no reply.
  const ledger = newLedger();
  const over = { yet: false };
  // A client that loses its reply to a kill begins anew, as many times as there are kills.
  const load = [1, 2, 3, 4].map(async (seed) => {
    for (let turn = 1; !over.yet; turn++) {
      await work(await clientOf(service, ledger), ledger, 100 * seed + turn, () => over.yet);
    }
  });
  const kills = runs(3, 20);
  for (let kill = 0; kill < kills; kill++) {
    const before = ledger.asked.length;
    await until(() => ledger.asked.length > before + 60, 'the load goes on');
    const pids = workersOf(service);
    const dying = pids[kill % pids.length] ?? 0;
    process.kill(dying, 'SIGKILL');
    await until(() => {
      const now = workersOf(service);
      return !now.includes(dying) && now.length === WORKERS;
    }, 'another takes its place');
  }
  over.yet = true;
  await Promise.all(load);
  const each = await connectionToEach(service, WORKERS);
  for (const connection of each) connection.close();
  expect(ledger.complaints).toEqual([]);
  expect(await stopService(service)).toEqual({ code: 0, signal: null });
  expect(service.said().match(/"a worker died/g)?.length).toBe(kills);
  checkFile(join(service.data, 'warder.db'), ledger, null);
});

test('a worker that was stopped never gives a verdict of before, once others were told of a change', {
  timeout,
}, async () => {
  const service = await start('stopped');
  const each = await connectionToEach(service, WORKERS);
  const pids = workersOf(service);
  const [stopped, changing] = each;
  if (stopped === undefined || changing === undefined) throw new Error('there are three');
  const pid = stopped.worker(pids) ?? 0;
  for (let round = 0; round < runs(5, 40); round++) {
    const { body } = await changing.ask('POST', '/v1/keys', {});
    const key = String(body.key);
    expect(await stopped.verify(key)).toBe('valid');
    expect(await stopped.verify(key)).toBe('valid');
    process.kill(pid, 'SIGSTOP');
    const began = performance.now();
    expect((await changing.ask('POST', `/v1/keys/${body.id}/revoke`)).status).toBe(200);
    // It was waited for, but not for ever.
    expect(performance.now() - began).toBeLessThan(2_000);
    const late = stopped.verify(key);
    process.kill(pid, 'SIGCONT');
    expect(await late).toBe('revoked');
    expect(await stopped.verify(key)).toBe('revoked');
  }
  for (const connection of each) connection.close();
  expect(await stopService(service)).toEqual({ code: 0, signal: null });
});

test('workers end with a supervisor that is killed, and the next start goes on', {
  timeout,
}, async () => {
  const service = await start('orphaned');
  const ledger = newLedger();
  const load = [1, 2].map(async (seed) =>
    work(await clientOf(service, ledger), ledger, seed, () => false),
  );
  await until(() => ledger.asked.length > 50, 'the load goes on');
  const pids = workersOf(service);
  service.child.kill('SIGKILL');
  expect(await service.ended).toEqual({ code: null, signal: 'SIGKILL' });
  await Promise.all(load);
  await until(() => !pids.some(isAlive), 'all workers end');
  const found = checkFile(join(service.data, 'warder.db'), ledger, null);
  expect(found.acknowledged).toBeGreaterThan(10);

  const next = await start('orphaned');
  const connection = await openConnection(next);
  expect((await connection.ask('GET', '/v1/whoami')).status).toBe(200);
  connection.close();
  expect(await stopService(next)).toEqual({ code: 0, signal: null });
});

test('what stops a first worker from starting is said once, and ends the service', {
  timeout,
}, async () => {
  const service = await start('taken');
  const cwd = newFolder();
  const address = new URL(await service.url).host;
  const ended = await run(['serve', '--listen', address, '--workers', '3'], { cwd });
  expect(ended.stderr).toMatch(/^127\.0\.0\.1:\d+ cannot be listened on: .*EADDRINUSE.*\.\n$/);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
});
