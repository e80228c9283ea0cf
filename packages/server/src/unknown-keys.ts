// Texts that no key has, remembered for a moment: in a table of fixed size, so that
// any number of guesses takes no more memory.

const SLOTS = 16_384;
const REMEMBERED_MILLISECONDS = 1_000;

export interface UnknownKeys {
  /** Whether a digest was found to be nobody's within the last second. */
  has(digest: string, now: number): boolean;
  note(digest: string, now: number): void;
  /** Forgets all: a key was made. */
  forget(): void;
}

export function createUnknownKeys(): UnknownKeys {
  const tags = new Float64Array(SLOTS);
  const times = new Float64Array(SLOTS);
  return {
    has(digest, now) {
      const slot = slotOf(digest);
      const age = now - (times[slot] ?? 0);
      return tags[slot] === tagOf(digest) && age >= 0 && age < REMEMBERED_MILLISECONDS;
    },
    note(digest, now) {
      const slot = slotOf(digest);
      tags[slot] = tagOf(digest);
      times[slot] = now;
    },
    forget: () => {
      tags.fill(0);
    },
  };
}

function slotOf(digest: string): number {
  return (digest.charCodeAt(30) | (digest.charCodeAt(31) << 8)) & (SLOTS - 1);
}

/** 48 bits of it, which a number holds exactly. Two texts with the same are one for a second. */
function tagOf(digest: string): number {
  let tag = 0;
  for (let at = 0; at < 6; at++) tag = tag * 256 + digest.charCodeAt(at);
  return tag;
}
