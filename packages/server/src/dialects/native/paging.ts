// Pages as the native API writes them: `{"data": [...], "next", "prev"}`, and the
// same two as links (RFC 8288).

import type { KeyOrder, KeySort, NameFilter, Page, PageRequest } from '@warder/core';
import type { z } from 'zod';
import type { Answer } from '../../dialect.ts';
import type { NamePageQuery, PageQuery } from './parameters.ts';

export function pageRequest(query: z.output<typeof PageQuery>): PageRequest {
  const { limit, after, before, include } = query;
  return { limit, after, before, total: include === 'total' ? 'bounded' : 'none' };
}

/** What owners and workspaces are listed by. */
export function nameFilter(query: z.output<typeof NamePageQuery>): NameFilter {
  const { created_after: after, created_before: before, search, sort } = query;
  return { created: { after, before }, search, ascending: sort === 'created_at' };
}

/** `name`, or `-name` from the greatest on. */
export function orderOf(sort: KeySort | `-${KeySort}` | undefined): KeyOrder | undefined {
  if (sort === undefined) return undefined;
  // What is left of either is the name itself.
  const by = sort.replace(/^-/, '') as KeySort;
  return { by, descending: by !== sort };
}

export function pageBody<Item>(page: Page<Item>, bodyOf: (item: Item) => object): Answer {
  const { items, next, prev, total } = page;
  const counted = total && { total: total.count, total_is_exact: total.exact };
  return {
    status: 200,
    body: { data: items.map(bodyOf), next, prev, ...counted },
    links: {
      ...(next === null ? {} : { next: { after: next, before: null } }),
      ...(prev === null ? {} : { prev: { before: prev, after: null } }),
    },
  };
}
