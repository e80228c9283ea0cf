import type { Use } from '@warder/core';
import { describe, expect, it, vi } from 'vitest';
import { createUsageLog } from './usage.ts';

/** A log that writes when it is told to, and what it wrote. */
function logThat(record: (uses: readonly Use[]) => Promise<void> = async () => undefined) {
  const written: Use[][] = [];
  const errors: unknown[] = [];
  const recordUses = async (uses: readonly Use[]) => {
    await record(uses);
    written.push([...uses]);
  };
  const log = createUsageLog({ recordUses }, (error) => errors.push(error), 1e9);
  return { log, written, errors };
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

describe('the log of uses', () => {
  it('writes one use a key, the latest, however many there were and in whatever order', async () => {
    const { log, written } = logThat();
    for (const at of [5, 9, 7]) log.note('a', at);
    log.note('b', 1);
    await log.flush();
    expect(written).toEqual([
      [
        { keyId: 'a', at: 9 },
        { keyId: 'b', at: 1 },
      ],
    ]);
    await log.close();
  });

  it('writes nothing where nothing was used', async () => {
    const { log, written } = logThat();
    await log.flush();
    await log.close();
    expect(written).toEqual([]);
  });

  it('keeps what could not be written, and what is newer than that', async () => {
    let isFull = true;
    const { log, written, errors } = logThat(async () => {
      if (isFull) throw new Error('full');
    });
    log.note('a', 1);
    log.note('b', 1);
    await log.flush();
    log.note('a', 5);
    await log.flush();
    expect([written, errors.length]).toEqual([[], 2]);
    isFull = false;
    await log.flush();
    expect(written).toEqual([
      [
        { keyId: 'a', at: 5 },
        { keyId: 'b', at: 1 },
      ],
    ]);
    await log.close();
    expect(written.length).toBe(1);
  });

  it('never moves a key back while a write is under way and fails', async () => {
    const { log, written, ends } = logThatWaits();
    log.note('a', 9);
    const writing = log.flush();
    const end = await ends.next();
    log.note('a', 3);
    end.reject(new Error('gone'));
    await writing;
    const again = log.flush();
    (await ends.next()).resolve();
    await again;
    expect(written).toEqual([[{ keyId: 'a', at: 9 }]]);
    await log.close();
  });

  it('writes one after the other, and closes only when all is written', async () => {
    const { log, written, ends } = logThatWaits();
    log.note('a', 1);
    const flushes = [log.flush()];
    const first = await ends.next();
    log.note('a', 2);
    flushes.push(log.flush(), log.flush());
    let isClosed = false;
    const closing = log.close().then(() => {
      isClosed = true;
    });
    first.resolve();
    const second = await ends.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect([isClosed, written]).toEqual([false, [[{ keyId: 'a', at: 1 }]]]);
    second.resolve();
    await Promise.all([closing, ...flushes]);
    expect(written.flat().map(({ at }) => at)).toEqual([1, 2]);
  });

  it('writes by itself', async () => {
    const written: Use[] = [];
    const log = createUsageLog(
      {
        recordUses: async (uses) => {
          written.push(...uses);
        },
      },
      () => undefined,
      5,
    );
    log.note('a', 1);
    await vi.waitFor(() => expect(written).toEqual([{ keyId: 'a', at: 1 }]));
    await log.close();
  });
});
