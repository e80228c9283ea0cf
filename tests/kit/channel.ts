// The two ends of a channel as they are between processes: what is sent is plain data,
// arrives later and in its order, and can be held up on its way.

import { deserialize, serialize } from 'node:v8';
import type { Channel } from '../../packages/server/src/line.ts';

export interface TestChannel {
  readonly ends: readonly [Channel, Channel];
  /** From now on nothing arrives at the second end. */
  hold(): void;
  /** All that was held up arrives. */
  letGo(): void;
}

export function testChannel(): TestChannel {
  const takers: ((data: unknown) => void)[] = [];
  let held: (() => void)[] | null = null;
  const end = (self: number, other: number): Channel => ({
    send(data) {
      const bytes = serialize(data);
      const arrive = () => takers[other]?.(deserialize(bytes));
      setImmediate(() => {
        if (other === 1 && held !== null) held.push(arrive);
        else arrive();
      });
    },
    receive(take) {
      takers[self] = take;
    },
  });
  return {
    ends: [end(0, 1), end(1, 0)],
    hold() {
      held ??= [];
    },
    letGo() {
      const waiting = held ?? [];
      held = null;
      for (const arrive of waiting) arrive();
    },
  };
}
