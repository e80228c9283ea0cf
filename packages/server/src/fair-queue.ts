// Lines side by side that are served in turns: whoever has many in line waits behind
// their own, and nobody else does.

export interface FairQueue<Item> {
  push(line: string, item: Item): void;
  /** The first of the line whose turn it is; null where nobody waits. */
  shift(): Item | null;
  /** Takes one out, wherever it waits. */
  remove(line: string, item: Item): void;
  /** Takes all of them out. */
  clear(): Item[];
}

export function createFairQueue<Item>(): FairQueue<Item> {
  /** Lines that somebody waits in; the first of them is next. */
  const lines = new Map<string, Set<Item>>();
  return {
    push(line, item) {
      const waiting = lines.get(line);
      if (waiting === undefined) lines.set(line, new Set([item]));
      else waiting.add(item);
    },
    shift() {
      for (const [line, waiting] of lines) {
        for (const item of waiting) {
          waiting.delete(item);
          // To the end, so that each of the others has its turn before.
          lines.delete(line);
          if (waiting.size > 0) lines.set(line, waiting);
          return item;
        }
      }
      return null;
    },
    remove(line, item) {
      const waiting = lines.get(line);
      waiting?.delete(item);
      if (waiting?.size === 0) lines.delete(line);
    },
    clear() {
      const all = Array.from(lines.values(), (waiting) => [...waiting]).flat();
      lines.clear();
      return all;
    },
  };
}
