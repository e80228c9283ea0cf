// A real store, watched: how often each method is called, and a place to step in
// before one runs, to fail or to wait.

import type { Storage } from '@warder/core';
import type { Lookup } from '../../packages/server/src/lookup.ts';

export interface Watch {
  readonly calls: Map<string, number>;
  /** Run before the method of that name, with its arguments; what it throws is what the method throws. */
  readonly before: Map<string, (...given: unknown[]) => void | Promise<void>>;
}

export function watched(store: { storage: Storage; lookup: Lookup }, watch: Watch) {
  return { storage: around(store.storage, watch), lookup: around(store.lookup, watch) };
}

function around<Target extends object>(target: Target, watch: Watch): Target {
  return new Proxy(target, {
    get(_, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || typeof name !== 'string') return method;
      // The one that answers without waiting.
      if (name === 'watch') return (...given: unknown[]) => method.apply(target, given);
      if (name === 'within' || name === 'everywhere') {
        return (...given: unknown[]) => around(method.apply(target, given), watch);
      }
      return async (...given: unknown[]) => {
        watch.calls.set(name, (watch.calls.get(name) ?? 0) + 1);
        await watch.before.get(name)?.(...given);
        return method.apply(target, given);
      };
    },
  });
}
