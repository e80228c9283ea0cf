// The newest known keys of one issuer. However many ask, one reading is under way;
// however many fail, one is tried each cooldown. An issuer that is out of reach
// costs nothing for an hour, and then nobody signs in by it.

import { WarderError } from '@warder/core';

/** Until the keys are read anew, so the longest that an issuer in reach has a key go on after it was withdrawn. */
export const MAX_AGE_SECONDS = 600;
/** Between two readings, whatever asks for them. */
export const COOLDOWN_SECONDS = 30;
/** How long keys are used that could not be read anew, counted from when they were read. */
export const MAX_STALE_SECONDS = 3600;

export interface KeyCache<Keys> {
  /** @throws WarderError `unavailable` where none are known that may still be used */
  get(): Promise<Keys>;
  /**
   * What is known after those lacked a key; the same ones where nothing newer is.
   * @throws WarderError `unavailable` where the issuer is out of reach, so that nobody can say
   */
  newerThan(keys: Keys): Promise<Keys>;
}

export interface KeyCacheParts<Keys> {
  /** Milliseconds. */
  readonly now: () => number;
  readonly read: () => Promise<Keys>;
  /** Told once for each reading that failed. */
  readonly onFault: (error: unknown) => void;
}

export function createKeyCache<Keys>({ now, read, onFault }: KeyCacheParts<Keys>): KeyCache<Keys> {
  let held: { readonly keys: Keys; readonly at: number } | null = null;
  let triedAt: number | null = null;
  let failing = false;
  let reading: Promise<void> | null = null;

  /** False for what lies in the future too: a clock that went back must not stop the readings. */
  const within = (at: number, seconds: number) => {
    const age = now() - at;
    return age >= 0 && age < seconds * 1000;
  };

  async function readOnce(): Promise<void> {
    const at = now();
    triedAt = at;
    try {
      held = { keys: await read(), at };
      failing = false;
    } catch (error) {
      failing = true;
      onFault(error);
    }
  }

  function renew(): Promise<void> {
    if (reading !== null) return reading;
    if (triedAt !== null && within(triedAt, COOLDOWN_SECONDS)) return Promise.resolve();
    reading = readOnce().finally(() => {
      reading = null;
    });
    return reading;
  }

  function usable(): Keys | null {
    return held !== null && within(held.at, MAX_STALE_SECONDS) ? held.keys : null;
  }

  function unavailable(): WarderError {
    const left = (triedAt ?? 0) + COOLDOWN_SECONDS * 1000 - now();
    return new WarderError(
      'unavailable',
      'The issuer of this token cannot be reached to check it: try again later.',
      { retryAfterSeconds: Math.min(COOLDOWN_SECONDS, Math.max(1, Math.ceil(left / 1000))) },
    );
  }

  return {
    async get() {
      if (held !== null && within(held.at, MAX_AGE_SECONDS)) return held.keys;
      const renewed = renew();
      // In an outage that is known of, nobody waits for the next try to fail.
      if (!failing || usable() === null) await renewed;
      const keys = usable();
      if (keys === null) throw unavailable();
      return keys;
    },
    async newerThan(keys) {
      if (held !== null && held.keys !== keys) return held.keys;
      await renew();
      if (failing) throw unavailable();
      return usable() ?? keys;
    },
  };
}
