// Several processes on one SQLite file: all verify and write at once, none is told
// that it is busy, what one changes the others obey at once, and the log of the
// file stays small under load, also while somebody reads.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, expect, test } from 'vitest';
import { runs } from './fixtures/domain.ts';
import { killServices, startService, stopService } from './kit/crash-child.ts';
import { checkFile } from './kit/kill-checker.ts';
import { type Client, clientOf, type Json, joined, newLedger, work } from './kit/kill-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-processes-'));
afterEach(killServices);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
const creation = () => {
  const name = `key of ${++made}`;
  return {
    method: 'POST',
    path: '/v1/keys',
    body: { name, metadata: { text: 'x'.repeat(1_000) } },
    idempotencyKey: null,
    makes: ['key.created'],
    holds: (key: Json) => key.name === name,
  };
};
const revocation = (id: string) => ({
  method: 'POST',
  path: `/v1/keys/${id}/revoke`,
  body: null,
  idempotencyKey: null,
  makes: ['key.revoked'],
  holds: (key: Json) => key.status === 'revoked',
});

/** Calls again and again until `stop` says so or no reply comes: how many replies were good. */
async function repeat(client: Client, path: string, stop: () => boolean): Promise<number> {
  let good = 0;
  while (!stop()) {
    const reply = await client.ask('GET', path);
    if (reply?.status !== 200) break;
    good++;
  }
  return good;
}

const timeout = runs(60_000, 600_000);

test('several that start on an empty folder install once, and each takes the one first key', {
  timeout,
}, async () => {
  const data = join(folder, 'together');
  const services = Array.from({ length: 4 }, () => startService(data));
  const ledger = newLedger();
  const clients = await Promise.all(services.map((service) => clientOf(service, ledger)));
  const selves = await Promise.all(clients.map((client) => client.ask('GET', '/v1/whoami')));
  expect(new Set(selves.map((self) => JSON.stringify(self?.body.identity))).size).toBe(1);
  for (const service of services) expect((await stopService(service)).code).toBe(0);
  expect(checkFile(join(data, 'warder.db'), ledger, null).events).toBe(3);
});

test('two verify and write at once, and what one revokes the other refuses in a moment', {
  timeout,
}, async () => {
  const data = join(folder, 'two');
  const services = [startService(data), startService(data)];
  const ledger = newLedger();
  const [one, two] = await Promise.all(services.map((service) => clientOf(service, ledger)));
  if (one === undefined || two === undefined) throw new Error('two were started');
  const most = runs(800, 8_000);
  const over = () => ledger.asked.length >= most;
  // Writes of all kinds on the same rows through both; any 5xx is a complaint of the ledger's.
  const load = [one, two, one, two].map((client, seed) => work(client, ledger, seed + 1, over));
  // Keys of its own, which the load knows nothing of.
  const own = newLedger();
  const [mine, yours] = await Promise.all(services.map((service) => clientOf(service, own)));
  if (mine === undefined || yours === undefined) throw new Error('two were started');
  let obeyed = 0;
  let slowest = 0;
  for (; !over() || obeyed < 20; obeyed++) {
    const [here, there] = obeyed % 2 === 0 ? [mine, yours] : [yours, mine];
    const created = await here.change(creation());
    const id = String(created?.body.id);
    expect(await there.verify(id)).toBe('valid');
    expect((await here.change(revocation(id)))?.status).toBe(200);
    slowest = Math.max(slowest, await untilRevoked(there, id));
  }
  await Promise.all(load);
  const all = joined(ledger, own);
  expect(all.complaints).toEqual([]);
  for (const service of services) {
    expect(await stopService(service)).toEqual({ code: 0, signal: null });
    expect(service.said()).not.toMatch(/"level":"error"/);
  }
  const found = checkFile(join(data, 'warder.db'), all, null);
  console.log(
    `processes: ${found.acknowledged} writes through two, ${obeyed} revocations obeyed, the slowest after ${Math.round(slowest)} ms`,
  );
  expect(slowest).toBeLessThan(1_000);
});

