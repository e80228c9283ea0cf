// What verifications keep in memory: candidates by the full digest of their key's
// text. Everything is in a few arrays of fixed size, so a million keys are nothing for
// the garbage collector to walk and the memory is bounded from the start. Entries leave
// in the order they came: using one never lengthens its life.

import {
  type Ask,
  type Candidate,
  goodUntil,
  type Key,
  meets,
  type Owner,
  type Traits,
  type Verdict,
  type Workspace,
} from '@warder/core';

/**
 * Words of a row, all that a verification looks at side by side: its digest, the moment it is good
 * until (two words), the number of its traits, where its facts begin and how long they are, and the
 * tag of its key.
 */
const ROW_WORDS = 16;
const [ENDS, TRAITS, START, LENGTH, KEY_TAG] = [8, 10, 11, 12, 13] as const;
/** Bytes that a row takes beside its facts: its words, two tags, its object, and its share of two indices. */
const ROW_BYTES = 96;
/** What the facts of a key usually take, as JSON. */
const USUAL_FACTS = 640;
/** How many keys are kept as objects beside their packed facts. */
const MOST_ENTRIES = 32_768;
/** How many different traits are told apart, beyond which a key is judged in full, and how many owners and workspaces are shared. */
const MOST_SHARED = 16_384;
const DIGEST_WORDS = 8;

/** A verdict that nothing but windows and credits can refuse any more. */
export type GoodVerdict = Extract<Verdict, { valid: true }>;

/**
 * @param bytes bound of the memory that the table takes, facts included
 * @param entryOf what is kept of a key that is much used: made of the verdict on it where nothing
 * refuses it, which is frozen and the candidate too
 */
