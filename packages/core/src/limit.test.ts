import { describe, expect, it } from 'vitest';
import { NOW, refusalOf } from '../../../tests/fixtures/domain.ts';
import {
  admits,
  checkedCost,
  checkedLimits,
  describeLimit,
  givenLimit,
  isOpen,
  type Limit,
  limitAt,
  MAX_LIMITS,
  MAX_UNITS,
  MAX_WINDOW_SECONDS,
  waitFor,
} from './limit.ts';
import type { LimitFigure } from './limit-figure.ts';

const limitWith = (differing: Partial<Limit> = {}): Limit => ({
  name: 'minute',
  limit: 10,
  windowSeconds: 60,
  override: null,
  ...differing,
});
const refused = (...limits: Partial<Limit>[]) =>
  refusalOf(() => checkedLimits('/limits', limits.map(limitWith)));

describe('a list of limits', () => {
  it('is taken whole, with nothing that does not belong there', () => {
    const override = { limit: 0, until: NOW, more: 1 };
    const given = [limitWith({ override }), { ...limitWith({ name: 'day' }), more: 1 }];
    expect(checkedLimits('/limits', given)).toEqual([
      limitWith({ override: { limit: 0, until: NOW } }),
      limitWith({ name: 'day' }),
    ]);
    expect(checkedLimits('/limits', [])).toEqual([]);
  });

  it.each(['', 'A', 'a b', 'a:b', '_a', '.', '..', '-a', 'é', 'a'.repeat(65)])(
    'refuses the name %j',
    (name) => expect(refused({ name })).toBe('invalid /limits/0/name'),
  );

  it.each(['a', '0', 'a_b.c-d', 'a'.repeat(64)])('takes the name %j', (name) =>
    expect(refused({ name })).toBe('nothing'),
  );

  it('has each name once', () => {
    expect(refused({}, { name: 'day' }, {})).toBe('invalid /limits/2/name');
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, MAX_UNITS + 1])(
    'refuses %d units',
    (limit) => {
      expect(refused({ limit })).toBe('invalid /limits/0/limit');
      expect(refused({}, { name: 'b', override: { limit, until: NOW } })).toBe(
        'invalid /limits/1/override/limit',
      );
      expect(refusalOf(() => checkedCost(limit))).toBe('invalid /cost');
      expect(refusalOf(() => givenLimit('a', limit, 1))).toBe('invalid /limit');
    },
  );

  it.each([-1, 0, 0.5, Number.NaN, MAX_WINDOW_SECONDS + 1])(
    'refuses a window of %d seconds',
    (windowSeconds) => {
      expect(refused({ windowSeconds })).toBe('invalid /limits/0/window_seconds');
      expect(refusalOf(() => givenLimit('a', 1, windowSeconds))).toBe('invalid /window_seconds');
    },
  );

  it.each([-1, 0.5, Number.NaN, Date.UTC(10_000, 0, 1)])('refuses an override until %d', (until) =>
    expect(refused({ override: { limit: 1, until } })).toBe('invalid /limits/0/override/until'),
  );

  it('has a bound', () => {
    const many = Array.from({ length: MAX_LIMITS + 1 }, (_, i) => ({ name: `n${i}` }));
    expect(refused(...many)).toBe('invalid /limits');
    expect(refused(...many.slice(1))).toBe('nothing');
  });

  it('takes the least and the most there can be', () => {
    expect(refused({ limit: 0, windowSeconds: 1 })).toBe('nothing');
    expect(refused({ limit: MAX_UNITS, windowSeconds: MAX_WINDOW_SECONDS })).toBe('nothing');
  });
});

it('a limit is described in published names', () => {
  expect(describeLimit(limitWith({ override: { limit: 5, until: NOW } }))).toEqual({
    name: 'minute',
    limit: 10,
    window_seconds: 60,
    override: { limit: 5, until: '2026-11-20T12:00:00.000Z' },
  });
  expect(describeLimit(limitWith()).override).toBeNull();
});

describe('a window', () => {
  it('is open for exactly its length', () => {
    expect(isOpen(NOW, 60, NOW)).toBe(true);
    expect(isOpen(NOW, 60, NOW + 59_999)).toBe(true);
    expect(isOpen(NOW, 60, NOW + 60_000)).toBe(false);
  });

  it('stays open under a clock that steps back, by less than its length', () => {
    expect(isOpen(NOW, 60, NOW - 59_999)).toBe(true);
    expect(isOpen(NOW, 60, NOW - 60_000)).toBe(false);
  });

  it('admits up to its limit and nothing beyond', () => {
    expect(admits(9, 1, 10)).toBe(true);
    expect(admits(10, 1, 10)).toBe(false);
    expect(admits(0, 11, 10)).toBe(false);
    expect(admits(0, 1, 0)).toBe(false);
  });

  it('never refuses what costs nothing, also where it is over its limit', () => {
    expect(admits(10, 0, 10)).toBe(true);
    expect(admits(10, 0, 5)).toBe(true);
  });
});

describe('an override', () => {
  const limit = limitWith({ override: { limit: 100, until: NOW } });
  const figure: LimitFigure = {
    name: 'minute',
    per: 'key',
    limit: 100,
    remaining: 0,
    windowSeconds: 60,
    resetAt: NOW + 30_000,
  };

  it('is in force until its moment, and not at it', () => {
    expect(limitAt(limit, NOW - 1)).toBe(100);
    expect(limitAt(limit, NOW)).toBe(10);
    expect(limitAt(limitWith(), NOW)).toBe(10);
  });

  it('makes whoever was refused wait for its end or the end of the window, whichever comes first', () => {
    expect(waitFor(limit, figure, NOW - 1_500)).toBe(2);
    expect(waitFor(limit, figure, NOW)).toBe(30);
    expect(waitFor(limitWith(), figure, NOW + 29_999)).toBe(1);
  });
});
