// A store whose every call is timed by its name, and counted where it fails. A method
// that the port gets later is timed too, without a line here.

import type { Storage } from '@warder/core';
import type { Timer } from './metrics.ts';

export function timedStorage(storage: Storage, timer: Timer): Storage {
  return {
    ...timed(storage, timer),
    within: (workspaceId) => timed(storage.within(workspaceId), timer),
    everywhere: (grant) => timed(storage.everywhere(grant), timer),
  };
}

/** What answers at once, as a method that has nothing to wait for does, stays as it is. */
function timed<Methods extends object>(methods: Methods, timer: Timer): Methods {
  return new Proxy(methods, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || typeof name !== 'string') return method;
      return (...given: unknown[]) => {
        const began = performance.now();
        const result: unknown = Reflect.apply(method, target, given);
        return result instanceof Promise ? timer.follow(name, began, result) : result;
      };
    },
  });
}
