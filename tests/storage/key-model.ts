// What a list of keys must be: which keys a filter says, found by a look at every one,
// and the order they stand in.

import {
  dayOf,
  deleteKey,
  disableKey,
  eraseKey,
  KEY_SORTS,
  type Key,
  type KeyFilter,
  type KeyOrder,
  type Place,
  placeOfKey,
  type Range,
  revokeKey,
  searchableKey,
  softBlockKey,
  statusOf,
} from '@warder/core';
import type { World } from './store.ts';

export const ORDERS = KEY_SORTS.flatMap((by): KeyOrder[] => [
  { by, descending: true },
  { by, descending: false },
]);

export const ACTS = {
  disable: (key: Key, { act }: World) => (key.revokedAt === null ? disableKey(key, act()) : null),
  block: (key: Key, { act }: World) => (key.revokedAt === null ? softBlockKey(key, act()) : null),
  revoke: (key: Key, { act }: World) => revokeKey(key, null, act()),
  delete: (key: Key, { act }: World) => deleteKey(key, act()),
  erase: (key: Key, { act }: World) => eraseKey(key, act()),
} as const;

/** What a filter says, without any index. */
export function isFound(key: Key, filter: KeyFilter): boolean {
  const { statuses, expires, created, lastUsed, metadata = [], search, scope, now } = filter;
  const status = statusOf(key, now);
  const createdAt = Number.parseInt(key.id.replaceAll('-', '').slice(0, 12), 16);
  const inRange = (at: number | null, { after, before }: Range = {}) =>
    (after === undefined && before === undefined) ||
    (at !== null && at >= (after ?? 0) && at < (before ?? Number.MAX_VALUE));
  const days = {
    after: lastUsed?.after === undefined ? undefined : dayOf(lastUsed.after),
    before: lastUsed?.before === undefined ? undefined : dayOf(lastUsed.before),
  };
  const texts = searchableKey(key);
  const given = (value: unknown) => value === undefined;
  return (
    key.erasedAt === null &&
    (statuses
      ? statuses.includes(status)
      : status !== 'deleted' || filter.includeDeleted === true) &&
    (given(filter.workspaceId) || key.workspaceId === filter.workspaceId) &&
    (given(filter.kind) || key.kind === filter.kind) &&
    (given(filter.ownerId) || key.ownerId === filter.ownerId) &&
    (given(filter.environment) || key.environment === filter.environment) &&
    (given(filter.createdBy) || key.createdBy.id === filter.createdBy) &&
    (scope === undefined || (key.kind === 'standard' && key.scopes.includes(scope))) &&
    inRange(key.expiresAt, expires) &&
    inRange(createdAt, created) &&
    inRange(key.lastUsedAt === null ? null : dayOf(key.lastUsedAt), days) &&
    (!filter.neverUsed || key.lastUsedAt === null) &&
    (search === undefined || texts.includes(search)) &&
    metadata.every(({ name, value }) => {
      const member = key.metadata[name];
      return typeof member === 'object' ? false : String(member) === value && member !== undefined;
    })
  );
}

/** The place before the first of any list, or behind its last. */
export function beyondAll({ by, descending }: KeyOrder, side: 'after' | 'before'): Place {
  const greatest = descending === (side === 'after');
  if (by === 'created_at') return { value: null, position: greatest ? (1n << 63n) - 1n : -1n };
  const value = by === 'name' ? (greatest ? '\u{10ffff}' : '') : greatest ? 2 ** 53 - 1 : -1;
  return { value, position: greatest ? (1n << 63n) - 1n : -1n };
}

export function inOrder(order: KeyOrder) {
  return (one: Key, other: Key): number => {
    const [a, b] = [placeOfKey(one, order), placeOfKey(other, order)];
    const values = Buffer.from(`${a.value ?? ''}`.padStart(20)).compare(
      Buffer.from(`${b.value ?? ''}`.padStart(20)),
    );
    const texts = order.by === 'name' ? ((a.value ?? '') < (b.value ?? '') ? -1 : 1) : values;
    const least = a.value === b.value ? Number(a.position - b.position) : texts;
    return order.descending ? -least : least;
  };
}
