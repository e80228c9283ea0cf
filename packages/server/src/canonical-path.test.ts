// What is a path for the rules of a gateway, and what is refused as none.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looselyRead, pathOf } from './canonical-path.ts';

const segmentsOf = (target: string) => pathOf(target)?.segments ?? null;

describe('a path', () => {
  it.each([
    ['/', []],
    ['/v1/files', ['v1', 'files']],
    ['/v1/files/', ['v1', 'files']],
    ['/v1/files?a=/../b//', ['v1', 'files']],
    ['/%61%7E/%2Dx', ['a~', '-x']],
    ['/caf%c3%a9/a%20b', ['caf%C3%A9', 'a%20b']],
    ["/@me/a:b/$&'()*+,=!", ['@me', 'a:b', "$&'()*+,=!"]],
    ['/..a/a..', ['..a', 'a..']],
  ])('%s is its segments', (target, segments) => {
    expect(segmentsOf(target)).toEqual(segments);
  });

  it.each([
    ...['', 'v1', '*', '?a', 'http://host/v1', '//', '//v1', '/v1//files', '/v1//', '/v1/files//'],
    ...['/.', '/..', '/a/./b', '/a/../b', '/a/%2e%2e/b', '/a/.%2E', '/%2e', '/a/..;/b', '/a;b=c'],
    ...['/a%2fb', '/a%2Fb', '/a%5cb', '/a\\b', '/a%3bb', '/a%252fb', '/a%25', '/a%3fb', '/a%23b'],
    ...['/a%00', '/a%0d%0a', '/a%7f', '/a%', '/a%4', '/a%zz', '/a b', '/a\u0000', '/é', '/a#b'],
    ...['/...', '/a/%20', '/a/%e2%80%8b', '/a/%ef%bc%8e', '/.%20/a'],
    ...['/%ff', '/%c0%ae', '/%c0%af', '/%ed%a0%80', '/{a}', '/a|b', '/a^b', '/"a"', '/<a>', '/`'],
  ])('%j is none', (target) => {
    expect(segmentsOf(target)).toBeNull();
  });

  it('is the same when it is spelled again of its segments', () => {
    const text = fc.string({ unit: fc.constantFrom(...'aZ09.-~/%2eEfF;é'), maxLength: 12 });
    fc.assert(
      fc.property(text, (path) => {
        const segments = segmentsOf(`/${path}`);
        if (segments === null) return;
        expect(segmentsOf(`/${segments.join('/')}`)).toEqual(segments);
        for (const segment of segments) {
          const read = decodeURIComponent(segment);
          expect(['', '.', '..']).not.toContain(read);
          expect(read).not.toMatch(/[/\\;%?#]/);
        }
      }),
    );
  });

  it('is read loosely without case, encoding or composition', () => {
    expect(
      ['Admin', '%41dmin', 'admin', '%EF%BD%81dmin', 'admin%20', 'admin.', 'ad%E2%80%8Bmin'].map(
        looselyRead,
      ),
    ).toEqual(Array(7).fill('admin'));
    expect(looselyRead('%40me')).toBe('@me');
  });
});
