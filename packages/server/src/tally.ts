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

/** Words of a slot: its counters, and the moment of the last use (two words). */
const LAST_USE = COLUMNS + (COLUMNS % 2);
const SLOT_WORDS = LAST_USE + 2;
const FIRST_SLOTS = 256;

export type Tally = ReturnType<typeof createTally>;

/** Where a key is counted, kept by whoever has it counted often: its slot in the tally of that number. */
export interface TallyPlace {
  tally: number;
  slot: number;
}

/** @param number tells it from every other tally @param mostSlots how many keys fit */
export function createTally(number: number, hour: number, mostSlots: number) {
  const keyIds: string[] = [];
  const slots = new Map<string, number>();
  let counters = new Uint32Array(FIRST_SLOTS * SLOT_WORDS);
  let moments = new Float64Array(counters.buffer);
  let written = 0;

  const grow = () => {
    const more = new Uint32Array(counters.length * 2);
    more.set(counters);
    counters = more;
    moments = new Float64Array(more.buffer);
  };

  /** The slot of a key; -1 where there is none left. */
  const slotOf = (key: Key): number => {
    const found = slots.get(key.id);
    if (found !== undefined) return found;
    const slot = keyIds.length;
    if (slot === mostSlots) return -1;
    if (slot * SLOT_WORDS === counters.length) grow();
    keyIds.push(key.id);
    slots.set(key.id, slot);
    return slot;
  };

  return {
    hour,
    /**
     * Counts a verdict on a key.
     * @param place of that very key, where it is found or noted
     * @returns false where there was no room for it
     */
    count(key: Key, code: VerdictCode, at: number, place: TallyPlace): boolean {
      const valid = code === 'valid';
      const column = valid ? VALID : COLUMN_OF.get(code);
      if (column === undefined) return true;
      if (place.tally !== number) {
        const slot = slotOf(key);
        if (slot < 0) return false;
        place.tally = number;
        place.slot = slot;
      }
      const first = place.slot * SLOT_WORDS;
      counters[first + column] = (counters[first + column] ?? 0) + 1;
      if (!valid) return true;
      const last = (first + LAST_USE) / 2;
      if (at > (moments[last] ?? 0)) moments[last] = at;
      return true;
    },
    /** How many keys are in it. */
    size: () => keyIds.length,
    isEmpty: () => written === keyIds.length,
    /** The next that are to be written, in the order that their keys came in. */
    next(most: number): readonly Use[] {
      return keyIds.slice(written, written + most).map((keyId, i) => {
        const first = (written + i) * SLOT_WORDS;
        const counts = Array.from(counters.subarray(first, first + COLUMNS));
        const used = counts[VALID] !== 0;
        const lastUsedAt = moments[(first + LAST_USE) / 2] ?? 0;
        return { keyId, hour, lastUsedAt: used ? lastUsedAt : null, counts };
      });
    },
    /** Notes that so many of them are written: nothing may be counted any more. */
    passed(count: number): void {
      written += count;
    },
  };
}
