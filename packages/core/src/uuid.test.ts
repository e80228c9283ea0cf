import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW, seededBytes } from '../../../tests/fixtures/domain.ts';
import { positionAt, positionOf, uuid7 } from './uuid.ts';

describe('a UUIDv7', () => {
  const random = seededBytes();
  const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  it('has the form of RFC 9562 and begins with its millisecond', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 10, maxLength: 10 }), (offset, bytes) => {
        const id = uuid7(NOW + offset, bytes);
        expect(id).toMatch(UUID7);
        expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(NOW + offset);
      }),
    );
    for (const at of [-1, 0, 2 ** 48 - 1]) expect(uuid7(at, random(10))).toMatch(UUID7);
  });

  it('sorts by time and does not repeat', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => uuid7(NOW + i, random(10)));
    expect(ids.toSorted()).toEqual(ids);
    const same = Array.from({ length: 1_000 }, () => uuid7(NOW, random(10)));
    expect(new Set(same).size).toBe(1_000);
  });

  const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 });
  const LAST = 2 ** 43 - 1;

  it('has a position that says no other order than the id itself', () => {
    const drawn = fc.record({ at: fc.nat({ max: LAST }), bytes });
    fc.assert(
      fc.property(drawn, drawn, (a, b) => {
        const [one, other] = [uuid7(a.at, a.bytes), uuid7(b.at, b.bytes)].toSorted();
        const [first, second] = [positionOf(one ?? ''), positionOf(other ?? '')];
        expect(first <= second).toBe(true);
        expect(first >= 0n && second < 1n << 63n).toBe(true);
        expect(positionOf(uuid7(a.at, a.bytes)) >> 20n).toBe(BigInt(a.at));
        expect(positionAt(a.at) <= positionOf(uuid7(a.at, a.bytes))).toBe(true);
        expect(positionAt(a.at + 1) > positionOf(uuid7(a.at, a.bytes))).toBe(true);
      }),
    );
  });

  it('has its position from every bit of the counter and from eight of chance', () => {
    const [least, most] = [0, 255].map((byte) => uuid7(1, new Uint8Array(10).fill(byte)));
    expect(positionOf(least ?? '')).toBe(1n << 20n);
    expect(positionOf(most ?? '')).toBe((2n << 20n) - 1n);
  });

  it('that is none, or too late for a position, stands nowhere', () => {
    const upper = uuid7(NOW, random(10)).toUpperCase();
    const late = uuid7(LAST + 1, random(10));
    const version4 = '00000000-0000-4000-8000-000000000000';
    for (const id of ['', 'nobody', `${upper}`, late, version4]) expect(positionOf(id)).toBe(-1n);
    expect(positionAt(-5)).toBe(0n);
    expect(positionAt(LAST + 10)).toBe((1n << 63n) - 1n);
  });
});
