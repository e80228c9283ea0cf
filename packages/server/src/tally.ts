// How often keys were verified within one hour, in memory: a slot for each key, its
// counters side by side in one typed array, so that to count is to add one to a
// number and leaves nothing for the garbage collector.

import {
  COUNTED_CODES,
  type CountedCode,
  type Key,
  type Use,
  type VerdictCode,
} from '@warder/core';

const COLUMNS = COUNTED_CODES.length;
/** Where a verdict is counted; none for those that no key is known of. */
const COLUMN_OF: ReadonlyMap<VerdictCode, number> = new Map(
  COUNTED_CODES.map((code: CountedCode, column) => [code, column] as const),
);
const VALID = COUNTED_CODES.indexOf('valid');

const FIRST_SLOTS = 256;
/** Keys are looked up in several maps: one that holds a hundred thousand takes long when it grows. */
const SHELVES = 32;
export type Tally = ReturnType<typeof createTally>;

/** Where the slots of keys are remembered, from one tally to the next: a place is shared by many keys, and believed by none. */
export function newHints(): Uint32Array {
  return new Uint32Array(65_536);
}

/**
 * @param hints as `newHints` made them
 * @param mostSlots how many keys fit
 */
export function createTally(hour: number, hints: Uint32Array, mostSlots: number) {
  const keyIds: string[] = [];
  /** Which object a slot was last counted for: where it is the same one, so is the key. */
  const keys: Key[] = [];
  const shelves = Array.from({ length: SHELVES }, () => new Map<string, number>());
  let counters = new Uint32Array(FIRST_SLOTS * COLUMNS);
  let lastUses = new Float64Array(FIRST_SLOTS);
  let written = 0;

  const shelfOf = (keyId: string): Map<string, number> => {
    const end = keyId.length - 1;
    const shelf = (keyId.charCodeAt(end) * 7 + keyId.charCodeAt(end - 1)) & (SHELVES - 1);
    // There is one for each number that is left.
    return shelves[shelf] as Map<string, number>;
  };
  const grow = () => {
    const more = new Uint32Array(counters.length * 2);
    more.set(counters);
    counters = more;
    const later = new Float64Array(lastUses.length * 2);
    later.set(lastUses);
    lastUses = later;
  };

  /** The slot of a key; -1 where there is none left. */
  const slotOf = (key: Key): number => {
    const slots = shelfOf(key.id);
    const found = slots.get(key.id);
    if (found !== undefined) return found;
    const slot = keyIds.length;
    if (slot === mostSlots) return -1;
    if (slot === lastUses.length) grow();
    keyIds.push(key.id);
    slots.set(key.id, slot);
    return slot;
  };

  return {
    hour,
    /**
     * Counts a verdict on a key.
     * @param hint a whole number that is mostly the same for the same key
     * @returns false where there was no room for it
     */
    count(key: Key, code: VerdictCode, at: number, hint: number): boolean {
      const valid = code === 'valid';
      const column = valid ? VALID : COLUMN_OF.get(code);
      if (column === undefined) return true;
      const place = hint & (hints.length - 1);
      let slot = hints[place] ?? 0;
      if (keys[slot] !== key) {
        slot = slotOf(key);
        if (slot < 0) return false;
        hints[place] = slot;
        keys[slot] = key;
      }
      const counter = slot * COLUMNS + column;
      counters[counter] = (counters[counter] ?? 0) + 1;
      if (valid && at > (lastUses[slot] ?? 0)) lastUses[slot] = at;
      return true;
    },
    /** How many keys are in it. */
    size: () => keyIds.length,
    isEmpty: () => written === keyIds.length,
    /** The next that are to be written, in the order that their keys came in. */
    next(most: number): readonly Use[] {
      return keyIds.slice(written, written + most).map((keyId, i) => {
        const slot = written + i;
        const from = slot * COLUMNS;
        const lastUsedAt = lastUses[slot] ?? 0;
        const counts = Array.from(counters.subarray(from, from + COLUMNS));
        const used = counts[VALID] !== 0;
        return { keyId, hour, lastUsedAt: used ? lastUsedAt : null, counts };
      });
    },
    /** Notes that so many of them are written: nothing may be counted any more. */
    passed(count: number): void {
      written += count;
    },
  };
}
