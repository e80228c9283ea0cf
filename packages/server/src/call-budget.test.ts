// The budget of a caller, on a clock that is set by hand.

import type { Caller } from '@warder/core';
import { expect, test } from 'vitest';
import { createCallBudget } from './call-budget.ts';

const NOW = 1_800_000_000_000;

function budgetOf(perSecond: number) {
  const clock = { at: 5_000 };
  const budget = createCallBudget(
    perSecond,
    () => NOW,
    () => clock.at,
  );
  /** How many of so many calls are let in at this moment, and the last refusal. */
  const call = (caller: Caller, times: number) => {
    let taken = 0;
    let refused: unknown = null;
    for (let i = 0; i < times; i++) {
      try {
        budget.take(caller);
        taken++;
      } catch (error) {
        refused = error;
      }
    }
    return { taken, refused };
  };
  return { clock, call };
}

const of = (workspaceId: string, id = 'key'): Caller =>
  ({ identity: { type: 'key', id }, home: { workspaceId } }) as Caller;
const ofInstance = (id: string): Caller =>
  ({ identity: { type: 'key', id }, home: { instance: {} } }) as Caller;

test('so many calls a second are let in for ever, however they are spread', () => {
  const { clock, call } = budgetOf(1_000);
  for (let second = 0; second < 60; second++) {
    expect(call(of('a'), 1_000)).toEqual({ taken: 1_000, refused: null });
    clock.at += 1_000;
  }
  for (let milli = 0; milli < 5_000; milli++) {
    expect(call(of('a'), 1).taken).toBe(1);
    clock.at += 1;
  }
});

test('more than that is let in for a while, and then no more than that', () => {
  const { clock, call } = budgetOf(100);
  expect(call(of('a'), 5_000).taken).toBe(1_000);
  clock.at += 1_000;
  expect(call(of('a'), 5_000).taken).toBe(100);
  clock.at += 60_000;
  expect(call(of('a'), 5_000).taken).toBe(1_000);
});

test('a refusal is charged nothing, and says when to come again and how it stands', () => {
  const { clock, call } = budgetOf(2);
  const { refused } = call(of('a'), 1_000);
  expect(refused).toMatchObject({
    code: 'rate_limited',
    facts: {
      retryAfterSeconds: 1,
      limits: [
        { name: 'calls', limit: 20, remaining: 0, windowSeconds: 10, resetAt: NOW + 10_000 },
      ],
    },
  });
  clock.at += 1_000;
  expect(call(of('a'), 1_000).taken).toBe(2);
});

test('keys of one workspace share one, workspaces and keys of the instance have their own', () => {
  const { call } = budgetOf(1);
  expect(call(of('a', 'one'), 6).taken + call(of('a', 'other'), 6).taken).toBe(10);
  expect(call(of('b', 'one'), 20).taken).toBe(10);
  expect(call(ofInstance('one'), 20).taken).toBe(10);
  expect(call(ofInstance('other'), 20).taken).toBe(10);
});

test('callers who come and go do not grow the table, nor give back to who keeps calling', () => {
  const { call } = budgetOf(1);
  expect(call(of('busy'), 9).taken).toBe(9);
  for (let i = 0; i < 9_000; i++) call(of(`w${i}`), 1);
  expect(call(of('busy'), 9).taken).toBe(1);
});
