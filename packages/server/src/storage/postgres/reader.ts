// Lists: their queries one after the other in one snapshot, some only where an earlier one
// found too little. Only so many run at once, so that connections are left for who writes,
// and workspaces take turns.

import { createFairQueue } from '../../fair-queue.ts';
import type { Listing, ListQuery, OnlyIf, Within } from '../../slices.ts';
import { unavailable } from './failure.ts';
import type { Run, Transactions } from './transactions.ts';

export type ReadList = <Answer>(listing: Listing<Answer>, within?: Within) => Promise<Answer>;

export interface ListSetting {
  /** After which a list that waits is given up, and a statement of one that runs. */
  readonly milliseconds: number;
  /** How many run at once. */
  readonly most: number;
}

export function readListsOf(
  transactions: Transactions,
  { milliseconds, most }: ListSetting,
): ReadList {
  const waiting = createFairQueue<() => void>();
  let running = 0;

  const enter = (line: string) => {
    if (running < most) {
      running++;
      return;
    }
    return new Promise<void>((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.remove(line, enter);
        reject(unavailable('read', `a list waited for over ${milliseconds} ms`));
      }, milliseconds);
      waiting.push(line, enter);
    });
  };
  const leave = () => {
    const next = waiting.shift();
    if (next === null) running--;
    else next();
  };

  return async ({ queries, answer }, within = null) => {
    if (queries.length === 0) return answer([]);
    await enter(within ?? '');
    try {
      return answer(await transactions.read((run) => readAll(run, queries), milliseconds));
    } finally {
      leave();
    }
  };
}

async function readAll(run: Run, queries: readonly ListQuery[]) {
  const results: (readonly unknown[])[] = [];
  const holds = ({ query, fewerThan, holds }: OnlyIf) =>
    (results[query] ?? []).length < fewerThan === holds;
  for (const { onlyIf = [], ...query } of queries) {
    results.push(onlyIf.every(holds) ? (await run(query)).rows : []);
  }
  return results;
}
