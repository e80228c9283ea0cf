// What usage needs beside being written, in steps of a hundred rows, each of them one
// transaction that nobody writes usage beside: ended hours rolled up into days and ended
// days into months, with how far that has come; then what is not kept any longer, or of
// what is gone, removed.

import { bucketOf, type UsageRetention } from '@warder/core';
import type { Query } from '../../storage.ts';
import { type FigureRow, raised } from '../../usage-rows.ts';
import { COARSER, COUNT_COLUMNS, type Mark, USAGE_TABLES } from '../../usage-tables.ts';
import { inSchema } from './builder.ts';
import type { Channel } from './channel.ts';
import { usageLock } from './guards.ts';
import type { Run, Transactions } from './transactions.ts';
import { addFigures, marksOf } from './usage-writes.ts';

const ROWS_A_STEP = 100;
const ROLLED = ['hour', 'day'] as const;
type Rolled = (typeof ROLLED)[number];

/** One thing to do: what finds a row where there is any, and how a step of it is done. */
interface Chore {
  due(now: number, keep: UsageRetention): Query;
  run(run: Run, now: number, keep: UsageRetention): Promise<unknown>;
}

/** Does one step; answers whether there was one to do. */
export function usageUpkeepIn(transactions: Transactions, channel: Channel, schema: string) {
  const text = (sql: string) => inSchema(schema, sql);
  const chores: readonly Chore[] = [
    // All hours before any day, so that a day is whole when it is rolled up.
    ...ROLLED.map((step) => rollingUp(schema, step)),
    forgetting(schema),
    pruning(schema, 'hour', ({ hours }) => hours),
    pruning(schema, 'day', ({ days }) => days),
    {
      due: (_, { refusals }) => ({ sql: text(OLD_REFUSALS), parameters: [refusals] }),
      run: (run, _, { refusals }) => run({ sql: text(PRUNE_REFUSALS), parameters: [refusals] }),
    },
  ];
  return async (now: number, keep: UsageRetention): Promise<boolean> => {
    for (const chore of chores) {
      const due = chore.due(now, keep);
      if ((await channel.read(due)).count === 0) continue;
      await transactions.write([usageLock(schema, false)], async (run) => {
        // Somebody else may have done it meanwhile.
        if ((await run(due)).count === 0) return { keep: false, result: undefined };
        await chore.run(run, now, keep);
        return { keep: true, result: undefined };
      });
      return true;
    }
    return false;
  };
}

function rollingUp(schema: string, step: Rolled): Chore {
  const coarser = COARSER[step];
  const figures = inSchema(
    schema,
    `SELECT bucket, kind, position::text AS place, jsonb_build_array(${COUNT_COLUMNS.join(', ')})::text AS counts
      FROM warder.${USAGE_TABLES[step]} WHERE ${behind(step)} AND bucket < $1
      ORDER BY bucket, kind, position LIMIT ${ROWS_A_STEP}`,
  );
  const due = inSchema(
    schema,
    `SELECT 1 FROM warder.${USAGE_TABLES[step]} WHERE ${behind(step)} AND bucket < $1 LIMIT 1`,
  );
  const move = inSchema(
    schema,
    `UPDATE warder.usage_rolled SET bucket = $1, kind = $2, position = $3::text::bigint
      WHERE step = '${step}'`,
  );
  return {
    due: (now) => ({ sql: due, parameters: [bucketOf(step, now)] }),
    async run(run, now) {
      const [found, marks] = await Promise.all([
        run<Omit<Mark, 'position'> & { place: string; counts: string }>({
          sql: figures,
          parameters: [bucketOf(step, now)],
        }),
        marksOf(run, schema),
      ]);
      const rows = found.rows.map(
        ({ place: position, counts, ...row }): FigureRow => ({
          ...row,
          position,
          // Written by the very statement above.
          counts: JSON.parse(counts) as readonly number[],
        }),
      );
      const last = rows.at(-1);
      if (last === undefined || coarser === null) return;
      await Promise.all([
        ...addFigures(run, schema, coarser, raised(rows, step, coarser), marks),
        run({ sql: move, parameters: [last.bucket, last.kind, last.position] }),
      ]);
    },
  };
}

/** Not rolled up yet. */
function behind(step: Rolled): string {
  return `(bucket, kind, position) >
    (SELECT bucket, kind, position FROM warder.usage_rolled WHERE step = '${step}')`;
}

/** Only what is rolled up is removed. */
function pruning(schema: string, step: Rolled, endOf: (keep: UsageRetention) => number): Chore {
  const table = `warder.${USAGE_TABLES[step]}`;
  const old = `FROM ${table} WHERE bucket < $1 AND (bucket, kind, position) <=
    (SELECT bucket, kind, position FROM warder.usage_rolled WHERE step = '${step}')`;
  const due = inSchema(schema, `SELECT 1 ${old} LIMIT 1`);
  const remove = inSchema(
    schema,
    `DELETE FROM ${table} WHERE (bucket, kind, position) IN
      (SELECT bucket, kind, position ${old} ORDER BY bucket, kind, position LIMIT ${ROWS_A_STEP})`,
  );
  return {
    due: (_, keep) => ({ sql: due, parameters: [bucketOf(step, endOf(keep))] }),
    run: (run, _, keep) => run({ sql: remove, parameters: [bucketOf(step, endOf(keep))] }),
  };
}

/** They are written in the order of time, but for a moment. */
const OLD_REFUSALS = `SELECT number FROM
  (SELECT number, at FROM warder.key_refusals ORDER BY number LIMIT ${ROWS_A_STEP}) AS first
  WHERE at < $1`;
const PRUNE_REFUSALS = `DELETE FROM warder.key_refusals WHERE number IN (${OLD_REFUSALS})`;

/** One subject a step: one look-up for each bucket that there is. */
function forgetting(schema: string): Chore {
  const removals = Object.values(USAGE_TABLES).map((table) =>
    inSchema(
      schema,
      `WITH RECURSIVE buckets (bucket) AS (
          SELECT min(bucket) FROM warder.${table}
          UNION ALL
          SELECT (SELECT min(bucket) FROM warder.${table} WHERE bucket > buckets.bucket)
            FROM buckets WHERE buckets.bucket IS NOT NULL
        )
        DELETE FROM warder.${table} AS stored USING buckets
          WHERE stored.bucket = buckets.bucket AND stored.kind = $1
            AND stored.position = $2::text::bigint`,
    ),
  );
  const due = inSchema(
    schema,
    `SELECT kind, position::text FROM warder.usage_to_forget ORDER BY kind, usage_to_forget.position LIMIT 1`,
  );
  const forgotten = inSchema(
    schema,
    'DELETE FROM warder.usage_to_forget WHERE kind = $1 AND position = $2::text::bigint',
  );
  return {
    due: () => ({ sql: due, parameters: [] }),
    async run(run) {
      const found = await run<{ kind: number; position: string }>({ sql: due, parameters: [] });
      const [gone] = found.rows;
      if (gone === undefined) return;
      const parameters = [gone.kind, gone.position];
      await Promise.all([...removals, forgotten].map((sql) => run({ sql, parameters })));
    },
  };
}
