// Pages of a list, newest first with the id as tie-break. A cursor names the
// last object seen, so pages neither repeat nor lose one while others come and
// go. It is opaque, sealed, and bound to the list it was made for.

import { invalid } from './error.ts';
import type { Host, Position, Slice, SliceRequest } from './ports.ts';

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

const BEFORE_ANY_ID = '';
const AFTER_ANY_ID = '~';

/** What a caller asks for: cursors as they were handed out. */
export interface PageRequest {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** Whether to count all that match. */
  readonly total?: boolean | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Cursor for `after`; null at the end. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  readonly total?: number | undefined;
}

/**
 * Turns a request with cursors into a slice and back into a page.
 * @param list what the cursors are bound to: the list's name, its workspace and its filters.
 */
export async function readPage<Item extends Position>(
  request: PageRequest,
  list: string,
  host: Host,
  read: (slice: SliceRequest) => Promise<Slice<Item>>,
): Promise<Page<Item>> {
  const { limit = DEFAULT_LIMIT, total = false } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalid('limit', `must be a whole number from 1 to ${MAX_LIMIT}`);
  }
  const from = openCursor(request, list, host);
  const slice = await read({ limit, from, total });
  const seal = (position: Position | undefined) =>
    position ? host.seal('cursor', list, `${position.createdAt} ${position.id}`) : null;

  // Beside an empty page stands the cursor's own object, which the other way begins with.
  const first = slice.items[0] ?? (from ? { ...from.position, id: BEFORE_ANY_ID } : undefined);
  const last = slice.items.at(-1) ?? (from ? { ...from.position, id: AFTER_ANY_ID } : undefined);
  const backwards = from?.side === 'before';
  return {
    items: slice.items,
    next: backwards || slice.more ? seal(last) : null,
    prev: backwards ? (slice.more ? seal(first) : null) : seal(from ? first : undefined),
    total: slice.total,
  };
}

function openCursor(request: PageRequest, list: string, host: Host): SliceRequest['from'] {
  const { after, before } = request;
  if (after !== undefined && before !== undefined) {
    throw invalid('before', 'cannot be given together with after');
  }
  const side = after === undefined ? 'before' : 'after';
  const cursor = after ?? before;
  if (cursor === undefined) return null;
  const opened = host.open('cursor', list, cursor)?.split(' ');
  const [createdAt, id] = opened ?? [];
  if (createdAt === undefined || id === undefined) {
    throw invalid(side, 'must be a cursor of this very list: same workspace, same filters');
  }
  return { side, position: { createdAt: Number(createdAt), id } };
}
