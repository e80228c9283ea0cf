// Credits on the command line: the options that give them, those that change a
// balance, and how they are shown.

import type { Key } from '@warder/sdk';
import type { Field } from './fields.ts';
import type { Fact } from './output.ts';
import { refill, wholeNumber } from './parse.ts';

/** What may be spent. */
export const CREDITS: readonly Field[] = [
  {
    flag: '--credits <count>',
    member: 'credits.remaining',
    meaning: 'how many credits it has left to spend',
    read: wholeNumber,
    clearable: true,
    clears: 'credits',
  },
  {
    flag: '--refill <amount/interval>',
    member: 'credits.refill',
    meaning: 'what its credits are filled up to each day, week, month or year, as 1000/month',
    read: refill,
    clearable: true,
  },
];

/** A change of a balance: one of them. */
export const CREDITING: readonly Field[] = [
  { flag: '--add <count>', member: 'add', meaning: 'so many more', read: wholeNumber },
  { flag: '--set <count>', member: 'set', meaning: 'exactly so many', read: wholeNumber },
];

/** What is left, when it is filled up next, and how; nothing where there are none. */
export function creditFacts(
  credits:
    | (Pick<NonNullable<Key['credits']>, 'remaining' | 'refill_at'> &
        Partial<NonNullable<Key['credits']>>)
    | null,
): Fact[] {
  if (credits === null) return [];
  const { remaining, refill_at, refill } = credits;
  return [
    ['credits', String(remaining)],
    ...(refill ? [['refill', `${refill.amount}/${refill.interval}`] as const] : []),
    ...(refill_at === null ? [] : [['refill_at', refill_at] as const]),
  ];
}
