// What every engine promises of rate windows: as they were written last, in the order
// of their ids, and gone once they ended and were pruned.

import type { AskedWindow, StoredWindow, WindowTake } from '@warder/core';
import { expect, it } from 'vitest';
import { NOW } from '../fixtures/domain.ts';
import type { OpenStore } from './store.ts';

const windowOf = (id: string, taken = 1, endsAt = NOW + 61_000): StoredWindow => ({
  id,
  startedAt: NOW,
  endsAt,
  taken,
});

const askedOf = (id: string, differing: Partial<AskedWindow> = {}): AskedWindow => ({
  id,
  name: 'minute',
  limit: 3,
  windowSeconds: 60,
  override: null,
  ...differing,
});
const takeOf = (windows: readonly AskedWindow[], differing: Partial<WindowTake> = {}) => ({
  windows,
  cost: 1,
  spend: true,
  now: NOW,
  ...differing,
});

export function windowContract(open: OpenStore): void {
  it('windows are read as they were written last', async () => {
    const { storage } = await open();
    expect(await storage.windows(NOW, '', 10)).toEqual([]);
    await storage.recordWindows([windowOf('b'), windowOf('a', 1_000_000_000)]);
    const later = { id: 'b', startedAt: NOW + 9, endsAt: NOW + 99_000, taken: 3 };
    await storage.recordWindows([later]);
    expect(await storage.windows(NOW, '', 10)).toEqual([windowOf('a', 1_000_000_000), later]);
    await storage.close();
  });

  it('windows are read in pages, each once, however many there are', async () => {
    const { storage } = await open();
    const ids = Array.from({ length: 250 }, (_, i) => `key ${String(i).padStart(4, '0')} minute`);
    await storage.recordWindows(ids.map((id) => windowOf(id)));
    const found: string[] = [];
    for (let after = ''; ; after = found.at(-1) ?? '') {
      const page = await storage.windows(NOW, after, 100);
      if (page.length === 0) break;
      found.push(...page.map(({ id }) => id));
    }
    expect(found).toEqual(ids);
    await storage.close();
  });

  it('windows that ended are not read, and are removed a few at a time', async () => {
    const { storage } = await open();
    // By the clock of a server, too, whichever day it is there.
    const end = Date.UTC(2020, 0, 1);
    const began = { startedAt: end - 61_000 };
    await storage.recordWindows([
      ...['a', 'b', 'c'].map((id) => ({ ...windowOf(id, 1, end), ...began })),
      { ...windowOf('d', 1, end + 1), ...began },
    ]);
    expect((await storage.windows(end, '', 10)).map(({ id }) => id)).toEqual(['d']);
    expect(await storage.pruneWindows(end, 2)).toBe(2);
    expect(await storage.pruneWindows(end, 2)).toBe(1);
    expect(await storage.pruneWindows(end, 2)).toBe(0);
    expect((await storage.windows(0, '', 10)).map(({ id }) => id)).toEqual(['d']);
    await storage.close();
  });

  it('takes are decided in the order asked, each from all of its windows or from none', async () => {
    const { storage } = await open();
    const [wide, narrow] = [askedOf('wide'), askedOf('narrow', { limit: 1 })];
    const told = await storage.takeWindows(
      [takeOf([wide, narrow]), takeOf([narrow, wide]), takeOf([wide], { now: NOW + 9 })],
      [],
    );
    expect(told).toEqual([
      { admitted: true, now: NOW, windows: [1, 1].map((taken) => ({ startedAt: NOW, taken })) },
      { admitted: false, now: NOW, windows: [1, 1].map((taken) => ({ startedAt: NOW, taken })) },
      { admitted: true, now: NOW + 9, windows: [{ startedAt: NOW, taken: 2 }] },
    ]);
    expect(await storage.windows(NOW, '', 10)).toEqual([
      { ...windowOf('narrow'), endsAt: NOW + 60_000 },
      { ...windowOf('wide', 2), endsAt: NOW + 60_000 },
    ]);
    await storage.close();
  });

  it('takes that only ask, cost nothing or are refused write nothing that counts', async () => {
    const { storage } = await open();
    const takes = [{ spend: false }, { cost: 0 }, { cost: 4 }];
    const told = await storage.takeWindows(
      takes.map((differing) => takeOf([askedOf('a')], differing)),
      [],
    );
    expect(told.map(({ admitted }) => admitted)).toEqual([true, true, false]);
    const [later] = await storage.takeWindows([takeOf([askedOf('a')], { now: NOW + 5 })], []);
    expect(later?.windows).toEqual([{ startedAt: NOW + 5, taken: 1 }]);
    await storage.close();
  });

  it('what is returned is there for takes of the same moment, in the window it was taken of', async () => {
    const { storage } = await open();
    const window = askedOf('a', { limit: 1 });
    await storage.takeWindows([takeOf([window])], []);
    const elsewhere = { id: 'a', startedAt: NOW - 1, cost: 1 };
    expect((await storage.takeWindows([takeOf([window])], [elsewhere]))[0]?.admitted).toBe(false);
    const returned = [{ id: 'a', startedAt: NOW, cost: 5 }];
    const told = await storage.takeWindows([takeOf([window]), takeOf([window])], returned);
    expect(told.map(({ admitted }) => admitted)).toEqual([true, false]);
    await storage.takeWindows([], [{ id: 'nobody', startedAt: NOW, cost: 1 }]);
    await storage.close();
  });

  it('takes at once, of the same windows in any order, are all answered and exact', async () => {
    const { storage } = await open();
    const all = ['a', 'b', 'c', 'd'].map((id) => askedOf(id, { limit: 40 }));
    const told = await Promise.all(
      Array.from({ length: 100 }, (_, i) => {
        const turned = [...all.slice(i % 4), ...all.slice(0, i % 4)];
        return storage.takeWindows([takeOf(turned), takeOf(turned.slice(0, 2))], []);
      }),
    );
    expect(told.flat()).toHaveLength(200);
    const taken = new Map((await storage.windows(NOW, '', 10)).map((one) => [one.id, one.taken]));
    for (const [id, count] of taken) {
      const charged = told.flatMap((pair, i) => {
        const turned = [...all.slice(i % 4), ...all.slice(0, i % 4)].map((one) => one.id);
        const [whole, part] = pair.map(({ admitted }) => admitted);
        return [whole && turned.includes(id), part && turned.slice(0, 2).includes(id)];
      });
      expect(charged.filter(Boolean)).toHaveLength(count);
      expect(count).toBeLessThanOrEqual(40);
    }
    await storage.close();
  });

  it('by its own clock a window goes on, whatever clock the processes have', async () => {
    const { storage } = await open();
    const window = askedOf('a', { windowSeconds: 3_600, limit: 2 });
    const before = Date.now();
    const told = [
      ...(await storage.takeWindows([takeOf([window], { now: null })], [])),
      ...(await storage.takeWindows([takeOf([window], { now: null })], [])),
    ];
    const [first, second] = told;
    expect(second?.windows).toEqual([{ startedAt: first?.now, taken: 2 }]);
    expect(Math.abs((first?.now ?? 0) - before)).toBeLessThan(60_000);
    await storage.close();
  });
}
