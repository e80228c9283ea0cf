// Credits: how much a key, or all keys of an owner together, may still spend, and
// what fills it up again. The plan is part of the key or the owner; the balance is
// gathered apart and never below zero. Months and years are those of the calendar,
// UTC: a refill of the 31st comes on the last day of a shorter month.

import { invalid, WarderError } from './error.ts';
import { type JsonObject, moment } from './event.ts';

export const REFILL_INTERVALS = ['day', 'week', 'month', 'year'] as const;
export type RefillInterval = (typeof REFILL_INTERVALS)[number];

/** Fills a balance up to an amount, at each of its moments. What is above stays. */
export interface Refill {
  readonly amount: number;
  readonly interval: RefillInterval;
  /** The first of its moments, milliseconds since 1970; the others follow at whole intervals. */
  readonly anchor: number;
}

export interface Balance {
  readonly remaining: number;
  /** When it is filled up next; null for never. */
  readonly refillAt: number | null;
}

/** Gathered apart is the balance: a spend changes neither `version` nor `updatedAt` of what has it. */
export interface Credits extends Balance {
  readonly refill: Refill | null;
}

/** What an edit may name of credits; what it does not name stays. */
export interface CreditsPatch {
  readonly remaining?: number | undefined;
  readonly refill?:
    | { readonly [Name in keyof Refill]?: Refill[Name] | undefined }
    | null
    | undefined;
}

/** A refill whose moment has come: what it was due at, what it fills up to, and when the next is. */
export interface DueRefill {
  readonly at: number;
  readonly amount: number;
  readonly next: number;
}

export const MAX_CREDITS = Number.MAX_SAFE_INTEGER;
const MAX_ANCHOR = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const DAY = 86_400_000;
const DAYS = { day: DAY, week: 7 * DAY } as const;
const MONTHS = { month: 1, year: 12 } as const;

/** The first moment of a refill that is later than that one. */
export function nextRefill({ interval, anchor }: Omit<Refill, 'amount'>, after: number): number {
  if (after < anchor) return anchor;
  if (interval === 'day' || interval === 'week') {
    const length = DAYS[interval];
    return anchor + (Math.floor((after - anchor) / length) + 1) * length;
  }
  const step = MONTHS[interval];
  const turns = Math.floor((monthOf(after) - monthOf(anchor)) / step);
  const inThatMonth = monthsAfter(anchor, turns * step);
  return inThatMonth > after ? inThatMonth : monthsAfter(anchor, (turns + 1) * step);
}

/** Months since the year 0. */
function monthOf(at: number): number {
  const date = new Date(at);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function monthsAfter(anchor: number, months: number): number {
  const month = monthOf(anchor) + months;
  const first = Date.UTC(Math.floor(month / 12), month % 12);
  const last = new Date(Date.UTC(Math.floor(month / 12), (month % 12) + 1, 0)).getUTCDate();
  const day = Math.min(new Date(anchor).getUTCDate(), last);
  return first + (day - 1) * DAY + (anchor % DAY);
}

/** The refill that has come by `now`; null for none. Of several that were missed, the last does what all would have done. */
export function dueRefill(
  { refill, refillAt }: Omit<Credits, 'remaining'>,
  now: number,
): DueRefill | null {
  if (refill === null || refillAt === null || refillAt > now) return null;
  return { at: refillAt, amount: refill.amount, next: nextRefill(refill, now) };
}

/** Credits as they are once all refills by `now` are done. */
export function creditsAt(credits: Credits, now: number): Credits {
  const due = dueRefill(credits, now);
  if (due === null) return credits;
  const remaining = Math.max(credits.remaining, due.amount);
  return { ...credits, remaining, refillAt: due.next };
}

/** Credits where there were none. Without `remaining` they begin with what a refill fills up to. */
export function newCredits(given: CreditsPatch, at: number): Credits {
  return editedCredits(null, given, at);
}

/** @returns credits as an edit at that moment leaves them, refills by then done */
export function editedCredits(before: Credits | null, patch: CreditsPatch, at: number): Credits {
  const now = before && creditsAt(before, at);
  const refill =
    patch.refill === undefined
      ? (now?.refill ?? null)
      : patch.refill && checkedRefill({ anchor: at, ...now?.refill, ...named(patch.refill) });
  const remaining = patch.remaining ?? now?.remaining ?? refill?.amount;
  if (remaining === undefined) throw invalid('/credits/remaining', 'is needed without a refill');
  return {
    remaining: checkedWhole('/credits/remaining', remaining, 0),
    refillAt: refill && nextRefill(refill, at),
    refill,
  };
}

function named<Patch extends object>(patch: Patch): Partial<Patch> {
  const entries = Object.entries(patch).filter(([, value]) => value !== undefined);
  // Of the same members, but for those that are not given.
  return Object.fromEntries(entries) as Partial<Patch>;
}

function checkedRefill({ amount, interval, anchor }: NonNullable<CreditsPatch['refill']>): Refill {
  if (amount === undefined) throw invalid('/credits/refill/amount', 'is needed');
  if (interval === undefined || !REFILL_INTERVALS.includes(interval)) {
    throw invalid('/credits/refill/interval', `must be one of ${REFILL_INTERVALS.join(', ')}`);
  }
  if (anchor === undefined || !(Number.isInteger(anchor) && anchor >= 0 && anchor <= MAX_ANCHOR)) {
    throw invalid('/credits/refill/anchor', 'must be between the years 1970 and 9999');
  }
  return { amount: checkedWhole('/credits/refill/amount', amount, 1), interval, anchor };
}

function checkedWhole(pointer: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= MAX_CREDITS) return value;
  throw invalid(pointer, `must be a whole number from ${least} to ${MAX_CREDITS}`);
}

