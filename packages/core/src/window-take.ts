// What several processes take from windows that are stored: uses in the order they
// were asked, each charged to all of its windows or to none. A store locks the rows,
// has it decided here, and writes what changed.

import { admits, isOpen, type Limit, limitAt } from './limit.ts';

/** A rate window that outlasts a restart. */
export interface StoredWindow {
  /** Whose it is and its name, as whoever counts writes them. */
  readonly id: string;
  readonly startedAt: number;
  readonly endsAt: number;
  readonly taken: number;
}

/** A window as a use asks it. */
export interface AskedWindow extends Limit {
  readonly id: string;
}

/** A wish to take from windows. */
export interface WindowTake {
  readonly windows: readonly AskedWindow[];
  readonly cost: number;
  /** Whether it is charged, or only judged. */
  readonly spend: boolean;
  /** Null for the store's own clock, which is one for all processes. */
  readonly now: number | null;
}

/** What a use took of a window, to be given back while that is still the same. */
export interface WindowReturn {
  readonly id: string;
  readonly startedAt: number;
  readonly cost: number;
}

/** How a window stands: nothing is taken where none has begun, or all was given back. */
export interface WindowCount {
  readonly startedAt: number;
  readonly taken: number;
}

export interface WindowsTaken {
  readonly admitted: boolean;
  /** The moment it was decided at, by the clock that counts. */
  readonly now: number;
  /** One for each window, in the order asked. */
  readonly windows: readonly WindowCount[];
}

export interface TakesDecided {
  /** One for each wish, in the order asked. */
  readonly answers: readonly WindowsTaken[];
  /** Windows to be written as they are now. */
  readonly changed: readonly StoredWindow[];
}

/**
 * @param found the windows that are stored of those asked
 * @param now the store's own clock
 */
export function decideTakes(
  found: readonly StoredWindow[],
  takes: readonly WindowTake[],
  returned: readonly WindowReturn[],
  now: number,
): TakesDecided {
  const windows = new Map(found.map((window) => [window.id, window]));
  const changed = new Set<string>();
  const put = (window: StoredWindow) => {
    windows.set(window.id, window);
    changed.add(window.id);
  };
  for (const { id, startedAt, cost } of returned) {
    const window = windows.get(id);
    if (window === undefined || window.startedAt !== startedAt) continue;
    put({ ...window, taken: Math.max(0, window.taken - cost) });
  }

  const takeOne = ({ windows: asked, cost, spend, now: given }: WindowTake): WindowsTaken => {
    const at = given ?? now;
    const countOf = ({ id, windowSeconds }: AskedWindow): WindowCount => {
      const window = windows.get(id);
      const counts =
        window !== undefined && window.taken > 0 && isOpen(window.startedAt, windowSeconds, at);
      return counts ? window : { startedAt: at, taken: 0 };
    };
    const admitted = asked.every((one) => admits(countOf(one).taken, cost, limitAt(one, at)));
    if (admitted && spend && cost > 0) {
      for (const one of asked) {
        const { startedAt, taken } = countOf(one);
        const endsAt = startedAt + one.windowSeconds * 1000;
        put({ id: one.id, startedAt, endsAt, taken: taken + cost });
      }
    }
    const counts = asked.map(countOf);
    return {
      admitted,
      now: at,
      windows: counts.map(({ startedAt, taken }) => ({ startedAt, taken })),
    };
  };

  const answers = takes.map(takeOne);
  return { answers, changed: [...changed].flatMap((id) => windows.get(id) ?? []) };
}
