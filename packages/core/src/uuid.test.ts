import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOW, seededBytes } from '../../../tests/fixtures/domain.ts';
import { uuid7 } from './uuid.ts';

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
});
