import {
  COUNTED_CODES,
  type CountedRefusal,
  type Key,
  type NotedRefusal,
  REFUSALS_KEPT,
  type Use,
  VERDICT_CODES,
  type Verdict,
} from '@warder/core';
import { describe, expect, it, vi } from 'vitest';
import { NOW, standardKey } from '../../../tests/fixtures/domain.ts';
import { createUsageLog, newPlace } from './usage.ts';

const HOUR = 3_600_000;
const ASK = { within: null, environment: null } as const;
const keys = new Map<string, Key>();
const keyOf = (id: string): Key => {
  const key = keys.get(id) ?? standardKey({ id });
  keys.set(id, key);
  return key;
};
const valid = (key: Key): Verdict => ({
  valid: true,
  code: 'valid',
  key,
  owner: null,
  workspace: null,
});
const refused = (key: Key, code: CountedRefusal): Verdict =>
  code === 'insufficient_scope'
    ? { valid: false, code, key, missingScopes: ['files:write'] }
    : ({ valid: false, code, key } as Verdict);

interface Written {
  readonly keyId: string;
  readonly hour: number;
  readonly lastUsedAt: number | null;
  readonly counts: Readonly<Record<string, number>>;
}
const told = ({ keyId, hour, lastUsedAt, counts }: Use): Written => ({
  keyId,
  hour,
  lastUsedAt,
  counts: Object.fromEntries(
    COUNTED_CODES.map((code, i) => [code, counts[i] ?? 0]).filter(([, count]) => count !== 0),
  ),
});

/** A log that writes when it is told to, and what it wrote. */
function logThat(
  record: (uses: readonly Use[]) => Promise<void> = async () => undefined,
  mostWaiting?: number,
) {
  const written: Written[][] = [];
  const refusals: NotedRefusal[][] = [];
  const errors: unknown[] = [];
  const storage = {
    async recordUses(uses: readonly Use[]) {
      await record(uses);
      written.push(uses.map(told));
    },
    async recordRefusals(some: readonly NotedRefusal[]) {
      refusals.push([...some]);
    },
  };
  const log = createUsageLog(storage, (error) => errors.push(error), 1e9, mostWaiting);
  const use = (id: string, at: number) => log.count(keyOf(id), valid(keyOf(id)), ASK, at);
  const refuse = (id: string, code: CountedRefusal, at: number) =>
    log.count(keyOf(id), refused(keyOf(id), code), ASK, at);
  return { log, use, refuse, written, refusals, errors };
}

/** A log whose writes end when they are told to. */
function logThatWaits() {
  const begun: PromiseWithResolvers<void>[] = [];
  const made = logThat(() => {
    begun.push(Promise.withResolvers<void>());
    return begun.at(-1)?.promise ?? Promise.resolve();
  });
  const ends = {
    /** The next write that begins. */
    next: () =>
      vi.waitFor(() => {
        const end = begun.shift();
        if (!end) throw new Error('no write began');
        return end;
      }),
  };
  return { ...made, ends };
}

const sumOf = (written: readonly (readonly Written[])[], keyId: string) =>
  written
    .flat()
    .filter((one) => one.keyId === keyId)
    .reduce((sum, { counts }) => sum + (counts.valid ?? 0), 0);

