// What was verified with which verdict, gathered in memory and written each second,
// so that a verification never waits for a write. What is lost on a SIGKILL is one
// interval, on a SIGTERM none. A commit whose answer is lost may be counted twice.

import { type Ask, bucketOf, type Key, type Storage, type Verdict } from '@warder/core';
import { createRefusalNotes } from './refusal-notes.ts';
import { createTally, type Tally, type TallyPlace } from './tally.ts';

export interface UsageLog {
  /**
   * Counts a verdict on a key that there is; only a `valid` one is a use of it.
   * @param place where that very key is counted, as `newPlace` made it: it is found sooner
   */
  count(key: Key, verdict: Verdict, ask: Ask, at: number, place?: TallyPlace): void;
  /** Keys and hours that wait to be written, and verifications that were not counted so far. */
  figures(): { readonly waiting: number; readonly lost: number };
  /** Writes what was gathered. What could not be written stays gathered. */
  flush(): Promise<void>;
  /** Ends the timer and writes the rest. */
  close(): Promise<void>;
}

/** Rows that one commit writes: whoever else writes comes in between. */
const ROWS_A_COMMIT = 100;
/** Keys and hours that may wait to be written; what comes after them is not counted. */
const MOST_WAITING = 1_048_576;
/** Keys of one tally: room for more is made by copying, which takes a few milliseconds. */
const MOST_KEYS = 131_072;
const HOUR = 3_600_000;

/** For a key that was not counted yet. */
export function newPlace(): TallyPlace {
  return { tally: 0, slot: 0 };
}

export function createUsageLog(
  storage: Pick<Storage, 'recordUses' | 'recordRefusals'>,
  onError: (error: unknown) => void,
  intervalMilliseconds = 1000,
  mostWaiting = MOST_WAITING,
): UsageLog {
  /** Closed, the oldest first. */
  const waiting: Tally[] = [];
  const refusals = createRefusalNotes();
  let current: Tally | null = null;
  let tallies = 0;
  let begins = 0;
  let ends = 0;
  let uncounted = 0;
  let lostInAll = 0;
  let writing: Promise<void> = Promise.resolve();

  const waitingSize = () =>
    waiting.reduce((sum, tally) => sum + tally.size(), current?.size() ?? 0);

  /** Another tally, where there is still room for one. */
  const turnTo = (at: number): Tally | null => {
    if (current !== null && !current.isEmpty()) {
      if (waitingSize() >= mostWaiting) return null;
      waiting.push(current);
    }
    const hour = bucketOf('hour', at);
    begins = hour * HOUR;
    ends = begins + HOUR;
    current = createTally(++tallies, hour, Math.min(mostWaiting, MOST_KEYS));
    return current;
  };

  const writeUses = async () => {
    for (let tally = waiting[0]; tally !== undefined; tally = waiting[0]) {
      while (!tally.isEmpty()) {
        const uses = tally.next(ROWS_A_COMMIT);
        await storage.recordUses(uses);
        tally.passed(uses.length);
      }
      waiting.shift();
    }
  };
  const writeRefusals = async () => {
    for (
      let some = refusals.next(ROWS_A_COMMIT);
      some.length > 0;
      some = refusals.next(ROWS_A_COMMIT)
    ) {
      await storage.recordRefusals(some);
      refusals.passed(some);
    }
  };
  const write = async () => {
    try {
      if (uncounted > 0) {
        const lost = uncounted;
        uncounted = 0;
        lostInAll += lost;
        onError(new Error(`${lost} verifications were not counted: too much waits to be written`));
      }
      // What is still waiting goes first: as long as it cannot be written, what is gathered stays one.
      await writeUses();
      if (current !== null && !current.isEmpty()) {
        waiting.push(current);
        current = null;
        ends = 0;
        await writeUses();
      }
      await writeRefusals();
    } catch (error) {
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
    count(key, verdict, ask, at, place = newPlace()) {
      const isNow = at >= begins && at < ends;
      let tally = isNow ? current : turnTo(at);
      if (tally !== null && !tally.count(key, verdict.code, at, place)) {
        tally = turnTo(at);
        tally?.count(key, verdict.code, at, place);
      }
      if (tally === null) uncounted++;
      if (!verdict.valid) refusals.note(key.id, verdict, ask, at);
    },
    figures: () => ({ waiting: waitingSize(), lost: lostInAll + uncounted }),
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
