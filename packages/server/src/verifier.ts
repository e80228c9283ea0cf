// The one place that answers whether a key is good: for the verify call, for
// whoever signs in with a key, for gateways and embedders. A known key costs one
// hash and no statement; a slip is refused by its checksum; any other text costs one
// read. What changes in this process is forgotten before the change is answered, what
// changes elsewhere once it is heard of; memory is believed only while hearing is sure.

import {
  type Ask,
  type Candidate,
  type Change,
  checkedCost,
  type Heard,
  inspectToken,
  judge,
  type Key,
  MAX_TOKEN_LENGTH,
  payerOf,
  type Spend,
  type Spent,
  type Storage,
  VERDICT_CODES,
  type Verdict,
  type VerdictCode,
  type Verifier,
  WarderError,
  type Watch,
} from '@warder/core';
import { createCharging, windowsOf } from './charging.ts';
import { forgetting } from './forgetting.ts';
import { createGate, GateClosed } from './gate.ts';
import type { ServerHost } from './host.ts';
import type { LimitStore, Window } from './limits.ts';
import type { Lookup } from './lookup.ts';
import type { TallyPlace } from './tally.ts';
import { createUnknownKeys } from './unknown-keys.ts';
import { newPlace, type UsageLog } from './usage.ts';
import { createVerdictTable, type GoodVerdict } from './verdict-table.ts';
import { createWaitingVerdicts } from './waiting-verdicts.ts';

/** RFC 8959: a key may be written as `secret-token:<key>`, and is the same key. */
const SECRET_TOKEN = 'secret-token:';

const CACHE_BYTES = 64 * 1024 * 1024;
/** Look-ups of keys that are not in memory, at once; the rest wait for so long. */
const MOST_LOOKUPS = 64;
const LOOKUP_PATIENCE = 2_000;
/** How long a read may take while memory may answer instead. */
const READ_PATIENCE = 500;
/** For how long memory answers where neither changes are heard nor the store can be read. */
export const STALE_LIMIT_MILLISECONDS = 5_000;
/** How often a key is judged anew that changes between its verdict and its spend. */
const MOST_TRIES = 10;

export interface CachingVerifier extends Verifier {
  /** The verdict where no statement is needed for it; null where one is. */
  verifyCached(presented: string, ask: Ask): Verdict | null;
  /** Counts a good verdict that was asked for without being counted. */
  count(verdict: GoodVerdict): void;
  /** How it went since the start. */
  readonly figures: VerifierFigures;
}

export interface VerifierFigures {
  /** Verdicts given, but for those on callers of Warder itself. */
  readonly verdicts: Readonly<Record<VerdictCode, number>>;
  /** Verdicts from memory, and reads of the store. */
  hits(): number;
  misses(): number;
  /** Keys in memory, and how many there is usually room for. */
  cached(): number;
  readonly capacity: number;
  /** Reads under way, those that wait, and those that were given up. */
  lookups(): ReturnType<ReturnType<typeof createGate>['figures']>;
}

