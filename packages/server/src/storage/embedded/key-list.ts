// A list of keys in SQLite: which index it is read from, and what is looked up row
// by row. A list by one filter in the order of creation reads one index in that
// order. Anything else gathers and sorts the few rows of a narrow filter, or walks
// an index and is ended after so many rows.

import {
  type Key,
  type KeyFilter,
  NEWEST_FIRST,
  type Slice,
  type SliceRequest,
} from '@warder/core';
import { sql } from 'kysely';
import { KEY_COLUMNS, keyOf, type UsedKeyRow } from '../../rows.ts';
import {
  type Arm,
  all,
  countQuery,
  createdIn,
  homesOf,
  type Listing,
  type ListQuery,
  listed,
  NOTHING,
  type OnlyIf,
  type Sql,
  sliceOf,
  totalOf,
  type Walk,
  type Within,
  walkQueries,
} from '../../slices.ts';
import type { Builder, Query } from '../../storage.ts';
import { type Condition, conditionsOf, type Source, shelved } from './key-conditions.ts';
import { type Shelf, SORT_COLUMNS } from './key-indices.ts';

/** So many are gathered and sorted rather than looked for in another index. */
const FEW = 1_000;
/** How many other filters are tried for being narrow. */
const TRIED = 2;

export function listKeys(
  builder: Builder,
  within: Within,
  filter: KeyFilter,
  slice: SliceRequest,
): Listing<Slice<Key>> {
  const { choices, count } = planOf(builder, homesOf(within, filter), filter);
  const { total, limit } = slice;
  const queries: ListQuery[] = [];
  const add = (query: ListQuery) => queries.push(query) - 1;

  const pages: { rows: number; reached: number }[] = [];
  let untaken: OnlyIf[] = [];
  for (const { guard, walk } of choices) {
    const asked = guard && add({ ...guard.query, onlyIf: untaken });
    const found = (finds: boolean): OnlyIf[] =>
      asked === null ? [] : [{ query: asked, fewerThan: 1, holds: !finds }];
    const taken = [...untaken, ...found(guard?.finds ?? true)];
    untaken = [...untaken, ...found(!(guard?.finds ?? true))];
    const { page, reached } = walkQueries(builder, walk, slice);
    const rows = add({ ...page, onlyIf: taken });
    const short = { query: rows, fewerThan: limit + 1, holds: true };
    pages.push({ rows, reached: add({ ...(reached ?? NOTHING), onlyIf: [...taken, short] }) });
  }
  const counts: number[] = [];
  if (total !== 'none') {
    const asked = count.ready && add(count.ready);
    const found = (holds: boolean) =>
      asked === null ? [] : [{ query: asked, fewerThan: 1, holds: !holds }];
    counts.push(add({ ...countQuery(builder, count.narrow, total), onlyIf: found(true) }));
    if (asked !== null) {
      counts.push(add({ ...countQuery(builder, count.plain, total), onlyIf: found(false) }));
    }
  }
  return {
    queries,
    answer(results) {
      const at = (query: number) => results[query] ?? [];
      // Whatever was not chosen was not asked, and found nothing.
      const rows = pages.flatMap((page) => at(page.rows));
      const reached = pages.flatMap((page) => at(page.reached));
      const answer = sliceOf<UsedKeyRow, Key>(rows, reached, slice, keyOf);
      if (total === 'none') return answer;
      return { ...answer, total: totalOf(counts.flatMap(at)[0], total) };
    },
  };
}

/** A way to read the list, taken where none before it was and its guard finds a row, or none. */
interface Choice {
  readonly guard: { readonly query: Query; readonly finds: boolean } | null;
  readonly walk: Walk;
}

