// Where usage is stored: a table for each step, a row for a subject and a bucket that
// saw a verification, a column for each verdict. The bucket stands first in the key:
// what is written now lies together, what has ended is found without an index, and a
// subject's figures are one look-up a bucket.

import { COUNTED_CODES, type UsageStep } from '@warder/core';

/** Which table holds which step. Each is rolled up into the next. */
export const USAGE_TABLES: Readonly<Record<UsageStep, string>> = {
  hour: 'usage_hours',
  day: 'usage_days',
  month: 'usage_months',
};

export const COUNT_COLUMNS: readonly string[] = COUNTED_CODES;

/** A row of one of the tables, by its place. Positions are texts here: they pass 2^53. */
export interface Mark {
  readonly bucket: number;
  readonly kind: number;
  readonly position: string;
}

export const COARSER: Readonly<Record<UsageStep, UsageStep | null>> = {
  hour: 'day',
  day: 'month',
  month: null,
};
