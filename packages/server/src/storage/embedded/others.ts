// Whether other processes wrote to the file. SQLite's own count of what other
// connections committed is read by the thread that writes, whose commits do not move
// it; the thread that verifies looks at what was found, which costs no statement.

/** How often the writing thread looks. */
export const LOOK_MILLISECONDS = 10;
/** How old its last look may be before nobody knows. */
const UNKNOWN_MILLISECONDS = 50;

const BYTES = 16;

/** Shared by both threads: when others were last looked for, and how often they had written. */
export function newBoard(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES);
}

/** For the thread that writes. @param version reads the count, which moves with what others commit */
export function lookOut(board: SharedArrayBuffer, version: () => unknown): () => void {
  const lookedAt = new Float64Array(board, 0, 1);
  const changes = new Int32Array(board, 8, 1);
  let before = version();
  // What was written before the first look, nobody counted.
  Atomics.add(changes, 0, 1);
  return () => {
    const now = version();
    if (now !== before) Atomics.add(changes, 0, 1);
    before = now;
    lookedAt[0] = Date.now();
  };
}

/** For the thread that verifies. */
export function watchBoard(board: SharedArrayBuffer): () => 'same' | 'changed' | 'unknown' {
  const lookedAt = new Float64Array(board, 0, 1);
  const changes = new Int32Array(board, 8, 1);
  let seen = 0;
  return () => {
    const found = Atomics.load(changes, 0);
    if (found !== seen) {
      seen = found;
      return 'changed';
    }
    const age = Date.now() - (lookedAt[0] ?? 0);
    return age >= 0 && age < UNKNOWN_MILLISECONDS ? 'same' : 'unknown';
  };
}
