// Commits: all of the statements of one are sent at once, as if nothing were amiss, and
// what they answer decides whether they are kept. What is made in one workspace while
// others are written shares a transaction.

import { type Change, type CommitResult, WarderError } from '@warder/core';
import type { ChainStatements } from '../../chains.ts';
import { changesToTell } from '../../changes-to-tell.ts';
import { commitSteps, type Step } from '../../commit.ts';
import type { CreditStatements } from '../../credits.ts';
import { gather } from '../../gathering.ts';
import type { MemberStatements } from '../../members.ts';
import type { Statements as RowStatements } from '../../storage.ts';
import { isTaken } from './failure.ts';
import { farFromQuota, type Lock, locksOf, sharingQuota } from './guards.ts';
import { written } from './messages.ts';
import type { Outcome, Run, Transactions } from './transactions.ts';

export type CommitStatements = RowStatements &
  ChainStatements &
  MemberStatements &
  CreditStatements;

/** Writes all of the changes or none, and tells of them. @param channel that every process listens to */
export function commitsIn(
  transactions: Transactions,
  texts: CommitStatements,
  schema: string,
  channel: string,
) {
  const write = (changes: readonly Change[], locks: readonly Lock[]) =>
    transactions.write(locks, (run) => commitIn(run, texts, changes, channel));

  const alone = async (changes: readonly Change[]): Promise<CommitResult> => {
    const locks = locksOf(schema, changes);
    const far = farFromQuota(changes);
    if (far === null) return write(changes, locks);
    const result = await write(far, sharingQuota(schema, locks));
    return result === 'too_many_keys' ? write(changes, locks) : result;
  };

  /** All of them in one transaction; each on its own where anything is amiss with one. */
  const together = async (commits: readonly (readonly Change[])[]): Promise<readonly Settled[]> => {
    const locks = locksOf(schema, commits.flat());
    const all =
      commits.length > 1 &&
      (await transactions
        .write(locks, async (run) => {
          const results = await Promise.all(
            commits.map((changes) => commitIn(run, texts, changes, channel)),
          );
          const keep = results.every((one) => one.keep);
          return { keep, result: keep };
        })
        .catch((error: unknown) => {
          if (error instanceof WarderError && error.code === 'unavailable') throw error;
          return false;
        }));
    if (all) return commits.map(() => ({ status: 'fulfilled', value: 'done' }));
    return Promise.allSettled(commits.map(alone));
  };

  /** By the workspace they are made in: no other has to wait for what is amiss with one of them. */
  const lines = new Map<
    string,
    { put: (changes: readonly Change[]) => Promise<Settled>; of: number }
  >();

  return async (changes: readonly Change[]): Promise<CommitResult> => {
    const name = homeOfCreation(changes);
    if (name === null) return alone(changes);
    const line = lines.get(name) ?? { put: gather(together, MOST_TOGETHER, AT_ONCE), of: 0 };
    lines.set(name, line);
    line.of++;
    try {
      const settled = await line.put(changes);
      if (settled.status === 'rejected') throw settled.reason;
      return settled.value;
    } finally {
      line.of--;
      if (line.of === 0) lines.delete(name);
    }
  };
}

type Settled = PromiseSettledResult<CommitResult>;

/** More creations of one workspace share no transaction, and no more of these are under way. */
const MOST_TOGETHER = 32;
const AT_ONCE = 4;

/** The workspace that a commit makes something in, where it changes nothing that is there. */
function homeOfCreation(changes: readonly Change[]): string | null {
  const [first] = changes;
  if (first?.type !== 'insert_key' || first.key.workspaceId === null) return null;
  return changes.every(({ type }) => CREATING.includes(type)) ? first.key.workspaceId : null;
}

const CREATING: readonly Change['type'][] = [
  'insert_key',
  'insert_event',
  'insert_reply',
  'write_credits',
  'member_is_there',
];

async function commitIn(
  run: Run,
  texts: CommitStatements,
  changes: readonly Change[],
  channel: string,
): Promise<Outcome<CommitResult>> {
  const asked: Step[] = [];
  const expected = commitSteps(texts, changes);
  for (let step = expected.next(); !step.done; step = expected.next(step.value.usual)) {
    asked.push(step.value);
  }
  const [answers, told] = await Promise.all([
    Promise.allSettled(asked.map(({ query }) => run(query))),
    tell(run, changes, channel).then(
      () => null,
      (error: unknown) => ({ error }),
    ),
  ]);
  const counts: number[] = [];
  for (const answer of answers) {
    if (answer.status === 'fulfilled') {
      counts.push(answer.value.count);
      continue;
    }
    // Somebody else wrote it since: as if it had been there before.
    if (!isTaken(answer.reason)) throw answer.reason;
    return { keep: false, result: resultOf(commitSteps(texts, changes), counts) };
  }
  if (told !== null) throw told.error;
  const result = asked.every(({ usual }, i) => usual === counts[i])
    ? 'done'
    : resultOf(commitSteps(texts, changes), counts);
  return { keep: result === 'done', result };
}

/** Part of the transaction: said when it is committed, or never. */
async function tell(run: Run, changes: readonly Change[], channel: string): Promise<void> {
  const told = changesToTell(changes);
  if (told.length === 0) return;
  const message = written({ type: 'changes', changes: told });
  await run({ sql: 'SELECT pg_notify($1, $2)', parameters: [channel, message] });
}

/** What the answers amount to; `stale` where they say nothing against it and end too early. */
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
