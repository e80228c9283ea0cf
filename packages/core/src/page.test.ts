import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handHost, laterRefusalOf, runs } from '../../../tests/fixtures/domain.ts';
import type { Place } from './order.ts';
import { MAX_LIMIT, type Page, type PageRequest, readPage } from './page.ts';
import type { Slice, SliceRequest } from './ports.ts';

const host = handHost();
const LIST = 'keys of a workspace';

/** An object of a list that is sorted by a value, many of them the same. */
interface Item extends Place {
  readonly id: string;
}

/** The greatest first, the position as tie-break. */
const order = (a: Place, b: Place) =>
  Number(b.value) - Number(a.value) || Number(b.position - a.position);

/** The port's contract on a list in memory. A slice that is `short` visits no more than two. */
function sliceOf(
  list: readonly Item[],
  { limit, offset = 0, from, total }: SliceRequest,
  short = false,
): Slice<Item> {
  const sorted = list.toSorted(order);
  const side = sorted.filter((one) => {
    if (from === null) return true;
    return from.side === 'after' ? order(from.place, one) < 0 : order(one, from.place) < 0;
  });
  const backwards = from?.side === 'before';
  const found = backwards ? side.toReversed().slice(0, limit) : side.slice(offset, offset + limit);
  const ended = short && found.length > 2;
  const items = ended ? found.slice(0, 1) : found;
  return {
    items: backwards ? items.toReversed() : items,
    more: ended || side.length > offset + limit,
    ...(ended ? { reached: found[1] } : {}),
    ...(total === 'none' ? {} : { total: { count: list.length, exact: true } }),
  };
}

const pageOf = (list: readonly Item[], request: PageRequest, short = false): Promise<Page<Item>> =>
  readPage(request, host, {
    binding: LIST,
    placeOf: ({ value, position }) => ({ value, position }),
    read: async (slice) => sliceOf(list, slice, short),
  });

// Few values, so that ties are common.
const item = fc
  .record({ value: fc.nat(5), position: fc.noBias(fc.bigInt(0n, 1n << 62n)) })
  .map((place): Item => ({ ...place, id: `${place.position}` }));
const list = fc.uniqueArray(item, { selector: (one) => one.id, maxLength: 30 });
const limit = fc.integer({ min: 1, max: 7 });
const ids = (all: readonly Item[]) => all.map((one) => one.id);

const madeAt = (value: number): Item => ({ value, position: BigInt(value), id: `id-${value}` });

