// Credits as every engine stores them: how they refill, as text in the row of the key
// or the owner that has them, and the balance in a narrow row of its own.

import type { Credits } from '@warder/core';

/** A balance as it is joined to what has it; null where there is no row of it. */
export interface JoinedBalance {
  balance: number | null;
  refill_at: number | null;
}

/** A balance, by the id of the key or the owner that has it. */
export interface BalanceRow {
  subject: string;
  balance: number;
  refill_at: number | null;
}

/** The plan alone. */
export function creditsText(credits: Credits | null): string | null {
  return credits && JSON.stringify({ refill: credits.refill });
}

export function creditsOf(row: JoinedBalance & { credits: string | null }): Credits | null {
  if (row.credits === null) return null;
  // Written above, of exactly this type.
  const { refill } = JSON.parse(row.credits) as Pick<Credits, 'refill'>;
  return { remaining: row.balance ?? 0, refillAt: row.refill_at, refill };
}
