// What is known of keys: those in memory, those that nobody has, and the reads under way;
// and how far each may be believed. What changes in this process is forgotten before the
// change is answered, what changes elsewhere once it is heard of.

import {
  type Candidate,
  type Change,
  type Heard,
  type Storage,
  WarderError,
  type Watch,
} from '@warder/core';
import { createGate, GateClosed } from './gate.ts';
import type { ServerHost } from './host.ts';
import type { Lookup } from './lookup.ts';
import { createUnknownKeys } from './unknown-keys.ts';
import { createVerdictTable, type GoodVerdict } from './verdict-table.ts';

const CACHE_BYTES = 64 * 1024 * 1024;
/** Look-ups of keys that are not in memory, at once; the rest wait for so long. */
const MOST_LOOKUPS = 64;
const LOOKUP_PATIENCE = 2_000;
/** How long a read may take while memory may answer instead. */
const READ_PATIENCE = 500;
/** For how long memory answers where neither changes are heard nor the store can be read. */
export const STALE_LIMIT_MILLISECONDS = 5_000;

export interface KnownKeysParts {
  readonly storage: Pick<Storage, 'watch'>;
  readonly lookup: Lookup;
  /** How long ago, at most, hearing was last sure for memory to answer where the store cannot be read; 5,000 unless given. */
  readonly staleLimitMilliseconds?: number | undefined;
  /** Waits until so many milliseconds have passed or it is cancelled; by the system's timers unless given. */
  readonly wait?: ((milliseconds: number) => Wait) | undefined;
}

interface Wait {
  readonly over: Promise<void>;
  cancel(): void;
}

/** A read under way. */
interface Flight {
  /** Whether the store was asked already. */
  sent: boolean;
  readonly found: Promise<Candidate | null>;
  /** The read that is made after it, for those who came once it was sent. */
  next?: Promise<Candidate | null>;
}

/**
 * @param entryOf what is kept of a key that is much used, as verdict-table.ts has it
 * @param outdated is told of each change that a verdict may hang on
 * @param cacheBytes bound of the memory that known keys take
 */
