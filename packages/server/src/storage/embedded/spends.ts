// Spends that wait for the writing thread share one transaction, and so one wait for
// the disk, each with its own answer: a thousand at once take little longer than one.

import type { Spend, Spent } from '@warder/core';
import type { Writer } from './writer.ts';

/** More than so many are not waited for together. */
const MOST_TOGETHER = 1_000;

interface Waiting {
  readonly spend: Spend;
  readonly resolve: (spent: Spent) => void;
  readonly reject: (error: unknown) => void;
}

/** Takes credits, in the order asked for. */
export function gatherSpends(writer: Writer): (spend: Spend) => Promise<Spent> {
  let waiting: Waiting[] = [];
  let writing = false;

  const write = async () => {
    writing = true;
    while (waiting.length > 0) {
      const together = waiting.slice(0, MOST_TOGETHER);
      waiting = waiting.slice(MOST_TOGETHER);
      const spends = together.map(({ spend }) => spend);
      try {
        const answers = await writer.write({ does: 'spend', spends });
        for (const [i, { resolve }] of together.entries()) resolve(answers[i] ?? 'stale');
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    writing = false;
  };

  return (spend) =>
    new Promise((resolve, reject) => {
      waiting.push({ spend, resolve, reject });
      if (!writing) void write();
    });
}
