// A supervisor and its workers on one file, without processes: each worker is a store
// of its own that writes over a line. It keeps the contract of every store, and no
// change is answered before every worker has heard of it or trusts itself no more.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Heard } from '@warder/core';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { testChannel } from '../../../tests/kit/channel.ts';
import { limitContract } from '../../../tests/limits/contract.ts';
import { storageContract } from '../../../tests/storage/contract.ts';
import { worldIn } from '../../../tests/storage/store.ts';
import { createLimitMemory } from './limits/memory.ts';
import { writeHere } from './storage/embedded/writing.ts';
import { openEmbedded } from './storage/embedded.ts';
import { openSupervised } from './supervised.ts';
import { createSupervision } from './supervision.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-supervision-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${++files}`, 'warder.db');
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A supervisor with its own store on a new file. */
function supervise() {
  const file = newFile();
  const supervision = createSupervision(writeHere(file));
  const own = openEmbedded({ file, writing: supervision.writing });
  const memory = createLimitMemory();
  const close = async () => {
    supervision.close();
    await own.storage.close();
  };
  const worker = () => {
    const channel = testChannel();
    const [near, far] = channel.ends;
    const attendance = supervision.attend(near, memory, {});
    const supervised = openSupervised(far, {});
    const store = openEmbedded({ file, writing: supervised.writing });
    const heard: Heard[] = [];
    const watch = store.storage.watch((change) => heard.push(change));
    return { channel, attendance, supervised, store, heard, watch };
  };
  return { own, worker, close };
}

storageContract('one file, written by a supervisor', () => {
  const { worker, close } = supervise();
  const { storage, lookup } = worker().store;
  return {
    lookup,
    storage: {
      ...storage,
      close: async () => {
        await storage.close();
        await close();
      },
    },
  };
});

limitContract('counted by a supervisor', async () => {
  const { worker, close } = supervise();
  const { supervised, store } = worker();
  return {
    store: supervised.limits.store,
    close: async () => {
      await store.storage.close();
      await close();
    },
  };
});

describe('a change', () => {
  /** Two workers, of which the second hears of a key of the first. */
  async function two() {
    const { own, worker, close } = supervise();
    const [one, other] = [worker(), worker()];
    open.push(async () => {
      await Promise.all([one, other].map(({ store }) => store.storage.close()));
      await close();
    });
    const world = worldIn(one.store);
    const { key } = await world.key();
    const rename = () => world.change(key, { key: { ...key, name: 'renamed', version: 2 } });
    await expect.poll(() => other.watch.age()).toBeLessThan(other.watch.trusted);
    return { own, one, other, key, rename };
  }

  test('is answered once the other workers have heard of it, and not before', async () => {
    const { other, key, rename } = await two();
    other.channel.hold();
    let answered = false;
    const renaming = rename().then(() => {
      answered = true;
    });
    // It is written: whoever reads the file sees it.
    await expect
      .poll(async () => (await worldIn(other.store).all.key(key.id))?.name)
      .toBe('renamed');
    expect(answered).toBe(false);
    const told = { type: 'key', id: key.id };
    expect(other.heard).not.toContainEqual(told);
    other.channel.letGo();
    await renaming;
    expect(other.heard).toContainEqual(told);
  });

  test('waits for none that hears nothing longer than that one trusts its memory', async () => {
    const { other, key, rename } = await two();
    other.channel.hold();
    await rename();
    expect(other.watch.age()).toBeGreaterThan(other.watch.trusted);
    other.channel.letGo();
    // It trusts itself again once it has heard.
    expect(other.heard).toContainEqual({ type: 'key', id: key.id });
    await expect.poll(() => other.watch.age()).toBeLessThan(other.watch.trusted);
  });

  test('waits for none that has ended', async () => {
    const { other, rename } = await two();
    other.channel.hold();
    const renaming = rename();
    const began = performance.now();
    other.attendance.end();
    await renaming;
    expect(performance.now() - began).toBeLessThan(other.watch.trusted);
  });

  test('is told to the worker that made it, too, which may have given up the wait for its answer', async () => {
    // It forgot when it gave up and read again what was there before: nobody told it of the rest.
    const { one, key, rename } = await two();
    await rename();
    expect(one.heard).toContainEqual({ type: 'key', id: key.id });
  });

  test('of the supervisor itself is told to all workers', async () => {
    const { own, one, other, key } = await two();
    const world = worldIn(own);
    await world.change(key, { key: { ...key, name: 'by the supervisor', version: 2 } });
    for (const { heard } of [one, other]) expect(heard).toContainEqual({ type: 'key', id: key.id });
  });
});
