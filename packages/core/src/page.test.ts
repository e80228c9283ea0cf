import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handHost, laterRefusalOf, runs } from '../../../tests/fixtures/domain.ts';
import { MAX_LIMIT, type Page, type PageRequest, readPage } from './page.ts';
import type { Position, Slice, SliceRequest } from './ports.ts';

const host = handHost();
const LIST = 'keys of a workspace';

/** Newest first, the id as tie-break. */
const order = (a: Position, b: Position) => b.createdAt - a.createdAt || (b.id < a.id ? -1 : 1);

/** The port's contract on a list in memory. */
function sliceOf(list: readonly Position[], { limit, from, total }: SliceRequest): Slice<Position> {
  const sorted = list.toSorted(order);
  const side = sorted.filter((one) => {
    if (from === null) return true;
    return from.side === 'after' ? order(from.position, one) < 0 : order(one, from.position) < 0;
  });
  if (from?.side !== 'after') expect(side).not.toContain(from?.position);
  return {
    items: from?.side === 'before' ? side.slice(-limit) : side.slice(0, limit),
    more: side.length > limit,
    ...(total ? { total: list.length } : {}),
  };
}

const pageOf = (list: readonly Position[], request: PageRequest): Promise<Page<Position>> =>
  readPage(request, LIST, host, async (slice) => sliceOf(list, slice));

// Few moments, so that ties are common.
const position = fc.record({ createdAt: fc.nat(5), id: fc.uuid() });
const list = fc.uniqueArray(position, { selector: (one) => one.id, maxLength: 30 });
const limit = fc.integer({ min: 1, max: 7 });
const ids = (all: readonly Position[]) => all.map((one) => one.id);

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
    const changes = fc.infiniteStream(fc.record({ come: position, goes: fc.nat(100) }));
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
          now = [...now.filter((one) => one !== gone), { ...come, createdAt: come.createdAt + 6 }];
          page = await pageOf(now, { limit: most, after: page.next });
        }
        for (const { id } of stay) expect(seen.filter((one) => one === id)).toHaveLength(1);
      }),
      { numRuns: runs(300, 20_000) },
    );
  });

  it('an empty page at either end leads back to the object its cursor was made of', async () => {
    const [old, mid, young] = [1, 2, 3].map((createdAt) => ({ createdAt, id: `id-${createdAt}` }));
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

  it('an empty list is one page without a next or a previous one', async () => {
    expect(await pageOf([], {})).toEqual({ items: [], next: null, prev: null, total: undefined });
  });

  it('counts all that match only where asked', async () => {
    const all = [
      { createdAt: 1, id: 'a' },
      { createdAt: 2, id: 'b' },
    ];
    expect((await pageOf(all, { limit: 1, total: true })).total).toBe(2);
    expect((await pageOf(all, { limit: 1 })).total).toBeUndefined();
  });
});

describe('a request is refused', () => {
  const all = Array.from({ length: 3 }, (_, i) => ({ createdAt: i, id: `id${i}` }));

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
    const elsewhere = readPage({ after: next ?? '' }, 'keys of another', host, async (slice) =>
      sliceOf(all, slice),
    );
    expect(await laterRefusalOf(elsewhere)).toBe('invalid after');
    for (const cursor of [
      '',
      ' ',
      'x',
      '../..',
      host.seal('reply', LIST, '1 id'),
      host.seal('cursor', LIST, '1'),
    ]) {
      expect(await laterRefusalOf(pageOf(all, { after: cursor }))).toBe('invalid after');
      expect(await laterRefusalOf(pageOf(all, { before: cursor }))).toBe('invalid before');
    }
  });
});