export interface VerifierParts {
  readonly storage: Storage;
  readonly lookup: Lookup;
  readonly limits: LimitStore;
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
 * Answers the verifier, and the store to write through from then on: its commits are
 * forgotten here before they are acknowledged, so no verification after one sees what was.
 * `watch` is how sure it is of what is in memory.
 * @param cacheBytes bound of the memory that known keys take
 */
export function createVerifier(
  host: Pick<ServerHost, 'digests' | 'fingerprint' | 'now'>,
  parts: VerifierParts,
  usage: Pick<UsageLog, 'count'>,
  cacheBytes = CACHE_BYTES,
): {
  readonly verifier: CachingVerifier;
  readonly storage: Storage;
  readonly watch: Pick<Watch, 'age' | 'trusted'>;
} {
  const { storage, lookup, limits } = parts;
  const { staleLimitMilliseconds: staleLimit = STALE_LIMIT_MILLISECONDS, wait = waitBySystem } =
    parts;
  const table = createVerdictTable(cacheBytes, entryOf);
  const unknown = createUnknownKeys();
  const charging = createCharging(limits);
  const waiting = createWaitingVerdicts();
  const gate = createGate(MOST_LOOKUPS, LOOKUP_PATIENCE);
  const verdicts = Object.fromEntries(VERDICT_CODES.map((code) => [code, 0])) as Verdicts;
  let hits = 0;
  let misses = 0;
  /** Reads under way, by digest: those that may still be believed when they end. */
  let reading = new Map<string, Flight>();

  /** Every verdict passes here on its way out, once. */
  const told = <Told extends Verdict>(verdict: Told, ask: Ask): Told => {
    if (ask.metered !== false) verdicts[verdict.code]++;
    return verdict;
  };

  const forgetAll = () => {
    table.clear();
    unknown.forget();
    reading = new Map();
  };

  const forgetOne = (change: Heard) => {
    waiting.outdate(change);
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

  const counted = (
    verdict: Verdict,
    key: Key,
    ask: Ask,
    now: number,
    place?: TallyPlace,
  ): Verdict => {
    if (ask.counts !== false) usage.count(key, verdict, ask, now, place);
    return verdict;
  };

  /** Null where windows or credits have to be waited for: nothing was charged or counted then. */
  const judgedNow = (row: number, ask: Ask, now: number): Verdict | null => {
    const entry = table.entry(row);
    const { good, windows, account } = entry;
    const verdict = table.isGood(row, ask, now) ? good : judge(good, ask, now);
    if (!verdict.valid) return counted(verdict, good.key, ask, now, entry);
    if (account !== null && ask.metered !== false) return null;
    const charged = charging.chargeNow(verdict, ask, now, windows);
    return charged && counted(charged, good.key, ask, now, entry);
  };

  /** `stale` where what was judged has changed before all was charged: nothing is charged then. */
  const judged = async (candidate: Candidate, ask: Ask, now: number, trusted: boolean) => {
    const { key } = candidate;
    const verdict = judge(candidate, ask, now);
    if (!verdict.valid) return counted(verdict, key, ask, now);
    const asked = charging.charge(verdict, ask, now);
    const { value: charged, outdated } = await waiting.follow(candidate, asked);
    // One that slept meanwhile may have heard of nothing.
    if (outdated || (trusted && !isTrusted())) {
      if (charged.valid) charging.giveBack(charged, ask);
      return 'stale';
    }
    const account = ask.metered === false ? null : accountOf(candidate);
    if (!charged.valid || account === null) return counted(charged, key, ask, now);
    let kept = false;
    try {
      const spent = await storage.spend(spendOf(charged, account, ask, now));
      if (spent === 'stale') return spent;
      kept = spent.enough;
      return counted(settled(charged, spent), key, ask, now);
    } finally {
      // Windows were charged first: what comes to nothing gives back what it took.
      if (!kept) charging.giveBack(charged, ask);
    }
  };

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

  const verifyCached = (presented: string, ask: Ask): Verdict | null => {
    const secret = bare(presented);
    if (secret.length > MAX_TOKEN_LENGTH) return told(MALFORMED, ask);
    const now = host.now();
    const digest = host.fingerprint(secret);
    const trusted = isTrusted();
    const row = trusted ? table.find(digest) : -1;
    if (row >= 0) {
      const verdict = judgedNow(row, ask, now);
      if (verdict === null) return null;
      hits++;
      return told(verdict, ask);
    }
    if (inspectToken(secret) === 'malformed') return told(MALFORMED, ask);
    return trusted && unknown.has(digest, now) ? told(NOT_FOUND, ask) : null;
  };

  const forget = (changes: readonly Change[]) => {
    if (changes.some(({ type }) => BEARING.has(type))) reading = new Map();
    for (const change of changes) {
      if (change.type === 'insert_key') unknown.forget();
      else if (change.type === 'update_key') forgetOne({ type: 'key', id: change.key.id });
      else if (change.type === 'update_owner') forgetOne({ type: 'owner', id: change.owner.id });
      else if (change.type === 'update_workspace')
        forgetOne({ type: 'workspace', id: change.workspace.id });
    }
  };

  const verifier: CachingVerifier = {
    verifyCached,
    figures: {
      verdicts,
      hits: () => hits,
      misses: () => misses,
      cached: table.size,
      capacity: table.rows,
      lookups: gate.figures,
    },
    count: (verdict) => usage.count(verdict.key, verdict, ANYWHERE, host.now()),
    windows: (candidate, ask, at) => charging.taking(candidate, { ...ask, spend: false }, at),
    async verify(presented, ask) {
      const verdict = verifyCached(presented, ask);
      if (verdict !== null) return verdict;
      const secret = bare(presented);
      const digest = host.fingerprint(secret);
      for (let tries = 1; tries <= MOST_TRIES; tries++) {
        const trusted = isTrusted();
        const row = trusted ? table.find(digest) : -1;
        const candidate =
          row >= 0 ? table.entry(row).good : await readOrRemembered(secret, digest, trusted);
        if (candidate === null) return told(NOT_FOUND, ask);
        const found = await judged(candidate, ask, host.now(), trusted);
        if (found !== 'stale') {
          if (row >= 0) hits++;
          return told(found, ask);
        }
        // It changed since it was read, here or elsewhere: it is judged again as it is now.
        table.removeKey(candidate.key.id);
        reading = new Map();
      }
      throw new WarderError('unavailable', 'No verdict can be given now: the key keeps changing.', {
        retryAfterSeconds: 1,
      });
    },
  };
  return { verifier, storage: forgetting(storage, forget), watch };
}

type Verdicts = Record<VerdictCode, number>;

/** A key in memory, with the verdict on it where nothing refuses it, and what its uses are charged to and counted in. */
interface Entry extends TallyPlace {
  readonly good: GoodVerdict;
  readonly windows: readonly Window[];
  readonly account: Account | null;
}

function entryOf(good: GoodVerdict): Entry {
  return { good, windows: windowsOf(good), account: accountOf(good), ...newPlace() };
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

/** Whose credits a verification takes. */
type Account = Pick<Spend, 'subject' | 'refill'>;

/** Null where it takes none. */
function accountOf(candidate: Candidate): Account | null {
  const payer = payerOf(candidate);
  return payer && { subject: payer.id, refill: payer.credits.refill };
}

function spendOf(
  { key, owner, workspace }: GoodVerdict,
  account: Account,
  ask: Ask,
  now: number,
): Spend {
  return {
    ...account,
    cost: checkedCost(ask.cost),
    charge: ask.spend !== false,
    judged: {
      keyId: key.id,
      key: key.version,
      owner: owner?.version ?? null,
      workspace: workspace?.version ?? null,
    },
    now,
  };
}

function settled(
  verdict: GoodVerdict,
  { enough, remaining, refillAt }: Exclude<Spent, 'stale'>,
): Verdict {
  const credits = { remaining, refillAt };
  if (enough) return { ...verdict, credits };
  return { valid: false, code: 'insufficient_credits', key: verdict.key, credits };
}

/** Changes that a verdict may hang on. */
const BEARING: ReadonlySet<Change['type']> = new Set([
  'insert_key',
  'update_key',
  'update_owner',
  'update_workspace',
]);

const MALFORMED: Verdict = { valid: false, code: 'malformed' };
const ANYWHERE: Ask = { within: null, environment: null };
const NOT_FOUND: Verdict = { valid: false, code: 'not_found' };

function bare(presented: string): string {
  return presented.startsWith(SECRET_TOKEN) ? presented.slice(SECRET_TOKEN.length) : presented;
}

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
