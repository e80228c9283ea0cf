// Spends that wait together share one transaction and one wait for the disk, each with its
// own answer. The rows of the balances are locked first, in an order that everybody keeps:
// what is looked at afterwards is not changed by anybody until it is committed.

import { dueRefill, type Spend, type Spent } from '@warder/core';
import type { BalanceRow } from '../../credit-rows.ts';
import { type CreditStatements, judgement } from '../../credits.ts';
import { gather } from '../../gathering.ts';
import { inSchema } from './builder.ts';
import type { Run, Transactions } from './transactions.ts';

type Left = Omit<BalanceRow, 'subject'>;

/** More are not waited for together. */
const MOST_TOGETHER = 200;

/** Takes credits, all that a spend asks for or none. */
export function spendsIn(transactions: Transactions, texts: CreditStatements, schema: string) {
  const lock = inSchema(
    schema,
    `SELECT subject FROM warder.balances
      WHERE subject IN (SELECT jsonb_array_elements_text($1::text::jsonb))
      ORDER BY subject FOR NO KEY UPDATE`,
  );
  return gather<Spend, Spent>(
    (spends) =>
      transactions.write([], async (run) => {
        const subjects = [...new Set(spends.map(({ subject }) => subject))];
        const [, ...taken] = await Promise.all([
          run({ sql: lock, parameters: [JSON.stringify(subjects)] }),
          ...spends.map((spend) => take(run, texts, spend)),
        ]);
        /** What the next of the same subject found, where it took some: what the one before left. */
        const leftBefore = (i: number): Left | undefined => {
          const { subject } = spends[i] ?? {};
          const next = spends.findIndex((one, j) => j > i && one.subject === subject && taken[j]);
          const left = taken[next];
          return left && { ...left, balance: left.balance + (spends[next]?.cost ?? 0) };
        };
        let keep = false;
        const result: Spent[] = [];
        for (const [i, spend] of spends.entries()) {
          const left = taken[i];
          const { wrote, spent } = left
            ? { wrote: true, spent: answerOf(true, left) }
            : await takeAgain(run, texts, spend, leftBefore(i));
          keep ||= wrote;
          result.push(spent);
        }
        return { keep, result };
      }),
    MOST_TOGETHER,
  );
}

/** What is left, where the plain case took it. */
async function take(run: Run, texts: CreditStatements, spend: Spend): Promise<Left | undefined> {
  const { subject, cost, now } = spend;
  const query = texts.spend.with({ subject, cost, now, ...judgement(spend) });
  return (await run<Left>(query)).rows[0];
}

/** Why nothing was taken: what was judged has changed, a refill is due, or there is not enough. */
async function takeAgain(
  run: Run,
  texts: CreditStatements,
  spend: Spend,
  leftThen: Left | undefined,
): Promise<{ wrote: boolean; spent: Spent }> {
  const { subject, now, refill } = spend;
  const balance = async () => (await run<Left>(texts.balance.with({ subject }))).rows[0];
  const [found, judged] = await Promise.all([
    balance(),
    run(texts.asJudged.with(judgement(spend))),
  ]);
  if (found === undefined || judged.count === 0) return { wrote: false, spent: 'stale' };
  const due = dueRefill({ refill, refillAt: found.refill_at }, now);
  if (due === null) {
    // Others of this transaction may have filled it since.
    const taken = await take(run, texts, spend);
    const left = taken ?? leftThen ?? found;
    return { wrote: taken !== undefined, spent: answerOf(taken !== undefined, left) };
  }
  const [, taken, left] = await Promise.all([
    run(texts.refill.with({ subject, ...due })),
    take(run, texts, spend),
    balance(),
  ]);
  return { wrote: true, spent: answerOf(taken !== undefined, taken ?? left ?? found) };
}

function answerOf(enough: boolean, { balance, refill_at }: Left): Spent {
  return { enough, remaining: balance, refillAt: refill_at };
}
