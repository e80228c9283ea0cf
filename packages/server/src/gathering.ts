// What waits to be written together is handed over together: it shares one
// transaction, and so one wait for the disk, each with its own answer. A thousand
// spends at once take little longer than one.

import { WarderError } from '@warder/core';

interface Waiting<Item, Done> {
  readonly item: Item;
  readonly resolve: (done: Done) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Hands items over in the order asked for, those that came while others were written at once.
 * @param write answers each of its items, in their order
 * @param most are handed over together
 * @param atOnce so many times may be written at once; then the order is that of handing over alone
 */
export function gather<Item, Done>(
  write: (items: readonly Item[]) => Promise<readonly Done[]>,
  most: number,
  atOnce = 1,
): (item: Item) => Promise<Done> {
  let waiting: Waiting<Item, Done>[] = [];
  let writing = 0;

  const writeAlone = ({ item, resolve, reject }: Waiting<Item, Done>) =>
    write([item]).then(([done]) => resolve(done as Done), reject);
  const writeAll = async () => {
    writing++;
    while (waiting.length > 0) {
      const together = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        const answers = await write(together.map(({ item }) => item));
        // There is one for each.
        for (const [i, { resolve }] of together.entries()) resolve(answers[i] as Done);
      } catch (error) {
        // A fault of one of them takes none of the others with it: nothing of them was done.
        const faulty = together.length > 1 && !isUnavailable(error);
        if (faulty) for (const one of together) await writeAlone(one);
        else for (const { reject } of together) reject(error);
      }
    }
    writing--;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (writing < atOnce) void writeAll();
    });
}

function isUnavailable(error: unknown): boolean {
  return error instanceof WarderError && error.code === 'unavailable';
}
