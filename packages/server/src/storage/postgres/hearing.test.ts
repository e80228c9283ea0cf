import type { Heard, Receipt } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { createHearing, RECEIPT_MILLISECONDS, TRUSTED_MILLISECONDS } from './hearing.ts';
import { written } from './messages.ts';

const ID = '01900000-0000-7000-8000-00000000000a';

/** A process whose messages wait on their way until they are let through. */
function setUp({ process = 'me', lease = 5_000 } = {}) {
  const at = { wall: 1_000_000, steady: 500 };
  const told: Heard[] = [];
  const out: string[] = [];
  const hearing = createHearing({
    process,
    lease,
    clocks: { wall: () => at.wall, steady: () => at.steady },
    heard: (change) => told.push(change),
    send: (message) => out.push(message),
  });
  const pass = (milliseconds: number) => {
    at.wall += milliseconds;
    at.steady += milliseconds;
  };
  /** What was sent comes back. */
  const comeBack = () => {
    for (const message of out.splice(0)) hearing.received(message);
  };
  const beat = (by: string, left = 5_000, number = 1) =>
    hearing.received(written({ type: 'heartbeat', process: by, number, lease: left }));
  return { at, told, out, hearing, pass, comeBack, beat };
}

describe('certainty', () => {
  it('is of the moment when the own heartbeat was sent that came back, and of no other moment', () => {
    const { hearing, pass, comeBack, beat, out } = setUp();
    expect(hearing.age()).toBe(Number.POSITIVE_INFINITY);
    hearing.connected();
    hearing.tick();
    beat('other');
    expect(hearing.age()).toBe(Number.POSITIVE_INFINITY);
    pass(300);
    comeBack();
    expect(hearing.age()).toBe(300);
    // Neither a timer nor what others say makes it younger.
    pass(1_000);
    hearing.tick();
    beat('other', 5_000, 2);
    expect(hearing.age()).toBe(1_300);
    out.length = 0;
    pass(1_000);
    expect(hearing.age()).toBeGreaterThan(TRUSTED_MILLISECONDS);
  });

  it('ends for a process that stood still, at the moment it wakes, by whichever clock says more', () => {
    const { at, hearing, comeBack, pass } = setUp();
    hearing.connected();
    hearing.tick();
    comeBack();
    hearing.tick();
    pass(60_000);
    expect(hearing.age()).toBe(60_000);
    // What it had sent before it stood still says nothing of the time since.
    comeBack();
    expect(hearing.age()).toBe(60_000);
    hearing.tick();
    comeBack();
    expect(hearing.age()).toBe(0);
    at.wall -= 300_000;
    expect(hearing.age()).toBe(0);
    at.steady += 10;
    expect(hearing.age()).toBe(10);
    at.wall += 600_000;
    expect(hearing.age()).toBe(300_000);
  });

  it('comes with a new connection only after everything was told of, and never from the one before', () => {
    const { hearing, told, out, pass, comeBack } = setUp();
    hearing.connected();
    hearing.tick();
    comeBack();
    expect(told).toEqual([{ type: 'everything' }]);
    hearing.tick();
    const late = out.splice(0);
    hearing.lost();
    pass(700);
    hearing.connected();
    for (const message of late) hearing.received(message);
    expect(hearing.age()).toBe(700);
    expect(told).toHaveLength(1);
    hearing.tick();
    comeBack();
    expect(told).toEqual([{ type: 'everything' }, { type: 'everything' }]);
    expect(hearing.age()).toBe(0);
  });
});

