// What every engine promises of rate windows: as they were written last, in the order
// of their ids, and gone once they ended and were pruned.

import type { StoredWindow } from '@warder/core';
import { expect, it } from 'vitest';
import { NOW } from '../fixtures/domain.ts';
import type { OpenStore } from './store.ts';

const windowOf = (id: string, taken = 1, endsAt = NOW + 61_000): StoredWindow => ({
  id,
  startedAt: NOW,
  endsAt,
  taken,
});

export function windowContract(open: OpenStore): void {
  it('windows are read as they were written last', async () => {
    const { storage } = open();
    expect(await storage.windows(NOW, '', 10)).toEqual([]);
    await storage.recordWindows([windowOf('b'), windowOf('a', 1_000_000_000)]);
    const later = { id: 'b', startedAt: NOW + 9, endsAt: NOW + 99_000, taken: 3 };
    await storage.recordWindows([later]);
    expect(await storage.windows(NOW, '', 10)).toEqual([windowOf('a', 1_000_000_000), later]);
    await storage.close();
  });

  it('windows are read in pages, each once, however many there are', async () => {
    const { storage } = open();
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
    const { storage } = open();
    await storage.recordWindows([
      ...['a', 'b', 'c'].map((id) => windowOf(id, 1, NOW)),
      windowOf('d', 1, NOW + 1),
    ]);
    expect((await storage.windows(NOW, '', 10)).map(({ id }) => id)).toEqual(['d']);
    expect(await storage.pruneWindows(NOW, 2)).toBe(2);
    expect(await storage.pruneWindows(NOW, 2)).toBe(1);
    expect(await storage.pruneWindows(NOW, 2)).toBe(0);
    expect((await storage.windows(0, '', 10)).map(({ id }) => id)).toEqual(['d']);
    await storage.close();
  });
}
