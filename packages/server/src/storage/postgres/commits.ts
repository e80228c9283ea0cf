// Commits: all of the statements of one are sent at once, as if nothing were amiss, and
// what they answer decides whether they are kept.

import type { Change, CommitResult } from '@warder/core';
import type { ChainStatements } from '../../chains.ts';
import { commitSteps, type Step } from '../../commit.ts';
import type { CreditStatements } from '../../credits.ts';
import type { MemberStatements } from '../../members.ts';
import type { Statements as RowStatements } from '../../storage.ts';
import { isTaken } from './failure.ts';
import { farFromQuota, type Lock, locksOf, sharingQuota } from './guards.ts';
import type { Outcome, Run, Transactions } from './transactions.ts';

export type CommitStatements = RowStatements &
  ChainStatements &
  MemberStatements &
  CreditStatements;

/** Writes all of the changes or none. */
export function commitsIn(transactions: Transactions, texts: CommitStatements, schema: string) {
  const write = (changes: readonly Change[], locks: readonly Lock[]) =>
    transactions.write(locks, (run) => commitIn(run, texts, changes));

  return async (changes: readonly Change[]): Promise<CommitResult> => {
    const locks = locksOf(schema, changes);
    const far = farFromQuota(changes);
    if (far === null) return write(changes, locks);
    const result = await write(far, sharingQuota(schema, locks));
    return result === 'too_many_keys' ? write(changes, locks) : result;
  };
}

async function commitIn(
  run: Run,
  texts: CommitStatements,
  changes: readonly Change[],
): Promise<Outcome<CommitResult>> {
  const asked: Step[] = [];
  const expected = commitSteps(texts, changes);
  for (let step = expected.next(); !step.done; step = expected.next(step.value.usual)) {
    asked.push(step.value);
  }
  try {
    const answers = await Promise.all(asked.map(({ query }) => run(query)));
    const counts = answers.map(({ count }) => count);
    const result = asked.every(({ usual }, i) => usual === counts[i])
      ? 'done'
      : resultOf(commitSteps(texts, changes), counts);
    return { keep: result === 'done', result };
  } catch (error) {
    // Somebody else wrote it since: as if it had been there before.
    if (isTaken(error)) return { keep: false, result: 'stale' };
    throw error;
  }
}

/** What the answers amount to. The steps are the same ones, up to the one that is refused. */
function resultOf(
  steps: Generator<Step, CommitResult, number>,
  counts: readonly number[],
): CommitResult {
  let step = steps.next();
  for (const count of counts) {
    if (step.done) break;
    step = steps.next(count);
  }
  return step.done ? step.value : 'stale';
}