export function createVerdictTable<Entry>(bytes: number, entryOf: (good: GoodVerdict) => Entry) {
  const rows = Math.max(64, Math.floor(bytes / (ROW_BYTES + USUAL_FACTS)));
  const slots = 2 ** Math.ceil(Math.log2(rows * 1.4));
  const mask = slots - 1;
  // Rows are taken in a ring, and their facts lie in the same order in a ring of bytes.
  const words = new Uint32Array(rows * ROW_WORDS);
  const moments = new Float64Array(words.buffer);
  const ownerTags = new Uint32Array(rows);
  const workspaceTags = new Uint32Array(rows);
  const facts = Buffer.allocUnsafeSlow(Math.max(65_536, rows * USUAL_FACTS));
  /** Row numbers, one more than they are: 0 is an empty slot. */
  const byDigest = new Uint32Array(slots);
  const byKey = new Uint32Array(slots);
  const traits = createShelf<Traits>();
  const owners = createShelf<Owner>();
  const workspaces = createShelf<Workspace>();
  const entries = new Array<Entry | undefined>(rows);
  const entryRing = new Uint32Array(Math.min(rows, MOST_ENTRIES));
  let oldest = 0;
  let next = 0;
  let held = 0;
  let live = 0;
  let factsEnd = 0;
  let entryNext = 0;

  const wordOf = (row: number, at: number): number => words[row * ROW_WORDS + at] ?? 0;
  const setWord = (row: number, at: number, value: number) => {
    words[row * ROW_WORDS + at] = value;
  };
  /** Where the moment of a row stands among the moments. */
  const endOf = (row: number) => (row * ROW_WORDS + ENDS) / 2;
  /** Whether a row is in use; a row that was removed waits in the ring for its turn. */
  const isLive = (row: number) => wordOf(row, LENGTH) !== 0;

  const homeOfDigest = (row: number) => wordOf(row, 0) & mask;
  const homeOfKey = (row: number) => wordOf(row, KEY_TAG) & mask;

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
    setWord(row, LENGTH, 0);
    entries[row] = undefined;
    live--;
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
      while (held > 0 && wordOf(oldest, START) >= factsEnd) dropOldest();
      factsEnd = 0;
    }
    const end = factsEnd + length;
    while (held > 0 && wordOf(oldest, START) >= factsEnd && wordOf(oldest, START) < end) {
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
    const from = row * ROW_WORDS;
    for (let word = 0; word < DIGEST_WORDS; word++) {
      if (words[from + word] !== sought[word]) return false;
    }
    return true;
  };

  const removeTagged = (tags: Uint32Array, tag: number) => {
    for (let row = 0; row < rows; row++) if (tags[row] === tag && isLive(row)) remove(row);
  };

  return {
    /** How many keys fit where their facts take what they usually do. */
    rows,
    /** How many keys are in it. */
    size: () => live,
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
    /** What is kept of a row's key. The same object as long as it is much used. */
    entry(row: number): Entry {
      const found = entries[row];
      if (found !== undefined) return found;
      const start = wordOf(row, START);
      const text = facts.toString('utf8', start, start + wordOf(row, LENGTH));
      // Written by `put` below, of exactly this type.
      const { key, owner, workspace } = JSON.parse(text) as Candidate;
      const entry = entryOf(
        frozen<GoodVerdict>({
          valid: true,
          code: 'valid',
          key,
          owner: owner && owners.shared(`${owner.id} ${owner.version}`, owner),
          workspace:
            workspace && workspaces.shared(`${workspace.id} ${workspace.version}`, workspace),
        }),
      );
      entries[entryRing[entryNext] ?? 0] = undefined;
      entryRing[entryNext] = row;
      entryNext = (entryNext + 1) % entryRing.length;
      entries[row] = entry;
      return entry;
    },
    /** Whether `judge` says valid of a row, as far as that is known without looking at its facts. */
    isGood(row: number, ask: Ask, now: number): boolean {
      const found = traits.at(wordOf(row, TRAITS));
      return now < (moments[endOf(row)] ?? 0) && found !== undefined && meets(found, ask);
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
      live++;
      facts.write(text, start);
      factsEnd = start + length;
      setWord(row, START, start);
      setWord(row, LENGTH, length);
      wordsOf(digest, words, row * ROW_WORDS);
      const { key, owner, workspace } = candidate;
      moments[endOf(row)] = goodUntil(candidate);
      setWord(row, TRAITS, traits.place(...traitsOf(key)));
      setWord(row, KEY_TAG, tagOf(key.id));
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
        if (wordOf(row, KEY_TAG) === tag) found.push(row);
      }
      found.forEach(remove);
    },
    removeOwner: (id: string) => removeTagged(ownerTags, tagOf(id)),
    removeWorkspace: (id: string) => removeTagged(workspaceTags, tagOf(id)),
    clear(): void {
      byDigest.fill(0);
      byKey.fill(0);
      words.fill(0);
      entries.fill(undefined);
      traits.clear();
      // After a failover or a restore the same version may be of something else.
      owners.clear();
      workspaces.clear();
      oldest = next;
      held = 0;
      live = 0;
      factsEnd = 0;
    },
  };
}

/** Values that many rows have in common, each once. */
function createShelf<Value>() {
  const places = new Map<string, number>();
  let values: Value[] = [];
  const clear = () => {
    places.clear();
    values = [];
  };
  /** Where there is no room for it, a place where there is nothing. */
  const place = (name: string, value: Value): number => {
    const found = places.get(name);
    if (found !== undefined) return found;
    if (values.length >= MOST_SHARED) return MOST_SHARED;
    places.set(name, values.length);
    return values.push(value) - 1;
  };
  return {
    at: (at: number): Value | undefined => values[at],
    place,
    /** The value that came first by that name. */
    shared(name: string, value: Value): Value {
      if (values.length >= MOST_SHARED) clear();
      return values[place(name, value)] ?? value;
    },
    clear,
  };
}

/** The traits of a key, after their name: keys of the same name have the same. */
function traitsOf(key: Key): [string, Traits] {
  const { workspaceId, environment, allowedCidrs } = key;
  const traits: Traits =
    key.kind === 'standard'
      ? { workspaceId, environment, allowedCidrs, kind: key.kind, scopes: key.scopes }
      : { workspaceId, environment, allowedCidrs, kind: key.kind };
  return [JSON.stringify(traits), traits];
}

/** The last 32 bits of an id, which are random. */
function tagOf(id: string): number {
  return Number.parseInt(id.slice(-8), 16) >>> 0;
}

/** All of it: one object is given to every caller. What is frozen already is so to the bottom. */
function frozen<Value extends object>(value: Value): Value {
  if (Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) frozen(member);
  }
  return Object.freeze(value);
}
