// The checker that the tests of faults believe: it sees each lie, and takes nothing for one
// that may be true.

import { beforeEach, describe, expect, test } from 'vitest';
import {
  type CheckedKey,
  createVerdictChecker,
  type VerdictChecker,
} from './kit/verdict-checker.ts';

const BOUND = 1_000;
let now = 0;
let checker: VerdictChecker;
beforeEach(() => {
  now = 10_000;
  checker = createVerdictChecker(BOUND, () => now);
});

const newKey = (allowance: number | null = null) => checker.made('id', 'secret', allowance);
/** A verdict that arrives now and was asked for some time ago. */
const says = (key: CheckedKey, code: string, ago = 0, process = 'one') =>
  checker.judge(key, { process, code, started: now - ago });
const seen = () => checker.violations.map((text) => text.split(':')[0]);

describe('it sees', () => {
  test('a "valid" that was asked for later than the bound after an end', () => {
    const key = newKey();
    checker.asks(key, 'revoke')('done');
    now += BOUND;
    says(key, 'valid');
    expect(seen()).toEqual([]);
    expect(checker.takeLongestLie()).toBe(BOUND);
    now += 1;
    says(key, 'valid', 1);
    expect(seen()).toEqual([]);
    says(key, 'valid');
    expect(seen()).toEqual(['valid after its end was acknowledged']);
  });

  test('a "valid" of a disabled key, but not of one that may be enabled again', () => {
    const key = newKey();
    checker.asks(key, 'disable')('done');
    now += BOUND + 1;
    says(key, 'valid');
    expect(seen()).toEqual(['valid after its disabling was acknowledged']);
    const became = checker.asks(key, 'enable');
    says(key, 'valid');
    became('unknown');
    says(key, 'valid');
    says(key, 'disabled');
    expect(seen()).toHaveLength(1);
  });

  test('a process that takes "revoked" back, and another that does after the bound', () => {
    const key = newKey();
    checker.asks(key, 'revoke')('unknown');
    says(key, 'revoked');
    now += 1;
    says(key, 'valid', 0, 'two');
    expect(seen()).toEqual([]);
    says(key, 'valid');
    expect(seen()).toEqual(['valid after one said revoked']);
    now += BOUND;
    says(key, 'valid', 0, 'two');
    expect(seen()).toHaveLength(2);
  });

  test('a use too many', () => {
    const key = newKey(2);
    for (const code of ['valid', 'rate_limited', 'valid']) says(key, code);
    expect(seen()).toEqual([]);
    says(key, 'valid');
    expect(seen()).toEqual(['use 3 of 2 was admitted']);
  });

  test('a refusal that nothing explains', () => {
    const key = newKey();
    says(key, 'not_found');
    expect(seen()).toEqual([]);
    now += BOUND + 1;
    for (const code of ['not_found', 'revoked', 'disabled', 'rate_limited', 'expired']) {
      says(key, code);
    }
    expect(seen()).toHaveLength(5);
    checker.asks(key, 'disable')('done');
    checker.asks(key, 'enable')('done');
    now += BOUND + 1;
    says(key, 'disabled');
    expect(seen()).toHaveLength(6);
  });
});
