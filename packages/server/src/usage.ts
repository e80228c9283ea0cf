// Last uses, gathered in memory and written each second: a verification never
// waits for a write. What is lost on a SIGKILL is one interval, on a SIGTERM none.

import type { Storage } from '@warder/core';

export interface UsageLog {
  /** Notes a use; the latest of a key counts. */
  note(keyId: string, at: number): void;
  /** Writes what was gathered. What could not be written stays gathered. */
  flush(): Promise<void>;
  /** Ends the timer and writes the rest. */
  close(): Promise<void>;
}

export function createUsageLog(
  storage: Pick<Storage, 'recordUses'>,
  onError: (error: unknown) => void,
  intervalMilliseconds = 1000,
): UsageLog {
  let gathered = new Map<string, number>();
  let writing: Promise<void> = Promise.resolve();

  const note = (keyId: string, at: number) => {
    gathered.set(keyId, Math.max(at, gathered.get(keyId) ?? 0));
  };
  const write = async () => {
    const uses = Array.from(gathered, ([keyId, at]) => ({ keyId, at }));
    if (uses.length === 0) return;
    gathered = new Map();
    try {
      await storage.recordUses(uses);
    } catch (error) {
      for (const { keyId, at } of uses) note(keyId, at);
      onError(error);
    }
  };
  const flush = () => {
    writing = writing.then(write);
    return writing;
  };

  const timer = setInterval(() => void flush(), intervalMilliseconds);
  timer.unref();
  return {
    note,
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
