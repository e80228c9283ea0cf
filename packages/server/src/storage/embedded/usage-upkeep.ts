// What usage needs beside being written, in steps of a hundred rows, each of them
// one transaction: ended hours rolled up into days and ended days into months, with
// how far that has come; then what is not kept any longer, or of what is gone, removed.

import { bucketOf, type UsageRetention } from '@warder/core';
import { type FigureRow, raised } from '../../usage-rows.ts';
import { COARSER, COUNT_COLUMNS, type Mark, USAGE_TABLES } from '../../usage-tables.ts';
import type { Connected } from './connection.ts';
import { addFigures } from './usage-writes.ts';

const ROWS_A_STEP = 100;
const ROLLED = ['hour', 'day'] as const;
type Rolled = (typeof ROLLED)[number];

/** One thing to do: whether there is any, and how a step of it is done. */
interface Chore {
  isDue(store: Connected, now: number, keep: UsageRetention): boolean;
  run(store: Connected, now: number, keep: UsageRetention): void;
}

/** Whether there is something to tend. */
export function isUsageDue(store: Connected, now: number, keep: UsageRetention): boolean {
  return CHORES.some((chore) => chore.isDue(store, now, keep));
}

/** Does one step, within a transaction; answers whether there was one to do. */
export function tendUsage(store: Connected, now: number, keep: UsageRetention): boolean {
  const chore = CHORES.find((one) => one.isDue(store, now, keep));
  chore?.run(store, now, keep);
  return chore !== undefined;
}

function rollingUp(step: Rolled): Chore {
  const arms = behindMark(step);
  const move = `UPDATE usage_rolled SET bucket = ?, kind = ?, position = CAST(? AS INTEGER)
    WHERE step = '${step}'`;
  return {
    isDue: (store, now) =>
      arms.some((from) => isAny(store, `SELECT 1 ${from} LIMIT 1`, bucketOf(step, now))),
    run(store, now) {
      for (const from of arms) {
        const rows = figuresFrom(store, from, bucketOf(step, now));
        const last = rows.at(-1);
        const coarser = COARSER[step];
        if (last === undefined || coarser === null) continue;
        addFigures(store, coarser, raised(rows, step, coarser));
        store.affected({ sql: move, parameters: [last.bucket, last.kind, last.position] });
        return;
      }
    },
  };
}

/**
 * What is not rolled up, of buckets before a given one. As a row of three values SQLite would enter at
 * the bucket alone and pass all that is rolled up of it: so each begins where it is to begin.
 */
export function behindMark(step: Rolled): readonly string[] {
  const mark = (column: string) => `(SELECT ${column} FROM usage_rolled WHERE step = '${step}')`;
  const same = `bucket = ${mark('bucket')}`;
  return [
    `${same} AND kind = ${mark('kind')} AND position > ${mark('position')} AND bucket < ?`,
    `${same} AND kind > ${mark('kind')} AND bucket < ?`,
    `bucket > ${mark('bucket')} AND bucket < ?`,
  ].map((condition) => `FROM ${USAGE_TABLES[step]} WHERE ${condition}`);
}

function figuresFrom(store: Connected, from: string, before: number): FigureRow[] {
  const sql = `SELECT bucket, kind, CAST(position AS TEXT) AS place, json_array(${COUNT_COLUMNS.join(', ')}) AS counts
    ${from} ORDER BY bucket, kind, position LIMIT ${ROWS_A_STEP}`;
  return store
    .rows<Omit<Mark, 'position'> & { place: string; counts: string }>({ sql, parameters: [before] })
    .map(({ place: position, counts, ...row }) => ({
      ...row,
      position,
      // Written by the very statement above.
      counts: JSON.parse(counts) as readonly number[],
    }));
}

/** Only what is rolled up is removed. */
function pruning(step: Rolled, endOf: (keep: UsageRetention) => number): Chore {
  const table = USAGE_TABLES[step];
  const old = `FROM ${table} WHERE bucket < ? AND (bucket, kind, position) <=
    (SELECT bucket, kind, position FROM usage_rolled WHERE step = '${step}')`;
  const remove = `DELETE FROM ${table} WHERE (bucket, kind, position) IN
    (SELECT bucket, kind, position ${old} LIMIT ${ROWS_A_STEP})`;
  return {
    isDue: (store, _, keep) => isAny(store, `SELECT 1 ${old} LIMIT 1`, bucketOf(step, endOf(keep))),
    run(store, _, keep) {
      store.affected({ sql: remove, parameters: [bucketOf(step, endOf(keep))] });
    },
  };
}

/** They are written in the order of time, but for a moment. */
const OLD_REFUSALS = `SELECT number FROM
  (SELECT number, at FROM key_refusals ORDER BY number LIMIT ${ROWS_A_STEP}) WHERE at < ?`;

const pruningRefusals: Chore = {
  isDue: (store, _, { refusals }) => isAny(store, OLD_REFUSALS, refusals),
  run(store, _, { refusals }) {
    const sql = `DELETE FROM key_refusals WHERE number IN (${OLD_REFUSALS})`;
    store.affected({ sql, parameters: [refusals] });
  },
};

const GONE = '(SELECT kind, position FROM usage_to_forget LIMIT 1)';

/** One subject a step: one look-up for each bucket that there is. */
const forgetting: Chore = {
  isDue: (store) => isAny(store, 'SELECT 1 FROM usage_to_forget LIMIT 1'),
  run(store) {
    for (const table of Object.values(USAGE_TABLES)) {
      const sql = `WITH RECURSIVE buckets (bucket) AS (
          SELECT min(bucket) FROM ${table}
          UNION ALL
          SELECT (SELECT min(bucket) FROM ${table} WHERE bucket > buckets.bucket) FROM buckets
            WHERE buckets.bucket IS NOT NULL
        )
        DELETE FROM ${table} WHERE (bucket, kind, position) IN
          (SELECT bucket, gone.kind, gone.position FROM buckets CROSS JOIN ${GONE} AS gone)`;
      store.affected({ sql, parameters: [] });
    }
    const sql = `DELETE FROM usage_to_forget WHERE (kind, position) IN ${GONE}`;
    store.affected({ sql, parameters: [] });
  },
};

/** All hours before any day, so that a day is whole when it is rolled up. */
const CHORES: readonly Chore[] = [
  rollingUp('hour'),
  rollingUp('day'),
  forgetting,
  pruning('hour', ({ hours }) => hours),
  pruning('day', ({ days }) => days),
  pruningRefusals,
];

function isAny(store: Connected, sql: string, ...parameters: readonly unknown[]): boolean {
  return store.row({ sql, parameters }) !== null;
}
