// The statements of balances: what an edit writes, and a spend, which takes all that
// is asked for or nothing and reads nothing before. Each is about one row.

import { type CreditsWrite, type DueRefill, MAX_CREDITS, type Spend } from '@warder/core';
import type { BalanceRow } from './credit-rows.ts';
import { at, atLeast, type Builder, prepare, type Query, sql } from './storage.ts';

export type CreditStatements = ReturnType<typeof creditStatements>;

interface SpendSlots extends Judgement {
  readonly subject: string;
  readonly cost: number;
  readonly now: number;
}

interface Judgement {
  readonly position: bigint;
  readonly id: string;
  readonly key: number;
  readonly owner: number | null;
  readonly workspace: number | null;
}

export function creditStatements(builder: Builder) {
  /** The key with its owner and workspace, where all of them are of the versions that were judged. */
  const asJudged = (slots: Judgement) =>
    builder
      .selectFrom('keys')
      .leftJoin('owners', (join) =>
        join
          .onRef('owners.workspace_id', '=', 'keys.workspace_id')
          .onRef('owners.external_id', '=', 'keys.owner_id'),
      )
      .leftJoin('workspaces', 'workspaces.id', 'keys.workspace_id')
      .select('keys.id')
      .where('keys.position', '=', slots.position)
      .where('keys.id', '=', slots.id)
      .where('keys.version', '=', slots.key)
      .where('owners.version', 'is not distinct from', slots.owner)
      .where('workspaces.version', 'is not distinct from', slots.workspace);

  return {
    balance: prepare<{ subject: string }>(({ subject }) =>
      builder
        .selectFrom('balances')
        .select(['balance', 'refill_at'])
        .where('subject', '=', subject),
    ),
    /** A row, with what is left, where there was enough, no refill is due and nothing changed. */
    spend: prepare<SpendSlots>((slots) =>
      builder
        .updateTable('balances')
        .set((one) => ({ balance: one('balance', '-', slots.cost) }))
        .where('subject', '=', slots.subject)
        .where('balance', '>=', slots.cost)
        .where((one) => one.or([one('refill_at', 'is', null), one('refill_at', '>', slots.now)]))
        .where((one) => one.exists(asJudged(slots)))
        .returning(['balance', 'refill_at']),
    ),
    asJudged: prepare<Judgement>(asJudged),
    /** Does nothing where somebody has done it. */
    refill: prepare<DueRefill & { subject: string }>((slots) =>
      builder
        .updateTable('balances')
        .set({ balance: atLeast('balance', slots.amount), refill_at: slots.next })
        .where('subject', '=', slots.subject)
        .where('refill_at', '=', slots.at),
    ),
    openCredits: prepare<BalanceRow>((slots) =>
      builder
        .insertInto('balances')
        .values({ subject: slots.subject, balance: slots.balance, refill_at: slots.refill_at })
        .onConflict((conflict) =>
          conflict.column('subject').doUpdateSet((one) => ({
            balance: one.ref('excluded.balance'),
            refill_at: one.ref('excluded.refill_at'),
          })),
        ),
    ),
    moveRefill: prepare<{ subject: string; refillAt: number | null }>((slots) =>
      builder
        .updateTable('balances')
        .set({ refill_at: slots.refillAt })
        .where('subject', '=', slots.subject),
    ),
    addCredits: prepare<{ subject: string; amount: number }>((slots) =>
      builder
        .updateTable('balances')
        .set((one) => ({ balance: one('balance', '+', slots.amount) }))
        .where('subject', '=', slots.subject)
        .where(sql<number>`${MAX_CREDITS} - balance`, '>=', slots.amount),
    ),
    setCredits: prepare<{ subject: string; remaining: number }>((slots) =>
      builder
        .updateTable('balances')
        .set({ balance: slots.remaining })
        .where('subject', '=', slots.subject),
    ),
    handOverCredits: prepare<{ subject: string; to: string }>((slots) =>
      builder
        .updateTable('balances')
        .set({ subject: slots.to })
        .where('subject', '=', slots.subject),
    ),
    closeCredits: prepare<{ subject: string }>(({ subject }) =>
      builder.deleteFrom('balances').where('subject', '=', subject),
    ),
  };
}

/** The statement of one change of a balance, which writes one row but for the last. */
export function creditsQuery(texts: CreditStatements, { subject, does }: CreditsWrite): Query {
  switch (does.what) {
    case 'open':
      return texts.openCredits.with({
        subject,
        balance: does.remaining,
        refill_at: does.refillAt,
      });
    case 'move_refill':
      return texts.moveRefill.with({ subject, refillAt: does.refillAt });
    case 'add':
      return texts.addCredits.with({ subject, amount: does.amount });
    case 'set':
      return texts.setCredits.with({ subject, remaining: does.remaining });
    case 'hand_over':
      return texts.handOverCredits.with({ subject, to: does.to });
    case 'close':
      return texts.closeCredits.with({ subject });
  }
}

export function judgement({ judged }: Spend): Judgement {
  const { keyId, key, owner, workspace } = judged;
  return { ...at(keyId), key, owner, workspace };
}
