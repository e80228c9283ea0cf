// A list of keys in SQLite: which index it is read from, and what is looked up row
// by row. A list by one filter in the order of creation reads one index in that
// order. Anything else gathers and sorts the few rows of a narrow filter, or walks
// an index and is ended after so many rows.

import {
  type Key,
  type KeyFilter,
  type KeySort,
  NEWEST_FIRST,
  type Slice,
  type SliceRequest,
} from '@warder/core';
import { sql } from 'kysely';
import { type Shelf, SORT_COLUMNS, shelvesOf } from '../../key-filters.ts';
import { KEY_COLUMNS, keyOf, type UsedKeyRow } from '../../rows.ts';
import {
  all,
  createdIn,
  homesOf,
  type Listing,
  type ListQuery,
  listed,
  MOST_LOOKED_UP,
  MOST_PASSED,
  MOST_VISITED,
  NOTHING,
  type OnlyIf,
  type Sql,
  sliceOf,
  totalOf,
  type Within,
} from '../../slices.ts';
import type { Builder, Query } from '../../storage.ts';
import { type Condition, conditionsOf, FEW, type Source, shelved } from './key-conditions.ts';
import { type Merge, merged } from './key-merge.ts';
import { type Arm, beyond, countQuery, type Walk, walkQueries } from './walk.ts';

/** How many other filters are tried for being narrow. */
const TRIED = 2;
/** In SQLite's words. */
const NO_LIMIT = -1;

