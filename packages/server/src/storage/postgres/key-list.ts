// Lists of keys in PostgreSQL: which index they are read from, and what is looked up row
// by row. A list by one filter in the order of creation reads one index in that order.
// Anything else gathers and sorts the few rows of a narrow filter, or walks an index and
// is ended after so many rows.

import {
  type Key,
  type KeyFilter,
  NEWEST_FIRST,
  type Slice,
  type SliceRequest,
} from '@warder/core';
import { sql } from 'kysely';
import { type Shelf, SORT_COLUMNS, shelvesOf } from '../../key-filters.ts';
import { keyOf, type UsedKeyRow } from '../../rows.ts';
import {
  createdIn,
  type Equal,
  homesOf,
  type Listing,
  type ListQuery,
  MOST_LOOKED_UP,
  MOST_VISITED,
  type OnlyIf,
  type Sql,
  totalOf,
  type Within,
} from '../../slices.ts';
import type { Builder, Query } from '../../storage.ts';
import { type Condition, conditionsOf, shelved } from './key-conditions.ts';
import { createdWithin, KEY_JOINS, KEY_SELECTION } from './runs.ts';
import { isUpwards, type Scan, scanned } from './scan.ts';
import { type Arm, addPage, countQuery, mergedSlice, type Paged, type Walk } from './walk.ts';

/** So many keys of a filter are gathered and sorted rather than looked for in another index. */
const FEW = 1_000;
/** How many other filters are tried for being narrow. */
const TRIED = 2;
/** So many keys are looked at before the index of pieces is asked. */
const LOOKED_AT_FIRST = 1_000;

export function listKeys(
  builder: Builder,
  within: Within,
  filter: KeyFilter,
  slice: SliceRequest,
): Listing<Slice<Key>> {
  const homes = homesOf(within, filter).map((value) => ({ column: 'workspace_id', value }));
  const { choices, count } = planOf(builder, homes, filter, slice);
  const { total } = slice;
  const queries: ListQuery[] = [];
  const add = (query: ListQuery) => queries.push(query) - 1;

  const pages: Paged[] = [];
  let untaken: OnlyIf[] = [];
  for (const { guard, walk } of choices) {
    const asked = guard && add({ ...guard.query, onlyIf: untaken });
    const found = (finds: boolean): OnlyIf[] =>
      asked === null ? [] : [{ query: asked, fewerThan: 1, holds: !finds }];
    const taken = [...untaken, ...found(guard?.finds ?? true)];
    untaken = [...untaken, ...found(!(guard?.finds ?? true))];
    pages.push(...addPage(queries, builder, walk, slice, taken));
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
      // Whatever was not chosen was not asked, and found nothing.
      const answer = mergedSlice<UsedKeyRow, Key>(pages, results, count.plain, slice, keyOf);
      if (total === 'none') return answer;
      const [counted] = counts.flatMap((query) => results[query] ?? []);
      return { ...answer, total: totalOf(counted, total) };
    },
  };
}

/** A way to read the list, taken where none before it was and its guard finds a row, or none. */
interface Choice {
  readonly guard: { readonly query: Query; readonly finds: boolean } | null;
  readonly walk: Walk;
}

function planOf(builder: Builder, homes: readonly Equal[], filter: KeyFilter, slice: SliceRequest) {
  const { order = NEWEST_FIRST } = filter;
  const conditions = conditionsOf(builder, homes, filter);
  const direct = conditions.filter((one) => one.ranged === null && isHeld(one));
  const ranges = conditions.filter((one) => one.ranged !== null && isHeld(one));
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
      choices.push({ guard, walk: walks.gathered(one) });
    }
  }
  if (first?.hits) {
    const next = walks.next(slice);
    const dense = sql`select 1 from (${next}) as keys where ${first.says} limit 1 offset ${slice.limit}`;
    const common = moreThan(builder, first.hits, MOST_VISITED);
    choices.push({ guard: { query: dense.compile(builder), finds: true }, walk: plain });
    choices.push({ guard: { query: common, finds: false }, walk: walks.gathered(first) });
    choices.push({ guard: null, walk: plain });
  } else if (first !== null) {
    const guard = first.ready && { query: first.ready, finds: true };
    choices.push({ guard, walk: walks.by(first) });
  }
  if (first === null || first.ready !== null) choices.push({ guard: null, walk: plain });

  const counted = direct[0] ?? ranges[0];
  const [narrow, every] = [walks.counted(counted), walks.counted(undefined)];
  return { choices, count: { ready: counted?.ready ?? null, narrow, plain: every } };
}

function isHeld({ scans, hits }: Condition): boolean {
  return scans.length > 0 || hits !== null;
}

