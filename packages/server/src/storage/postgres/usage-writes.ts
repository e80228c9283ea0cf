// Writing usage: uses added to the hours of the key, its owner, its workspace and the
// installation, a statement for all of them, and the last refusals of keys. What comes for
// an hour that is rolled up already is added to its day as well, and what comes for such a
// day to its month (usage-upkeep.ts). Rows are written in an order that every process keeps.

import { type KeyRefusal, REFUSALS_KEPT, type UsageStep, type Use } from '@warder/core';
import {
  askedOf,
  type FigureRow,
  type FoundUse,
  isBehind,
  raised,
  rowsOfUses,
  textOfFigures,
  textOfRefusals,
} from '../../usage-rows.ts';
import { COARSER, COUNT_COLUMNS, type Mark, USAGE_TABLES } from '../../usage-tables.ts';
import { inSchema } from './builder.ts';
import { usageLock } from './guards.ts';
import type { Run, Transactions } from './transactions.ts';

type Marks = ReadonlyMap<string, Mark>;

export function usageWritesIn(transactions: Transactions, schema: string) {
  const find = inSchema(schema, FIND);
  const lastUses = [RECORD_LAST_USES, RECORD_LAST_DAYS].map((sql) => inSchema(schema, sql));
  const refusalTexts = [ADD_REFUSALS, TRIM_REFUSALS].map((sql) => inSchema(schema, sql));
  const shared = [usageLock(schema, true)];
  return {
    /** Those of keys that are gone are passed over. */
    recordUses: (uses: readonly Use[]) =>
      transactions.write(shared, async (run) => {
        const [found, marks] = await Promise.all([
          run<FoundUse>({ sql: find, parameters: [askedOf(uses)] }),
          marksOf(run, schema),
        ]);
        const rows = rowsOfUses(uses, found.rows);
        const last = rows.lastUses;
        await Promise.all([
          ...addFigures(run, schema, 'hour', rows.hours, marks),
          ...(last === null ? [] : lastUses.map((sql) => run({ sql, parameters: [last] }))),
        ]);
        return { keep: true, result: undefined };
      }),
    /** Keeps the last of each key. */
    recordRefusals: (refusals: readonly KeyRefusal[]) =>
      transactions.write(shared, async (run) => {
        const parameters = [textOfRefusals(refusals)];
        await Promise.all(refusalTexts.map((sql) => run({ sql, parameters })));
        return { keep: true, result: undefined };
      }),
  };
}

/** How far each step is rolled up: it stays so while the lock of usage is held. */
export async function marksOf(run: Run, schema: string): Promise<Marks> {
  const { rows } = await run<Mark & { step: UsageStep }>({
    sql: inSchema(schema, 'SELECT step, bucket, kind, position::text FROM warder.usage_rolled'),
    parameters: [],
  });
  return new Map(rows.map(({ step, ...mark }) => [step, mark]));
}

/** Adds figures to a step, and to the coarser ones where theirs are rolled up already. */
export function addFigures(
  run: Run,
  schema: string,
  step: UsageStep,
  rows: readonly FigureRow[],
  marks: Marks,
): Promise<unknown>[] {
  if (rows.length === 0) return [];
  const added = run({ sql: inSchema(schema, ADD[step]), parameters: [textOfFigures(rows)] });
  const coarser = COARSER[step];
  const mark = marks.get(step);
  if (coarser === null || mark === undefined) return [added];
  const late = rows.filter((row) => !isBehind(row, mark));
  return [added, ...addFigures(run, schema, coarser, raised(late, step, coarser), marks)];
}

const FIND = `SELECT asked.place - 1 AS place, keys.position::text AS keys, keys.kind AS kind,
    workspaces.position::text AS workspaces, owners.position::text AS owners
  FROM jsonb_array_elements($1::text::jsonb) WITH ORDINALITY AS asked (value, place)
  JOIN warder.keys ON keys.position = (asked.value ->> 0)::bigint AND keys.id = asked.value ->> 1
  LEFT JOIN warder.workspaces ON workspaces.id = keys.workspace_id AND workspaces.deleted_at IS NULL
  LEFT JOIN warder.owners ON owners.workspace_id = keys.workspace_id
    AND owners.external_id = keys.owner_id AND owners.erased_at IS NULL
  WHERE keys.erased_at IS NULL`;
const RECORD_LAST_USES = `INSERT INTO warder.key_usage (key_position, last_used_at)
  SELECT (value ->> 0)::bigint, (value ->> 1)::bigint FROM jsonb_array_elements($1::text::jsonb)
    ORDER BY 1
  ON CONFLICT (key_position) DO UPDATE SET last_used_at = excluded.last_used_at
    WHERE key_usage.last_used_at < excluded.last_used_at`;
const RECORD_LAST_DAYS = `WITH used AS (
    SELECT (value ->> 0)::bigint AS position, (value ->> 2)::bigint AS day
      FROM jsonb_array_elements($1::text::jsonb)
  ), held AS (
    SELECT keys.position, used.day FROM used JOIN warder.keys ON keys.position = used.position
      WHERE keys.last_used_day < used.day ORDER BY keys.position FOR NO KEY UPDATE OF keys
  )
  UPDATE warder.keys SET last_used_day = held.day FROM held
    WHERE keys.position = held.position AND keys.last_used_day < held.day`;
const ADD_REFUSALS = `INSERT INTO warder.key_refusals (key_position, at, code, missing_scopes, address)
  SELECT keys.position, (value ->> 2)::bigint, value ->> 3, value ->> 4, value ->> 5
  FROM jsonb_array_elements($1::text::jsonb) WITH ORDINALITY AS given (value, place)
  JOIN warder.keys ON keys.position = (value ->> 0)::bigint AND keys.id = value ->> 1
  WHERE keys.erased_at IS NULL ORDER BY place`;
// Others may trim the same key at this moment: what they hold is left to them.
const TRIM_REFUSALS = `DELETE FROM warder.key_refusals WHERE number IN (
  SELECT old.number
  FROM (SELECT DISTINCT (value ->> 0)::bigint AS position
      FROM jsonb_array_elements($1::text::jsonb)) AS given,
    LATERAL (SELECT number FROM warder.key_refusals WHERE key_position = given.position
      ORDER BY number DESC OFFSET ${REFUSALS_KEPT} FOR UPDATE SKIP LOCKED) AS old)`;

function addTo(table: string): string {
  const values = COUNT_COLUMNS.map((_, i) => `(value ->> ${i + 3})::bigint`).join(', ');
  const sums = COUNT_COLUMNS.map((column) => `${column} = ${table}.${column} + excluded.${column}`);
  // Rows of several buckets may become one of a coarser step: they are added up first.
  const gathered = COUNT_COLUMNS.map((column) => `sum(${column})`).join(', ');
  return `INSERT INTO warder.${table} (bucket, kind, position, ${COUNT_COLUMNS.join(', ')})
    SELECT bucket, kind, position, ${gathered} FROM (
      SELECT (value ->> 0)::bigint, (value ->> 1)::smallint, (value ->> 2)::bigint, ${values}
        FROM jsonb_array_elements($1::text::jsonb)
    ) AS given (bucket, kind, position, ${COUNT_COLUMNS.join(', ')})
    GROUP BY bucket, kind, position ORDER BY bucket, kind, position
    ON CONFLICT (bucket, kind, position) DO UPDATE SET ${sums.join(', ')}`;
}

const ADD: Readonly<Record<UsageStep, string>> = {
  hour: addTo(USAGE_TABLES.hour),
  day: addTo(USAGE_TABLES.day),
  month: addTo(USAGE_TABLES.month),
};
