// Reading usage: the figures of a subject by one step, and the last refusals of a
// key. As many rows are looked at as buckets are asked for, however many keys there
// are: what a workspace or an owner comes to has rows of its own.

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
import type { Listing, Sql, Within } from '../../slices.ts';
import { at, type Query, sql } from '../../storage.ts';
import { bucketsOf, FINER, refusalsOf } from '../../usage-answers.ts';
import { COUNT_COLUMNS, USAGE_TABLES } from '../../usage-tables.ts';
import { builder } from './builder.ts';

export function listUsage(
  within: Within,
  subject: UsageSubject,
  span: UsageSpan,
): Listing<readonly UsageBucket[]> {
  const found = subjectIn(within, subject);
  const steps = found === null ? [] : [span.step, ...FINER[span.step]];
  return {
    queries: steps.map((step) => figures(found ?? sql``, step, span)),
    answer: (results) => bucketsOf(span, steps, results),
  };
}

/** Kind and position of a subject; null where it is beyond the reach whatever it is. */
function subjectIn(within: Within, subject: UsageSubject): Sql | null {
  const kind = sql.lit(USAGE_KINDS[subject.type]);
  if (subject.type === 'installation') return within === null ? sql`select ${kind}, 0` : null;
  const { position, id } = at(subject.id);
  const table = sql.table(`${subject.type}s`);
  const home = sql.ref(subject.type === 'workspace' ? 'id' : 'workspace_id');
  const confined = within === null ? sql`` : sql` and ${home} = ${within}`;
  const there = subject.type === 'key' ? sql` and erased_at is null` : sql``;
  return sql`select ${kind}, position from ${table} where position = ${position} and id = ${id}${confined}${there}`;
}

const counts = sql.raw(COUNT_COLUMNS.map((column) => `stored.${column}`).join(', '));

/** The rows of one table: of the step that is asked for all, of a finer one what is not rolled up. */
function figures(subject: Sql, step: UsageStep, { step: asked, from, to }: UsageSpan): Query {
  const table = sql.table(USAGE_TABLES[step]);
  const first = sql`max(${bucketOf(step, startOf(asked, from))}, (select min(bucket) from ${table}))`;
  const end = sql`min(${bucketOf(step, startOf(asked, to))}, (select max(bucket) + 1 from ${table}))`;
  const rolled = sql`from usage_rolled where step = ${sql.lit(step)}`;
  const begin = step === asked ? first : sql`max(${first}, (select bucket ${rolled}))`;
  const open =
    step === asked
      ? sql``
      : sql` and (stored.bucket, stored.kind, stored.position) > (select bucket, kind, position ${rolled})`;
  return sql`with recursive
    subject (kind, position) as (${subject}),
    bounds (first, after) as (select ${begin}, ${end}),
    buckets (bucket) as (
      select first from bounds where first < after
      union all select bucket + 1 from buckets, bounds where bucket + 1 < after
    )
    select stored.bucket, ${counts} from subject cross join buckets cross join ${table} as stored
    where stored.bucket = buckets.bucket and stored.kind = subject.kind
      and stored.position = subject.position${open}`.compile(builder);
}

/** The refusals of a key, the newest first. */
export function listRefusals(within: Within, keyId: string): Listing<readonly NotedRefusal[]> {
  const { position, id } = at(keyId);
  const confined = within === null ? sql`` : sql` and keys.workspace_id = ${within}`;
  const query = sql`select at, code, missing_scopes, address
    from keys cross join key_refusals on key_position = keys.position
    where keys.position = ${position} and keys.id = ${id}${confined} order by number desc`;
  return {
    queries: [query.compile(builder)],
    answer: ([rows = []]) => refusalsOf(rows),
  };
}