test('readers of long lists stop no write, and the log of the file stays small', {
  timeout,
}, async () => {
  const data = join(folder, 'readers');
  const services = [startService(data), startService(data)];
  const ledger = newLedger();
  const clients = await Promise.all(services.map((service) => clientOf(service, ledger)));
  const logSize = () => statSync(join(data, 'warder.db-wal')).size;
  const write = async (client: Client, times: number) => {
    for (let i = 0; i < times; i++) {
      expect((await client.change(creation()))?.status).toBe(201);
      largest = Math.max(largest, logSize());
    }
  };
  let largest = 0;
  let over = false;
  const lists = ['/v1/keys?limit=200&include=total', '/v1/events?limit=200&include=total'];
  const readers = clients.flatMap((client) =>
    lists.map((list) => repeat(client, list, () => over)),
  );
  const times = runs(200, 1_200);
  await Promise.all([...clients, ...clients].map((client) => write(client, times)));
  const underLoad = largest;
  expect(underLoad).toBeLessThan(runs(24, 64) * 2 ** 20);

  // A reader that stays: nothing can be taken out of the log behind it, and still all is written.
  const reader = new Database(join(data, 'warder.db'), { readonly: true });
  reader.exec('BEGIN');
  const count = reader.prepare('SELECT count(*) FROM keys').pluck();
  const seen = count.get();
  await Promise.all(clients.map((client) => write(client, times)));
  const withReader = largest;
  expect(count.get()).toBe(seen);
  reader.close();

  // Once it is gone the log is used from its start again: more writes, no larger log.
  for (let before = 0, turn = 0; turn < 20 && before !== logSize(); turn++) {
    before = logSize();
    await Promise.all(clients.map((client) => write(client, 10)));
  }
  largest = logSize();
  const settled = largest;
  expect(settled).toBeLessThanOrEqual(64 * 2 ** 20);
  await Promise.all(clients.map((client) => write(client, times)));
  expect(largest).toBeLessThanOrEqual(settled);
  over = true;
  const reads = await Promise.all(readers);
  for (const read of reads) expect(read).toBeGreaterThan(10);
  expect(ledger.complaints).toEqual([]);
  for (const service of services) expect((await stopService(service)).code).toBe(0);
  checkFile(join(data, 'warder.db'), ledger, null);
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(
    `processes: WAL at most ${megabytes(underLoad)} MB under ${times * 4} writes and ${reads.join(' + ')} lists, ${megabytes(withReader)} MB after ${times * 2} behind a reader that stayed, ${megabytes(settled)} MB once it was gone`,
  );
});

test('one that is killed with a commit open does not disturb the other', { timeout }, async () => {
  const data = join(folder, 'killed');
  const staying = startService(data);
  const ledger = newLedger();
  const client = await clientOf(staying, ledger);
  let over = false;
  const load = [1, 2].map((seed) => work(client, ledger, seed, () => over));
  const kills = runs(3, 20);
  for (let kill = 1; kill <= kills; kill++) {
    const dying = startService(data, { kind: 'statement', at: 30 + 37 * kill, spins: 0 });
    const other = await clientOf(dying, ledger);
    dying.arm();
    await Promise.all([3, 4].map((seed) => work(other, ledger, 10 * kill + seed, () => false)));
    expect(await dying.ended).toEqual({ code: null, signal: 'SIGKILL' });
    expect(dying.record()?.open).toBe(true);
    // What was asked of the dead one has no reply: the other goes on with the next.
    expect((await client.change(creation()))?.status).toBe(201);
  }
  over = true;
  await Promise.all(load);
  expect(ledger.complaints).toEqual([]);
  expect(await stopService(staying)).toEqual({ code: 0, signal: null });
  expect(staying.said()).not.toMatch(/"level":"error"/);
  checkFile(join(data, 'warder.db'), ledger, null);
});

/** Milliseconds from an acknowledged revoke until the other process obeys it; once it does, it always does. */
async function untilRevoked(client: Client, id: string): Promise<number> {
  const began = performance.now();
  while ((await client.verify(id)) !== 'revoked') {
    if (performance.now() - began > 5_000) throw new Error('the other process never saw it');
  }
  const took = performance.now() - began;
  expect(await client.verify(id)).toBe('revoked');
  return took;
}
