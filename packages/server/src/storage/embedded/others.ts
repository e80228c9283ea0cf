// Whether other processes wrote to the file. SQLite's own count of what other
// connections committed is read by the thread that writes, whose commits do not move
// it; the thread that verifies looks at what was found, which costs no statement.

import type { Heard, Watch } from '@warder/core';
import { steadyClock } from '../../steady-clock.ts';

/** How often the writing thread looks. */
export const LOOK_MILLISECONDS = 10;
/** How old its last look may be before nobody knows. */
export const TRUSTED_MILLISECONDS = 50;

const BYTES = 24;

/** Shared by both threads: when others were last looked for, by two clocks, and how often they had written. */
export function newBoard(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES);
}

/** For the thread that writes. @param version reads the count, which moves with what others commit */
export function lookOut(
  board: SharedArrayBuffer,
  version: () => unknown,
  now = steadyClock(),
): () => void {
  const lookedAt = new Float64Array(board, 0, 2);
  const changes = new Int32Array(board, 16, 1);
  let before = version();
  // What was written before the first look, nobody counted.
  Atomics.add(changes, 0, 1);
  return () => {
    // Before it looks: a thread that was stopped in between knows nothing of the time since.
    const [wall, steady] = [Date.now(), now()];
    const found = version();
    if (found !== before) Atomics.add(changes, 0, 1);
    before = found;
    lookedAt[0] = wall;
    lookedAt[1] = steady;
  };
}

/** For the thread that verifies: what others changed is told when its age is asked for. */
export function watchBoard(
  board: SharedArrayBuffer,
  heard: (change: Heard) => void,
  now = steadyClock(),
): Watch {
  const lookedAt = new Float64Array(board, 0, 2);
  const changes = new Int32Array(board, 16, 1);
  let seen = 0;
  let open = true;
  return {
    trusted: TRUSTED_MILLISECONDS,
    age() {
      const wall = lookedAt[0] ?? 0;
      const steady = lookedAt[1] ?? 0;
      if (wall === 0 || !open) return Number.POSITIVE_INFINITY;
      // After the times: what had changed by then is told now.
      const found = Atomics.load(changes, 0);
      if (found !== seen) {
        seen = found;
        heard(EVERYTHING);
      }
      return Math.max(Date.now() - wall, now() - steady, 0);
    },
    close() {
      open = false;
    },
  };
}

const EVERYTHING: Heard = { type: 'everything' };
