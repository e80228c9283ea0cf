import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lookOut, newBoard, watchBoard } from './others.ts';

const steady = () => performance.now();

function setUp() {
  const board = newBoard();
  const count = { of: 1 };
  const look = lookOut(board, () => count.of, steady);
  const told: string[] = [];
  const watch = watchBoard(board, ({ type }) => told.push(type), steady);
  return { count, look, told, watch };
}

describe('what other processes did', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is as certain as the last look is young, by whichever clock says more', () => {
    const { look, watch } = setUp();
    expect(watch.age()).toBe(Number.POSITIVE_INFINITY);
    look();
    expect(watch.age()).toBe(0);
    vi.advanceTimersByTime(49);
    expect(watch.age()).toBe(49);
    // A wall clock that goes back makes nothing younger; one that leaps is believed.
    vi.setSystemTime(1_000_000 - 300_000);
    expect(watch.age()).toBe(49);
    vi.setSystemTime(1_000_000 + 300_000);
    expect(watch.age()).toBe(300_000);
    look();
    expect(watch.age()).toBe(0);
  });

  it('is told before the age is answered, once for each change that was found, also one from before somebody asked', () => {
    const { count, look, told, watch } = setUp();
    look();
    watch.age();
    expect(told).toEqual(['everything']);
    count.of = 2;
    look();
    look();
    expect(told).toHaveLength(1);
    watch.age();
    watch.age();
    expect(told).toHaveLength(2);
  });

  it('is of the time before it was looked for: a thread that stood still in between knows nothing since', () => {
    const board = newBoard();
    let first = true;
    const look = lookOut(
      board,
      () => {
        if (!first) vi.advanceTimersByTime(3_000);
        first = false;
        return 1;
      },
      steady,
    );
    const watch = watchBoard(board, () => {}, steady);
    look();
    expect(watch.age()).toBe(3_000);
  });
});