function walksOf(
  homes: readonly Equal[],
  filter: KeyFilter,
  conditions: readonly Condition[],
  shelves: readonly Shelf[],
) {
  const { order = NEWEST_FIRST, created } = filter;
  const byCreation = order.by === 'created_at';
  const range = byCreation && created ? createdWithin(created) : undefined;
  const saidBut = (but: Condition | null, shelf: Shelf) =>
    conditions
      .filter((one) => one !== but && !(one.ofLive && shelf === 'deleted'))
      .map((one) => one.says);
  /** What is in the order of creation begins and ends where the list does. */
  const confined = (scan: Scan): Scan =>
    range === undefined || scan.value !== null ? scan : { ...scan, range };
  /** What else holds of a range of creation, where no index began and ended with it. */
  const made = byCreation ? createdIn(sql.ref('keys.position'), created) : [];

  const [columns, join] = [KEY_SELECTION, KEY_JOINS];
  const walk = (live: readonly Arm[]): Walk => {
    const scan = confined(shelved('deleted', homes, order.by));
    const gone = { scan, residual: saidBut(null, 'deleted') };
    const arms = [
      ...(shelves.includes('live') ? live : []),
      ...(shelves.includes('deleted') ? [gone] : []),
    ];
    const value = SORT_COLUMNS[order.by];
    const visits = MOST_LOOKED_UP;
    return { table: 'keys', arms, columns, join, value, ascending: !order.descending, visits };
  };
  const armsOf = (one: Condition): Arm[] =>
    one.scans.map((scan) => ({
      scan: confined(scan),
      residual: [...saidBut(one, 'live'), ...(scan.value === null ? [] : made)],
    }));
  /** However many of them have the pieces, they must have the text itself. */
  const hitting = (positions: Sql): Arm => ({
    positions,
    residual: [...saidBut(null, 'live'), ...made],
  });
  return {
    /** All keys in the order asked for; `own` is a range of that very order. */
    plain(own: Condition | null): Walk {
      const [scan = shelved('live', homes, order.by)] = own?.scans ?? [];
      return walk([{ scan: confined(scan), residual: saidBut(own, 'live') }]);
    },
    /** The keys of one filter, from its indices in the order of creation. */
    by(one: Condition): Walk {
      return walk(armsOf(one));
    },
    /** The few keys of one filter. */
    gathered(one: Condition): Walk {
      if (one.hits !== null) return walk([hitting(one.hits)]);
      const positions = few(one, FEW);
      return walk([{ positions, residual: [...saidBut(one, 'live'), ...made] }]);
    },
    /** The keys of one filter, or all, in any order. */
    counted(one: Condition | undefined): Walk {
      if (one?.hits) {
        return walk([hitting(sql`${one.hits} limit ${sql.lit(MOST_VISITED + 1)}`)]);
      }
      const all = {
        scan: confined(shelved('live', homes, 'created_at')),
        residual: saidBut(null, 'live'),
      };
      return walk(one ? armsOf(one) : [all]);
    },
    /** The live keys that come next in the order of creation. */
    next({ from }: SliceRequest): Sql {
      return scanned(confined(shelved('live', homes, 'created_at')), sql`keys.search`, {
        upwards: isUpwards(!order.descending, from),
        behind: from?.place ?? null,
        most: sql.lit(LOOKED_AT_FIRST),
      });
    },
  };
}

/** Up to so many positions that each of the filter's indices holds. */
function few({ scans }: Condition, most: number): Sql {
  const each = scans.map((scan) => {
    const position = sql`${sql.ref(`${scan.table}.position`)}`;
    return sql`(${scanned(scan, position, { upwards: false, most: sql.lit(most) })})`;
  });
  return sql.join(each, sql` union all `);
}

/** Finds a row where a filter alone has more than a few keys, or where its indices are not whole yet. */
function moreThanFew(builder: Builder, one: Condition): Query {
  const many = moreThan(builder, one.hits ?? few(one, FEW + 1), FEW);
  const { ready } = one;
  if (ready === null) return many;
  // Numbered parameters of two texts: the second's begin behind the first's.
  const shift = ready.parameters.length;
  const shifted = many.sql.replaceAll(/\$(\d+)/g, (_, number) => `$${Number(number) + shift}`);
  return {
    sql: `select 1 where not exists (${ready.sql}) union all (${shifted})`,
    parameters: [...ready.parameters, ...many.parameters],
  };
}

function moreThan(builder: Builder, positions: Sql, most: number): Query {
  return sql`select 1 from (${positions}) as found limit 1 offset ${sql.lit(most)}`.compile(
    builder,
  );
}
