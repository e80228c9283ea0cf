// What verifications keep in memory: candidates by the full digest of their key's
// text. Everything is in a few arrays of fixed size, so a million keys are nothing for
// the garbage collector to walk and the memory is bounded from the start. Entries leave
// in the order they came: using one never lengthens its life.

import type { Candidate } from '@warder/core';

/** Bytes that a row takes beside its facts: digest, tags, place, and its share of two indices. */
const ROW_BYTES = 72;
/** What the facts of a key usually take, as JSON. */
const USUAL_FACTS = 640;
/** How many candidates are kept as objects beside their packed facts. */
const MOST_OBJECTS = 32_768;
const DIGEST_WORDS = 8;

export type VerdictTable = ReturnType<typeof createVerdictTable>;

/** @param bytes bound of the memory that the table takes, facts included */
export function createVerdictTable(bytes: number) {
  const rows = Math.max(64, Math.floor(bytes / (ROW_BYTES + USUAL_FACTS)));
  const slots = 2 ** Math.ceil(Math.log2(rows * 1.4));
  const mask = slots - 1;
  // Rows are taken in a ring, and their facts lie in the same order in a ring of bytes.
  const digests = new Uint32Array(rows * DIGEST_WORDS);
  const keyTags = new Uint32Array(rows);
  const ownerTags = new Uint32Array(rows);
  const workspaceTags = new Uint32Array(rows);
  const starts = new Uint32Array(rows);
  const lengths = new Uint32Array(rows);
  const facts = Buffer.allocUnsafeSlow(Math.max(65_536, rows * USUAL_FACTS));
  /** Row numbers, one more than they are: 0 is an empty slot. */
  const byDigest = new Uint32Array(slots);
  const byKey = new Uint32Array(slots);
  const objects = new Array<Candidate | undefined>(rows);
  const objectRing = new Uint32Array(Math.min(rows, MOST_OBJECTS));
  let oldest = 0;
  let next = 0;
  let held = 0;
  let factsEnd = 0;
  let objectNext = 0;

  /** Whether a row is in use; a row that was removed waits in the ring for its turn. */
  const isLive = (row: number) => lengths[row] !== 0;

  const homeOfDigest = (row: number) => (digests[row * DIGEST_WORDS] ?? 0) & mask;
  const homeOfKey = (row: number) => (keyTags[row] ?? 0) & mask;

  const insertSlot = (index: Uint32Array, row: number, home: number) => {
    let slot = home;
    while (index[slot] !== 0) slot = (slot + 1) & mask;
    index[slot] = row + 1;
  };

  /** Empties a slot and moves up what stands behind it, so that no search ends too early. */
  const removeSlot = (index: Uint32Array, row: number, homeOf: (row: number) => number) => {
    let hole = homeOf(row);
    while (index[hole] !== row + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; index[slot] !== 0; slot = (slot + 1) & mask) {
      const home = homeOf((index[slot] ?? 0) - 1);
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      index[hole] = index[slot] ?? 0;
      hole = slot;
    }
    index[hole] = 0;
  };

  const remove = (row: number) => {
    removeSlot(byDigest, row, homeOfDigest);
    removeSlot(byKey, row, homeOfKey);
    lengths[row] = 0;
    objects[row] = undefined;
  };

  const dropOldest = () => {
    if (isLive(oldest)) remove(oldest);
    oldest = (oldest + 1) % rows;
    held--;
  };

  /** Where so many bytes of facts fit, having dropped what is in their way. */
  const roomFor = (length: number): number => {
    if (factsEnd + length > facts.length) {
      // What is left of the ring stays empty; whatever begins behind here goes with it.
      while (held > 0 && (starts[oldest] ?? 0) >= factsEnd) dropOldest();
      factsEnd = 0;
    }
    const end = factsEnd + length;
    while (held > 0 && (starts[oldest] ?? 0) >= factsEnd && (starts[oldest] ?? 0) < end) {
      dropOldest();
    }
    return factsEnd;
  };

  const wordsOf = (digest: string, into: Uint32Array, from: number) => {
    for (let word = 0; word < DIGEST_WORDS; word++) {
      const at = word * 4;
      into[from + word] =
        digest.charCodeAt(at) |
        (digest.charCodeAt(at + 1) << 8) |
        (digest.charCodeAt(at + 2) << 16) |
        (digest.charCodeAt(at + 3) << 24);
    }
  };
  const sought = new Uint32Array(DIGEST_WORDS);

  const isSame = (row: number): boolean => {
    const from = row * DIGEST_WORDS;
    for (let word = 0; word < DIGEST_WORDS; word++) {
      if (digests[from + word] !== sought[word]) return false;
    }
    return true;
  };

  const removeTagged = (tags: Uint32Array, tag: number) => {
    for (let row = 0; row < rows; row++) if (tags[row] === tag && isLive(row)) remove(row);
  };

  return {
    /** How many keys fit where their facts take what they usually do. */
    rows,
    /** The row of a digest, given as 32 characters of one byte each; -1 for none. */
    find(digest: string): number {
      wordsOf(digest, sought, 0);
      let slot = (sought[0] ?? 0) & mask;
      for (let found = byDigest[slot]; found; found = byDigest[slot]) {
        if (isSame(found - 1)) return found - 1;
        slot = (slot + 1) & mask;
      }
      return -1;
    },
    /** What stands in a row. The same object as long as it is much used, frozen. */
    candidate(row: number): Candidate {
      const found = objects[row];
      if (found !== undefined) return found;
      const start = starts[row] ?? 0;
      const text = facts.toString('utf8', start, start + (lengths[row] ?? 0));
      // Written by `put` below, of exactly this type.
      const candidate = frozen(JSON.parse(text) as Candidate);
      objects[objectRing[objectNext] ?? 0] = undefined;
      objectRing[objectNext] = row;
      objectNext = (objectNext + 1) % objectRing.length;
      objects[row] = candidate;
      return candidate;
    },
    put(digest: string, candidate: Candidate): void {
      const before = this.find(digest);
      if (before >= 0) remove(before);
      const text = JSON.stringify(candidate);
      const length = Buffer.byteLength(text);
      if (length > facts.length / 4) return;
      if (held === rows) dropOldest();
      const start = roomFor(length);
      const row = next;
      next = (next + 1) % rows;
      held++;
      facts.write(text, start);
      factsEnd = start + length;
      starts[row] = start;
      lengths[row] = length;
      wordsOf(digest, digests, row * DIGEST_WORDS);
      const { key, owner, workspace } = candidate;
      keyTags[row] = tagOf(key.id);
      ownerTags[row] = owner === null ? 0 : tagOf(owner.id);
      workspaceTags[row] = workspace === null ? 0 : tagOf(workspace.id);
      insertSlot(byDigest, row, homeOfDigest(row));
      insertSlot(byKey, row, homeOfKey(row));
    },
    /** Removes the key of that id, and whatever shares its tag. */
    removeKey(id: string): void {
      const tag = tagOf(id);
      let slot = tag & mask;
      const found: number[] = [];
      for (; byKey[slot]; slot = (slot + 1) & mask) {
        const row = (byKey[slot] ?? 0) - 1;
        if (keyTags[row] === tag) found.push(row);
      }
      found.forEach(remove);
    },
    removeOwner: (id: string) => removeTagged(ownerTags, tagOf(id)),
    removeWorkspace: (id: string) => removeTagged(workspaceTags, tagOf(id)),
    clear(): void {
      byDigest.fill(0);
      byKey.fill(0);
      lengths.fill(0);
      objects.fill(undefined);
      oldest = next;
      held = 0;
      factsEnd = 0;
    },
  };
}

/** The last 32 bits of an id, which are random. */
function tagOf(id: string): number {
  return Number.parseInt(id.slice(-8), 16) >>> 0;
}

/** All of it: one object is given to every caller. */
function frozen<Value extends object>(value: Value): Value {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) frozen(member);
  }
  return Object.freeze(value);
}
