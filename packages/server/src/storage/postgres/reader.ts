// Lists: their queries one after the other in one snapshot, some only where an earlier one
// found too little, on a connection that nobody else waits for.

import type { Listing, ListQuery, OnlyIf } from '../../slices.ts';
import type { Run, Transactions } from './transactions.ts';

export type ReadList = <Answer>(listing: Listing<Answer>) => Promise<Answer>;

/** @param milliseconds after which a statement of a list is given up */
export function readListsOf(transactions: Transactions, milliseconds: number): ReadList {
  return async ({ queries, answer }) =>
    answer(
      queries.length === 0
        ? []
        : await transactions.read((run) => readAll(run, queries), milliseconds),
    );
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
