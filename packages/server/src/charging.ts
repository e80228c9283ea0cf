// From a good verdict to the windows that bear on its key: those of the key or its
// workspace's for each key, those of its owner and those of the workspace. All of them
// are charged or none, and a refusal is a verdict like any other.

import {
  type Ask,
  type Candidate,
  checkedCost,
  type Limit,
  type LimitSubject,
  type Taking,
  type Verdict,
} from '@warder/core';
import { type LimitStore, type Window, windowOf } from './limits.ts';
import type { GoodVerdict } from './verdict-table.ts';

export interface Charging {
  /** The verdict on a key that nothing else refuses, its windows charged; null where that has to be waited for. */
  chargeNow(good: GoodVerdict, ask: Ask, now: number, windows?: readonly Window[]): Verdict | null;
  charge(good: GoodVerdict, ask: Ask, now: number): Promise<Verdict>;
  /** What a use takes of the windows that bear on a key. */
  taking(candidate: Candidate, ask: Ask, now: number): Promise<Taking>;
  /** Takes back what a verdict was charged, for a use that comes to nothing after all. */
  giveBack(verdict: GoodVerdict, ask: Ask): void;
}

export function createCharging(store: LimitStore): Charging {
  return {
    chargeNow(good, ask, now, windows = windowsOf(good)) {
      if (windows.length === 0 || ask.limited === false) return good;
      const taking = store.takeNow(windows, useOf(ask), now);
      return taking && verdictOf(good, taking);
    },
    async charge(good, ask, now) {
      const windows = windowsOf(good);
      if (windows.length === 0 || ask.limited === false) return good;
      return verdictOf(good, await store.take(windows, useOf(ask), now));
    },
    taking: (candidate, ask, now) => store.take(windowsOf(candidate), useOf(ask), now),
    giveBack(verdict, ask) {
      const { cost, spend } = useOf(ask);
      const { limits = [] } = verdict;
      if (spend && cost > 0 && limits.length > 0) {
        store.giveBack(windowsOf(verdict), limits, cost);
      }
    },
  };
}

const NONE: readonly Window[] = [];

function useOf({ cost, spend = true }: Ask) {
  return { cost: checkedCost(cost), spend };
}

/** The windows that bear on a key: for most there is none, and for management keys never. */
export function windowsOf(candidate: Candidate): readonly Window[] {
  const windows = candidate.key.kind === 'standard' ? windowsFor(candidate) : NONE;
  return windows.length === 0 ? NONE : windows;
}

function windowsFor({ key, owner, workspace }: Candidate): readonly Window[] {
  const { keyLimits = [], ownerLimits = [], workspaceLimits = [] } = workspace?.settings ?? {};
  const of = (per: LimitSubject, id: string, limits: readonly Limit[]) =>
    limits.map((limit) => windowOf(per, id, limit, key.workspaceId ?? ''));
  return [
    ...of('key', key.id, key.limits ?? keyLimits),
    ...(owner === null ? [] : of('owner', owner.id, owner.limits ?? ownerLimits)),
    ...(workspace === null ? [] : of('workspace', workspace.id, workspaceLimits)),
  ];
}

function verdictOf({ key, owner, workspace }: GoodVerdict, taking: Taking): Verdict {
  const { admitted, figures: limits, retryAfterSeconds } = taking;
  // Spelled out: this is on the path of every verification of a key with limits.
  return admitted
    ? { valid: true, code: 'valid', key, owner, workspace, limits }
    : { valid: false, code: 'rate_limited', key, limits, retryAfterSeconds };
}
