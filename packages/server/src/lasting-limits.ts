// Windows that outlast the process: what an earlier one counted is read before
// anything is taken, and windows longer than a minute are written each second as they
// changed. What a SIGKILL forgives is one interval, a SIGTERM nothing.

import { type Storage, WarderError } from '@warder/core';
import { type LimitMemory, type Limits, windowOfIdentifier } from './limits.ts';

export interface LastingParts {
  readonly storage: Pick<Storage, 'recordWindows' | 'windows'>;
  /** What an identifier is known by: nothing that anybody else could make of it. */
  readonly digest: (text: string) => string;
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/** Rows a commit, with whoever else writes in between. */
const WRITTEN_AT_ONCE = 100;
const READ_AT_ONCE = 5_000;

export function createLastingLimits(
  memory: LimitMemory,
  { storage, digest, now, onError }: LastingParts,
  intervalMilliseconds = 1000,
): Limits {
  let isRead = false;
  let reading: Promise<void> | null = null;
  let writing: Promise<void> = Promise.resolve();

  const readAll = async () => {
    for (let after = ''; ; ) {
      const windows = await storage.windows(now(), after, READ_AT_ONCE);
      memory.restore(windows, now());
      const last = windows.at(-1);
      if (windows.length < READ_AT_ONCE || last === undefined) break;
      after = last.id;
    }
    isRead = true;
  };
  /** Before that, nothing is taken; where it failed, the next use tries again. */
  const ready = (): Promise<void> => {
    reading ??= readAll().catch((cause: unknown) => {
      reading = null;
      throw new WarderError('unavailable', 'Limits cannot be counted now.', {
        cause,
        retryAfterSeconds: 1,
      });
    });
    return reading;
  };

  const write = async () => {
    for (;;) {
      const windows = memory.changed(WRITTEN_AT_ONCE, now());
      if (windows.length === 0) return;
      try {
        await storage.recordWindows(windows);
      } catch (error) {
        memory.again(windows);
        onError(error);
        return;
      }
    }
  };
  const flush = () => {
    writing = writing.then(write);
    return writing;
  };

  const timer = setInterval(() => void flush(), intervalMilliseconds);
  timer.unref();
  ready().catch(onError);
  return {
    takeNow: (windows, use, at) => (isRead ? memory.takeNow(windows, use, at) : null),
    async take(windows, use, at) {
      if (!isRead) await ready();
      return memory.take(windows, use, at);
    },
    giveBack: memory.giveBack,
    taker: {
      async take(window, use) {
        if (!isRead) await ready();
        return memory.take([windowOfIdentifier(window, digest)], use, now());
      },
    },
    flush,
    away: () => null,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
