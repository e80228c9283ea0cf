import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf, runs } from '../../../tests/fixtures/domain.ts';
import type { Json, JsonObject } from './event.ts';
import { checkedMetadata, checkedSize, mergePatch } from './metadata.ts';

const object = fc.dictionary(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.jsonValue(),
) as fc.Arbitrary<JsonObject>;

describe('metadata', () => {
  it('is given back as it was, whatever its members are called', () => {
    const odd = JSON.parse(
      '{"__proto__":{"x":1},"constructor":1,"a\\u0000":"\\u202e","":[1e300,-0]}',
    );
    expect(checkedMetadata(odd)).toBe(odd);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('is measured in bytes of UTF-8, as Node counts them', () => {
    fc.assert(
      fc.property(object, fc.integer({ min: -3, max: 3 }), (value, off) => {
        const most = Buffer.byteLength(JSON.stringify(value)) + off;
        expect(refusalOf(() => checkedSize('/m', value, most))).toBe(
          off < 0 ? 'invalid /m' : 'nothing',
        );
      }),
      { numRuns: runs(500, 20_000) },
    );
  });
});

describe('a merge patch', () => {
  // RFC 7396, Appendix A, where both are objects.
  it.each<[string, string, string]>([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{"a":1}', '{"a":{"b":null,"c":{"d":null}}}', '{"a":{"c":{}}}'],
    [
      '{"__proto__":{"a":1}}',
      '{"__proto__":{"b":2},"constructor":1}',
      '{"__proto__":{"a":1,"b":2},"constructor":1}',
    ],
    ['{"a":1}', '{"__proto__":null,"toString":null}', '{"a":1}'],
  ])('%s with %s is %s', (target, patch, result) => {
    expect(JSON.stringify(mergePatch(JSON.parse(target), JSON.parse(patch)))).toBe(result);
  });

  it('merges once as twice, touches neither side, and no prototype', () => {
    fc.assert(
      fc.property(object, object, (target, patch) => {
        const [was, asked] = [JSON.stringify(target), JSON.stringify(patch)];
        const merged = mergePatch(target, patch);
        expect(JSON.stringify(mergePatch(merged, patch))).toBe(JSON.stringify(merged));
        expect([JSON.stringify(target), JSON.stringify(patch)]).toEqual([was, asked]);
        expect(mergePatch(target, {})).toEqual(target);
        for (const [name, value] of Object.entries(patch) as [string, Json][]) {
          expect(Object.hasOwn(merged, name)).toBe(value !== null);
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: runs(500, 20_000) },
    );
  });
});
