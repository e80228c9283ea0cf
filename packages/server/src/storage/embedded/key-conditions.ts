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
  type Shelf,
  stillIn,
} from '../../key-filters.ts';
import { all, createdIn, MOST_VISITED, type Sql } from '../../slices.ts';
import type { Builder, Query } from '../../storage.ts';
import { EXPIRING, EXPIRING_INDEX, markOf, SEARCH_FILLED, sortIndex } from './key-indices.ts';

/** So many keys of a filter are gathered and sorted rather than looked for in another index. */
export const FEW = 1_000;
/** Of a long search, as many pieces are tried for being rare. */
const MOST_PIECES = 12;
/** So many keys are looked at before the index of pieces is asked. */
const LOOKED_AT_FIRST = 1_000;

/** A part of an index. */
export interface Source {
  /** What stands behind FROM, with the keys in it. */
  readonly from: Sql;
  /** The same where the place is enough. */
  readonly bare: Sql;
  readonly position: Sql;
  readonly driving: readonly Sql[];
  /** What has to be looked up row by row all the same. */
  readonly residual?: readonly Sql[];
  /** Whether it is in the order of creation. */
  readonly byCreation: boolean;
}

/** One filter of a list. */
export interface Condition {
  readonly says: Sql;
  /** Parts of indices that hold just its live keys; none where all have to be looked at. */
  readonly sources: readonly Source[];
  /** For a range: the order that its index is in. */
  readonly ranged: KeySort | null;
  /** Finds a row once its indices are whole; null where they always are. */
  readonly ready: Query | null;
  /** Whether it says nothing about deleted keys. */
  readonly ofLive: boolean;
  /** Whether the index in the order of creation holds what it asks for. */
  readonly covered: boolean;
  /** For what is searched for: whether to look at its index or at every key. */
  readonly search: SearchGuards | null;
}

/** Queries that find a row or none. */
export interface SearchGuards {
  /** Whether each piece of the text is in more than a few keys. */
  readonly many: Query;
  /** Whether each is in so many that to go through them is to go through too much. */
  readonly common: Query;
  /** Whether the next keys of the list have it so often that they make a page. */
  dense(next: Sql, limit: number): Query;
}

/** The conditions of a filter but for its workspace, those that are likely to be narrow first. */
export function conditionsOf(
  builder: Builder,
  homes: readonly string[],
  filter: KeyFilter,
): readonly Condition[] {
  const { kind, ownerId, scope, environment, createdBy, order } = filter;
  const { search, metadata = [], statuses, neverUsed, lastUsed, expires, created, now } = filter;
  const within = homes.length > 0;
  const fact = (name: keyof typeof FACTS, value: string | undefined): Condition[] => {
    if (value === undefined) return [];
    const says = sql`${sql.ref(`keys.${FACTS[name]}`)} = ${value}`;
    const index = within ? `keys_by_${name}` : name === 'owner' ? 'keys_by_owner_everywhere' : null;
    return [condition(says, index === null ? [] : [ofKeys(index, homes, [says])])];
  };
  const conditions = [
    ...(search === undefined ? [] : [searching(builder, search, homes)]),
    ...metadata.map(({ name, value }) => describing(builder, name, value, homes)),
    ...fact('owner', ownerId),
    ...fact('maker', createdBy),
    ...(scope === undefined ? [] : [scoped(scope, homes)]),
    ...(statuses === undefined ? [] : stating(statuses, now, homes)),
    ...(neverUsed ? [unused(homes, order?.by === 'last_used_at')] : []),
    ...fact('kind', kind),
    ...fact('environment', environment),
    ...inRange('last_used_at', homes, daysOf(lastUsed)),
    ...inRange('expires_at', homes, expiring(expires)),
  ];
  const byCreation = order === undefined || order.by === 'created_at';
  const within_ = createdIn(position, created);
  // In the order of creation it is where every index begins and ends.
  if (byCreation || within_.length === 0) return conditions;
  const source = shelved('live', homes, 'created_at');
  const says = sql.join(within_, sql` and `);
  const range = condition(says, [{ ...source, driving: [...source.driving, says] }]);
  return [...conditions, { ...range, ranged: 'created_at' }];
}

const position = sql.ref('keys.position');

/** All keys of a shelf, in the order that is asked for. */
export function shelved(shelf: Shelf, homes: readonly string[], sort: KeySort): Source {
  const index = sortIndex(shelf, sort, homes.length > 0);
  const gone = sql`keys.deleted_at is not null and keys.erased_at is null`;
  return shelf === 'live'
    ? { ...ofKeys(index, homes, []), byCreation: sort === 'created_at' }
    : { ...source(index, [...inHomes('keys', homes), gone]), byCreation: sort === 'created_at' };
}

function ofKeys(index: string, homes: readonly string[], driving: readonly Sql[]): Source {
  return source(index, [...inHomes('keys', homes), ...driving, sql`keys.deleted_at is null`]);
}

function source(index: string, driving: readonly Sql[]): Source {
  // A statement that cannot use the index fails, rather than become slow.
  const from = sql`keys indexed by ${sql.ref(index)}`;
  return { from, bare: from, position, driving, byCreation: true };
}

/** A narrow table beside the keys. */
function beside(table: string, column: string, driving: readonly Sql[]): Source {
  const place = sql.ref(`${table}.${column}`);
  return {
    // A cross join is read in the order it is written in.
    from: sql`${sql.table(table)} cross join keys on keys.position = ${place}`,
    bare: sql.table(table),
    position: place,
    driving,
    byCreation: true,
  };
}

