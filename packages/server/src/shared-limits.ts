// Windows that several processes share, and what becomes of limits while what counts
// them does not answer: no verification waits longer than its deadline, and while it is
// away none waits at all. Once it answers again it counts again, without a restart.

import { type LimitFigure, type Storage, type Taking, WarderError } from '@warder/core';
import type { RedisLimitOptions } from './limits/redis.ts';
import { createStoredLimits } from './limits/stored.ts';
import {
  type LimitMemory,
  type Limits,
  type SharedLimitStore,
  takingOf,
  type Window,
  type WindowUse,
  windowOfIdentifier,
} from './limits.ts';
import type { Log } from './log.ts';

/**
 * What limits are while the store that counts them is away. `memory`: each process counts for itself.
 * `refuse`: keys with limits are answered 503. `admit`: nothing is limited.
 */
export const LIMIT_FALLBACKS = ['memory', 'refuse', 'admit'] as const;
export type LimitFallback = (typeof LIMIT_FALLBACKS)[number];

export interface SharedLimitSetting {
  /** `database`: windows are counted in the store that keys are in. */
  readonly store: SharedLimitStore | 'database';
  readonly fallback: LimitFallback;
  /** How long a use waits for the store; 250, and 1,000 for the database, unless given. */
  readonly deadlineMilliseconds?: number | undefined;
}

interface SharedLimitParts extends SharedLimitSetting {
  readonly storage: Pick<Storage, 'takeWindows'>;
  /** Counts meanwhile, where the fallback is `memory`. */
  readonly memory: LimitMemory;
  /** What an identifier is known by: nothing that anybody else could make of it. */
  readonly digest: (text: string) => string;
  readonly now: () => number;
  readonly log: Log;
}

/** Windows in Redis. What speaks to it is loaded only where somebody asks for it. */
export async function openRedisLimits(options: RedisLimitOptions): Promise<SharedLimitStore> {
  const redis = await import('./limits/redis.ts');
  return await redis.openRedisLimits(options);
}

const DEADLINE_MILLISECONDS = 250;
/** It has work besides. */
const DATABASE_DEADLINE_MILLISECONDS = 1_000;
/** How long until it is asked again whether the store answers: at first, and at most. */
const FIRST_WAIT = 50;
const LONGEST_WAIT = 1_000;
/** Asks as a use does, and takes nothing. */
const NOTHING: WindowUse = { cost: 0, spend: true };

export function createSharedLimits(parts: SharedLimitParts): Limits {
  const { fallback, memory, digest, now, log } = parts;
  const inDatabase = parts.store === 'database';
  const store = parts.store === 'database' ? createStoredLimits(parts.storage) : parts.store;
  const usual = inDatabase ? DATABASE_DEADLINE_MILLISECONDS : DEADLINE_MILLISECONDS;
  const { deadlineMilliseconds = usual } = parts;
  if (store.price !== undefined) {
    log.info(
      { store: store.name, fallback },
      `limits are shared: each use of a key that has any costs ${store.price}`,
    );
  }
  /** Figures of uses that the store knows nothing of. */
  const apart = new WeakSet<readonly LimitFigure[]>();
  let awaySince: number | null = null;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const ask = (windows: readonly Window[], use: WindowUse, at: number) =>
    within(deadlineMilliseconds, store.name, store.take(windows, use, at));

  /** Looks for the store until it answers, by the windows that it did not answer for. */
  const look = (windows: readonly Window[], wait: number) => {
    if (closed) return;
    const again = () => look(windows, Math.min(2 * wait, LONGEST_WAIT));
    timer = setTimeout(() => void ask(windows, NOTHING, now()).then(back, again), wait);
    timer.unref();
  };
  const back = () => {
    if (awaySince === null) return;
    const milliseconds = Math.round(performance.now() - awaySince);
    awaySince = null;
    log.warn({ store: store.name, milliseconds }, 'limits are shared again');
  };
  const leave = (windows: readonly Window[], error: unknown) => {
    if (awaySince !== null) return;
    awaySince = performance.now();
    log.warn({ store: store.name, reason: wordsOf(error), fallback }, MEANWHILE[fallback]);
    look(windows, FIRST_WAIT);
  };

  const takeApart = (windows: readonly Window[], use: WindowUse, at: number): Taking => {
    const taking = fallback === 'memory' ? memory.takeNow(windows, use, at) : null;
    // Asked of nobody, each stands as if nothing had been taken.
    const told = taking ?? takingOf(windows, 0, { admitted: true, now: at, windows: [] });
    apart.add(told.figures);
    return told;
  };
  const refused = (cause?: unknown) =>
    new WarderError('unavailable', 'Limits cannot be counted now.', {
      cause,
      internal: wordsOf(cause),
      retryAfterSeconds: 1,
    });

  const take = async (windows: readonly Window[], use: WindowUse, at: number) => {
    if (windows.length === 0) return takingOf(windows, 0, { admitted: true, now: at, windows: [] });
    let failure: unknown = null;
    if (awaySince === null) {
      try {
        return await ask(windows, use, at);
      } catch (error) {
        leave(windows, error);
        failure = error;
      }
    }
    if (fallback === 'refuse') throw refused(failure);
    return takeApart(windows, use, at);
  };

  return {
    takeNow: (windows, use, at) =>
      awaySince === null || fallback === 'refuse' ? null : takeApart(windows, use, at),
    take,
    giveBack(windows, figures, cost) {
      if (!apart.has(figures)) store.giveBack(windows, figures, cost);
      else if (fallback === 'memory') memory.giveBack(windows, figures, cost);
    },
    taker: { take: (window, use) => take([windowOfIdentifier(window, digest)], use, now()) },
    async flush() {},
    away: () => (awaySince === null ? null : performance.now() - awaySince),
    async close() {
      closed = true;
      clearTimeout(timer);
      await store.close();
    },
  };
}

const MEANWHILE: Readonly<Record<LimitFallback, string>> = {
  memory: 'limits are not shared now: each process counts for itself',
  refuse: 'limits cannot be counted now: keys that have any are refused',
  admit: 'limits cannot be counted now: nothing is limited',
};

/** Fails once the time is over; what comes later is nobody's. */
function within<Value>(milliseconds: number, name: string, asked: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${name}: no answer within ${milliseconds} ms`));
    // An answer that came while this process itself was busy is read before it is called late.
    const timer = setTimeout(() => setImmediate(late), milliseconds);
    asked.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** For the log: what is behind the public words. */
function wordsOf(error: unknown): string {
  if (error instanceof WarderError) return error.facts.internal ?? error.message;
  return error instanceof Error ? error.message : 'it is away';
}
