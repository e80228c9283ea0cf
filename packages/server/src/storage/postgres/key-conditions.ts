// What a filter of keys says, each part in two ways: as a condition on a row, and
// as the parts of indices that hold just those rows, where there are any.

import type { KeyFilter, KeySort, KeyStatus, Range } from '@warder/core';
import { sql } from 'kysely';
import {
  daysOf,
  expiring,
  FACTS,
  metadataValues,
  rangeOf,
  SHELVES,
  type Shelf,
  SORT_COLUMNS,
  stillIn,
} from '../../key-filters.ts';
import { createdIn, type Equal, type Sql } from '../../slices.ts';
import type { Builder, Query } from '../../storage.ts';
import { createdWithin } from './runs.ts';
import type { Ends, Scan } from './scan.ts';

/** So many pieces of a text are looked for in the index: they leave few others. */
const MOST_PIECES = 12;

/** One filter of a list. */
export interface Condition {
  readonly says: Sql;
  /** Parts of indices that hold just its live keys; none where all have to be looked at. */
  readonly scans: readonly Scan[];
  /** For a range: the order that its scan is in, unless it is in the order of creation. */
  readonly ranged: KeySort | null;
  /** Finds a row once its indices are whole; null where they always are. */
  readonly ready: Query | null;
  /** Whether it says nothing about deleted keys. */
  readonly ofLive: boolean;
  /** For what is searched for: the positions of the keys that may have it, in no order. */
  readonly hits: Sql | null;
}

/** The conditions of a filter but for its workspace, those that are likely to be narrow first. */
export function conditionsOf(
  builder: Builder,
  homes: readonly Equal[],
  filter: KeyFilter,
): readonly Condition[] {
  const { kind, ownerId, scope, environment, createdBy, order } = filter;
  const { search, metadata = [], statuses, neverUsed, lastUsed, expires, created, now } = filter;
  const by = order?.by ?? 'created_at';
  const fact = (name: keyof typeof FACTS, value: string | undefined): Condition[] => {
    if (value === undefined) return [];
    const column = FACTS[name];
    const says = sql`${sql.ref(`keys.${column}`)} = ${value}`;
    const isHeld = homes.length > 0 || name === 'owner';
    const scan = liveBy([...homes, { column, value }]);
    const where = name === 'owner' ? [...scan.where, sql`keys.owner_id is not null`] : scan.where;
    return [condition(says, isHeld ? [{ ...scan, where }] : [])];
  };
  return [
    ...(search === undefined ? [] : [searching(search, homes)]),
    ...metadata.map(({ name, value }) => describing(builder, name, value, homes)),
    ...fact('owner', ownerId),
    ...fact('maker', createdBy),
    ...(scope === undefined ? [] : [scoped(scope, homes)]),
    ...(statuses === undefined ? [] : stating(statuses, now, homes)),
    ...(neverUsed ? [unused(homes, by)] : []),
    ...fact('kind', kind),
    ...fact('environment', environment),
    ...inRange('last_used_at', homes, daysOf(lastUsed)),
    ...inRange('expires_at', homes, expiring(expires)),
    // In the order of creation it is where every index begins and ends.
    ...(by === 'created_at' ? [] : madeWithin(created, homes)),
  ];
}

/** All keys of a shelf, in the order that is asked for. */
export function shelved(shelf: Shelf, homes: readonly Equal[], sort: KeySort, range?: Ends): Scan {
  const where = [sql.raw(SHELVES[shelf].replace(/(\w+_at)/g, 'keys.$1'))];
  const value = SORT_COLUMNS[sort];
  return { table: 'keys', equal: homes, value, where, ...(range && { range }) };
}

function liveBy(equal: readonly Equal[]): Scan {
  return shelved('live', equal, 'created_at');
}

function condition(says: Sql, scans: readonly Scan[]): Condition {
  return { says, scans, ranged: null, ready: null, ofLive: false, hits: null };
}