export function listKeys(
  builder: Builder,
  within: Within,
  filter: KeyFilter,
  slice: SliceRequest,
): Listing<Slice<Key>> {
  const { choices, count } = planOf(builder, homesOf(within, filter), filter, slice);
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

function planOf(
  builder: Builder,
  homes: readonly string[],
  filter: KeyFilter,
  slice: SliceRequest,
) {
  const { order = NEWEST_FIRST } = filter;
  const conditions = conditionsOf(builder, homes, filter);
  const direct = conditions.filter(({ ranged }) => ranged === null).filter(hasSources);
  const ranges = conditions.filter(({ ranged }) => ranged !== null).filter(hasSources);
  const shelves = shelvesOf(filter);
  const walks = walksOf(homes, filter, slice, conditions, shelves);

  const own = ranges.find(({ ranged }) => ranged === order.by) ?? null;
  const plain = walks.plain(own);
  const first = order.by === 'created_at' ? (direct[0] ?? null) : null;
  const choices: Choice[] = [];
  const driver = first ?? own;
  const alone = conditions.length === 1 && driver !== null;
  // What is gathered of live keys has deleted ones merged in by an index in the same order.
  const mergeable = homes.length > 0 || order.by === 'created_at' || !shelves.includes('deleted');
  if (!alone && mergeable && shelves.includes('live')) {
    const others = [...direct, ...ranges].filter((one) => one !== driver).slice(0, TRIED);
    for (const one of others) {
      const guard = { query: moreThanFew(builder, one), finds: false };
      choices.push({ guard, walk: walks.by(one, true) });
    }
  }
  if (first?.search) {
    const { dense, common } = first.search;
    const next = walks.next();
    choices.push({ guard: { query: dense(next, slice.limit), finds: true }, walk: plain });
    choices.push({ guard: { query: common, finds: false }, walk: walks.by(first, false) });
    choices.push({ guard: null, walk: plain });
  } else if (first !== null) {
    const guard = first.ready && { query: first.ready, finds: true };
    choices.push({ guard, walk: walks.by(first, false) });
  }
  if (first === null || first.ready !== null) choices.push({ guard: null, walk: plain });

  const counted = direct[0] ?? ranges[0];
  const [narrow, every] = [walks.unsorted(counted), walks.unsorted(undefined)];
  return { choices, count: { ready: counted?.ready ?? null, narrow, plain: every } };
}

function hasSources({ sources }: Condition): boolean {
  return sources.length > 0;
}

function walksOf(
  homes: readonly string[],
  filter: KeyFilter,
  slice: SliceRequest,
  conditions: readonly Condition[],
  shelves: readonly Shelf[],
) {
  const { order = NEWEST_FIRST, created } = filter;
  const column = SORT_COLUMNS[order.by];
  const value = column === null ? null : sql.ref(`keys.${column}`);

  const armOf = (source: Source, says: readonly Sql[], few: boolean): Arm => {
    const range = createdIn(source.position, created);
    const driving = source.byCreation ? [...source.driving, ...range] : source.driving;
    const looked = [...(source.residual ?? []), ...says];
    const residual = source.byCreation ? looked : [...looked, ...range];
    // What is sorted by a column of the keys needs them, also where only places are asked for.
    const sorted = value && { bare: source.from, least: order.by === 'name' ? sql`''` : sql`-1` };
    // However few the index holds of it, those that it does not hold yet may be many.
    return { ...source, ...sorted, value, driving, residual, few: few && !source.residual };
  };
  const saidBut = (but: Condition | null, shelf: Shelf) =>
    conditions
      .filter((one) => one !== but && !(one.ofLive && shelf === 'deleted'))
      .map((one) => one.says);
  const armsOf = (one: Condition, few: boolean) =>
    one.sources.map((source) => armOf(source, saidBut(one, 'live'), few));
  const columns = sql`${listed('keys', KEY_COLUMNS)}, key_usage.last_used_at, balances.balance, balances.refill_at`;
  const join = sql`left join key_usage on key_usage.key_position = keys.position left join balances on balances.subject = keys.id`;
  const ascending = !order.descending;
  /** Deleted keys are merged in, from indices that are sorted alike. */
  const walk = (live: readonly Arm[], visits: number, by: KeySort = order.by): Walk => {
    const gone = () => armOf(shelved('deleted', homes, by), saidBut(null, 'deleted'), false);
    const arms = [
      ...(shelves.includes('live') ? live : []),
      ...(shelves.includes('deleted') ? [gone()] : []),
    ];
    return { arms, columns, join, ascending, visits };
  };
  /** Through the indices of each workspace, where there is none of all. */
  const mergedWalk = (sort: Merge['sort'], own: Condition | null): Walk => {
    const says = (one: Condition) =>
      one.ofLive ? sql`(merged.shelf = 'deleted' or ${one.says})` : one.says;
    const residual = [
      ...conditions.filter((one) => one !== own).map(says),
      ...createdIn(sql.ref('keys.position'), created),
    ];
    const { limit, offset = 0 } = slice;
    const whole = residual.length === 0 || offset > 0;
    const enough = residual.length === 0 ? limit + 1 + offset : NO_LIMIT;
    const arm = merged({
      sort,
      shelves,
      driving: own ? [own.says] : [],
      upwards: ascending !== (slice.from?.side === 'before'),
      from: slice.from?.place ?? null,
      most: whole ? enough : MOST_LOOKED_UP,
    });
    const arms = [{ ...arm, residual, few: whole }];
    return { arms, columns, join, ascending, visits: MOST_LOOKED_UP, ended: true };
  };
  return {
    /** All keys in the order asked for; `own` is a range of that very order. */
    plain(own: Condition | null): Walk {
      if (homes.length === 0 && order.by !== 'created_at') return mergedWalk(order.by, own);
      const source = shelved('live', homes, order.by);
      const driving = own ? [...source.driving, own.says] : source.driving;
      const covered = source.byCreation && conditions.every((one) => one.covered);
      const arm = armOf({ ...source, driving }, saidBut(own, 'live'), false);
      return walk([arm], covered ? MOST_PASSED : MOST_LOOKED_UP);
    },
    /** The keys of one filter. */
    by(one: Condition, few: boolean): Walk {
      return walk(armsOf(one, few), MOST_LOOKED_UP);
    },
    /** The keys of one filter, or all, in any order. */
    unsorted(one: Condition | undefined): Walk {
      const all = () => armOf(shelved('live', homes, 'created_at'), saidBut(null, 'live'), false);
      return walk(one ? armsOf(one, false) : [all()], MOST_VISITED, 'created_at');
    },
    /** The live keys that come next in the order of creation, as what stands behind FROM. */
    next(): Sql {
      const live = armOf(shelved('live', homes, 'created_at'), [], false);
      const upwards = ascending !== (slice.from?.side === 'before');
      const direction = upwards ? sql`asc` : sql`desc`;
      const [start = []] = beyond(live, slice.from, upwards);
      return sql`${live.from} where ${all([...start, ...live.driving])} order by ${live.position} ${direction}`;
    },
  };
}

/** Finds a row where a filter alone has more than a few keys, or where its indices are not whole yet. */
function moreThanFew(builder: Builder, { sources, ready, search }: Condition): Query {
  if (search !== null) return search.many;
  const each = sources.map(({ bare, driving }) => sql`select 1 from ${bare} where ${all(driving)}`);
  const found = sql.join(each, sql` union all `);
  const many = sql`select 1 from (${found} limit 1 offset ${sql.lit(FEW)})`.compile(builder);
  if (ready === null) return many;
  return {
    sql: `select 1 where not exists (${ready.sql}) union all ${many.sql}`,
    parameters: [...ready.parameters, ...many.parameters],
  };
}
