// Keys of all workspaces in an order that there is an index of for each workspace
// alone: the first key of each is looked up, then whichever comes next has the one
// behind it looked up in turn. SQLite keeps the queue of a recursive query in order.

import type { KeySort } from '@warder/core';
import { sql } from 'kysely';
import { SHELVES, type Shelf, SORT_COLUMNS } from '../../key-filters.ts';
import { all, type Sql } from '../../slices.ts';
import { sortIndex } from './key-indices.ts';
import type { Arm } from './walk.ts';

export interface Merge {
  readonly sort: Exclude<KeySort, 'created_at'>;
  readonly shelves: readonly Shelf[];
  /** What each index answers itself. */
  readonly driving: readonly Sql[];
  readonly upwards: boolean;
  /** Behind which it begins; null for the beginning of the order. */
  readonly from: { readonly value: string | number | null; readonly position: bigint } | null;
  /** How many keys it goes through at the most. */
  readonly most: number;
}

interface Place {
  readonly value: Sql;
  readonly position: Sql;
}

/** A walk of every workspace's index, as one arm. */
export function merged({ sort, shelves, driving, upwards, from, most }: Merge): Arm {
  const column = sql.ref(`keys.${SORT_COLUMNS[sort]}`);
  const [than, direction] = upwards ? [sql`>`, sql`asc`] : [sql`<`, sql`desc`];
  /** The position of the first key of a home that stands behind a place. */
  const first = (home: Sql, shelf: Shelf, place: Place | null) => {
    const index = sql`keys indexed by ${sql.ref(sortIndex(shelf, sort, true))}`;
    const where = [
      sql`keys.workspace_id is ${home}`,
      ...driving,
      sql.raw(SHELVES[shelf].replace(/(\w+_at)/g, 'keys.$1')),
    ];
    const seek = (behind: readonly Sql[]) => sql`(select position from ${index}
      where ${all([...where, ...behind])}
      order by ${column} ${direction}, keys.position ${direction} limit 1)`;
    if (place === null) return seek([]);
    // As a row of two values SQLite would enter at the first and pass all that share it.
    const { value, position } = place;
    const [equal, further] = [sql`${column} = ${value}`, sql`${column} ${than} ${value}`];
    return sql`coalesce(${seek([equal, sql`keys.position ${than} ${position}`])}, ${seek([further])})`;
  };
  const next = (table: Sql, place: Place | null) => {
    const [one = 'live', ...others] = shelves;
    const home = sql`${table}.home`;
    const whens = others.map((shelf) => sql`when ${shelf} then ${first(home, shelf, place)}`);
    return others.length === 0
      ? first(home, one, place)
      : sql`case ${table}.shelf ${sql.join(whens, sql` `)} else ${first(home, one, place)} end`;
  };
  const kinds = sql.join(
    shelves.map((shelf) => sql`select ${shelf} as shelf`),
    sql` union all `,
  );
  const start = from && { value: sql`${from.value}`, position: sql`${from.position}` };
  const last = { value: sql`merged.sorted`, position: sql`merged.place` };
  const walk = sql`with recursive
    homes (home, shelf) as (select every.id, kinds.shelf
      from (select id from workspaces union all select null) as every cross join (${kinds}) as kinds),
    merged (sorted, place, home, shelf) as (
      select ${column}, keys.position, homes.home, homes.shelf
        from homes cross join keys on keys.position = ${next(sql`homes`, start)}
      union all
      select ${column}, keys.position, merged.home, merged.shelf
        from merged cross join keys on keys.position = ${next(sql`merged`, last)}
      order by 1 ${direction}, 2 ${direction} limit ${sql.lit(most)})
    select sorted, place, shelf from merged`;
  const bare = sql`(${walk}) as merged`;
  return {
    from: sql`${bare} cross join keys on keys.position = merged.place`,
    bare,
    position: sql`merged.place`,
    value: sql`merged.sorted`,
    driving: [],
    residual: [],
  };
}
