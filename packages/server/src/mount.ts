// Several dialects on one listener, each below its own path: the longest that a
// request's path begins with answers it. And all of it below a path of a server that
// has others.

import { WarderError } from '@warder/core';
import { splitTarget } from './input.ts';
import type { Arrival, Handler } from './serve.ts';

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

/** What is below that path, as if it were at the root: the one place that takes it off. */
export function mountBelow(path: string, handler: Handler): Handler {
  if (path === '') return handler;
  const rootOf = <Part extends Pick<Arrival, 'target' | 'origin'>>(arrival: Part): Part => ({
    ...arrival,
    target: arrival.target.slice(path.length),
    origin: { ...arrival.origin, to: `${arrival.origin.to}${path}` },
  });
  const isBelow = ({ target }: Pick<Arrival, 'target'>) =>
    target.startsWith(path) && /^(?:[/?]|$)/.test(target.slice(path.length));
  const handle = (arrival: Arrival) => {
    if (isBelow(arrival)) return handler(rootOf(arrival));
    const error = new WarderError('not_found', `This is served below ${path}.`);
    return handler.refuse(error, arrival);
  };
  return Object.assign(handle, {
    refuse: (error: unknown, arrival: Parameters<Handler['refuse']>[1]) =>
      handler.refuse(error, isBelow(arrival) ? rootOf(arrival) : arrival),
  });
}
