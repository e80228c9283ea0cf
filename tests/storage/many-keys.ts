// Contract: what a list answers that has more rows to visit than it may.

import {
  type Key,
  type KeyFilter,
  NEWEST_FIRST,
  placeOfKey,
  type Reach,
  type Slice,
  type SliceRequest,
} from '@warder/core';
import { expect, test } from 'vitest';
import { HALF, ONE, WORDS } from '../../bench/load.ts';
import { NOW } from '../fixtures/domain.ts';

/** How many keys of `bench/load.ts` the first workspace has; a second one has 500. */
export const MANY = 12_000;
const DAY = 86_400_000;

/** @param given every workspace, and the one that has many */
export function manyKeysContract(
  given: () => { readonly all: Reach; readonly home: string },
): void {
  const walk = async (filter: Partial<KeyFilter>, limit = 50) => {
    const ids: string[] = [];
    let pages = 0;
    let from: SliceRequest['from'] = null;
    for (let more = true; more; pages++) {
      const slice: Slice<Key> = await given().all.keys(
        { workspaceId: given().home, ...filter, now: NOW },
        { limit, from, total: 'none' },
      );
      ids.push(...slice.items.map(({ id }) => id));
      more = slice.more;
      const key = slice.items.at(-1);
      const place = slice.reached ?? (key && placeOfKey(key, filter.order ?? NEWEST_FIRST));
      from = place ? { side: 'after', place } : null;
    }
    return { ids, pages };
  };

  test('ends a page early and says where the next begins, and loses nothing', async () => {
    // Across all workspaces no index holds a scope: one key of each has it.
    const { ids, pages } = await walk({ scope: ONE.scope, workspaceId: undefined });
    expect(ids).toHaveLength(2);
    expect(pages).toBe(Math.ceil((MANY + 500) / 2_000));
    const both = { environment: 'live', expires: { after: 0 }, lastUsed: { after: 0 } } as const;
    const whole = await walk({}, 250);
    const few = await walk(both, 250);
    expect(few.ids).toEqual(whole.ids.filter((id) => few.ids.includes(id)));
    expect(few.ids.length).toBeGreaterThan(MANY / 16);
  });

  test.each<Partial<KeyFilter>>([
    { order: { by: 'name', descending: true } },
    {
      statuses: ['active', 'revoked'],
      environment: 'live',
      expires: { after: 0 },
      lastUsed: { after: 0 },
    },
    { order: { by: 'expires_at', descending: false }, environment: 'live', neverUsed: true },
    {
      order: { by: 'last_used_at', descending: true },
      environment: 'test',
      workspaceId: undefined,
    },
    { order: { by: 'name', descending: false }, search: 'team', workspaceId: undefined },
  ])('loses nothing in another order, and repeats nothing: %o', async (filter) => {
    const { ids, pages } = await walk(filter, 250);
    const found = await given().all.keys(
      { workspaceId: given().home, ...filter, order: undefined, now: NOW },
      { limit: MANY * 2, offset: 1, from: null, total: 'exact' },
    );
    expect(ids).toHaveLength(found.total?.count ?? 0);
    expect(new Set(ids).size).toBe(ids.length);
    expect(found.items.filter(({ id }) => !ids.includes(id))).toEqual([]);
    expect(pages).toBeLessThan(70);
  });

  test('counts to 10,000 and says that there are more', async () => {
    const all = { now: NOW, workspaceId: given().home };
    const one = { limit: 1, from: null };
    const bounded = await given().all.keys(all, { ...one, total: 'bounded' });
    expect(bounded.total).toEqual({ count: 10_000, exact: false });
    const exact = await given().all.keys(all, { ...one, total: 'exact' });
    expect(exact.total).toEqual({ count: MANY, exact: true });
    const half = await given().all.keys(
      { ...all, ownerId: HALF.owner },
      { ...one, total: 'bounded' },
    );
    expect(half.total?.exact).toBe(true);
    expect(half.total?.count).toBe((await walk({ ownerId: HALF.owner }, 250)).ids.length);
  });

  test('passes over an offset', async () => {
    const filter = { workspaceId: given().home, environment: 'test', now: NOW } as const;
    const { ids } = await walk({ environment: 'test' }, 250);
    const slice = await given().all.keys(filter, {
      limit: 3,
      offset: 1_001,
      from: null,
      total: 'none',
    });
    expect(slice.items.map(({ id }) => id)).toEqual(ids.slice(1_001, 1_004));
  });

  test.each<Partial<KeyFilter>>([
    { ownerId: ONE.owner },
    { createdBy: ONE.maker },
    { scope: ONE.scope },
    { metadata: [{ name: 'plan', value: ONE.plan }] },
    { search: WORDS.one },
    { statuses: ['disabled'] },
    { expires: { after: NOW + 4_000 * DAY } },
    { lastUsed: { before: NOW - 4_000 * DAY } },
    { ownerId: ONE.owner, order: { by: 'name', descending: false } },
    { search: WORDS.one, environment: 'live', order: { by: 'expires_at', descending: true } },
  ])('finds the one of many in a single page: %o', async (filter) => {
    const slice = await given().all.keys(
      { ...filter, workspaceId: given().home, now: NOW },
      { limit: 50, from: null, total: 'bounded' },
    );
    const { environment } = filter;
    const found = slice.items.filter((key) => key.environment === (environment ?? key.environment));
    expect(slice.items).toEqual(found);
    expect(slice.items.length).toBeLessThanOrEqual(1);
    if (environment === undefined) expect(slice.items).toHaveLength(1);
    expect(slice.more).toBe(false);
    expect(slice.total).toEqual({ count: slice.items.length, exact: true });
  });
}
