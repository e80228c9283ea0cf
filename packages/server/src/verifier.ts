// The one place that answers whether a key is good: for the verify call, for
// whoever signs in with a key, for gateways and embedders. A known key costs one
// hash and no statement; a slip is refused by its checksum; any other text costs one
// read. What is known, and for how long, is in known-keys.ts.

import {
  type Ask,
  type Candidate,
  checkedCost,
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
import { afterCommits } from './after-commits.ts';
import { createCharging, windowsOf } from './charging.ts';
import type { createGate } from './gate.ts';
import type { ServerHost } from './host.ts';
import { createKnownKeys, type KnownKeysParts } from './known-keys.ts';
import type { LimitStore, Window } from './limits.ts';
import type { TallyPlace } from './tally.ts';
import { newPlace, type UsageLog } from './usage.ts';
import type { GoodVerdict } from './verdict-table.ts';
import { createWaitingVerdicts } from './waiting-verdicts.ts';

/** RFC 8959: a key may be written as `secret-token:<key>`, and is the same key. */
const SECRET_TOKEN = 'secret-token:';

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

export interface VerifierParts extends KnownKeysParts {
  readonly storage: Storage;
  readonly limits: LimitStore;
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
  cacheBytes?: number,
): {
  readonly verifier: CachingVerifier;
  readonly storage: Storage;
  readonly watch: Pick<Watch, 'age' | 'trusted'>;
} {
  const { storage, limits } = parts;
  const charging = createCharging(limits);
  const waiting = createWaitingVerdicts();
  const known = createKnownKeys(host, parts, entryOf, waiting.outdate, cacheBytes);
  const { table, isTrusted } = known;
  const verdicts = Object.fromEntries(VERDICT_CODES.map((code) => [code, 0])) as Verdicts;
  let hits = 0;

  /** Every verdict passes here on its way out, once. */
  const told = <Told extends Verdict>(verdict: Told, ask: Ask): Told => {
    if (ask.metered !== false) verdicts[verdict.code]++;
    return verdict;
  };

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
    return trusted && known.isUnknown(digest, now) ? told(NOT_FOUND, ask) : null;
  };

  const verifier: CachingVerifier = {
    verifyCached,
    figures: {
      verdicts,
      hits: () => hits,
      ...known.figures,
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
          row >= 0 ? table.entry(row).good : await known.read(secret, digest, trusted);
        if (candidate === null) return told(NOT_FOUND, ask);
        const found = await judged(candidate, ask, host.now(), trusted);
        if (found !== 'stale') {
          if (row >= 0) hits++;
          return told(found, ask);
        }
        // It changed since it was read, here or elsewhere: it is judged again as it is now.
        known.outdate(candidate);
      }
      throw new WarderError('unavailable', 'No verdict can be given now: the key keeps changing.', {
        retryAfterSeconds: 1,
      });
    },
  };
  return { verifier, storage: afterCommits(storage, known.forget), watch: known.watch };
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

const MALFORMED: Verdict = { valid: false, code: 'malformed' };
const ANYWHERE: Ask = { within: null, environment: null };
const NOT_FOUND: Verdict = { valid: false, code: 'not_found' };

function bare(presented: string): string {
  return presented.startsWith(SECRET_TOKEN) ? presented.slice(SECRET_TOKEN.length) : presented;
}
