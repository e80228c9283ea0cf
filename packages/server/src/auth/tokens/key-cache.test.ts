import { expect, test } from 'vitest';
import {
  COOLDOWN_SECONDS,
  createKeyCache,
  MAX_AGE_SECONDS,
  MAX_STALE_SECONDS,
} from './key-cache.ts';

/** A cache whose readings the test answers, with a clock set by hand. */
function setUp() {
  const clock = { at: 1_000_000 };
  const readings: { good: (keys: string) => void; bad: () => void }[] = [];
  const faults: unknown[] = [];
  const cache = createKeyCache<string>({
    now: () => clock.at,
    read: () =>
      new Promise((resolve, reject) => {
        readings.push({ good: resolve, bad: () => reject(new Error('out of reach')) });
      }),
    onFault: (error) => faults.push(error),
  });
  const pass = (seconds: number) => {
    clock.at += seconds * 1000;
  };
  /** Asks, and answers the reading that this must begin. */
  const read = async (keys: string | null, ask: () => Promise<string> = cache.get) => {
    const before = readings.length;
    const asked = ask();
    expect(readings.length).toBe(before + 1);
    if (keys === null) readings[before]?.bad();
    else readings[before]?.good(keys);
    return await asked;
  };
  /** Asks where nothing must be read. */
  const still = async (ask: () => Promise<string> = cache.get) => {
    const before = readings.length;
    const keys = await ask();
    expect(readings.length).toBe(before);
    return keys;
  };
  return { clock, cache, readings, faults, pass, read, still };
}

const UNAVAILABLE = { code: 'unavailable' };

test('keys are read once and kept until their age is reached', async () => {
  const { pass, read, still } = setUp();
  expect(await read('a')).toBe('a');
  pass(MAX_AGE_SECONDS - 1);
  expect(await still()).toBe('a');
  pass(1);
  expect(await read('b')).toBe('b');
});

test('however many ask at once, one reading is under way', async () => {
  const { cache, readings } = setUp();
  const asked = Array.from({ length: 100 }, () => cache.get());
  expect(readings.length).toBe(1);
  readings[0]?.good('a');
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['a']));
});

test('however many ask while the first reading fails, each is refused and one reading was made', async () => {
  const { cache, readings, faults } = setUp();
  const asked = Array.from({ length: 100 }, () => cache.get());
  readings[0]?.bad();
  const ended = await Promise.allSettled(asked);
  expect(ended.every(({ status }) => status === 'rejected')).toBe(true);
  await expect(cache.get()).rejects.toMatchObject(UNAVAILABLE);
  expect(readings.length).toBe(1);
  expect(faults.length).toBe(1);
});

test('a failed reading is repeated after the cooldown, which the refusal tells', async () => {
  const { cache, pass, read, still } = setUp();
  await expect(read(null)).rejects.toMatchObject({
    ...UNAVAILABLE,
    facts: { retryAfterSeconds: COOLDOWN_SECONDS },
  });
  pass(COOLDOWN_SECONDS - 1);
  await expect(still()).rejects.toMatchObject({ facts: { retryAfterSeconds: 1 } });
  pass(1);
  expect(await read('a')).toBe('a');
  expect(await cache.get()).toBe('a');
});

test('in an outage the last keys serve for the stated time and no longer', async () => {
  const { pass, read, still } = setUp();
  await read('a');
  pass(MAX_AGE_SECONDS);
  expect(await read(null)).toBe('a');
  expect(await still()).toBe('a');
  pass(MAX_STALE_SECONDS - MAX_AGE_SECONDS - 1);
  expect(await read(null)).toBe('a');
  pass(1);
  await expect(still()).rejects.toMatchObject(UNAVAILABLE);
  pass(COOLDOWN_SECONDS);
  await expect(read(null)).rejects.toMatchObject(UNAVAILABLE);
  pass(COOLDOWN_SECONDS);
  expect(await read('b')).toBe('b');
});

test('in an outage that is known of, nobody waits while it is tried again', async () => {
  const { cache, readings, pass, read, still } = setUp();
  await read('a');
  pass(MAX_AGE_SECONDS);
  await read(null);
  pass(COOLDOWN_SECONDS);
  expect(await cache.get()).toBe('a');
  expect(readings.length).toBe(3);
  readings[2]?.good('b');
  await cache.newerThan('a');
  expect(await still()).toBe('b');
});

test('keys that lack one are read anew, once each cooldown', async () => {
  const { cache, pass, read, still } = setUp();
  await read('a');
  expect(await still(() => cache.newerThan('a'))).toBe('a');
  pass(COOLDOWN_SECONDS);
  expect(await read('b', () => cache.newerThan('a'))).toBe('b');
  expect(await still(() => cache.newerThan('a'))).toBe('b');
  expect(await still(() => cache.newerThan('b'))).toBe('b');
  pass(COOLDOWN_SECONDS);
  expect(await still(() => cache.newerThan('a'))).toBe('b');
});

test('whether an issuer out of reach has a newer key is not answered with no', async () => {
  const { cache, pass, read, still } = setUp();
  await read('a');
  pass(COOLDOWN_SECONDS);
  await expect(read(null, () => cache.newerThan('a'))).rejects.toMatchObject(UNAVAILABLE);
  await expect(still(() => cache.newerThan('a'))).rejects.toMatchObject(UNAVAILABLE);
  expect(await still()).toBe('a');
});

test('a clock that went back stops no reading', async () => {
  const { clock, read } = setUp();
  await read('a');
  clock.at -= 86_400_000;
  expect(await read('b')).toBe('b');
});
