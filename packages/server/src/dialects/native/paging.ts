// Pages as the native API writes them: `{"data": [...], "next", "prev"}`.

import type { Page, PageRequest } from '@warder/core';
import type { z } from 'zod';
import type { Answer } from '../../dialect.ts';
import type { PageQuery } from './schemas.ts';

export function pageRequest(query: z.output<typeof PageQuery>): PageRequest {
  const { limit, after, before, include } = query;
  return { limit, after, before, total: include === 'total' };
}

export function pageBody<Item>(page: Page<Item>, bodyOf: (item: Item) => object): Answer {
  const { next, prev, total } = page;
  const counted = total === undefined ? {} : { total };
  return { status: 200, body: { data: page.items.map(bodyOf), next, prev, ...counted } };
}