function planOf(builder: Builder, homes: readonly string[], filter: KeyFilter) {
  const { order = NEWEST_FIRST } = filter;
  const conditions = conditionsOf(builder, homes, filter);
  const direct = conditions.filter(({ ranged }) => ranged === null).filter(hasSources);
  const ranges = conditions.filter(({ ranged }) => ranged !== null).filter(hasSources);
  const shelves = shelvesOf(filter);
  const walks = walksOf(homes, filter, conditions, shelves);

  const own = ranges.find(({ ranged }) => ranged === order.by) ?? null;
  const plain = walks.plain(own);
  const first = order.by === 'created_at' ? (direct[0] ?? null) : null;
  const choices: Choice[] = [];
  const driver = first ?? own;
  const alone = conditions.length === 1 && driver !== null;
  if (!alone && shelves.includes('live')) {
    const others = [...direct, ...ranges].filter((one) => one !== driver).slice(0, TRIED);
    for (const one of others) {
      const guard = { query: moreThanFew(builder, one), finds: false };
      choices.push({ guard, walk: walks.by(one, true) });
    }
  }
  if (first !== null) {
    const guard = first.ready && { query: first.ready, finds: true };
    choices.push({ guard, walk: walks.by(first, false) });
  }
  if (first === null || first.ready !== null) choices.push({ guard: null, walk: plain });

  const counted = direct[0] ?? ranges[0];
  const narrow = counted ? walks.by(counted, false) : plain;
  return { choices, count: { ready: counted?.ready ?? null, narrow, plain } };
}

function hasSources({ sources }: Condition): boolean {
  return sources.length > 0;
}

function walksOf(
  homes: readonly string[],
  filter: KeyFilter,
  conditions: readonly Condition[],
  shelves: readonly Shelf[],
) {
  const { order = NEWEST_FIRST, created } = filter;
  const column = SORT_COLUMNS[order.by];
  const value = column === null ? null : sql.ref(`keys.${column}`);

  const armOf = (source: Source, residual: readonly Sql[], few: boolean): Arm => {
    const range = createdIn(source.position, created);
    const driving = source.byCreation ? [...source.driving, ...range] : source.driving;
    const rest = source.byCreation ? residual : [...residual, ...range];
    // What is sorted by a column of the keys needs them, also where only places are asked for.
    const sorted = value && { bare: source.from, least: order.by === 'name' ? sql`''` : sql`-1` };
    return { ...source, ...sorted, value, driving, residual: rest, few };
  };
  const saidBut = (but: Condition | null, shelf: Shelf) =>
    conditions
      .filter((one) => one !== but && !(one.ofLive && shelf === 'deleted'))
      .map((one) => one.says);
  /** Deleted keys are merged in, from indices that are sorted alike. */
  const walk = (live: readonly Arm[]): Walk => {
    const deleted = armOf(shelved('deleted', homes, order.by), saidBut(null, 'deleted'), false);
    return {
      arms: [
        ...(shelves.includes('live') ? live : []),
        ...(shelves.includes('deleted') ? [deleted] : []),
      ],
      columns: sql`${listed('keys', KEY_COLUMNS)}, key_usage.last_used_at`,
      join: sql`left join key_usage on key_usage.key_position = keys.position`,
      ascending: !order.descending,
    };
  };
  return {
    /** All keys in the order asked for; `own` is a range of that very order. */
    plain(own: Condition | null): Walk {
      const source = shelved('live', homes, order.by);
      const driving = own ? [...source.driving, own.says] : source.driving;
      return walk([armOf({ ...source, driving }, saidBut(own, 'live'), false)]);
    },
    /** The keys of one filter. */
    by(one: Condition, few: boolean): Walk {
      return walk(one.sources.map((source) => armOf(source, saidBut(one, 'live'), few)));
    },
  };
}

/** Finds a row where a filter alone has more than a few keys, or where its indices are not whole yet. */
function moreThanFew(builder: Builder, { sources, ready }: Condition): Query {
  const each = sources.map(({ bare, driving }) => sql`select 1 from ${bare} where ${all(driving)}`);
  const found = sql.join(each, sql` union all `);
  const many = sql`select 1 from (${found} limit 1 offset ${sql.lit(FEW)})`.compile(builder);
  if (ready === null) return many;
  return {
    sql: `select 1 where not exists (${ready.sql}) union all ${many.sql}`,
    parameters: [...ready.parameters, ...many.parameters],
  };
}

function shelvesOf({ statuses, includeDeleted = false }: KeyFilter): readonly Shelf[] {
  if (statuses === undefined) return includeDeleted ? ['live', 'deleted'] : ['live'];
  const shelves = statuses.map((status) => (status === 'deleted' ? 'deleted' : 'live'));
  return [...new Set(shelves)];
}
