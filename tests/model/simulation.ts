// One clock and one scheduler for everything that a model is made of. What happens next
// is the earliest of what is due; how long anything takes is drawn from the seed, so that
// the same seed gives the same run.

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export interface Simulation {
  /** Milliseconds since its beginning: the true time, which no process can read. */
  readonly now: number;
  /** From 0 up to 1. */
  random(): number;
  between(least: number, most: number): number;
  /** Whether something happens that happens so often. */
  chance(share: number): boolean;
  one<Item>(of: readonly Item[]): Item;
  at(delay: number, run: () => void): void;
  /** To be called by whoever settles a promise, or makes one that goes on by itself. */
  stir(): void;
  run(until: number): Promise<void>;
}

/** More turns than the longest chain of promises takes from what was settled to what is seen of it. */
const TURNS = 32;

export function createSimulation(seed: number): Simulation {
  const heap: Due[] = [];
  let now = 0;
  let orders = 0;
  let isStirred = false;
  let state = seed | 0;

  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const isBefore = (one: Due, other: Due) =>
    one.at < other.at || (one.at === other.at && one.order < other.order);

  const push = (due: Due) => {
    let place = heap.push(due) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, due)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = due;
  };

  const pop = (): Due | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (left === undefined) break;
      const child = right !== undefined && isBefore(right, left) ? right : left;
      if (child === right) below++;
      if (!isBefore(child, last)) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
    return first;
  };

  const simulation = {
    get now() {
      return now;
    },
    random,
    between: (least: number, most: number) => least + random() * (most - least),
    chance: (share: number) => random() < share,
    one<Item>(of: readonly Item[]): Item {
      const found = of[Math.floor(random() * of.length)];
      if (found === undefined) throw new RangeError('one of none');
      return found;
    },
    at(delay: number, run: () => void) {
      push({ at: now + delay, order: orders++, run });
    },
    stir() {
      isStirred = true;
    },
    async run(until: number) {
      for (;;) {
        const due = pop();
        if (due === undefined || due.at > until) {
          if (due !== undefined) push(due);
          now = until;
          return;
        }
        now = due.at;
        due.run();
        if (!isStirred) continue;
        isStirred = false;
        for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
      }
    },
  };
  return simulation;
}
