// A disk that is full: what writes is told 503 and leaves nothing half done, what
// reads goes on, and once there is room again the same process writes again.

import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { killServices, startService, stopService } from './kit/crash-child.ts';
import { canMount, type Disk, mountDisk } from './kit/crash-disk.ts';
import { checkFile, copyOf } from './kit/kill-checker.ts';
import { clientOf, type Json, newLedger, work } from './kit/kill-load.ts';

const disks: Disk[] = [];
const newDisk = () => {
  // Room for a log of changes at its usual size and what it is about.
  const disk = mountDisk(24);
  disks.push(disk);
  return disk;
};
afterEach(async () => {
  await killServices();
  for (const disk of disks.splice(0)) disk.unmount();
});

/** What is asked for by the nth creation of these tests. */
const creation = (n: number) => {
  const name = `key ${n}`;
  return {
    method: 'POST',
    path: '/v1/keys',
    body: { name, owner_id: 'ann', metadata: { text: 'x'.repeat(500) } },
    idempotencyKey: `creation-${n}`,
    makes: ['key.created'],
    holds: (key: Json) => key.name === name,
  };
};

describe.skipIf(!canMount())('on a full disk (a tmpfs, which takes root to mount)', () => {
  test('writes answer 503, reads go on, and with room again the same process writes again', async () => {
    const disk = newDisk();
    const data = join(disk.folder, 'data');
    const ledger = newLedger();
    const service = startService(data);
    const client = await clientOf(service, ledger);
    const first = await client.change(creation(0));
    expect(first?.status).toBe(201);
    const id = String(first?.body.id);

    ledger.mayBeUnavailable = true;
    disk.fill();
    // What the log of the file still has room for is used up first.
    let n = 1;
    while (n < 2_000 && (await client.change(creation(n)))?.status === 201) n++;
    disk.fill();
    const refused = n + 1;
    for (n = refused; n < refused + 20; n++) {
      const reply = await client.change(creation(n));
      expect(reply).toMatchObject({ status: 503, body: { status: 503, code: 'unavailable' } });
      expect(String(reply?.body.detail)).not.toMatch(/sqlite|disk image|full/i);
    }
    const revoked = await client.change({
      ...creation(0),
      path: `/v1/keys/${id}/revoke`,
      body: null,
      idempotencyKey: null,
      makes: ['key.revoked'],
    });
    expect(revoked?.status).toBe(503);
    const before = Date.now();
    for (let i = 0; i < 20; i++) {
      expect(await client.verify(id)).toBe('valid');
      expect((await client.ask('GET', `/v1/keys/${id}`))?.status).toBe(200);
      expect((await client.ask('GET', '/v1/keys?limit=200&include=total'))?.status).toBe(200);
      expect((await client.ask('GET', '/v1/events'))?.status).toBe(200);
      expect((await client.ask('GET', '/readyz'))?.status).toBe(200);
    }
    // The use cannot be written now, which is logged and forgets nothing.
    await expect.poll(() => service.said(), { timeout: 5_000 }).toContain('uses not written');

    disk.free();
    const again = ledger.asked.filter(({ reply }) => reply?.status === 503);
    const { id: _, reply: __, ...same } = again[0] ?? { ...creation(0), id: '', reply: null };
    const retried = await client.change(same);
    expect(retried).toMatchObject({ status: 201, replayed: false });
    expect(await client.verify(String(retried?.body.id))).toBe('valid');
    const usedAt = async () =>
      Date.parse(String((await client.ask('GET', `/v1/keys/${id}`))?.body.last_used_at));
    await expect.poll(usedAt, { timeout: 5_000 }).toBeGreaterThanOrEqual(before);

    expect(await stopService(service)).toEqual({ code: 0, signal: null });
    expect(checkFile(join(data, 'warder.db'), ledger, null).acknowledged).toBeGreaterThan(1);
  });

  test('that fills and empties under load leaves nothing half written', async () => {
    const disk = newDisk();
    const data = join(disk.folder, 'data');
    const ledger = newLedger();
    ledger.mayBeUnavailable = true;
    const service = startService(data);
    const client = await clientOf(service, ledger);
    let over = false;
    const load = [1, 2, 3, 4].map((seed) => work(client, ledger, seed, () => over));
    const count = (status: (one: number) => boolean) =>
      ledger.asked.filter(({ reply }) => reply !== null && status(reply.status)).length;
    const refusedOn = (full: Disk) => {
      full.fill();
      return count((status) => status === 503);
    };
    for (let turn = 1; turn <= 4; turn++) {
      const done = count((status) => status < 300);
      await expect
        .poll(() => count((status) => status < 300), { interval: 5, timeout: 10_000 })
        .toBeGreaterThan(done + 50);
      const refused = count((status) => status === 503);
      disk.fill();
      await expect
        .poll(() => refusedOn(disk), {
          interval: 5,
          timeout: 10_000,
        })
        .toBeGreaterThan(refused + 30);
      disk.free();
    }
    over = true;
    await Promise.all(load);
    expect(await stopService(service)).toEqual({ code: 0, signal: null });
    const found = checkFile(join(data, 'warder.db'), ledger, null);
    console.log(`disk: ${found.acknowledged} done, ${count((status) => status === 503)} refused`);
  });

  test('a kill loses nothing, a start says what is wrong, and a stop still ends', async () => {
    const disk = newDisk();
    const data = join(disk.folder, 'data');
    const ledger = newLedger();
    const killed = startService(data);
    const client = await clientOf(killed, ledger);
    expect((await client.change(creation(0)))?.status).toBe(201);
    const [id = ''] = ledger.secrets.keys();
    ledger.mayBeUnavailable = true;
    disk.fill();
    let n = 1;
    while (n < 2_000 && (await client.change(creation(n)))?.status === 201) n++;
    disk.fill();
    killed.child.kill('SIGKILL');
    await killed.ended;

    // Whether a start needs any room is SQLite's affair; without it, it is refused in words.
    const starved = startService(data);
    const lives = await starved.url.then(
      () => true,
      () => false,
    );
    if (lives) {
      expect(await (await clientOf(starved, ledger)).verify(id)).toBe('valid');
      starved.child.kill('SIGKILL');
      await starved.ended;
    } else {
      expect(await starved.ended).toEqual({ code: 1, signal: null });
      expect(starved.said()).toMatch(/^Error: .*\n$/);
    }
    console.log(`disk: a start on a full disk ${lives ? 'works' : `says ${starved.said()}`}`);

    disk.free();
    const last = startService(data);
    expect(await (await clientOf(last, ledger)).verify(id)).toBe('valid');
    disk.fill();
    const start = performance.now();
    const end = await stopService(last);
    expect(end.signal).toBeNull();
    expect(performance.now() - start).toBeLessThan(10_000);
    console.log(`disk: a stop on a full disk ends with ${end.code}`);
    disk.free();
    checkFile(copyOf(data), ledger, null);

    disk.makeReadOnly();
    const readOnly = startService(data);
    expect(await readOnly.ended).toEqual({ code: 1, signal: null });
    console.log(`disk: a start on a read-only disk says ${readOnly.said()}`);
    expect(readOnly.said()).toMatch(/read-only/);
  });
});
