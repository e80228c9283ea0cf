// Several dialects on one listener, each below its own path: the longest that a
// request's path begins with answers it.

import { splitTarget } from './input.ts';
import type { Handler } from './serve.ts';

export interface Mounted {
  /** Empty for whatever is below no other. */
  readonly base: string;
  readonly handle: Handler;
}

export function mount(mounted: readonly Mounted[], rest: Handler): Handler {
  const longestFirst = [...mounted].sort((a, b) => b.base.length - a.base.length);
  const pick = (target: string): Handler => {
    const [path] = splitTarget(target);
    const isBelow = ({ base }: Mounted) => path === base || path.startsWith(`${base}/`);
    return longestFirst.find(isBelow)?.handle ?? rest;
  };
  return Object.assign((arrival: Parameters<Handler>[0]) => pick(arrival.target)(arrival), {
    refuse: (error: unknown, arrival: Parameters<Handler['refuse']>[1]) =>
      pick(arrival.target).refuse(error, arrival),
  });
}