export function createKnownKeys<Entry extends { readonly good: GoodVerdict }>(
  host: Pick<ServerHost, 'digests' | 'now'>,
  parts: KnownKeysParts,
  entryOf: (good: GoodVerdict) => Entry,
  outdated: (change: Heard) => void,
  cacheBytes = CACHE_BYTES,
) {
  const { storage, lookup } = parts;
  const { staleLimitMilliseconds: staleLimit = STALE_LIMIT_MILLISECONDS, wait = waitBySystem } =
    parts;
  const table = createVerdictTable(cacheBytes, entryOf);
  const unknown = createUnknownKeys();
  const gate = createGate(MOST_LOOKUPS, LOOKUP_PATIENCE);
  let misses = 0;
  /** Reads under way, by digest: those that may still be believed when they end. */
  let reading = new Map<string, Flight>();

  const forgetAll = () => {
    table.clear();
    unknown.forget();
    reading = new Map();
  };

  const forgetOne = (change: Heard) => {
    outdated(change);
    if (change.type === 'everything') forgetAll();
    else if (change.type === 'key') table.removeKey(change.id);
    else if (change.type === 'owner') table.removeOwner(change.id);
    else if (change.type === 'workspace') table.removeWorkspace(change.id);
  };

  const hear = (change: Heard) => {
    if (change.type === 'member') return;
    reading = new Map();
    forgetOne(change);
  };
  const watch = storage.watch(hear);
  const { trusted: trustedAge } = watch;
  /** Whether what is in memory is what is stored, as far as other processes write there. */
  const isTrusted = (): boolean => watch.age() <= trustedAge;

  /**
   * Keeps what was read, unless a change was heard meanwhile, and answers what is to be judged: never
   * less than what is known already, and nothing stays known that is less than what is answered.
   */
  const fill = (digest: string, candidate: Candidate | null, isKept: boolean): Candidate | null => {
    const row = table.find(digest);
    const known = row < 0 ? null : table.entry(row).good;
    if (candidate === null) {
      if (known !== null) table.removeKey(known.key.id);
      if (isKept) unknown.note(digest, host.now());
      return null;
    }
    if (known !== null && isOlder(candidate, known)) return known;
    if (isKept) table.put(digest, candidate);
    else if (known !== null && isOlder(known, candidate)) table.removeKey(known.key.id);
    return candidate;
  };

  /** @param trusted whether a change since a read was sent would have ended it */
  const read = (secret: string, digest: string, trusted: boolean): Promise<Candidate | null> => {
    const flight = reading.get(digest);
    if (flight === undefined) return start(secret, digest).found;
    if (trusted || !flight.sent) return flight.found;
    const again = () => read(secret, digest, false);
    flight.next ??= flight.found.then(again, again);
    return flight.next;
  };

  const start = (secret: string, digest: string): Flight => {
    const among = reading;
    misses++;
    const found = gate
      .pass(() => {
        flight.sent = true;
        return lookup.find(host.digests(secret));
      })
      .then((candidate) => {
        // What has changed by now is told first.
        watch.age();
        // Reads that began before a change are among those that were put away with it.
        return fill(digest, candidate, among === reading);
      })
      .finally(() => {
        if (among.get(digest) === flight) among.delete(digest);
      });
    const flight: Flight = { sent: false, found };
    among.set(digest, flight);
    return flight;
  };

  /** What is in memory where that may still be believed without a read; undefined for nothing. */
  const remembered = (digest: string): Candidate | null | undefined => {
    if (watch.age() > staleLimit) return undefined;
    const row = table.find(digest);
    if (row >= 0) return table.entry(row).good;
    return unknown.has(digest, host.now()) ? null : undefined;
  };

  /** Read, or where that fails or takes long as it is in memory, while that may still be believed. */
  const readOrRemembered = async (secret: string, digest: string, trusted: boolean) => {
    const found = read(secret, digest, trusted).catch((error: unknown) => {
      const known = remembered(digest);
      return known === undefined ? refuse(error) : known;
    });
    if (trusted || remembered(digest) === undefined) return found;
    const patience = wait(READ_PATIENCE);
    const first = await Promise.race([found, patience.over]).finally(patience.cancel);
    const known = first === undefined ? remembered(digest) : first;
    return known === undefined ? found : known;
  };

  return {
    table,
    /** How sure it is of what changes elsewhere. */
    watch: watch as Pick<Watch, 'age' | 'trusted'>,
    isTrusted,
    /** Whether that was a digest that no key has, a moment ago. */
    isUnknown: unknown.has,
    /** The key of a secret that is not in memory, or may not be believed there. @throws unavailable */
    read: readOrRemembered,
    /** Puts away what was judged and has changed since. */
    outdate({ key }: Candidate): void {
      table.removeKey(key.id);
      reading = new Map();
    },
    /** Puts away what a commit may have changed. */
    forget(changes: readonly Change[]): void {
      if (changes.some(({ type }) => BEARING.has(type))) reading = new Map();
      for (const change of changes) {
        if (change.type === 'insert_key') unknown.forget();
        else if (change.type === 'update_key') forgetOne({ type: 'key', id: change.key.id });
        else if (change.type === 'update_owner') forgetOne({ type: 'owner', id: change.owner.id });
        else if (change.type === 'update_workspace')
          forgetOne({ type: 'workspace', id: change.workspace.id });
      }
    },
    figures: {
      misses: () => misses,
      cached: table.size,
      capacity: table.rows,
      lookups: gate.figures,
    },
  };
}

/** Whether any part of it was read before what is known of that part. */
function isOlder(candidate: Candidate, known: Candidate): boolean {
  const { key, owner, workspace } = candidate;
  return (
    key.version < known.key.version ||
    (owner?.version ?? 0) < (known.owner?.version ?? 0) ||
    (workspace?.version ?? 0) < (known.workspace?.version ?? 0)
  );
}

function waitBySystem(milliseconds: number): Wait {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return { over, cancel: () => clearTimeout(timer) };
}

/** Changes that a verdict may hang on. */
const BEARING: ReadonlySet<Change['type']> = new Set([
  'insert_key',
  'update_key',
  'update_owner',
  'update_workspace',
]);

function refuse(cause: unknown): never {
  const crowded = cause instanceof GateClosed;
  throw new WarderError(
    'unavailable',
    crowded
      ? 'No verdict can be given now: too many unknown keys are asked for.'
      : 'No verdict can be given now: the store cannot be read.',
    { cause, retryAfterSeconds: 1 },
  );
}
