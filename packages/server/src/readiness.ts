// Whether this process can give verdicts, and what it promises of them: how long after
// a change was acknowledged any process may still answer as if it had not been made.

import type { Storage, Watch } from '@warder/core';

export interface Readiness {
  /** `degraded`: every verdict is right, but costs a read, since changes elsewhere are not heard of. */
  readonly status: 'ready' | 'degraded' | 'not ready';
  readonly reason: string | null;
  readonly promise: Promised;
}

export interface Promised {
  /** After which no verdict is of before a change, whatever fails. */
  readonly boundMilliseconds: number;
  readonly feed: 'up' | 'down';
  /** For how long it has not been certain that every change was heard; null where it never was. */
  readonly ageMilliseconds: number | null;
}

export interface ReadinessParts {
  readonly storage: Pick<Storage, 'check'>;
  readonly watch: Pick<Watch, 'age' | 'trusted'>;
  readonly staleLimitMilliseconds: number;
  readonly isDraining: () => boolean;
  readonly now: () => number;
}

/** Until the first certainty a process only starts, and is not degraded yet. */
const STARTING_MILLISECONDS = 10_000;

export function createReadiness(parts: ReadinessParts) {
  const { storage, watch, staleLimitMilliseconds, isDraining, now } = parts;
  const began = now();
  const promised = (): Promised => {
    const age = watch.age();
    return {
      boundMilliseconds: Math.max(watch.trusted, staleLimitMilliseconds),
      feed: age <= watch.trusted ? 'up' : 'down',
      ageMilliseconds: Number.isFinite(age) ? Math.round(age) : null,
    };
  };
  return {
    promised,
    async ready(): Promise<Readiness> {
      const promise = promised();
      if (isDraining()) {
        return { status: 'not ready', reason: 'This process is shutting down.', promise };
      }
      const isReadable = await storage.check().then(
        () => true,
        () => false,
      );
      if (!isReadable) return { status: 'not ready', reason: 'The store cannot be read.', promise };
      const isStarting = promise.ageMilliseconds === null && now() - began < STARTING_MILLISECONDS;
      if (promise.feed === 'up' || isStarting) return { status: 'ready', reason: null, promise };
      const reason = 'Changes elsewhere are not heard of: every verification reads the store.';
      return { status: 'degraded', reason, promise };
    },
  };
}
