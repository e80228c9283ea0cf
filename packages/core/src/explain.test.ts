import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { address, asks, candidates } from '../../../tests/fixtures/candidates.ts';
import {
  NOW,
  ownerWith,
  runs,
  standardKey,
  WORKSPACE_ID,
  workspaceWith,
} from '../../../tests/fixtures/domain.ts';
import { explain } from './explain.ts';
import { judge } from './judge.ts';
import { VERDICT_CODES } from './verdict.ts';

/** No window bears on the key. */
const FREE = { admitted: true, figures: [], retryAfterSeconds: 0 };

describe('an explanation', () => {
  it('gives the verdict that a verification gives, and the first check that failed is its code', () => {
    fc.assert(
      fc.property(
        candidates,
        asks,
        fc.integer({ min: NOW - 2, max: NOW + 2 }),
        (candidate, ask, at) => {
          const { verdict, checks } = explain(candidate, ask, at, FREE);
          expect(verdict).toMatchObject(judge(candidate, ask, at));
          const first = checks.find(({ passed }) => !passed)?.code ?? 'valid';
          const isThere = ask.within === null || candidate.key.workspaceId === ask.within;
          expect(verdict.code).toBe(isThere ? first : 'not_found');
        },
      ),
      { numRuns: runs(500, 20_000) },
    );
  });

  it('says of each check alone whether it would fail', () => {
    const candidate = {
      key: standardKey({ enabled: false, softBlocked: true, expiresAt: NOW }),
      owner: null,
      workspace: workspaceWith(),
    };
    const { checks } = explain(
      candidate,
      { within: null, environment: null, scopes: ['x'] },
      NOW,
      FREE,
    );
    expect(checks.filter(({ passed }) => !passed).map(({ code }) => code)).toEqual([
      'disabled',
      'soft_blocked',
      'expired',
      'insufficient_scope',
    ]);
    expect(['malformed', 'not_found', ...checks.map(({ code }) => code), 'valid']).toEqual(
      VERDICT_CODES,
    );
  });

  it('tells the fact behind each check', () => {
    const key = standardKey({
      revokedAt: NOW,
      revokedReason: 'leaked',
      enabled: false,
      softBlocked: true,
      expiresAt: NOW,
      notBefore: NOW + 1,
      allowedCidrs: ['198.51.100.0/24'],
      scopes: [],
    });
    const candidate = {
      key,
      owner: ownerWith({ suspendedAt: NOW }),
      workspace: workspaceWith({}, { suspendedAt: NOW }),
    };
    const ask = { within: null, environment: null, scopes: ['a', 'b'] } as const;
    const told = explain(candidate, { ...ask, ip: address('192.0.2.1') }, NOW, FREE).checks;
    expect(told.map(({ detail }) => detail)).toEqual([
      `It is of workspace ${WORKSPACE_ID}.`,
      'It is a live key.',
      'It is a standard key.',
      'Revoked at 2026-11-20T12:00:00.000Z: leaked.',
      'Its workspace is suspended since 2026-11-20T12:00:00.000Z. Its owner is suspended since 2026-11-20T12:00:00.000Z.',
      'It is disabled.',
      'It is blocked for now.',
      'It expires at 2026-11-20T12:00:00.000Z.',
      'It is valid from 2026-11-20T12:00:00.001Z on.',
      'It may be used from 198.51.100.0/24; asked from 192.0.2.1.',
      'It lacks a, b.',
      'No limit bears on it.',
      'It spends no credits.',
    ]);
    const good = { key: standardKey(), owner: null, workspace: null };
    const fine = explain(good, { within: null, environment: null }, NOW, FREE).checks;
    expect(fine.every(({ passed }) => passed)).toBe(true);
    expect(fine.slice(3).map(({ detail }) => detail)).toEqual([
      'It is not revoked.',
      'Neither its workspace nor its owner is suspended.',
      'It is enabled.',
      'It is not blocked.',
      'It never expires.',
      'It is valid from the start.',
      'It may be used from anywhere.',
      'It holds every scope that was asked for.',
      'No limit bears on it.',
      'It spends no credits.',
    ]);
  });

  it('says that a key with networks was asked about without an address', () => {
    const key = standardKey({ allowedCidrs: ['192.0.2.0/24'] });
    const { checks } = explain(
      { key, owner: null, workspace: null },
      { within: null, environment: null },
      NOW,
      FREE,
    );
    expect(checks.find(({ code }) => code === 'forbidden_ip')).toEqual({
      code: 'forbidden_ip',
      passed: false,
      detail: 'It may be used from 192.0.2.0/24; no address was named.',
    });
  });

  it('tells of windows and credits as a use would find them, in the order that they are asked', () => {
    const ask = { within: null, environment: null, cost: 3 };
    const figure = {
      name: 'minute',
      per: 'key',
      limit: 5,
      remaining: 2,
      windowSeconds: 60,
      resetAt: NOW,
    } as const;
    const reached = { admitted: false, figures: [figure], retryAfterSeconds: 7 };
    const spender = (remaining: number) => ({
      key: standardKey({ credits: { remaining, refillAt: null, refill: null } }),
      owner: ownerWith({ credits: { remaining: 99, refillAt: null, refill: null } }),
      workspace: workspaceWith(),
    });
    const both = explain(spender(2), ask, NOW, reached);
    expect(both.verdict).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 7 });
    expect(both.checks.slice(-2)).toEqual([
      {
        code: 'rate_limited',
        passed: false,
        detail: 'minute of the key: 2 of 5 left until 2026-11-20T12:00:00.000Z.',
      },
      { code: 'insufficient_credits', passed: false, detail: 'This costs 3, and 2 are left.' },
    ]);
    const poor = explain(spender(2), ask, NOW, FREE).verdict;
    expect(poor).toMatchObject({ code: 'insufficient_credits', credits: { remaining: 2 } });
    const fine = explain(spender(3), ask, NOW, FREE).verdict;
    expect(fine).toMatchObject({ code: 'valid', limits: [], credits: { remaining: 3 } });
    const { key, ...of } = spender(0);
    const shared = explain({ ...of, key: { ...key, credits: null } }, ask, NOW, FREE).verdict;
    expect(shared).toMatchObject({ code: 'valid', credits: { remaining: 99 } });
  });

  it('counts the refills that are due at its moment', () => {
    const refill = { amount: 10, interval: 'day', anchor: NOW + 1 } as const;
    const key = standardKey({ credits: { remaining: 0, refillAt: NOW + 1, refill } });
    const candidate = { key, owner: null, workspace: null };
    const ask = { within: null, environment: null };
    expect(explain(candidate, ask, NOW, FREE).verdict.code).toBe('insufficient_credits');
    expect(explain(candidate, ask, NOW + 1, FREE).verdict.code).toBe('valid');
  });
});
