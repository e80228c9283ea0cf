// Rate windows in the database that several processes share, for where there is no
// Redis: exact, at the price of a transaction for each use. Uses that wait meanwhile go
// into the next one together, so a thousand at once cost little more than one.

import type { Storage, WindowReturn, WindowsTaken, WindowTake } from '@warder/core';
import { gather } from '../gathering.ts';
import { beganAt, type SharedLimitStore, takingOf, type Window } from '../limits.ts';

export interface StoredLimitOptions {
  /** Counts by the clock that each use brings, not by the database's, which is one for all processes. */
  readonly clock?: 'given' | undefined;
}

/** More than so many are not waited for together. */
const MOST_TOGETHER = 200;
const NOTHING: WindowTake = { windows: [], cost: 0, spend: false, now: null };

export function createStoredLimits(
  storage: Pick<Storage, 'takeWindows'>,
  { clock }: StoredLimitOptions = {},
): SharedLimitStore {
  let returned: WindowReturn[] = [];
  const take = gather<WindowTake, WindowsTaken>((takes) => {
    // Where they cannot be given back they stay taken: that errs on the strict side.
    const returning = returned;
    returned = [];
    return storage.takeWindows(takes, returning);
  }, MOST_TOGETHER);

  return {
    name: 'the database',
    price: 'a transaction of the database, which Redis would save',
    takeNow: () => null,
    async take(windows, { cost, spend }, at) {
      const now = clock === 'given' ? at : null;
      return takingOf(windows, cost, await take({ windows: windows.map(asked), cost, spend, now }));
    },
    giveBack(windows, figures, cost) {
      for (const [i, { id }] of windows.entries()) {
        const figure = figures[i];
        if (figure !== undefined) returned.push({ id, startedAt: beganAt(figure), cost });
      }
      take(NOTHING).catch(() => {});
    },
    async close() {
      // The last in the queue: all before it is written then.
      if (returned.length > 0) await take(NOTHING).catch(() => {});
    },
  };
}

function asked({ id, name, limit, windowSeconds, override }: Window) {
  return { id, name, limit, windowSeconds, override };
}
