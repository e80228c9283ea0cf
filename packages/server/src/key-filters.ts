// What lists of keys are filtered and sorted by, as far as the engines agree: the shelves
// that keys stand on, the columns of each order and fact, and what ranges and states mean.

import {
  dayOf,
  type KeyFilter,
  type KeySort,
  type KeyStatus,
  NEVER,
  type Range,
} from '@warder/core';
import type { Sql } from './slices.ts';
import { sql } from './storage.ts';

/** Live keys stand in indices of their own, so that what is gone costs no list anything. */
export const SHELVES = {
  live: 'deleted_at IS NULL',
  deleted: 'deleted_at IS NOT NULL AND erased_at IS NULL',
} as const;
export type Shelf = keyof typeof SHELVES;

/** The column that a list is sorted by before the position; null for the order of creation. */
export const SORT_COLUMNS = {
  created_at: null,
  expires_at: 'expiry_order',
  last_used_at: 'last_used_day',
  name: 'name_order',
} as const satisfies Record<KeySort, string | null>;

/** Facts that one workspace's keys are found by, each in the order of creation. */
export const FACTS = {
  kind: 'kind',
  owner: 'owner_id',
  environment: 'environment',
  maker: 'created_by_id',
} as const;

/** The shelves that a filter is about. */
export function shelvesOf({ statuses, includeDeleted = false }: KeyFilter): readonly Shelf[] {
  if (statuses === undefined) return includeDeleted ? ['live', 'deleted'] : ['live'];
  const shelves = statuses.map((status) => (status === 'deleted' ? 'deleted' : 'live'));
  return [...new Set(shelves)];
}

/** The states that time alone leads to. */
const TURNED = ['active', 'expired'] as const;

/**
 * What holds of a key besides being in one of these states: one whose time has come shows under no
 * state until it is moved to the one it is in, but where each that time leads to is asked for.
 */
export function stillIn(live: readonly KeyStatus[], now: number): readonly Sql[] {
  return TURNED.every((state) => live.includes(state))
    ? []
    : [sql`(keys.turns_at is null or keys.turns_at > ${now})`];
}

/** A range of a column of the keys; none where neither end is given. */
export function rangeOf(
  sort: 'last_used_at' | 'expires_at',
  { after, before }: Range,
): readonly Sql[] {
  const column = sql.ref(`keys.${SORT_COLUMNS[sort]}`);
  return [
    ...(after === undefined ? [] : [sql`${column} >= ${after}`]),
    ...(before === undefined ? [] : [sql`${column} < ${before}`]),
  ];
}

/** Whole days; the day that no key was used on is in none. */
export function daysOf({ after, before }: Range = {}): Range {
  if (after === undefined && before === undefined) return {};
  const least = after === undefined ? 1 : Math.max(1, dayOf(after));
  return { after: least, before: before === undefined ? undefined : dayOf(before) };
}

/** Keys that never expire are in none. */
export function expiring({ after, before }: Range = {}): Range {
  if (after === undefined && before === undefined) return {};
  return { after, before: before ?? NEVER };
}

/** A value of metadata as a filter's text may mean it, as JSON writes it. */
export function metadataValues(text: string): readonly string[] {
  const isTruth = text === 'true' || text === 'false';
  const isNumber = /^-?\d/.test(text) && String(Number(text)) === text;
  return [JSON.stringify(text), ...(isTruth || isNumber ? [text] : [])];
}
