// The contract of every engine, and what only the one in a file promises.

import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newCredits } from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { NOW, runs } from '../../../../tests/fixtures/domain.ts';
import { storageContract } from '../../../../tests/storage/contract.ts';
import { useOf, worldIn } from '../../../../tests/storage/store.ts';
import { openEmbedded } from './embedded.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${++files}`, 'warder.db');
const whole = { limit: 10_000, from: null, total: 'exact' } as const;

storageContract('one file', () => openEmbedded({ file: newFile() }));

describe('the file', () => {
  test('is readable by its owner alone, also one that was not', async () => {
    const file = newFile();
    const modes = () =>
      [file, `${file}-wal`, `${file}-shm`].map((one) => statSync(one).mode & 0o777);
    const first = worldIn(openEmbedded({ file }));
    await first.key();
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
    await first.storage.close();

    chmodSync(file, 0o644);
    const second = worldIn(openEmbedded({ file }), 2);
    await second.key();
    expect(modes()).toEqual([0o600, 0o600, 0o600]);
    await second.storage.close();
  });

  test('is whole and alone once the store is closed', async () => {
    const file = newFile();
    const world = worldIn(openEmbedded({ file }));
    await world.key();
    await world.all.keys({ now: NOW }, whole);
    await world.storage.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect(checked(file)).toEqual({ integrity: 'ok', keys: 1, events: 1 });
  });

  test('can be used by two stores at once, and each sees what the other wrote', async () => {
    const file = newFile();
    const one = worldIn(openEmbedded({ file }), 1);
    const two = worldIn(openEmbedded({ file }), 2);
    const { key, digest } = await one.key();
    expect((await two.lookup.find([digest]))?.key).toEqual(key);
    expect((await two.all.keys({ now: NOW }, whole)).items).toEqual([key]);
    const renamed = await two.change(key, { key: { ...key, name: 'renamed', version: 2 } });
    expect(await one.all.key(key.id)).toEqual(renamed);
    const stale = { type: 'update_key', key: { ...key, version: 2 }, was: 1 } as const;
    expect(await one.all.commit([stale])).toBe('stale');
    await one.storage.close();
    await two.storage.close();
  });

  test('tells what another process wrote from what this one did', async () => {
    const file = newFile();
    const one = worldIn(openEmbedded({ file }), 1);
    const two = worldIn(openEmbedded({ file }), 2);
    let told = 0;
    const watch = one.storage.watch(({ type }) => {
      expect(type).toBe('everything');
      told++;
    });
    const isTrusted = () => watch.age() <= watch.trusted;
    expect(watch.age()).toBe(Number.POSITIVE_INFINITY);
    await one.key();
    await vi.waitFor(() => expect(isTrusted()).toBe(true));
    const toldBy = (count: number) =>
      vi.waitFor(() => expect([isTrusted(), told]).toEqual([true, count]), { interval: 1 });
    for (let i = 1; i <= 20; i++) {
      await one.key();
      watch.age();
      expect(told).toBe(i);
      await two.key();
      await toldBy(i + 1);
    }
    // Also what a program wrote that is none of ours.
    const stranger = new Database(file);
    stranger.exec('DELETE FROM replies; PRAGMA user_version = 5');
    stranger.close();
    await toldBy(22);
    watch.close();
    expect(watch.age()).toBe(Number.POSITIVE_INFINITY);
    await one.storage.close();
    await two.storage.close();
  });

  test('is set up by several processes that start at once, and none of them is told that it is busy', async () => {
    const file = newFile();
    const printed = await Promise.all([1, 2, 3, 4].map((seed) => linesOf(write(file, seed, 40))));
    for (const lines of printed) expect(lines).toHaveLength(41);
    expect(checked(file)).toEqual({ integrity: 'ok', keys: 160, events: 160 });
  });

  test('has every acknowledged commit, and each whole, after its writer was killed', async () => {
    const file = newFile();
    const acknowledged: string[] = [];
    for (let kill = 1; kill <= runs(3, 40); kill++) {
      const writer = write(file, kill, 100_000);
      const lines = await linesOf(writer, (count) => {
        // What it acknowledged until it was hit is read to the end, and counts.
        if (count >= 10 + kill) writer.kill('SIGKILL');
      });
      expect(lines.length).toBeGreaterThan(10);
      acknowledged.push(...lines);
      const world = worldIn(openEmbedded({ file }));
      const { items } = await world.all.keys({ now: NOW }, whole);
      const ids = new Set(items.map(({ id }) => id));
      expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
      await world.storage.close();
      expect(checked(file)).toEqual({ integrity: 'ok', keys: ids.size, events: ids.size });
    }
  });

  test('gives the last credits to several processes once each', async () => {
    const file = newFile();
    const world = worldIn(openEmbedded({ file }));
    const { key } = await world.key({ credits: newCredits({ remaining: 300 }, NOW) });
    const processes = [1, 2, 3].map(() => linesOf(spendFrom(file, key.id, 20)));
    const printed = (await Promise.all(processes)).map((lines) => lines.map(Number));
    // Each number is what was left after one spend, so none was taken twice.
    expect(printed.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    expect((await world.all.key(key.id))?.credits?.remaining).toBe(0);
    await world.storage.close();
  });

  test('has every acknowledged spend after its writer was killed, and none besides but those asked for', async () => {
    const file = newFile();
    const first = worldIn(openEmbedded({ file }));
    let left = 1_000_000;
    const { key } = await first.key({ credits: newCredits({ remaining: left }, NOW) });
    await first.storage.close();
    const atOnce = 8;
    for (let kill = 1; kill <= runs(3, 40); kill++) {
      const spender = spendFrom(file, key.id, atOnce);
      const lines = await linesOf(spender, (count) => {
        if (count >= 20 + 7 * kill) spender.kill('SIGKILL');
      });
      const acknowledged = lines.length;
      expect(acknowledged).toBeGreaterThan(20);
      const world = worldIn(openEmbedded({ file }));
      const remaining = (await world.all.key(key.id))?.credits?.remaining ?? Number.NaN;
      await world.storage.close();
      const taken = left - remaining;
      expect(taken).toBeGreaterThanOrEqual(acknowledged);
      // Taken, and its process dead before it could tell: at most what was under way.
      expect(taken).toBeLessThanOrEqual(acknowledged + atOnce);
      left = remaining;
    }
  });

  test('that another process keeps locked cannot be written now, and is read all the same', async () => {
    const file = newFile();
    const world = worldIn(openEmbedded({ file, busyMilliseconds: 50 }));
    const { key, digest } = await world.key();
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    const refused = await world.all.commit(world.draft().changes).catch((error) => error);
    expect(refused).toMatchObject({ code: 'unavailable', facts: { retryAfterSeconds: 1 } });
    expect(refused.message).not.toMatch(/sqlite|busy|lock/i);
    const use = world.storage.recordUses([useOf(key.id, 1)]);
    await expect(use).rejects.toMatchObject({ code: 'unavailable' });
    expect((await world.lookup.find([digest]))?.key).toEqual(key);
    expect((await world.all.keys({ now: NOW }, whole)).items).toEqual([key]);

    const patient = worldIn(openEmbedded({ file }), 2).key();
    other.exec('COMMIT');
    other.close();
    expect(await world.all.key((await patient).key.id)).not.toBeNull();
    await world.storage.close();
  });

  test.skipIf(process.platform === 'win32')(
    'on a full disk refuses writes as unavailable and is read all the same',
    async () => {
      const file = newFile();
      const limited = `trap '' XFSZ; ulimit -f 1500; exec "$@"`;
      const lines = await linesOf(
        spawn('sh', ['-c', limited, 'sh', process.execPath, ...writing(file, 1, 100_000)]),
      );
      const written = lines.length - 2;
      expect(written).toBeGreaterThan(0);
      expect(lines.slice(-2)).toEqual([
        'unavailable: The store cannot be written now: try again in a moment.',
        `listed ${written}`,
      ]);
      expect(checked(file)).toEqual({ integrity: 'ok', keys: written, events: written });
    },
  );
});

const program = fileURLToPath(new URL('../../../../tests/storage/writer.ts', import.meta.url));

function writing(file: string, seed: number, count: number): string[] {
  return ['--conditions=warder-source', program, file, String(seed), String(count)];
}

function spendFrom(file: string, subject: string, atOnce: number): ChildProcess {
  const program = fileURLToPath(new URL('../../../../tests/storage/spender.ts', import.meta.url));
  const words = ['--conditions=warder-source', program, file, subject, String(atOnce)];
  return spawn(process.execPath, words);
}

function write(file: string, seed: number, count: number): ChildProcess {
  return spawn(process.execPath, writing(file, seed, count));
}

/** The lines a process printed until it ended; what it complains of fails the test. */
async function linesOf(child: ChildProcess, onLines?: (count: number) => void): Promise<string[]> {
  let printed = '';
  let complaints = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    onLines?.(printed.split('\n').length - 1);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  await new Promise((resolve) => child.on('close', resolve));
  expect(complaints).toBe('');
  return printed.split('\n').slice(0, -1);
}

/** What a program that knows nothing of Warder finds in the file. */
function checked(file: string) {
  const database = new Database(file, { readonly: true });
  const one = (sql: string) => database.prepare(sql).pluck().get();
  try {
    return {
      integrity: one('PRAGMA integrity_check'),
      keys: one('SELECT count(*) FROM keys'),
      events: one('SELECT count(*) FROM events'),
    };
  } finally {
    database.close();
  }
}
