// Reading usage: the figures of a subject by one step, and the last refusals of a key. As
// many rows are looked at as buckets are asked for, however many keys there are: what a
// workspace or an owner comes to has rows of its own.

import {
  bucketOf,
  type NotedRefusal,
  startOf,
  type UsageBucket,
  type UsageSpan,
  type UsageStep,
  type UsageSubject,
} from '@warder/core';
import { USAGE_KINDS } from '../../rows.ts';
import type { Listing, Within } from '../../slices.ts';
import { at, type Query } from '../../storage.ts';
import { bucketsOf, FINER, refusalsOf } from '../../usage-answers.ts';
import { COUNT_COLUMNS, USAGE_TABLES } from '../../usage-tables.ts';
import { inSchema } from './builder.ts';

export function listUsage(
  schema: string,
  within: Within,
  subject: UsageSubject,
  span: UsageSpan,
): Listing<readonly UsageBucket[]> {
  const found = subjectIn(within, subject);
  const steps = found === null ? [] : [span.step, ...FINER[span.step]];
  return {
    queries: steps.map((step) => ({
      sql: inSchema(schema, figures(found?.sql ?? '', step, span)),
      parameters: found?.parameters ?? [],
    })),
    answer: (results) => bucketsOf(span, steps, results),
  };
}

/** Kind and position of a subject; null where it is beyond the reach whatever it is. */
function subjectIn(within: Within, subject: UsageSubject): Query | null {
  const kind = `${USAGE_KINDS[subject.type]}::smallint AS kind`;
  if (subject.type === 'installation') {
    return within === null
      ? { sql: `SELECT ${kind}, 0::bigint AS position`, parameters: [] }
      : null;
  }
  const { position, id } = at(subject.id);
  const home = subject.type === 'workspace' ? 'id' : 'workspace_id';
  const there = subject.type === 'key' ? ' AND erased_at IS NULL' : '';
  return {
    sql: `SELECT ${kind}, position FROM warder.${subject.type}s
      WHERE position = $1 AND id = $2 AND ($3::text IS NULL OR ${home} = $3)${there}`,
    parameters: [position, id, within],
  };
}

const counts = COUNT_COLUMNS.map((column) => `stored.${column}`).join(', ');

/** The rows of one table: of the step that is asked for all, of a finer one what is not rolled up. */
function figures(subject: string, step: UsageStep, { step: asked, from, to }: UsageSpan): string {
  const table = `warder.${USAGE_TABLES[step]}`;
  const rolled = `FROM warder.usage_rolled WHERE step = '${step}'`;
  const first = [
    String(bucketOf(step, startOf(asked, from))),
    `(SELECT min(bucket) FROM ${table})`,
    ...(step === asked ? [] : [`(SELECT bucket ${rolled})`]),
  ];
  const last = `least(${bucketOf(step, startOf(asked, to))} - 1, (SELECT max(bucket) FROM ${table}))`;
  const open =
    step === asked
      ? ''
      : ` AND (stored.bucket, stored.kind, stored.position) > (SELECT bucket, kind, position ${rolled})`;
  // One look-up for each bucket, however the planner takes the table to be filled.
  return `WITH subject AS MATERIALIZED (${subject})
    SELECT stored.* FROM subject,
      generate_series(greatest(${first.join(', ')}), ${last}) AS buckets (bucket),
      LATERAL (SELECT stored.bucket, ${counts} FROM ${table} AS stored
        WHERE stored.bucket = buckets.bucket AND stored.kind = subject.kind
          AND stored.position = subject.position${open} OFFSET 0) AS stored`;
}

/** The refusals of a key, the newest first. */
export function listRefusals(
  schema: string,
  within: Within,
  keyId: string,
): Listing<readonly NotedRefusal[]> {
  const { position, id } = at(keyId);
  const sql = `SELECT at, code, missing_scopes, address
    FROM warder.keys JOIN warder.key_refusals ON key_position = keys.position
    WHERE keys.position = $1 AND keys.id = $2 AND ($3::text IS NULL OR keys.workspace_id = $3)
    ORDER BY number DESC`;
  return {
    queries: [{ sql: inSchema(schema, sql), parameters: [position, id, within] }],
    answer: ([rows = []]) => refusalsOf(rows),
  };
}
