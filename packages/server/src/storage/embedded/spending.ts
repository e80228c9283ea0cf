// Spends of the writing thread: each takes all it asks for or nothing. Where the one
// statement of the plain case finds no row, it is found out why: something that was
// judged has changed, a refill is due, or there is not enough.

import { dueRefill, type Spend, type Spent } from '@warder/core';
import type { BalanceRow } from '../../credit-rows.ts';
import { type CreditStatements, judgement } from '../../credits.ts';
import type { Connected } from './connection.ts';

type Left = Omit<BalanceRow, 'subject'>;

/** For within a transaction. */
export function spendIn({ row, affected }: Connected, texts: CreditStatements) {
  return (spend: Spend): Spent => {
    const { subject, cost, now, refill } = spend;
    const judged = judgement(spend);
    const take = () => row<Left>(texts.spend.with({ subject, cost, now, ...judged }));
    const left = () => row<Left>(texts.balance.with({ subject }));
    let taken = take();
    let found = taken ?? left();
    if (taken === null && found !== null) {
      if (row(texts.asJudged.with(judged)) === null) return 'stale';
      const due = dueRefill({ refill, refillAt: found.refill_at }, now);
      if (due !== null) {
        affected(texts.refill.with({ subject, ...due }));
        taken = take();
        found = taken ?? left();
      }
    }
    if (found === null) return 'stale';
    return { enough: taken !== null, remaining: found.balance, refillAt: found.refill_at };
  };
}
