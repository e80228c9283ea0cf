import { drawToken, WARDER_FORMAT } from '@warder/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusalOf, seededBytes } from '../../../tests/fixtures/domain.ts';
import { parseJson, textFault } from './json.ts';

const parse = (text: string) => parseJson(new TextEncoder().encode(text));
const refused = (text: string) => refusalOf(() => parse(text));

describe('reading JSON', () => {
  it('gives what was written, whatever it is', () => {
    // -0 is written as 0, and `__proto__` is refused by name.
    const value = fc
      .jsonValue({ maxDepth: 10 })
      .map((one) => JSON.parse(JSON.stringify(one)))
      .filter((one) => !JSON.stringify(one).includes('__proto__'))
      .filter((one) => refused(JSON.stringify(one)) === 'nothing');
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (one, indent) => {
        expect(parse(JSON.stringify(one, null, indent))).toEqual(one);
      }),
    );
  });

  it('goes 32 deep and no deeper, however the levels are made', () => {
    const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const objects = (levels: number) => '{"a":'.repeat(levels) + 1 + '}'.repeat(levels);
    expect([refused(deep(32)), refused(objects(32))]).toEqual(['nothing', 'nothing']);
    expect([refused(deep(33)), refused(objects(33))]).toEqual(['bad_request', 'bad_request']);
    expect(refused(`[${Array(1_000).fill('[]').join(',')}]`)).toBe('nothing');
    expect(refused(`["${'['.repeat(100)}"]`)).toBe('nothing');
  });

  it('refuses a member twice in one object, however it is spelled, and only there', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '{ "a" : 1 , "b" : 0, "a" : 1 }',
      '[{"b":{"a":1,"a":1}}]',
      '{"":1,"":1}',
      '{"constructor":1,"constructor":2}',
    ]) {
      expect(refused(text)).toBe('bad_request');
    }
    for (const text of ['[{"a":1},{"a":1}]', '{"a":{"a":1},"b":"a"}', '{"a":"a:b","b":["a"]}']) {
      expect(refused(text)).toBe('nothing');
    }
  });

  it('refuses __proto__ as a member, not as a text', () => {
    expect(refused('{"__proto__":1}')).toBe('bad_request');
    expect(refused('{"a":{"_\\u005fproto__":1}}')).toBe('bad_request');
    expect(refused('{"a":"__proto__","b":["__proto__"]}')).toBe('nothing');
  });

  it('names where text or a number stands that cannot be kept, and never what it is', () => {
    expect(refused('{"a":[{"b":"x\\u0000"}]}')).toBe('invalid /a/0/b');
    expect(refused('{"a/b~c":"\\ud800"}')).toBe('invalid /a~1b~0c');
    expect(refused('{"a":{"\\ud800":1}}')).toBe('invalid /a');
    for (const number of ['1e400', '-1e999', '9007199254740992', '1e300']) {
      expect(refused(`{"a":${number}}`)).toBe('invalid /a');
    }
    for (const number of ['9007199254740991', '-9007199254740991', '0.1', '1e-7']) {
      expect(refused(`{"a":${number}}`)).toBe('nothing');
    }
    expect(() => parse('{"name":"secret\\u0000"}')).toThrow(/^(?!.*secret)/);
    expect(() => parse('{"name":"secret",}')).toThrow(/^(?!.*secret)/);
  });

  it('cuts a name too long to be read, and leaves no part of a token at the cut', () => {
    const { secret } = drawToken(WARDER_FORMAT, 'wdr', 'live', seededBytes());
    const name = `${'a'.repeat(70)}${secret}${'b'.repeat(1_000)}`;
    for (const text of [`{"${name}":1e400}`, `{"${name}":1,"${name}":2}`]) {
      expect(() => parse(text)).toThrow(/^.{0,200}$/);
      expect(() => parse(text)).toThrow(/a{70}wdr_live_/);
      expect(() => parse(text)).not.toThrow(secret.slice(0, 25));
    }
  });

  it('refuses bytes that are no UTF-8, and a byte order mark', () => {
    const bytes = (...all: number[]) => refusalOf(() => parseJson(Uint8Array.from(all)));
    expect(bytes(0x22, 0xff, 0x22)).toBe('bad_request');
    expect(bytes(0x22, 0xc0, 0x80, 0x22)).toBe('bad_request');
    expect(bytes(0xef, 0xbb, 0xbf, 0x31)).toBe('bad_request');
    expect(bytes(0x31)).toBe('nothing');
  });

  it('answers any bytes at all with a value or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['nothing', 'bad_request', 'invalid']).toContain(
          refusalOf(() => parseJson(bytes)).split(' ')[0],
        );
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0a1e- ') }), (text) => {
        expect(() => refused(text)).not.toThrow();
      }),
    );
  });

  it('takes no longer for a body made to take long', () => {
    const size = 250_000;
    const bodies = [
      '['.repeat(size),
      '{"a":'.repeat(size / 5),
      `"${'\\'.repeat(size)}`,
      `"${'\\u0000'.repeat(size / 6)}"`,
      `{${Array.from({ length: size / 10 }, (_, i) => `"${i}":1`).join(',')}}`,
      `[${'1,'.repeat(size / 2)}1]`,
      ':'.repeat(size),
      '"":'.repeat(size / 3),
      ' '.repeat(size),
    ];
    for (const body of bodies) {
      const from = process.cpuUsage();
      refused(body);
      expect(process.cpuUsage(from).user / 1_000).toBeLessThan(250);
    }
  });
});

it('a text fault is NUL or half of a surrogate pair, and nothing else', () => {
  expect(textFault('a\0')).toContain('NUL');
  expect(textFault('\ud83d')).toContain('surrogate');
  expect(textFault('\udd11\ud83d')).toContain('surrogate');
  expect(textFault('🔑 \u202e \u200b \uffff \u0001')).toBeNull();
});