/** A change of a balance by itself: so many more, or exactly so many. */
export type Crediting = { readonly add: number } | { readonly set: number };

/** @throws conflict without credits, invalid for what no balance can be */
export function credited(before: Credits | null, crediting: Crediting, at: number): Credits {
  if (before === null) {
    throw new WarderError('conflict', 'There are no credits here: give some by `credits` first.');
  }
  const now = creditsAt(before, at);
  if ('set' in crediting) return { ...now, remaining: checkedWhole('/set', crediting.set, 0) };
  const remaining = now.remaining + checkedWhole('/add', crediting.add, 1);
  if (remaining <= MAX_CREDITS) return { ...now, remaining };
  throw invalid('/add', `would make more than ${MAX_CREDITS}`);
}

/** The event of such a change: it tells what was done, since what it made is not known before it is written. */
export function creditingEvent<Of extends 'key' | 'owner'>(of: Of, crediting: Crediting) {
  return 'add' in crediting
    ? ([`${of}.credits_added`, { credits: { added: crediting.add } }] as const)
    : ([`${of}.credits_set`, { credits: { remaining: crediting.set } }] as const);
}

/** How such a change is written. */
export function creditingWrite(
  { id, workspaceId, credits }: Credited,
  crediting: Crediting,
  at: number,
): CreditsWrite {
  const does =
    'add' in crediting
      ? ({ what: 'add', amount: crediting.add } as const)
      : ({ what: 'set', remaining: crediting.set } as const);
  return { subject: id, workspaceId, due: credits && dueRefill(credits, at), does };
}

/** What has credits: a key or an owner. */
interface Credited {
  readonly id: string;
  readonly workspaceId: string | null;
  readonly credits: Credits | null;
}

/** What is written of a balance: `due` first, unless somebody did it meanwhile. */
export interface CreditsWrite {
  /** Id of the key or the owner. */
  readonly subject: string;
  /** Null for a key of the instance. */
  readonly workspaceId: string | null;
  readonly due: DueRefill | null;
  readonly does:
    | ({ readonly what: 'open' } & Balance)
    | { readonly what: 'move_refill'; readonly refillAt: number | null }
    | { readonly what: 'add'; readonly amount: number }
    | { readonly what: 'set'; readonly remaining: number }
    | { readonly what: 'hand_over'; readonly to: string }
    | { readonly what: 'close' };
}

/** How an edit of credits is written; null where they stay as they are. */
export function creditsEdit(
  before: Credits | null,
  { id: subject, workspaceId, credits }: Credited,
  patch: CreditsPatch | null | undefined,
  at: number,
): CreditsWrite | null {
  if (patch === undefined || (before === null && credits === null)) return null;
  if (credits === null) return { subject, workspaceId, due: null, does: { what: 'close' } };
  const { remaining, refillAt } = credits;
  if (before === null || patch?.remaining !== undefined) {
    return { subject, workspaceId, due: null, does: { what: 'open', remaining, refillAt } };
  }
  // What is spent meanwhile stays spent.
  const due = dueRefill(before, at);
  return { subject, workspaceId, due, does: { what: 'move_refill', refillAt } };
}

/** Credits in published names, as the native API and events show them. */
export function describeCredits(credits: Credits) {
  const { remaining, refillAt, refill } = credits;
  return {
    remaining,
    refill_at: moment(refillAt),
    refill: refill && {
      amount: refill.amount,
      interval: refill.interval,
      anchor: moment(refill.anchor),
    },
  } satisfies JsonObject;
}
