// What rows of usage amount to when they are read, in every engine.

import {
  added,
  bucketOf,
  type Counts,
  type NotedRefusal,
  startOf,
  type UsageBucket,
  type UsageSpan,
  type UsageStep,
} from '@warder/core';
import { parsed } from './rows.ts';

/** What may not have been rolled up yet into a step. */
export const FINER: Readonly<Record<UsageStep, readonly UsageStep[]>> = {
  hour: [],
  day: ['hour'],
  month: ['hour', 'day'],
};

/** @param results the rows of each of the steps, with their bucket and counts */
export function bucketsOf(
  span: UsageSpan,
  steps: readonly UsageStep[],
  results: readonly (readonly unknown[])[],
): readonly UsageBucket[] {
  const sums = new Map<number, Counts>();
  for (const [i, rows] of results.entries()) {
    const step = steps[i] ?? span.step;
    for (const { bucket, ...counts } of rows as readonly (Counts & { bucket: number })[]) {
      const into = bucketOf(span.step, startOf(step, bucket));
      const before = sums.get(into);
      sums.set(into, before === undefined ? counts : added(before, counts));
    }
  }
  return Array.from(sums, ([bucket, counts]) => ({ bucket, counts }));
}

interface RefusalRow {
  readonly at: number;
  readonly code: NotedRefusal['code'];
  readonly missing_scopes: string;
  readonly address: string | null;
}

export function refusalsOf(rows: readonly unknown[]): readonly NotedRefusal[] {
  return (rows as readonly RefusalRow[]).map(({ missing_scopes, ...facts }) => ({
    ...facts,
    missingScopes: parsed<readonly string[]>(missing_scopes),
  }));
}
