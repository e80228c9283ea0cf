import { describe, expect, it } from 'vitest';
import { NOW } from '../../../../tests/fixtures/domain.ts';
import { limitContract } from '../../../../tests/limits/contract.ts';
import { windowOf } from '../limits.ts';
import { createLimitMemory } from './memory.ts';

const ONE = { cost: 1, spend: true };
const windowFor = (subject: string, windowSeconds = 60, per: 'key' | 'identifier' = 'identifier') =>
  windowOf(per, subject, { name: 'a', limit: 2, windowSeconds, override: null });

limitContract('in memory', async () => ({ store: createLimitMemory(), close: async () => {} }));

describe('windows in memory', () => {
  it('answer at once', () => {
    expect(createLimitMemory().takeNow([windowFor('a')], ONE, NOW)?.admitted).toBe(true);
  });

  it('leave room for others when they ended, however many identifiers come', () => {
    const memory = createLimitMemory();
    const [rate, count] = [20, 200_000];
    // Each millisecond some come anew, each with a window of one second.
    for (let i = 0; i < count; i++) {
      memory.takeNow([windowFor(`${i}`, 1)], ONE, NOW + Math.floor(i / rate));
    }
    expect(memory.size).toBeLessThan(4 * rate * 1_000);
  });

  it('of identifiers make room where there are too many, those of keys never do', () => {
    const memory = createLimitMemory(1_000);
    const key = windowFor('key', 3_600, 'key');
    for (let i = 0; i < 2; i++) memory.takeNow([key], ONE, NOW);
    for (let i = 0; i < 20_000; i++) memory.takeNow([windowFor(`${i}`, 3_600)], ONE, NOW);
    expect(memory.size).toBe(1_024);
    expect(memory.takeNow([{ ...key, place: -1 }], ONE, NOW)?.admitted).toBe(false);
    expect(memory.takeNow([windowFor('19999', 3_600)], ONE, NOW)?.figures[0]?.remaining).toBe(0);
  });

  it('of keys are all kept, also beyond the bound', () => {
    const memory = createLimitMemory(100);
    const keys = Array.from({ length: 5_000 }, (_, i) => windowFor(`${i}`, 3_600, 'key'));
    for (let i = 0; i < 2; i++) for (const key of keys) memory.takeNow([key], ONE, NOW);
    expect(keys.some((key) => memory.takeNow([key], ONE, NOW)?.admitted)).toBe(false);
  });

  it('tell of those that changed and last longer than a minute, each once', () => {
    const memory = createLimitMemory();
    const [short, long, other] = [windowFor('s'), windowFor('l', 61), windowFor('o', 3_600)];
    for (const window of [short, long, long, other]) memory.takeNow([window], ONE, NOW);
    memory.takeNow([other], { cost: 1, spend: false }, NOW);
    const told = memory.changed(100, NOW);
    expect(told).toEqual([
      { id: long.id, startedAt: NOW, endsAt: NOW + 61_000, taken: 2 },
      { id: other.id, startedAt: NOW, endsAt: NOW + 3_600_000, taken: 1 },
    ]);
    expect(memory.changed(100, NOW)).toEqual([]);
    memory.again(told);
    expect(memory.changed(1, NOW)).toEqual(told.slice(0, 1));
    expect(memory.changed(1, NOW)).toEqual(told.slice(1));
  });

  it('tell nothing of those that ended meanwhile', () => {
    const memory = createLimitMemory();
    memory.takeNow([windowFor('l', 61)], ONE, NOW);
    expect(memory.changed(100, NOW + 61_000)).toEqual([]);
  });

  it('go on where an earlier process left them', () => {
    const [before, after] = [createLimitMemory(), createLimitMemory()];
    const [long, ending] = [windowFor('l', 3_600), windowFor('e', 61)];
    for (const window of [long, ending]) before.takeNow([window], ONE, NOW);
    after.restore(before.changed(100, NOW), NOW + 61_000);
    const told = after.takeNow([{ ...long, place: -1 }], ONE, NOW + 61_000);
    expect(told?.figures[0]).toMatchObject({ remaining: 0, resetAt: NOW + 3_600_000 });
    const anew = after.takeNow([{ ...ending, place: -1 }], ONE, NOW + 61_000);
    expect(anew?.figures[0]?.remaining).toBe(1);
  });
});
