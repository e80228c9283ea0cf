// Usage as figures: how often a key was verified with which verdict, by hour, day
// or month, all in UTC. A bucket is a whole number: hours or days since 1970, or
// months since January 1970.

import { invalid } from './error.ts';
import { VERDICT_CODES, type VerdictCode } from './verdict.ts';

/**
 * The verdicts that are counted: those that can be given of a key that there is. `not_found` is
 * not, also where the key is another tenant's: what one asks leaves no trace with another.
 */
export const COUNTED_CODES = VERDICT_CODES.filter(isCounted);
export type CountedCode = Exclude<VerdictCode, 'malformed' | 'not_found'>;
/** A counted verdict that is no use of the key. */
export type CountedRefusal = Exclude<CountedCode, 'valid'>;

export const COUNTED_REFUSALS = COUNTED_CODES.filter(
  (code): code is CountedRefusal => code !== 'valid',
);

function isCounted(code: VerdictCode): code is CountedCode {
  return code !== 'malformed' && code !== 'not_found';
}

export const USAGE_STEPS = ['hour', 'day', 'month'] as const;
export type UsageStep = (typeof USAGE_STEPS)[number];

/** The most buckets that are answered at once. */
export const MAX_BUCKETS = 1_000;
/** How many buckets are answered where no beginning is named. */
const USUAL_BUCKETS: Readonly<Record<UsageStep, number>> = { hour: 24, day: 30, month: 12 };

/**
 * Whose figures: a key's, or those of all standard keys together that are one owner's (by its own
 * id), one workspace's, or whoever's. What a management key calls is counted for it alone.
 */
export type UsageSubject =
  | { readonly type: 'installation' }
  | { readonly type: 'workspace' | 'owner' | 'key'; readonly id: string };

/** Buckets from one on, up to another that is not among them. */
export interface UsageSpan {
  readonly step: UsageStep;
  readonly from: number;
  readonly to: number;
}

export type Counts = Readonly<Record<CountedCode, number>>;

export interface UsageBucket {
  readonly bucket: number;
  readonly counts: Counts;
}

/** What a key was verified as within one hour since it was last written, to be added to what is stored. */
export interface Use {
  readonly keyId: string;
  readonly hour: number;
  /** Null where no verdict was `valid`. */
  readonly lastUsedAt: number | null;
  /** In the order of COUNTED_CODES. */
  readonly counts: readonly number[];
}

/** A refusal as support looks for it. */
export interface NotedRefusal {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly code: CountedRefusal;
  /** What was asked for and not held, cut to a readable length. */
  readonly missingScopes: readonly string[];
  /** Where the key was used from, as far as whoever asked told. */
  readonly address: string | null;
}

/** A refusal with the id of its key. */
export type KeyRefusal = NotedRefusal & { readonly keyId: string };

/** How many of a key's refusals are kept: the last. */
export const REFUSALS_KEPT = 10;

/** Until when what is stored of usage is kept, in milliseconds since 1970: what ended before goes. */
export interface UsageRetention {
  readonly hours: number;
  readonly days: number;
  readonly refusals: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const BUCKET_OF: Readonly<Record<UsageStep, (at: number) => number>> = {
  hour: (at) => Math.floor(at / HOUR),
  day: (at) => Math.floor(at / DAY),
  month(at) {
    const date = new Date(at);
    return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
  },
};

const START_OF: Readonly<Record<UsageStep, (bucket: number) => number>> = {
  hour: (bucket) => bucket * HOUR,
  day: (bucket) => bucket * DAY,
  month: (bucket) => Date.UTC(1970, bucket, 1),
};

/** The bucket that a moment is in. */
export function bucketOf(step: UsageStep, at: number): number {
  return BUCKET_OF[step](at);
}

/** The first moment of a bucket. */
export function startOf(step: UsageStep, bucket: number): number {
  return START_OF[step](bucket);
}

/** What is asked for, in moments. */
export interface UsageRange {
  /** By day unless given. */
  readonly step?: UsageStep | undefined;
  /** The bucket it is in is the first. */
  readonly from?: number | undefined;
  /** Buckets that begin then or later are left out; now unless given. */
  readonly to?: number | undefined;
}

/** @throws invalid for a range without a bucket, or with more than MAX_BUCKETS */
export function spanOf({ step = 'day', from, to }: UsageRange, now: number): UsageSpan {
  const end = to === undefined ? bucketOf(step, now) + 1 : bucketOf(step, to - 1) + 1;
  const first = from === undefined ? Math.max(0, end - USUAL_BUCKETS[step]) : bucketOf(step, from);
  if (first >= end) throw invalid('from', 'must be before `to`, which is now unless given');
  if (end - first > MAX_BUCKETS) {
    throw invalid(
      'from',
      `must be at most ${MAX_BUCKETS} ${step}s before \`to\`: ask for a part of it${step === 'month' ? '' : ', or in greater steps'}`,
    );
  }
  return { step, from: first, to: end };
}

export const NO_COUNTS = Object.fromEntries(COUNTED_CODES.map((code) => [code, 0])) as Counts;

/** Every bucket of a span, in order, those without figures too. */
export function filled({ from, to }: UsageSpan, found: readonly UsageBucket[]): UsageBucket[] {
  const counts = new Map(found.map((one) => [one.bucket, one.counts]));
  return Array.from({ length: to - from }, (_, i) => ({
    bucket: from + i,
    counts: counts.get(from + i) ?? NO_COUNTS,
  }));
}

export function added(one: Counts, two: Counts): Counts {
  return Object.fromEntries(COUNTED_CODES.map((code) => [code, one[code] + two[code]])) as Counts;
}
