// What is done a few rows at a time while nobody asks: keys whose time has come, and
// replies that ended. Several processes may do so at once: what one holds, the others pass.

import { nextTurn, statusOf } from '@warder/core';
import { keyOf, type UsedKeyRow } from '../../rows.ts';
import { at, type Statements } from '../../storage.ts';
import { inSchema } from './builder.ts';
import type { Channel } from './channel.ts';
import type { Transactions } from './transactions.ts';

export function upkeepIn(
  transactions: Transactions,
  channel: Channel,
  texts: Statements,
  schema: string,
) {
  const hold = inSchema(
    schema,
    `SELECT position::text AS position FROM warder.keys WHERE turns_at IS NOT NULL AND turns_at <= $1
      ORDER BY turns_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED`,
  );
  const turning = inSchema(
    schema,
    `SELECT keys.*, NULL AS last_used_at, NULL AS balance, NULL AS refill_at FROM warder.keys
      WHERE position IN (SELECT jsonb_array_elements_text($1::text::jsonb)::bigint)`,
  );
  const prune = inSchema(
    schema,
    `DELETE FROM warder.replies WHERE id IN
      (SELECT id FROM warder.replies WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
  );
  return {
    async turnStates(now: number, most: number): Promise<number> {
      // Found by reading alone: what has nothing to write begins no transaction.
      const due = await channel.read(texts.turning.with({ now, most: 1 }));
      if (due.count === 0) return 0;
      return transactions.write([], async (run) => {
        const held = await run<{ position: string }>({ sql: hold, parameters: [now, most] });
        const positions = JSON.stringify(held.rows.map(({ position }) => position));
        const found = await run<UsedKeyRow>({ sql: turning, parameters: [positions] });
        const keys = found.rows.map(keyOf);
        await Promise.all(
          keys.map((key) => {
            const turned = { state: statusOf(key, now), turns_at: nextTurn(key, now) };
            return run(texts.turn.with({ ...at(key.id), ...turned }));
          }),
        );
        return { keep: true, result: keys.length };
      });
    },
    pruneReplies: (now: number, most: number) =>
      transactions.write([], async (run) => {
        const { count } = await run({ sql: prune, parameters: [now, most] });
        return { keep: count > 0, result: count };
      }),
  };
}
