// What a worker of several has from its supervisor: somebody who writes, counts
// windows and tells of changes. How long ago it last heard is told by the moment at
// which that was sent, so a worker that was stopped knows it the instant it wakes.

import type { Heard, Receipt } from '@warder/core';
import { createSupervisedLimits } from './limits/supervised.ts';
import type { SharedLimitStore } from './limits.ts';
import { type Channel, type Line, openLine, type Procedures } from './line.ts';
import type { SharedLimitSetting } from './shared-limits.ts';
import { steadyClock } from './steady-clock.ts';
import type { Writing } from './storage/embedded/writing.ts';
import { type Beat, LEASE_MILLISECONDS, type SupervisorProcedures } from './supervision.ts';

export interface Supervised<Theirs extends Procedures> {
  /** For the store, which reads the file by itself. */
  readonly writing: Writing;
  readonly limits: SharedLimitSetting & { readonly store: SharedLimitStore };
  readonly line: Line<SupervisorProcedures & Theirs>;
}

/** After so long nobody knows whether it was written. */
const WRITE_MILLISECONDS = 20_000;
const TAKE_MILLISECONDS = 5_000;
const OBEYED_MILLISECONDS = 5_000;

/** @param mine what else this worker does when it is asked; `Theirs` is what else it may ask for */
export function openSupervised<Theirs extends Procedures>(
  channel: Channel,
  mine: Procedures,
): Supervised<Theirs> {
  const now = steadyClock();
  const listeners = new Set<(change: Heard) => void>();
  let last: Beat | null = null;

  const line = openLine<SupervisorProcedures>(channel, {
    ...mine,
    hear(changes: readonly Heard[]) {
      for (const change of changes) for (const heard of listeners) heard(change);
      return null;
    },
    beat(beat: Beat) {
      last = beat;
      return null;
    },
  });

  const age = () =>
    last === null
      ? Number.POSITIVE_INFINITY
      : Math.max(Date.now() - last.wall, now() - last.steady, 0) + last.age;

  return {
    // What else there is to ask for goes over the same line.
    line: line as Line<SupervisorProcedures & Theirs>,
    limits: {
      store: createSupervisedLimits({
        take: (asked) => line.ask('take', asked, TAKE_MILLISECONDS),
        giveBack: (asked) => line.tell('giveBack', asked),
      }),
      // What one process would admit is never exceeded.
      fallback: 'refuse',
      deadlineMilliseconds: TAKE_MILLISECONDS,
    },
    writing: {
      writer: {
        // The answer is that of the job, by `Done`.
        write: (job) => line.ask('write', job, WRITE_MILLISECONDS) as Promise<never>,
        close: async () => {},
      },
      watch(heard) {
        listeners.add(heard);
        return {
          age,
          trusted: LEASE_MILLISECONDS,
          close: () => void listeners.delete(heard),
        };
      },
      obeyed: (): Promise<Receipt> => line.ask('obeyed', null, OBEYED_MILLISECONDS),
    },
  };
}