describe('the log of uses', () => {
  it('writes one use a key, with the latest moment, however many there were and in whatever order', async () => {
    const { log, use, written } = logThat();
    for (const at of [5, 9, 7]) use('a', at);
    use('b', 1);
    await log.flush();
    expect(written).toEqual([
      [
        { keyId: 'a', hour: 0, lastUsedAt: 9, counts: { valid: 3 } },
        { keyId: 'b', hour: 0, lastUsedAt: 1, counts: { valid: 1 } },
      ],
    ]);
    await log.close();
  });

  it('counts every verdict on a key that there is by its code, and only a valid one as a use', async () => {
    const { log, use, refuse, written } = logThat();
    for (const code of COUNTED_CODES) {
      if (code === 'valid') use('a', NOW);
      else refuse('a', code, NOW + 1);
    }
    refuse('b', 'expired', NOW);
    await log.flush();
    const hour = Math.floor(NOW / HOUR);
    const all = Object.fromEntries(COUNTED_CODES.map((code) => [code, 1]));
    expect(written.flat()).toEqual([
      { keyId: 'a', hour, lastUsedAt: NOW, counts: all },
      { keyId: 'b', hour, lastUsedAt: null, counts: { expired: 1 } },
    ]);
    expect(VERDICT_CODES.filter((code) => !Object.hasOwn(all, code))).toEqual([
      'malformed',
      'not_found',
    ]);
    await log.close();
  });

  it('leaves no trace of what is asked of a key that the asker cannot see', async () => {
    const { log, written, refusals } = logThat();
    log.count(keyOf('a'), { valid: false, code: 'not_found' }, ASK, NOW);
    await log.flush();
    expect([written.flat().map(({ counts }) => counts), refusals]).toEqual([[], []]);
    await log.close();
  });

  it('keeps each hour apart, also where the clock goes back', async () => {
    const { log, use, written } = logThat();
    for (const at of [HOUR - 1, HOUR, HOUR + 1, HOUR - 2]) use('a', at);
    await log.flush();
    expect(written.flat()).toEqual([
      { keyId: 'a', hour: 0, lastUsedAt: HOUR - 1, counts: { valid: 1 } },
      { keyId: 'a', hour: 1, lastUsedAt: HOUR + 1, counts: { valid: 2 } },
      { keyId: 'a', hour: 0, lastUsedAt: HOUR - 2, counts: { valid: 1 } },
    ]);
    await log.close();
  });

  it('counts each key for itself, with a place or without, however many objects are one key', async () => {
    const { log, written } = logThat();
    const ids = Array.from({ length: 700 }, (_, i) => `key ${i}`);
    const places = new Map(ids.map((id) => [id, newPlace()]));
    for (let round = 0; round < 3; round++) {
      for (const id of ids) {
        const key = round === 1 ? standardKey({ id }) : keyOf(id);
        log.count(key, valid(key), ASK, NOW, round === 2 ? undefined : places.get(id));
      }
    }
    await log.flush();
    expect(ids.filter((id) => sumOf(written, id) !== 3)).toEqual([]);
    expect(written.flat()).toHaveLength(ids.length);
    await log.close();
  });

  it('writes at most a hundred rows at once, and lets go of the thread between any two', async () => {
    const steps: string[] = [];
    const { log, use, written } = logThat(async (uses) => {
      steps.push(`write ${uses.length}`);
      await new Promise((resolve) => setImmediate(resolve));
    });
    for (let i = 0; i < 250; i++) use(`key ${i}`, NOW);
    const done = log.flush();
    const others = async () => {
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        steps.push('others');
      }
    };
    await Promise.all([done, others()]);
    expect(written.map((rows) => rows.length)).toEqual([100, 100, 50]);
    const writes = steps.flatMap((step, i) => (step.startsWith('write') ? [i] : []));
    for (const [i, at] of writes.entries()) {
      if (i > 0) expect(steps.slice(writes[i - 1], at)).toContain('others');
    }
    await log.close();
  });

  it('writes nothing where nothing was used', async () => {
    const { log, written } = logThat();
    await log.flush();
    await log.close();
    expect(written).toEqual([]);
  });

  it('keeps what could not be written, once, with what came since', async () => {
    let isFull = true;
    const { log, use, written, errors } = logThat(async () => {
      if (isFull) throw new Error('full');
    });
    use('a', 1);
    use('b', 1);
    await log.flush();
    use('a', 5);
    use('a', 6);
    await log.flush();
    expect([written, errors.length]).toEqual([[], 2]);
    isFull = false;
    await log.flush();
    expect([sumOf(written, 'a'), sumOf(written, 'b')]).toEqual([3, 1]);
    expect(Math.max(...written.flat().map(({ lastUsedAt }) => lastUsedAt ?? 0))).toBe(6);
    const before = written.length;
    await log.close();
    expect(written.length).toBe(before);
  });

  it('goes on behind the rows that were written where a later write fails', async () => {
    let writes = 0;
    const { log, use, written } = logThat(async () => {
      if (++writes === 2) throw new Error('full');
    });
    for (let i = 0; i < 150; i++) use(`key ${i}`, NOW);
    await log.flush();
    await log.flush();
    expect(written.map((rows) => rows.length)).toEqual([100, 50]);
    expect(new Set(written.flat().map(({ keyId }) => keyId)).size).toBe(150);
    await log.close();
  });

  it('holds a bounded number of keys while nothing can be written, and says what it did not count', async () => {
    let isFull = true;
    const { log, use, written, errors } = logThat(async () => {
      if (isFull) throw new Error('full');
    }, 10);
    for (let i = 0; i < 40; i++) use(`key ${i}`, NOW);
    await log.flush();
    expect(String(errors[0])).toMatch(/\b\d+ verifications were not counted/);
    isFull = false;
    await log.flush();
    const lost = Number(/(\d+) verifications/.exec(String(errors[0]))?.[1]);
    expect(written.flat().length + lost).toBe(40);
    expect(written.flat().length).toBeLessThanOrEqual(20);
    await log.close();
  });

  it('never counts twice, and never moves a key back, while a write is under way and fails', async () => {
    const { log, use, written, ends } = logThatWaits();
    use('a', 9);
    const writing = log.flush();
    const end = await ends.next();
    use('a', 3);
    end.reject(new Error('gone'));
    await writing;
    const again = log.flush();
    (await ends.next()).resolve();
    (await ends.next()).resolve();
    await again;
    expect(written.flat().map(({ lastUsedAt }) => lastUsedAt)).toEqual([9, 3]);
    expect(sumOf(written, 'a')).toBe(2);
    await log.close();
  });

  it('writes one after the other, and closes only when all is written', async () => {
    const { log, use, written, ends } = logThatWaits();
    use('a', 1);
    const flushes = [log.flush()];
    const first = await ends.next();
    use('a', 2);
    flushes.push(log.flush(), log.flush());
    let isClosed = false;
    const closing = log.close().then(() => {
      isClosed = true;
    });
    first.resolve();
    const second = await ends.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect([isClosed, sumOf(written, 'a')]).toEqual([false, 1]);
    second.resolve();
    await Promise.all([closing, ...flushes]);
    expect(written.flat().map(({ lastUsedAt }) => lastUsedAt)).toEqual([1, 2]);
  });

  it('writes by itself', async () => {
    const written: Use[] = [];
    const log = createUsageLog(
      {
        recordUses: async (uses) => {
          written.push(...uses);
        },
        recordRefusals: async () => undefined,
      },
      () => undefined,
      5,
    );
    log.count(keyOf('a'), valid(keyOf('a')), ASK, 1);
    await vi.waitFor(() => expect(written.map(({ keyId }) => keyId)).toEqual(['a']));
    await log.close();
  });
});

