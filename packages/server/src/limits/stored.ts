// Rate windows in the database that several processes share, for where there is no
// Redis: exact, at the price of a transaction for each use. Uses that wait meanwhile go
// into the next one together, so a thousand at once cost little more than one.

import type { Storage, WindowReturn, WindowsTaken, WindowTake } from '@warder/core';
import { beganAt, type SharedLimitStore, takingOf } from '../limits.ts';

/** More than so many are not waited for together. */
const MOST_TOGETHER = 200;

export interface StoredLimitOptions {
  /** Counts by the clock that each use brings, not by the database's, which is one for all processes. */
  readonly clock?: 'given' | undefined;
}

interface Waiting {
  readonly take: WindowTake;
  readonly resolve: (taken: WindowsTaken) => void;
  readonly reject: (error: unknown) => void;
}

export function createStoredLimits(
  storage: Pick<Storage, 'takeWindows'>,
  { clock }: StoredLimitOptions = {},
): SharedLimitStore {
  let waiting: Waiting[] = [];
  let returned: WindowReturn[] = [];
  let writing: Promise<void> | null = null;

  const writeAll = async () => {
    while (waiting.length > 0 || returned.length > 0) {
      const together = waiting.slice(0, MOST_TOGETHER);
      waiting = waiting.slice(MOST_TOGETHER);
      const returning = returned;
      returned = [];
      const takes = together.map(({ take }) => take);
      try {
        const answers = await storage.takeWindows(takes, returning);
        for (const [i, { resolve, reject }] of together.entries()) {
          const answer = answers[i];
          if (answer === undefined) reject(new Error('the store left a use without an answer'));
          else resolve(answer);
        }
      } catch (error) {
        // What was to be given back stays taken: it may have been given back before it failed.
        for (const { reject } of together) reject(error);
      }
    }
    writing = null;
  };
  const write = () => {
    writing ??= writeAll();
  };

  return {
    name: 'the database',
    takeNow: () => null,
    async take(windows, { cost, spend }, at) {
      const asked = windows.map(({ id, name, limit, windowSeconds, override }) => ({
        id,
        name,
        limit,
        windowSeconds,
        override,
      }));
      const now = clock === 'given' ? at : null;
      const taken = await new Promise<WindowsTaken>((resolve, reject) => {
        waiting.push({ take: { windows: asked, cost, spend, now }, resolve, reject });
        write();
      });
      return takingOf(windows, cost, taken);
    },
    giveBack(windows, figures, cost) {
      for (const [i, { id }] of windows.entries()) {
        const figure = figures[i];
        if (figure !== undefined) returned.push({ id, startedAt: beganAt(figure), cost });
      }
      write();
    },
    async close() {
      await writing;
    },
  };
}
