// Pages of a list: by cursors, or by an offset for the surfaces that owe one. A
// cursor names the last place seen, so pages neither repeat nor lose an object
// while others come and go. It is opaque, sealed, and bound to the list it was
// made for.

import { invalid } from './error.ts';
import { type Place, placeOf } from './order.ts';
import type { Host, Slice, SliceRequest, Total } from './ports.ts';

export const DEFAULT_LIMIT = 50;
/** The most that any surface may ask for; each says its own bound. */
export const MAX_LIMIT = 250;
export const MAX_OFFSET = 1_000_000_000;
/** Longer than any that is handed out. */
const MAX_CURSOR_LENGTH = 2_000;

/** What a caller asks for: cursors as they were handed out. */
export interface PageRequest {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  /** How many to pass over; not together with a cursor. */
  readonly offset?: number | undefined;
  /** Whether to count all that match; none unless asked. */
  readonly total?: SliceRequest['total'] | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Cursor for `after`; null at the end. A page may hold fewer than its limit and still have one. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  readonly total?: Total | undefined;
}

/** The list that a page is of. */
export interface PagedList<Item> {
  /** What its cursors are bound to: the list's name, its workspace, its filters and its order. */
  readonly binding: string;
  /** False where the least comes first; the order of creation from its end unless given. */
  readonly descending?: boolean;
  /** Where an item stands in the list's order; in that of creation unless given. */
  readonly placeOf?: (item: Item) => Place;
  read(slice: SliceRequest): Promise<Slice<Item>>;
}

/** Turns a request with cursors into a slice and back into a page. */
export async function readPage<Item extends { readonly id: string }>(
  request: PageRequest,
  host: Host,
  list: PagedList<Item>,
): Promise<Page<Item>> {
  const { limit = DEFAULT_LIMIT, offset = 0, total = 'none' } = request;
  within('limit', limit, 1, MAX_LIMIT);
  within('offset', offset, 0, MAX_OFFSET);
  const from = openCursor(request, list.binding, host);
  if (from !== null && offset > 0)
    throw invalid('offset', 'cannot be given together with a cursor');
  const slice = await list.read({ limit, offset, from, total });
  const { items, more, reached } = slice;
  const seal = (place: Place | undefined) => (place ? sealed(place, list.binding, host) : null);
  const placed = list.placeOf ?? placeOf;
  const [firstItem, lastItem] = [items[0], items.at(-1)];

  // Beside an empty page stands the cursor's own place, which the other way begins with.
  const { descending = true } = list;
  const first = firstItem ? placed(firstItem) : from && beside(from.place, descending ? -1n : 1n);
  const last = lastItem ? placed(lastItem) : from && beside(from.place, descending ? 1n : -1n);
  const start = from !== null || offset > 0 ? (first ?? undefined) : undefined;
  const backwards = from?.side === 'before';
  return {
    items,
    next: backwards ? seal(last ?? undefined) : more ? seal(reached ?? last ?? undefined) : null,
    prev: backwards ? (more ? seal(reached ?? first ?? undefined) : null) : seal(start),
    total: slice.total,
  };
}

function within(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw invalid(name, `must be a whole number from ${least} to ${most}`);
}

function beside({ value, position }: Place, by: bigint): Place {
  return { value, position: position + by };
}

function sealed({ value, position }: Place, binding: string, host: Host): string {
  return host.seal('cursor', binding, JSON.stringify([value, `${position}`]));
}

function openCursor(request: PageRequest, binding: string, host: Host): SliceRequest['from'] {
  const { after, before } = request;
  if (after !== undefined && before !== undefined) {
    throw invalid('before', 'cannot be given together with after');
  }
  const side = after === undefined ? 'before' : 'after';
  const cursor = after ?? before;
  if (cursor === undefined) return null;
  const opened = cursor.length > MAX_CURSOR_LENGTH ? null : host.open('cursor', binding, cursor);
  if (opened === null) {
    throw invalid(side, 'must be a cursor of this very list: same workspace, filters and order');
  }
  // Written by `sealed` above, and under seal since.
  const [value, position] = JSON.parse(opened) as [Place['value'], string];
  return { side, place: { value, position: BigInt(position) } };
}