function inHomes(table: string, homes: readonly string[]): Sql[] {
  return homes.map((id) => sql`${sql.ref(`${table}.workspace_id`)} = ${id}`);
}

function condition(says: Sql, sources: readonly Source[]): Condition {
  return { says, sources, ranged: null, ready: null, ofLive: false, covered: false, search: null };
}

function searching(builder: Builder, text: string, homes: readonly string[]): Condition {
  const phrase = `text : ${quoted(text)}`;
  const [home, ...others] = homes;
  const asked =
    home === undefined
      ? sql`${phrase}`
      : sql`(select 'workspace : "' || ${sql.raw(markOf('number'))} || '" AND ' || ${phrase} from workspaces where id = ${home})`;
  const driving = [sql`key_search match ${asked}`, ...others.map((id) => sql`${home} = ${id}`)];
  const says = sql`instr(keys.search, ${text}) > 0`;
  const live = shelved('live', homes, 'created_at');
  const late = sql`keys.position > ${sql.raw(SEARCH_FILLED)}`;
  const sources = [
    beside('key_search', 'rowid', driving),
    { ...live, driving: [...live.driving, late], residual: [says] },
  ];
  const inMoreThan = (most: number) => {
    const each = piecesOf(text).map(
      (piece) =>
        sql`(select 1 from key_search where key_search match ${`text : ${quoted(piece)}`} limit 1 offset ${most}) is not null`,
    );
    return sql`select 1 where ${all(each)}`.compile(builder);
  };
  const guards: SearchGuards = {
    many: inMoreThan(FEW),
    common: inMoreThan(MOST_VISITED),
    dense: (next, limit) =>
      sql`select 1 from (select search as text from ${next} limit ${LOOKED_AT_FIRST}) where instr(text, ${text}) > 0 limit 1 offset ${limit}`.compile(
        builder,
      ),
  };
  // An index in the order of creation holds the text for a workspace; across all it is looked up.
  return { ...condition(says, sources), covered: homes.length > 0, search: guards };
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** Pieces of three characters, which the index holds the keys of: those side by side, and the last. */
function piecesOf(text: string): string[] {
  const letters = [...text];
  const starts = letters.map((_, i) => i).filter((i) => i % 3 === 0 && i + 3 <= letters.length);
  const all = new Set([...starts, letters.length - 3]);
  return Array.from(all, (start) => letters.slice(start, start + 3).join('')).slice(-MOST_PIECES);
}

function describing(
  builder: Builder,
  name: string,
  value: string,
  homes: readonly string[],
): Condition {
  const values = metadataValues(value);
  const says = sql`keys.metadata -> ${`$."${name}"`} in (${sql.join(values)})`;
  const [home] = homes;
  if (home === undefined) return condition(says, []);
  const named = [...inHomes('key_metadata', homes), sql`key_metadata.name = ${name}`];
  const sources = values.map((one) =>
    beside('key_metadata', 'position', [...named, sql`key_metadata.value = ${one}`]),
  );
  const filled = sql`select 1 from metadata_names where workspace_id = ${home} and name = ${name}`;
  const ready = sql`${filled} and filled_to is null and dropped = 0`.compile(builder);
  return { ...condition(says, sources), ready };
}

function scoped(scope: string, homes: readonly string[]): Condition {
  const says = sql`exists (select 1 from json_each(keys.scopes) where value = ${scope})`;
  if (homes.length === 0) return condition(says, []);
  const driving = [...inHomes('key_scopes', homes), sql`key_scopes.scope = ${scope}`];
  return condition(says, [beside('key_scopes', 'position', driving)]);
}

function stating(
  statuses: readonly KeyStatus[],
  now: number,
  homes: readonly string[],
): Condition[] {
  const live = statuses.filter((status) => status !== 'deleted');
  if (live.length === 0) return [];
  const still = stillIn(live, now);
  const says = sql.join([sql`keys.state in (${sql.join(live)})`, ...still], sql` and `);
  const sources = live.map((state) =>
    ofKeys('keys_by_state', homes, [sql`keys.state = ${state}`, ...still]),
  );
  return [{ ...condition(says, homes.length === 0 ? [] : sources), ofLive: true }];
}

/** All of one day, which is a range of the order by last use too. */
function unused(homes: readonly string[], byUse: boolean): Condition {
  const says = sql`keys.last_used_day = 0`;
  const sources = ranged('last_used_at', homes, says).map((one) => ({ ...one, byCreation: true }));
  return { ...condition(says, sources), ranged: byUse ? 'last_used_at' : null, covered: true };
}

function inRange(
  sort: 'last_used_at' | 'expires_at',
  homes: readonly string[],
  range: Range,
): Condition[] {
  const parts = rangeOf(sort, range);
  if (parts.length === 0) return [];
  const says = sql.join(parts, sql` and `);
  return [{ ...condition(says, ranged(sort, homes, says)), ranged: sort, covered: true }];
}

/** What an index in that order holds of a range; across all workspaces there is one of expiry alone. */
function ranged(
  sort: 'last_used_at' | 'expires_at',
  homes: readonly string[],
  says: Sql,
): readonly Source[] {
  if (homes.length > 0) {
    return [{ ...ofKeys(sortIndex('live', sort, true), homes, [says]), byCreation: false }];
  }
  if (sort === 'last_used_at') return [];
  const expiring = [says, sql`keys.${sql.raw(EXPIRING)}`];
  return [{ ...ofKeys(EXPIRING_INDEX, homes, expiring), byCreation: false }];
}
