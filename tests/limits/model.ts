// What rate windows are, as plainly as it can be said: a list of uses for each window,
// and nothing kept of it but that. Stores are held against it.

import { type LimitSubject, limitAt } from '@warder/core';
import type { Window, WindowUse } from '../../packages/server/src/limits.ts';

export interface Figured {
  readonly name: string;
  readonly per: LimitSubject;
  readonly limit: number;
  readonly remaining: number;
  readonly windowSeconds: number;
  readonly resetAt: number;
}

export function createLimitModel() {
  const windows = new Map<string, { readonly began: number; taken: number }>();

  const openOf = ({ id, windowSeconds }: Window, now: number) => {
    const found = windows.get(id);
    const isOver = !found || found.taken === 0 || now >= found.began + windowSeconds * 1000;
    return isOver ? null : found;
  };

  return {
    take(asked: readonly Window[], { cost, spend }: WindowUse, now: number) {
      const fits = (window: Window) =>
        (openOf(window, now)?.taken ?? 0) + cost <= limitAt(window, now);
      const admitted = cost === 0 || asked.every(fits);
      if (admitted && spend && cost > 0) {
        for (const window of asked) {
          const open = openOf(window, now);
          if (open === null) windows.set(window.id, { began: now, taken: cost });
          else open.taken += cost;
        }
      }
      const figures = asked.map((window): Figured => {
        const open = openOf(window, now);
        const { name, windowSeconds } = window;
        const limit = limitAt(window, now);
        return {
          name,
          per: window.per,
          limit,
          remaining: Math.max(0, limit - (open?.taken ?? 0)),
          windowSeconds,
          resetAt: (open?.began ?? now) + windowSeconds * 1000,
        };
      });
      return { admitted, figures };
    },
    giveBack(asked: readonly Window[], figures: readonly Figured[], cost: number) {
      for (const [i, { id, windowSeconds }] of asked.entries()) {
        const found = windows.get(id);
        const began = (figures[i]?.resetAt ?? 0) - windowSeconds * 1000;
        if (found && found.began === began) found.taken = Math.max(0, found.taken - cost);
      }
    },
  };
}