function searching(text: string, homes: readonly Equal[]): Condition {
  const pieces = arrayOf([...piecesOf(text), ...homes.map(({ value }) => `${value}`)]);
  const hits = sql`select position from key_search where pieces @> cast(${pieces} as text[])`;
  return { ...condition(sql`strpos(keys.search, ${text}) > 0`, []), hits };
}

/** Pieces of three characters: those side by side, and the last. */
function piecesOf(text: string): string[] {
  const letters = [...text];
  const starts = letters.map((_, i) => i).filter((i) => i % 3 === 0 && i + 3 <= letters.length);
  const all = new Set([...starts, letters.length - 3]);
  return Array.from(all, (start) => letters.slice(start, start + 3).join('')).slice(-MOST_PIECES);
}

/** An array as a text, which the driver needs to know no type for. */
function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

function describing(
  builder: Builder,
  name: string,
  value: string,
  homes: readonly Equal[],
): Condition {
  const values = metadataValues(value);
  const member = sql`cast(cast(regexp_replace(keys.metadata, ${UNREADABLE}, ${READABLE}, 'g') as json) -> ${name} as text)`;
  const says = sql`${member} in (${sql.join(values)})`;
  const [home] = homes;
  if (home === undefined) return condition(says, []);
  const scans = values.map((one): Scan => {
    const equal = [...homes, { column: 'name', value: name }, { column: 'value', value: one }];
    return { table: 'key_metadata', equal, value: null, where: [], own: true };
  });
  const filled = sql`select 1 from metadata_names where workspace_id = ${home.value} and name = ${name}`;
  const ready = sql`${filled} and filled_to is null and not dropped`.compile(builder);
  return { ...condition(says, scans), ready };
}

/** What JSON can say and no text of PostgreSQL can hold; it stands as an unknown character. */
const UNREADABLE = String.raw`(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})`;
const READABLE = String.raw`\1\\ufffd`;

function scoped(scope: string, homes: readonly Equal[]): Condition {
  const says = sql`cast(keys.scopes as jsonb) ? ${scope}`;
  if (homes.length === 0) return condition(says, []);
  const equal = [...homes, { column: 'scope', value: scope }];
  return condition(says, [{ table: 'key_scopes', equal, value: null, where: [], own: true }]);
}

function stating(
  statuses: readonly KeyStatus[],
  now: number,
  homes: readonly Equal[],
): Condition[] {
  const live = statuses.filter((status) => status !== 'deleted');
  if (live.length === 0) return [];
  const still = stillIn(live, now);
  const says = sql.join([sql`keys.state in (${sql.join(live)})`, ...still], sql` and `);
  const scans = live.map((state): Scan => {
    const scan = liveBy([...homes, { column: 'state', value: state }]);
    return { ...scan, where: [...scan.where, ...still] };
  });
  return [{ ...condition(says, homes.length === 0 ? [] : scans), ofLive: true }];
}

/** All of one day, which is a range of the order by last use too. */
function unused(homes: readonly Equal[], by: KeySort): Condition {
  const says = sql`keys.last_used_day = 0`;
  const scan =
    by === 'last_used_at'
      ? shelved('live', homes, by, { from: 0, before: 1 })
      : liveBy([...homes, { column: SORT_COLUMNS.last_used_at, value: 0 }]);
  return { ...condition(says, [scan]), ranged: by === 'last_used_at' ? by : null };
}

function inRange(
  sort: 'last_used_at' | 'expires_at',
  homes: readonly Equal[],
  { after, before }: Range,
): Condition[] {
  const parts = rangeOf(sort, { after, before });
  if (parts.length === 0) return [];
  const scan = shelved('live', homes, sort, { from: after, before });
  return [{ ...condition(sql.join(parts, sql` and `), [scan]), ranged: sort }];
}

function madeWithin(created: Range | undefined, homes: readonly Equal[]): Condition[] {
  const says = createdIn(sql.ref('keys.position'), created);
  if (created === undefined || says.length === 0) return [];
  const scan = shelved('live', homes, 'created_at', createdWithin(created));
  return [{ ...condition(sql.join(says, sql` and `), [scan]), ranged: 'created_at' }];
}
