// From a good verdict to the windows that bear on its key: those of the key or its
// workspace's for each key, those of its owner and those of the workspace. All of them
// are charged or none, and a refusal is a verdict like any other.

import type { Ask, Candidate, Key, Limit, LimitSubject, Taking, Verdict } from '@warder/core';
import { type LimitStore, type Window, windowOf } from './limits.ts';

/** A verdict that nothing but windows can refuse any more. */
export type GoodVerdict = Extract<Verdict, { valid: true }>;

export interface Charging {
  /** The verdict with its windows charged; null where that has to be waited for. */
  chargeNow(verdict: GoodVerdict, ask: Ask, now: number): Verdict | null;
  charge(verdict: GoodVerdict, ask: Ask, now: number): Promise<Verdict>;
  /** What a use takes of the windows that bear on a key. */
  taking(candidate: Candidate, ask: Ask, now: number): Promise<Taking>;
  /** Takes back what a verdict was charged, for a use that comes to nothing after all. */
  giveBack(verdict: GoodVerdict, ask: Ask): void;
}

export function createCharging(store: LimitStore): Charging {
  /** Looked up once for each key, as long as it is known by the same object. */
  const known = new WeakMap<Key, readonly Window[]>();

  const windowsOf = (candidate: Candidate, ask: Ask): readonly Window[] => {
    if (ask.limited === false || !isLimited(candidate)) return NONE;
    const found = known.get(candidate.key);
    if (found !== undefined) return found;
    const windows = windowsFor(candidate);
    known.set(candidate.key, windows);
    return windows;
  };

  return {
    chargeNow(verdict, ask, now) {
      const windows = windowsOf(verdict, ask);
      if (windows.length === 0) return verdict;
      const taking = store.takeNow(windows, useOf(ask), now);
      return taking && verdictOf(verdict, taking);
    },
    async charge(verdict, ask, now) {
      const windows = windowsOf(verdict, ask);
      if (windows.length === 0) return verdict;
      return verdictOf(verdict, await store.take(windows, useOf(ask), now));
    },
    taking: (candidate, ask, now) => store.take(windowsOf(candidate, ask), useOf(ask), now),
    giveBack(verdict, ask) {
      const { cost, spend } = useOf(ask);
      const { limits = [] } = verdict;
      if (spend && cost > 0 && limits.length > 0) {
        store.giveBack(windowsOf(verdict, ask), limits, cost);
      }
    },
  };
}

const NONE: readonly Window[] = [];

function useOf({ cost = 1, spend = true }: Ask) {
  return { cost, spend };
}

/** Whether there is any window at all: for most keys there is none, and for management keys never. */
function isLimited({ key, owner, workspace }: Candidate): boolean {
  if (key.kind !== 'standard') return false;
  if (key.limits !== null && key.limits.length > 0) return true;
  if (owner?.limits && owner.limits.length > 0) return true;
  if (workspace === null) return false;
  const { keyLimits, ownerLimits, workspaceLimits } = workspace.settings;
  return keyLimits.length + ownerLimits.length + workspaceLimits.length > 0;
}

function windowsFor({ key, owner, workspace }: Candidate): readonly Window[] {
  const { keyLimits = [], ownerLimits = [], workspaceLimits = [] } = workspace?.settings ?? {};
  const of = (per: LimitSubject, id: string, limits: readonly Limit[]) =>
    limits.map((limit) => windowOf(per, id, limit));
  return [
    ...of('key', key.id, key.limits ?? keyLimits),
    ...(owner === null ? [] : of('owner', owner.id, owner.limits ?? ownerLimits)),
    ...(workspace === null ? [] : of('workspace', workspace.id, workspaceLimits)),
  ];
}

function verdictOf(verdict: GoodVerdict, taking: Taking): Verdict {
  const { admitted, figures: limits, retryAfterSeconds } = taking;
  // Spelled out: this is on the path of every verification of a key with limits.
  const { key, owner, workspace } = verdict;
  return admitted
    ? { valid: true, code: 'valid', key, owner, workspace, limits }
    : { valid: false, code: 'rate_limited', key, limits, retryAfterSeconds };
}
