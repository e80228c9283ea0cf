import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW, refusalOf } from '../../../tests/fixtures/domain.ts';
import {
  added,
  bucketOf,
  COUNTED_CODES,
  filled,
  MAX_BUCKETS,
  NO_COUNTS,
  spanOf,
  startOf,
  USAGE_STEPS,
} from './usage.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const moment = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });

describe('a bucket', () => {
  it('holds exactly the moments from its start to the start of the next', () => {
    fc.assert(
      fc.property(moment, fc.constantFrom(...USAGE_STEPS), (at, step) => {
        const bucket = bucketOf(step, at);
        expect(startOf(step, bucket)).toBeLessThanOrEqual(at);
        expect(startOf(step, bucket + 1)).toBeGreaterThan(at);
        expect(bucketOf(step, startOf(step, bucket))).toBe(bucket);
      }),
    );
  });

  it('of a greater step holds whole ones of a lesser', () => {
    fc.assert(
      fc.property(moment, (at) => {
        const month = startOf('month', bucketOf('month', at));
        expect(bucketOf('month', startOf('day', bucketOf('day', at)))).toBe(bucketOf('month', at));
        expect(startOf('day', bucketOf('day', month))).toBe(month);
        expect(bucketOf('day', startOf('hour', bucketOf('hour', at)))).toBe(bucketOf('day', at));
      }),
    );
  });

  it('of a month begins on its first day, in leap years too', () => {
    const february = bucketOf('month', Date.UTC(2028, 1, 29, 23));
    expect(startOf('month', february)).toBe(Date.UTC(2028, 1, 1));
    expect(startOf('month', february + 1)).toBe(Date.UTC(2028, 2, 1));
  });
});

describe('a span', () => {
  it('is the last 24 hours, 30 days or 12 months unless more is said, the one under way included', () => {
    for (const [step, count] of [
      ['hour', 24] as const,
      ['day', 30] as const,
      ['month', 12] as const,
    ]) {
      const span = spanOf({ step }, NOW);
      expect(span.to - span.from).toBe(count);
      expect(bucketOf(step, NOW)).toBe(span.to - 1);
    }
    expect(spanOf({}, NOW).step).toBe('day');
  });

  it('begins with the bucket that `from` is in and leaves out what begins at `to` or later', () => {
    const day = bucketOf('day', NOW);
    const start = startOf('day', day);
    expect(spanOf({ from: NOW, to: start + DAY }, NOW)).toEqual({
      step: 'day',
      from: day,
      to: day + 1,
    });
    expect(spanOf({ from: NOW, to: start + DAY + 1 }, NOW).to).toBe(day + 2);
    expect(spanOf({ from: 0, to: 1 }, NOW)).toEqual({ step: 'day', from: 0, to: 1 });
    expect(spanOf({ to: 1 }, NOW)).toEqual({ step: 'day', from: 0, to: 1 });
  });

  it('holds a bounded number of buckets, and is refused by name where it does not or is none', () => {
    const to = startOf('hour', 500_000);
    const from = to - MAX_BUCKETS * HOUR;
    expect(spanOf({ step: 'hour', from, to }, NOW).to).toBe(500_000);
    expect(refusalOf(() => spanOf({ step: 'hour', from: from - 1, to }, NOW))).toBe('invalid from');
    expect(refusalOf(() => spanOf({ from: NOW, to: NOW - DAY }, NOW))).toBe('invalid from');
    expect(refusalOf(() => spanOf({ from: NOW + DAY }, NOW))).toBe('invalid from');
    expect(refusalOf(() => spanOf({ to: 0 }, NOW))).toBe('invalid from');
    const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
    expect(refusalOf(() => spanOf({ step: 'hour', from: 0, to: latest }, NOW))).toBe(
      'invalid from',
    );
  });

  it('is filled with a bucket for each, those without figures too', () => {
    const counts = { ...NO_COUNTS, valid: 2 };
    const span = { step: 'day', from: 5, to: 8 } as const;
    expect(filled(span, [{ bucket: 6, counts }])).toEqual([
      { bucket: 5, counts: NO_COUNTS },
      { bucket: 6, counts },
      { bucket: 7, counts: NO_COUNTS },
    ]);
  });
});

it('counts add up by their codes', () => {
  const one = Object.fromEntries(COUNTED_CODES.map((code, i) => [code, i]));
  const sum = added({ ...NO_COUNTS, ...one }, { ...NO_COUNTS, expired: 5 });
  expect(sum).toEqual({ ...one, expired: COUNTED_CODES.indexOf('expired') + 5 });
});