describe('a farewell', () => {
  it('ends all certainty, also where a heartbeat was under way', () => {
    const { hearing, comeBack } = setUp();
    hearing.connected();
    hearing.tick();
    comeBack();
    hearing.tick();
    hearing.farewell();
    comeBack();
    expect(hearing.age()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('what is told', () => {
  it('is every change that was heard, and everything where a message is not understood', () => {
    const { hearing, told } = setUp();
    const changes = (['key', 'owner', 'workspace', 'member'] as const).map(
      (type) => ({ type, id: ID }) as const,
    );
    hearing.received(written({ type: 'changes', changes }));
    expect(told.splice(0)).toEqual(changes);
    for (const strange of ['', 'x', 'z 1 2', 'c q', 'c kAAAA', 'c', '\u0000', 'c *']) {
      hearing.received(strange);
      expect([strange, ...told.splice(0)]).toEqual(
        strange === 'c' ? [strange] : [strange, { type: 'everything' }],
      );
    }
  });

  it('is everything where the changes are too many for a message', () => {
    const changes = Array.from({ length: 400 }, (_, i) => ({
      type: 'key' as const,
      id: ID.slice(0, -3) + String(i).padStart(3, '0'),
    }));
    expect(written({ type: 'changes', changes: changes.slice(0, 300) }).length).toBeLessThan(8_000);
    expect(written({ type: 'changes', changes })).toBe('c *');
  });
});

describe('a receipt', () => {
  /** Processes that heard each other for long enough to know of all there are. */
  const veteran = (options = {}) => {
    const all = setUp(options);
    all.hearing.connected();
    all.pass(5_000);
    all.hearing.tick();
    all.comeBack();
    return all;
  };
  const receiptOf = (hearing: ReturnType<typeof setUp>['hearing']) => {
    const got: Receipt[] = [];
    void hearing.obeyed().then((receipt) => got.push(receipt));
    return got;
  };
  const settled = () => Promise.resolve();

  it('is whole once every process that was heard of has said so', async () => {
    const { hearing, pass, comeBack, beat, out } = veteran();
    beat('a');
    beat('b');
    const got = receiptOf(hearing);
    expect(out).toEqual(['b me 1']);
    pass(3);
    comeBack();
    hearing.received('o a me 1 1');
    hearing.received('o b else 1 1');
    await settled();
    expect(got).toEqual([]);
    pass(4);
    hearing.received('o b me 1 1');
    await settled();
    expect(got).toEqual([{ obeyedBy: 3, of: 3, afterMilliseconds: 7 }]);
  });

  it('of a process alone needs nothing but that its own word comes back', async () => {
    const { hearing, comeBack } = veteran();
    const got = receiptOf(hearing);
    await settled();
    expect(got).toEqual([]);
    comeBack();
    await settled();
    expect(got).toEqual([{ obeyedBy: 1, of: 1, afterMilliseconds: 0 }]);
  });

  it('waits for who is silent until its lease has lapsed, and not for who said farewell', async () => {
    const { hearing, pass, comeBack, beat } = veteran();
    beat('silent', 2_000);
    beat('gone');
    const got = receiptOf(hearing);
    comeBack();
    hearing.received('f gone');
    // What it is sure of from here on, it is sure of having heard all before.
    pass(1_900);
    beat('silent', 2_000, 2);
    hearing.tick();
    await settled();
    expect(got).toEqual([]);
    pass(101);
    hearing.tick();
    await settled();
    expect(got).toEqual([{ obeyedBy: 3, of: 3, afterMilliseconds: 2_001 }]);
  });

  it('is not longer waited for than is bearable, and then says that one is missing', async () => {
    const { hearing, pass, comeBack, beat } = veteran();
    beat('silent', 3_600_000);
    const got = receiptOf(hearing);
    comeBack();
    pass(RECEIPT_MILLISECONDS);
    hearing.tick();
    await settled();
    expect(got).toEqual([{ obeyedBy: 1, of: 2, afterMilliseconds: RECEIPT_MILLISECONDS }]);
  });

  it('that could not be asked for is asked for over the next connection, and whole once that is proved', async () => {
    const { hearing, comeBack, out, pass } = veteran();
    hearing.lost();
    const got = receiptOf(hearing);
    expect(out).toEqual([]);
    hearing.connected();
    comeBack();
    pass(5_000);
    hearing.tick();
    await settled();
    expect(got).toEqual([]);
    comeBack();
    await settled();
    expect(got).toEqual([{ obeyedBy: 1, of: 1, afterMilliseconds: 5_000 }]);
  });

  it('is given by a process only once it has dropped what it may have missed', () => {
    const { hearing, comeBack, out, told } = veteran();
    hearing.lost();
    hearing.connected();
    hearing.received('b other 9');
    expect(out).toEqual([]);
    hearing.tick();
    told.length = 0;
    comeBack();
    expect(told).toEqual([{ type: 'everything' }]);
    expect(out).toEqual(['o me other 9 0']);
  });

  it('of a newcomer counts those who fell silent before it came, of whom another tells', async () => {
    const older = veteran({ process: 'older' });
    older.beat('silent', 4_000);
    older.pass(1_500);
    const { hearing, comeBack, out, pass, beat } = setUp();
    hearing.connected();
    beat('older');
    hearing.tick();
    comeBack();
    const got = receiptOf(hearing);
    older.hearing.received(out[0] ?? '');
    comeBack();
    expect(older.out).toEqual(['o older me 1 1 silent:2500']);
    hearing.received(older.out[0] ?? '');
    pass(2_500);
    hearing.tick();
    await settled();
    expect(got).toEqual([]);
    pass(1);
    hearing.tick();
    await settled();
    expect(got).toEqual([{ obeyedBy: 3, of: 3, afterMilliseconds: 2_501 }]);
  });

  it('is not whole by an answer to what was asked over a connection before, whose others it did not note', async () => {
    const older = veteran({ process: 'older' });
    older.beat('silent', 4_000);
    const { hearing, comeBack, out, pass } = setUp();
    hearing.connected();
    hearing.tick();
    comeBack();
    const got = receiptOf(hearing);
    older.hearing.received(out.splice(0)[0] ?? '');
    hearing.lost();
    hearing.connected();
    // The answer comes over the new connection, before what is asked there comes back.
    hearing.received(older.out.splice(0)[0] ?? '');
    const [again = ''] = out;
    hearing.tick();
    comeBack();
    await settled();
    expect(got).toEqual([]);
    older.hearing.received(again);
    hearing.received(older.out[0] ?? '');
    await settled();
    expect(got).toEqual([]);
    pass(4_001);
    hearing.tick();
    await settled();
    expect(got).toEqual([{ obeyedBy: 3, of: 3, afterMilliseconds: 4_001 }]);
  });

  it('of a newcomer whom nobody tells waits until whoever came before it has no lease any more', async () => {
    const { hearing, comeBack, pass } = setUp();
    hearing.connected();
    hearing.tick();
    comeBack();
    const got = receiptOf(hearing);
    comeBack();
    pass(4_999);
    hearing.tick();
    await settled();
    expect(got).toEqual([]);
    pass(1);
    hearing.tick();
    await settled();
    expect(got).toEqual([{ obeyedBy: 1, of: 1, afterMilliseconds: 5_000 }]);
  });
});
