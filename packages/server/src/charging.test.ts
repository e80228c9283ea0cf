import { type Limit, WarderError } from '@warder/core';
import { describe, expect, it } from 'vitest';
import {
  managementKey,
  NOW,
  ownerWith,
  standardKey,
  workspaceWith,
} from '../../../tests/fixtures/domain.ts';
import { createCharging } from './charging.ts';
import { createLastingLimits } from './lasting-limits.ts';
import { createLimitMemory } from './limits/memory.ts';
import type { LimitStore } from './limits.ts';
import type { GoodVerdict } from './verdict-table.ts';

const ASK = { within: null, environment: null } as const;
const limitWith = (name: string, limit: number): Limit => ({
  name,
  limit,
  windowSeconds: 3_600,
  override: null,
});
const goodWith = (differing: Partial<GoodVerdict> = {}): GoodVerdict => ({
  valid: true,
  code: 'valid',
  key: standardKey({ limits: [limitWith('own', 3)] }),
  owner: ownerWith({ limits: [limitWith('shared', 5)] }),
  workspace: workspaceWith({ workspaceLimits: [limitWith('all', 7)] }),
  ...differing,
});
const left = (verdict: { limits?: GoodVerdict['limits'] } | null) =>
  verdict?.limits?.map(({ per, remaining }) => `${per} ${remaining}`);

describe('a good verdict', () => {
  it('is charged in every window that bears on its key', () => {
    const charging = createCharging(createLimitMemory());
    const told = charging.chargeNow(goodWith(), { ...ASK, cost: 2 }, NOW);
    expect(told).toMatchObject({ valid: true, code: 'valid' });
    expect(left(told as GoodVerdict)).toEqual(['key 1', 'owner 3', 'workspace 5']);
    expect(charging.chargeNow(goodWith(), { ...ASK, cost: 2 }, NOW)).toMatchObject({
      valid: false,
      code: 'rate_limited',
      retryAfterSeconds: 3_600,
    });
  });

  it('is given back whole, so that the use never was', () => {
    const charging = createCharging(createLimitMemory());
    const verdict = goodWith();
    const ask = { ...ASK, cost: 2 };
    for (let i = 0; i < 5; i++) {
      const charged = charging.chargeNow(verdict, ask, NOW);
      if (!charged?.valid) expect.unreachable('it was not given back');
      charging.giveBack(charged, ask);
    }
    const later = charging.chargeNow(verdict, ask, NOW + 1_000);
    expect(left(later as GoodVerdict)).toEqual(['key 1', 'owner 3', 'workspace 5']);
    expect((later as GoodVerdict).limits?.[0]?.resetAt).toBe(NOW + 3_601_000);
  });

  it('gives nothing back of what it was not charged', () => {
    const charging = createCharging(createLimitMemory());
    const verdict = goodWith();
    charging.chargeNow(verdict, ASK, NOW);
    const ask = { ...ASK, spend: false };
    const judged = charging.chargeNow(verdict, ask, NOW);
    charging.giveBack(judged as GoodVerdict, ask);
    charging.giveBack(goodWith(), ASK);
    expect(left(charging.chargeNow(verdict, ASK, NOW) as GoodVerdict)?.[0]).toBe('key 1');
  });

  it('is left as it is where no window bears on it, or none is to', () => {
    const charging = createCharging(createLimitMemory());
    const free = goodWith({ key: standardKey(), owner: null, workspace: null });
    expect(charging.chargeNow(free, ASK, NOW)).toBe(free);
    const limited = goodWith();
    expect(charging.chargeNow(limited, { ...ASK, limited: false }, NOW)).toBe(limited);
    const manager = goodWith({ key: managementKey() });
    expect(charging.chargeNow(manager, ASK, NOW)).toBe(manager);
  });

  it('waits for a store that does not answer at once, and charges once', async () => {
    const memory = createLimitMemory();
    const elsewhere: LimitStore = { ...memory, takeNow: () => null };
    const charging = createCharging(elsewhere);
    const verdict = goodWith();
    expect(charging.chargeNow(verdict, ASK, NOW)).toBeNull();
    expect(left((await charging.charge(verdict, ASK, NOW)) as GoodVerdict)?.[0]).toBe('key 2');
  });
});

describe('windows that outlast the process', () => {
  const parts = (windows: () => Promise<readonly never[]>) => ({
    storage: { windows, recordWindows: async () => {} },
    digest: (text: string) => text,
    now: () => NOW,
    onError: () => {},
  });
  const verdict = goodWith();

  it('are not taken from before those of an earlier process were read', async () => {
    let read: (windows: readonly never[]) => void = () => {};
    const reading = new Promise<readonly never[]>((resolve) => {
      read = resolve;
    });
    const limits = createLastingLimits(
      createLimitMemory(),
      parts(() => reading),
    );
    const charging = createCharging(limits);
    expect(charging.chargeNow(verdict, ASK, NOW)).toBeNull();
    const waiting = charging.charge(verdict, ASK, NOW);
    read([]);
    expect((await waiting).code).toBe('valid');
    expect(charging.chargeNow(verdict, ASK, NOW)?.code).toBe('valid');
    await limits.close();
  });

  it('refuse to guess while they cannot be read, and are read again with the next use', async () => {
    let reads = 0;
    const limits = createLastingLimits(
      createLimitMemory(),
      parts(async () => {
        if (++reads < 3) throw new Error('the disk is gone');
        return [];
      }),
    );
    const charging = createCharging(limits);
    const error = await charging.charge(verdict, ASK, NOW).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WarderError);
    expect(error).toMatchObject({ code: 'unavailable' });
    await expect(charging.charge(verdict, ASK, NOW)).rejects.toThrow('Limits cannot be counted');
    expect((await charging.charge(verdict, ASK, NOW)).code).toBe('valid');
    await limits.close();
  });
});
