// Rate windows that the supervisor of several workers counts for all of them: asked
// for over a line, so that as many are admitted as by one process.

import type { Taking } from '@warder/core';
import type { LimitStore, SharedLimitStore } from '../limits.ts';

/** What the supervisor is asked for. */
export interface WindowCounter {
  /** As `LimitStore.take`. */
  take(asked: {
    readonly windows: Parameters<LimitStore['take']>[0];
    readonly use: Parameters<LimitStore['take']>[1];
    readonly now: number;
  }): Promise<Taking>;
  /** As `LimitStore.giveBack`; nobody waits for it. */
  giveBack(asked: {
    readonly windows: Parameters<LimitStore['giveBack']>[0];
    readonly figures: Parameters<LimitStore['giveBack']>[1];
    readonly cost: number;
  }): void;
}

export function createSupervisedLimits(counter: WindowCounter): SharedLimitStore {
  return {
    name: 'the supervisor',
    takeNow: () => null,
    take: (windows, use, now) => counter.take({ windows, use, now }),
    giveBack: (windows, figures, cost) => counter.giveBack({ windows, figures, cost }),
    close: async () => {},
  };
}
