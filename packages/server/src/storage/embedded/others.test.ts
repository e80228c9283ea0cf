import { describe, expect, it, vi } from 'vitest';
import { lookOut, newBoard, watchBoard } from './others.ts';

function setUp() {
  const board = newBoard();
  const count = { of: 1 };
  const look = lookOut(board, () => count.of);
  return { count, look, seen: watchBoard(board) };
}

describe('what other processes did', () => {
  it('is a change when somebody begins to look, unknown until they looked, and once the last look is too old', () => {
    vi.useFakeTimers({ now: 1_000_000 });
    const { look, seen } = setUp();
    expect(seen()).toBe('changed');
    expect(seen()).toBe('unknown');
    look();
    expect(seen()).toBe('same');
    vi.setSystemTime(1_000_049);
    expect(seen()).toBe('same');
    vi.setSystemTime(1_000_050);
    expect(seen()).toBe('unknown');
    vi.setSystemTime(999_999);
    expect(seen()).toBe('unknown');
    vi.setSystemTime(1_000_020);
    expect(seen()).toBe('same');
    vi.useRealTimers();
  });

  it('is told once for each change that was found, also a change from before somebody asked', () => {
    const { count, look, seen } = setUp();
    expect(seen()).toBe('changed');
    look();
    expect(seen()).toBe('same');
    count.of = 2;
    look();
    look();
    expect(seen()).toBe('changed');
    expect(seen()).toBe('same');
  });
});