describe('the last refusals', () => {
  it('are written with what was missing and where from, the last of each key in order', async () => {
    const { log, refuse, refusals } = logThat();
    for (let i = 0; i < REFUSALS_KEPT + 3; i++) refuse('a', 'expired', NOW + i);
    log.count(
      keyOf('b'),
      refused(keyOf('b'), 'insufficient_scope'),
      { ...ASK, ip: [0, 0, 0xffff, 0xc0000201] },
      NOW,
    );
    await log.flush();
    const all = refusals.flat();
    expect(all.slice(0, -1).map(({ at }) => at - NOW)).toEqual(
      Array.from({ length: REFUSALS_KEPT }, (_, i) => i + 3),
    );
    expect(all.at(-1)).toEqual({
      keyId: 'b',
      at: NOW,
      code: 'insufficient_scope',
      missingScopes: ['files:write'],
      address: '192.0.2.1',
    });
    await log.flush();
    expect(refusals.flat()).toHaveLength(all.length);
    await log.close();
  });

  it('hold neither a key that was sent as a scope, nor long texts, nor many', async () => {
    const { log, refusals } = logThat();
    const secret = `wdr_live_${'A1b2'.repeat(10)}`;
    const missingScopes = [`x${secret}`, 'y'.repeat(100_000), ...Array(50).fill('z')];
    const key = keyOf('a');
    log.count(key, { valid: false, code: 'insufficient_scope', key, missingScopes }, ASK, NOW);
    await log.flush();
    const text = JSON.stringify(refusals);
    expect(text).not.toContain(secret);
    expect(text.length).toBeLessThan(2_500);
    await log.close();
  });

  it('are of a bounded number of keys between two writes', async () => {
    const { log, refuse, refusals } = logThat();
    for (let i = 0; i < 3_000; i++) refuse(`key ${i}`, 'revoked', NOW);
    await log.flush();
    expect(refusals.flat()).toHaveLength(1_000);
    expect(Math.max(...refusals.map((some) => some.length))).toBeLessThanOrEqual(100);
    await log.close();
  });
});