describe('walking a list', () => {
  it('forwards to the end and back to the beginning repeats and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(list, limit, async (all, most) => {
        const sorted = all.toSorted(order);
        let page = await pageOf(all, { limit: most });
        expect(page.prev).toBeNull();
        const forwards = [...page.items];
        while (page.next !== null) {
          page = await pageOf(all, { limit: most, after: page.next });
          expect(page.items).not.toHaveLength(0);
          forwards.push(...page.items);
        }
        expect(ids(forwards)).toEqual(ids(sorted));

        const backwards = [...page.items];
        while (page.prev !== null) {
          page = await pageOf(all, { limit: most, before: page.prev });
          expect(page.items).not.toHaveLength(0);
          backwards.unshift(...page.items);
        }
        expect(ids(backwards)).toEqual(ids(sorted));
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  it('this way and that, with another limit each time, stays in step', async () => {
    const steps = fc.array(fc.record({ back: fc.boolean(), most: limit }), { maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(list, limit, steps, async (all, most, walk) => {
        const sorted = ids(all.toSorted(order));
        let page = await pageOf(all, { limit: most });
        let at = 0; // where the page begins in the list
        for (const { back, most } of walk) {
          const cursor = back ? page.prev : page.next;
          const end = at + page.items.length;
          expect(cursor === null).toBe(back ? at === 0 : end === sorted.length);
          if (cursor === null) continue;
          at = back ? Math.max(0, at - most) : end;
          const expected = back
            ? sorted.slice(at, end - page.items.length)
            : sorted.slice(end, end + most);
          page = await pageOf(
            all,
            back ? { limit: most, before: cursor } : { limit: most, after: cursor },
          );
          expect(ids(page.items)).toEqual(expected);
        }
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  it('meets each object that stays exactly once while others come and go', async () => {
    const changes = fc.infiniteStream(fc.record({ come: item, goes: fc.nat(100) }));
    await fc.assert(
      fc.asyncProperty(list, list, limit, changes, async (stay, guests, most, stream) => {
        let now = [...stay, ...guests];
        const seen: string[] = [];
        let page = await pageOf(now, { limit: most });
        for (;;) {
          seen.push(...ids(page.items));
          if (page.next === null) break;
          const { come, goes } = stream.next().value;
          const leaving = now.filter((one) => !stay.includes(one));
          const gone = leaving[goes % Math.max(1, leaving.length)];
          // Newer ones come in front, as keys do; also the very object a cursor names may go.
          now = [...now.filter((one) => one !== gone), { ...come, value: Number(come.value) + 6 }];
          page = await pageOf(now, { limit: most, after: page.next });
        }
        for (const { id } of stay) expect(seen.filter((one) => one === id)).toHaveLength(1);
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  it('an empty page at either end leads back to the object its cursor was made of', async () => {
    const [old, mid, young] = [1, 2, 3].map((value) => madeAt(value));
    if (!old || !mid || !young) throw new Error('three were made');
    const first = await pageOf([old, mid, young], { limit: 1 });
    const second = await pageOf([old, mid, young], { limit: 1, after: first.next ?? '' });
    const nothingBefore = await pageOf([old, mid], { limit: 1, before: second.prev ?? '' });
    expect(nothingBefore).toMatchObject({ items: [], prev: null });
    expect((await pageOf([old, mid], { after: nothingBefore.next ?? '' })).items).toEqual([
      mid,
      old,
    ]);
    const nothingAfter = await pageOf([mid, young], { limit: 1, after: second.next ?? '' });
    expect(nothingAfter).toMatchObject({ items: [], next: null });
    expect((await pageOf([mid, young], { before: nothingAfter.prev ?? '' })).items).toEqual([
      young,
      mid,
    ]);
  });

  it('of slices that end early repeats and loses nothing, in either direction', async () => {
    await fc.assert(
      fc.asyncProperty(list, limit, async (all, most) => {
        const sorted = all.toSorted(order);
        const forwards: Item[] = [];
        let page = await pageOf(all, { limit: most }, true);
        for (;;) {
          forwards.push(...page.items);
          if (page.next === null) break;
          page = await pageOf(all, { limit: most, after: page.next }, true);
        }
        // Each ended slice passes over the last object that it visited.
        expect(new Set(forwards).size).toBe(forwards.length);
        expect(forwards).toEqual(forwards.toSorted(order));
        for (let { prev } = page; prev !== null; ) {
          const before = await pageOf(all, { limit: most, before: prev }, true);
          expect(before.items.every((one) => sorted.includes(one))).toBe(true);
          expect(before.prev).not.toBe(prev);
          prev = before.prev;
        }
      }),
      { numRuns: runs(200, 10_000) },
    );
  });

  it('passes over an offset, and goes on by cursors from there', async () => {
    const all = Array.from({ length: 7 }, (_, i) => madeAt(i));
    const page = await pageOf(all, { limit: 2, offset: 3 });
    expect(ids(page.items)).toEqual(['id-3', 'id-2']);
    expect(ids((await pageOf(all, { after: page.next ?? '' })).items)).toEqual(['id-1', 'id-0']);
    expect(ids((await pageOf(all, { before: page.prev ?? '' })).items)).toHaveLength(3);
    expect(await pageOf(all, { offset: 7 })).toMatchObject({ items: [], next: null, prev: null });
    const both = pageOf(all, { offset: 1, after: page.next ?? '' });
    expect(await laterRefusalOf(both)).toBe('invalid offset');
  });

  it('an empty list is one page without a next or a previous one', async () => {
    expect(await pageOf([], {})).toEqual({ items: [], next: null, prev: null, total: undefined });
  });

  it('counts all that match only where asked', async () => {
    const all = [madeAt(1), madeAt(2)];
    const { total } = await pageOf(all, { limit: 1, total: 'bounded' });
    expect(total).toEqual({ count: 2, exact: true });
    expect((await pageOf(all, { limit: 1 })).total).toBeUndefined();
  });
});

describe('a request is refused', () => {
  const all = Array.from({ length: 3 }, (_, i) => madeAt(i));

  it.each([0, -1, 1.5, MAX_LIMIT + 1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'with a limit of %d',
    async (limit) => expect(await laterRefusalOf(pageOf(all, { limit }))).toBe('invalid limit'),
  );

  it('and not with the limits at either end', async () => {
    expect((await pageOf(all, { limit: 1 })).items).toHaveLength(1);
    expect((await pageOf(all, { limit: MAX_LIMIT })).items).toHaveLength(3);
  });

  it('with both cursors at once', async () => {
    const { next } = await pageOf(all, { limit: 1 });
    const both = { after: next ?? '', before: next ?? '' };
    expect(await laterRefusalOf(pageOf(all, both))).toBe('invalid before');
  });

  it("with another list's cursor, another label's seal, or none at all", async () => {
    const { next } = await pageOf(all, { limit: 1 });
    const elsewhere = readPage({ after: next ?? '' }, host, {
      binding: 'keys of another',
      read: async (slice) => sliceOf(all, slice),
    });
    expect(await laterRefusalOf(elsewhere)).toBe('invalid after');
    for (const cursor of [
      '',
      ' ',
      'x',
      '../..',
      host.seal('reply', LIST, '[null,"1"]'),
      'x'.repeat(100_000),
    ]) {
      expect(await laterRefusalOf(pageOf(all, { after: cursor }))).toBe('invalid after');
      expect(await laterRefusalOf(pageOf(all, { before: cursor }))).toBe('invalid before');
    }
  });
});
