// The orders that lists come in. What a list is sorted by is one value of an
// object, and its position decides between equals, so every object has one place.
// A store writes these values beside the object and reads its indices by them.

import { invalid } from './error.ts';
import type { Key } from './key.ts';
import { positionOf } from './uuid.ts';

/** Where an object stands in its list: by the value that the list is sorted by, then in the order of creation. */
export interface Place {
  /** Null where the list is in the order of creation. */
  readonly value: string | number | null;
  readonly position: bigint;
}

export const KEY_SORTS = ['created_at', 'expires_at', 'last_used_at', 'name'] as const;
export type KeySort = (typeof KEY_SORTS)[number];

/** What a list of keys is sorted by. The default is the newest first. */
export interface KeyOrder {
  readonly by: KeySort;
  readonly descending: boolean;
}

export const NEWEST_FIRST = { by: 'created_at', descending: true } as const satisfies KeyOrder;

/** Stands for the expiry of a key that has none: after every moment there is. */
export const NEVER = 2 ** 53 - 1;
const DAY = 86_400_000;
const MAX_NAME_ORDER = 100;

/** The UTC day of a moment, counted from 1970; 0 for none, which no key was used on. */
export function dayOf(at: number | null): number {
  return at === null ? 0 : Math.floor(at / DAY);
}

export function expiryOrder({ expiresAt }: Pick<Key, 'expiresAt'>): number {
  return expiresAt ?? NEVER;
}

/** A key without a name comes before all that have one. */
export function nameOrder({ name }: Pick<Key, 'name'>): string {
  return [...folded(name ?? '')].slice(0, MAX_NAME_ORDER).join('');
}

/** A text as it is searched and sorted: `Straße`, `STRASSE` and `strasse` are the same. */
export function folded(text: string): string {
  const bare = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toUpperCase();
  // One by one: what a letter becomes must not hang on the letters around it.
  return bare.replace(/\p{Lu}/gu, (letter) => letter.toLowerCase());
}

/** Texts as one that can be searched: none of a line can be found that stands in two. */
export function searchable(...texts: readonly (string | null)[]): string {
  return texts.map((text) => folded(text ?? '').replaceAll('\n', ' ')).join('\n');
}

/** What of a key is searched: its name, its owner, and the parts of its token that are shown. */
export function searchableKey(key: Pick<Key, 'name' | 'ownerId' | 'prefix' | 'start' | 'end'>) {
  return searchable(key.name, key.ownerId, `${key.prefix}${key.start}`, key.end);
}

const SORT_VALUES: Readonly<Record<KeySort, (key: Key) => Place['value']>> = {
  created_at: () => null,
  expires_at: expiryOrder,
  last_used_at: ({ lastUsedAt }) => dayOf(lastUsedAt),
  name: nameOrder,
};

/** Where a key stands in that order. */
export function placeOfKey(key: Key, { by }: KeyOrder): Place {
  return { value: SORT_VALUES[by](key), position: positionOf(key.id) };
}

/** Where an object stands in the order of creation. */
export function placeOf({ id }: { readonly id: string }): Place {
  return { value: null, position: positionOf(id) };
}

export const LEAST_SEARCHED = 3;
export const MOST_SEARCHED = 200;

/** The text to search for. @throws invalid for one that is too short or too long */
export function checkedSearch(search: string | undefined): string | undefined {
  if (search === undefined) return undefined;
  const text = search.length > 4 * MOST_SEARCHED ? '' : folded(search).replaceAll('\n', ' ');
  const { length } = [...text];
  if (length >= LEAST_SEARCHED && length <= MOST_SEARCHED) return text;
  throw invalid('search', `must have ${LEAST_SEARCHED} to ${MOST_SEARCHED} characters`);
}
