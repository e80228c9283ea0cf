// Lists: one page, or every item of all pages, in the order that was asked for.

/** One page of a list. */
export interface Page<Item> {
  readonly data: readonly Item[];
  /** Cursor for `after`; null at the end. A page may hold fewer than asked for, even none, and have one. */
  readonly next: string | null;
  /** Cursor for `before`; null at the beginning. */
  readonly prev: string | null;
  /** With `include: 'total'`: how many there are in all, or at least so many. */
  readonly total?: number | undefined;
  /** Whether there are no more than `total`: counting ends at 10,000. */
  readonly total_is_exact?: boolean | undefined;
}

/** `await` gives the page that was asked for; `for await` gives every item from there on. */
export type Listing<Item> = Promise<Page<Item>> & AsyncIterable<Item>;

/** @param read reads one page of the query */
export function listing<Item, Query extends { readonly after?: string | undefined }>(
  query: Query,
  read: (query: Query) => Promise<Page<Item>>,
): Listing<Item> {
  const first = read(query);
  return Object.assign(first, {
    async *[Symbol.asyncIterator]() {
      let page = await first;
      yield* page.data;
      while (page.next !== null) {
        page = await read({ ...query, before: undefined, after: page.next });
        yield* page.data;
      }
    },
  });
}
