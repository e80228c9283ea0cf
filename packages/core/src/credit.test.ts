import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW, refusalOf, runs } from '../../../tests/fixtures/domain.ts';
import {
  type Credits,
  credited,
  creditsAt,
  creditsEdit,
  describeCredits,
  editedCredits,
  MAX_CREDITS,
  newCredits,
  nextRefill,
  REFILL_INTERVALS,
} from './credit.ts';

const at = (text: string) => Date.parse(text.includes('T') ? text : `${text}T00:00:00Z`);
const DAY = 86_400_000;

/** The moments of a refill after one, each from the one before. */
function moments(interval: (typeof REFILL_INTERVALS)[number], anchor: string, count: number) {
  const found: string[] = [];
  for (let after = at(anchor); found.length < count; ) {
    after = nextRefill({ interval, anchor: at(anchor) }, after);
    found.push(new Date(after).toISOString().replace('T00:00:00.000Z', ''));
  }
  return found;
}

describe('the next refill', () => {
  it('of the 31st is on the last day of shorter months, and on the 31st again', () => {
    expect(moments('month', '2027-10-31', 8)).toEqual([
      '2027-11-30',
      '2027-12-31',
      '2028-01-31',
      '2028-02-29',
      '2028-03-31',
      '2028-04-30',
      '2028-05-31',
      '2028-06-30',
    ]);
    expect(moments('month', '2027-01-31', 2)).toEqual(['2027-02-28', '2027-03-31']);
  });

  it('of a leap day is on the 28th of other years', () => {
    expect(moments('year', '2024-02-29', 5)).toEqual([
      '2025-02-28',
      '2026-02-28',
      '2027-02-28',
      '2028-02-29',
      '2029-02-28',
    ]);
    expect(nextRefill({ interval: 'year', anchor: at('2096-02-29') }, at('2099-12-01'))).toBe(
      at('2100-02-28'),
    );
  });

  it('keeps the time of day, to the millisecond', () => {
    expect(moments('month', '2026-01-30T23:59:59.999Z', 2)).toEqual([
      '2026-02-28T23:59:59.999Z',
      '2026-03-30T23:59:59.999Z',
    ]);
    expect(moments('day', '2026-03-28T01:30:00Z', 2)).toEqual([
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T01:30:00.000Z',
    ]);
    expect(moments('week', '2026-12-28', 2)).toEqual(['2027-01-04', '2027-01-11']);
  });

  it('is its first moment where that is still to come, and never the very moment asked about', () => {
    const refill = { interval: 'month', anchor: at('2027-01-01') } as const;
    expect(nextRefill(refill, at('2026-11-20'))).toBe(at('2027-01-01'));
    expect(nextRefill(refill, at('2027-01-01') - 1)).toBe(at('2027-01-01'));
    expect(nextRefill(refill, at('2027-01-01'))).toBe(at('2027-02-01'));
  });

  it('is the same whether found at once or step by step, and no other lies between', () => {
    const moment = fc.integer({ min: 0, max: at('2100-01-01') });
    fc.assert(
      fc.property(
        fc.constantFrom(...REFILL_INTERVALS),
        moment,
        fc.integer({ min: 0, max: 3_000 * DAY }),
        (interval, anchor, later) => {
          const after = anchor + later;
          let stepped = anchor;
          while (stepped <= after) stepped = nextRefill({ interval, anchor }, stepped);
          expect(nextRefill({ interval, anchor }, after)).toBe(stepped);
        },
      ),
      { numRuns: runs(200, 5_000) },
    );
  });

  it('after centuries is found at once, not by counting', () => {
    const after = at('9998-12-31T12:00:00Z');
    // Counted day by day this would take minutes.
    for (let i = 0; i < 1_000; i++) nextRefill({ interval: 'day', anchor: 0 }, after + i);
    const next = REFILL_INTERVALS.map((interval) => nextRefill({ interval, anchor: 0 }, after));
    expect(next.map((one) => one - after)).toEqual([DAY / 2, 6.5 * DAY, DAY / 2, DAY / 2]);
  });
});

const monthly = (remaining: number): Credits => ({
  remaining,
  refillAt: at('2026-12-01'),
  refill: { amount: 100, interval: 'month', anchor: at('2026-01-01') },
});

describe('a refill', () => {
  it('fills up to its amount, at its moment and not before', () => {
    expect(creditsAt(monthly(3), at('2026-12-01') - 1)).toEqual(monthly(3));
    expect(creditsAt(monthly(3), at('2026-12-01'))).toEqual({
      ...monthly(100),
      refillAt: at('2027-01-01'),
    });
  });

  it('takes nothing of what is above it', () => {
    expect(creditsAt(monthly(5_000), at('2026-12-05')).remaining).toBe(5_000);
  });

  it('that was missed for years is done once, and the next is on time', () => {
    expect(creditsAt(monthly(0), at('2036-12-24'))).toEqual({
      ...monthly(100),
      refillAt: at('2037-01-01'),
    });
  });
});

describe('an edit', () => {
  const refill = { amount: 100, interval: 'month' } as const;

  it('begins with what is given, or else with what a refill fills up to', () => {
    expect(newCredits({ remaining: 0 }, NOW)).toEqual({
      remaining: 0,
      refillAt: null,
      refill: null,
    });
    expect(newCredits({ refill }, NOW)).toEqual({
      remaining: 100,
      refillAt: at('2026-12-20T12:00:00Z'),
      refill: { ...refill, anchor: NOW },
    });
    expect(newCredits({ remaining: 7, refill }, NOW).remaining).toBe(7);
    expect(refusalOf(() => newCredits({}, NOW))).toBe('invalid /credits/remaining');
  });

  it('leaves what it does not name, the day of the month too', () => {
    const before = monthly(3);
    const more = editedCredits(before, { refill: { amount: 200 } }, NOW);
    expect(more).toEqual({ ...before, refill: { ...before.refill, amount: 200 } });
    expect(editedCredits(before, { refill: null }, NOW)).toEqual({
      remaining: 3,
      refillAt: null,
      refill: null,
    });
    expect(editedCredits(before, { remaining: 9 }, NOW)).toEqual(monthly(9));
  });

  it('comes after the refills that were due before it', () => {
    const late = at('2026-12-02');
    expect(editedCredits(monthly(3), { refill: null }, late).remaining).toBe(100);
    expect(editedCredits(monthly(3), { remaining: 5 }, late)).toEqual({
      ...monthly(5),
      refillAt: at('2027-01-01'),
    });
  });

  it('of the refill alone writes no balance, so that what is spent meanwhile stays spent', () => {
    const key = { id: 'k', workspaceId: 'w', credits: monthly(3) };
    const patch = { refill: { amount: 200 } };
    expect(creditsEdit(monthly(3), key, patch, NOW)?.does).toEqual({
      what: 'move_refill',
      refillAt: at('2026-12-01'),
    });
    expect(creditsEdit(monthly(3), key, { remaining: 3 }, NOW)?.does.what).toBe('open');
    expect(creditsEdit(null, key, patch, NOW)?.does.what).toBe('open');
    expect(creditsEdit(monthly(3), key, undefined, NOW)).toBeNull();
    expect(creditsEdit(monthly(3), { ...key, credits: null }, null, NOW)?.does.what).toBe('close');
    expect(creditsEdit(null, { ...key, credits: null }, null, NOW)).toBeNull();
  });

  it.each([
    [{ remaining: -1 }, '/credits/remaining'],
    [{ remaining: 0.5 }, '/credits/remaining'],
    [{ remaining: Number.NaN }, '/credits/remaining'],
    [{ remaining: 2 ** 53 }, '/credits/remaining'],
    [{ refill: { interval: 'month' as const } }, '/credits/refill/amount'],
    [{ refill: { amount: 1 } }, '/credits/refill/interval'],
    [{ refill: { ...refill, amount: 0 } }, '/credits/refill/amount'],
    [{ refill: { ...refill, amount: 1.5 } }, '/credits/refill/amount'],
    [{ refill: { ...refill, anchor: -1 } }, '/credits/refill/anchor'],
    [{ refill: { ...refill, anchor: 1e15 } }, '/credits/refill/anchor'],
  ])('refuses %j', (patch, pointer) => {
    expect(refusalOf(() => newCredits(patch, NOW))).toBe(`invalid ${pointer}`);
  });
});

describe('a change of the balance', () => {
  it('adds or sets, after a refill that was due', () => {
    const late = at('2026-12-02');
    expect(credited(monthly(3), { add: 7 }, NOW).remaining).toBe(10);
    expect(credited(monthly(3), { add: 7 }, late).remaining).toBe(107);
    expect(credited(monthly(3), { set: 7 }, late)).toMatchObject({
      remaining: 7,
      refillAt: at('2027-01-01'),
    });
  });

  it('is refused without credits, and beyond what can be counted', () => {
    expect(refusalOf(() => credited(null, { add: 1 }, NOW))).toBe('conflict');
    expect(refusalOf(() => credited(monthly(1), { add: MAX_CREDITS }, NOW))).toBe('invalid /add');
    expect(credited(monthly(0), { add: MAX_CREDITS }, NOW).remaining).toBe(MAX_CREDITS);
    for (const add of [0, -1, 0.5]) {
      expect(refusalOf(() => credited(monthly(1), { add }, NOW))).toBe('invalid /add');
    }
    for (const set of [-1, 0.5, 2 ** 53]) {
      expect(refusalOf(() => credited(monthly(1), { set }, NOW))).toBe('invalid /set');
    }
  });
});

it('credits are told in published names', () => {
  expect(describeCredits(monthly(3))).toEqual({
    remaining: 3,
    refill_at: '2026-12-01T00:00:00.000Z',
    refill: { amount: 100, interval: 'month', anchor: '2026-01-01T00:00:00.000Z' },
  });
});
