// Which rule a request comes to, and that no spelling of a path comes to a weaker one.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../tests/fixtures/domain.ts';
import { pathOf } from './canonical-path.ts';
import { type PathRule, ruleFinder } from './path-rules.ts';

const rule = (path: string, more: Partial<PathRule> = {}): PathRule => {
  const open = path.endsWith('/**');
  const parts = (open ? path.slice(0, -3) : path).split('/').slice(1);
  const segments = parts.map((part) => (part === '*' ? null : part));
  return { methods: null, segments, open, scopes: [path], query: undefined, ...more };
};

const finding = (...rules: PathRule[]) => {
  const find = ruleFinder(rules);
  return (target: string, method = 'GET') => {
    const path = pathOf(target);
    const found = path === null ? 'path_ambiguous' : find(method, path);
    return typeof found === 'string' ? found : found.scopes[0];
  };
};

describe('a rule', () => {
  it('for a path is for that path alone, with or without a slash at its end', () => {
    const find = finding(rule('/v1/files'));
    expect(find('/v1/files')).toBe('/v1/files');
    expect(find('/v1/files/')).toBe('/v1/files');
    for (const other of ['/', '/v1', '/v1/files/a', '/v1/filesystem', '/v1/file']) {
      expect(find(other)).toBe('path_not_named');
    }
  });

  it('for a beginning is for whole segments', () => {
    const find = finding(rule('/v1/files/**'));
    for (const path of ['/v1/files', '/v1/files/', '/v1/files/a/b']) {
      expect(find(path)).toBe('/v1/files/**');
    }
    expect(find('/v1/filesystem')).toBe('path_not_named');
  });

  it('with any segment takes exactly one there', () => {
    const find = finding(rule('/v1/*/parts'));
    expect(find('/v1/a%20B/parts')).toBe('/v1/*/parts');
    expect(find('/v1/parts')).toBe('path_not_named');
    expect(find('/v1/a/b/parts')).toBe('path_not_named');
  });

  it('for some methods is for no other, HEAD among them', () => {
    const find = finding(rule('/v1/files', { methods: ['GET'] }));
    expect(find('/v1/files', 'GET')).toBe('/v1/files');
    for (const method of ['HEAD', 'POST', 'get', '']) {
      expect(find('/v1/files', method)).toBe('path_not_named');
    }
  });

  it('counts before those that follow it', () => {
    const find = finding(rule('/v1/admin'), rule('/v1/*'));
    expect([find('/v1/admin'), find('/v1/other')]).toEqual(['/v1/admin', '/v1/*']);
  });

  it.each(['/v1/Admin', '/V1/admin', '/v1/ADMIN/', '/v1/%41dmin', '/v1/admin%20', '/v1/admin.'])(
    'that fits %s for a careless reader alone refuses it',
    (path) => {
      expect(finding(rule('/v1/admin'), rule('/v1/*'))(path)).toBe('path_ambiguous');
      expect(finding(rule('/v1/*'))(path)).toMatch(path.startsWith('/v1') ? '/v1/*' : 'ambiguous');
    },
  );

  it('in capitals refuses the same in small letters', () => {
    const find = finding(rule('/v1/getUser'), rule('/v1/*'));
    expect(find('/v1/getUser')).toBe('/v1/getUser');
    expect(find('/v1/getuser')).toBe('path_ambiguous');
  });
});

/** Where services that read a path with less care would take it, all of them at once. */
function* carelessReadings(target: string): Generator<string> {
  const decoded = [target, decoded1(target), decoded1(decoded1(target))];
  for (const once of decoded) {
    for (const cut of [once, once.replace(/[?#\0].*/s, '')]) {
      for (const bare of [cut, cut.replace(/;[^/]*/g, '')]) {
        const slashes = bare.replaceAll('\\', '/').replace(/\/+/g, '/');
        const { pathname } = new URL(`http://host${slashes.replace(/[?#]/g, '_')}`);
        for (const path of [slashes, pathname]) yield path.replace(/\/$/, '').toLowerCase();
      }
    }
  }
}

function decoded1(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

it('no spelling of a path reaches, through a weaker rule, what a stronger one guards', () => {
  const find = finding(rule('/v1/admin/**'), rule('/**'));
  const piece = fc.constantFrom(
    ...['/', '//', '/v1', '/V1', '/admin', '/Admin', '/adm', 'in', '/a', '/.', '/..', '/..;', '.'],
    ...[
      '%2e',
      '%2E%2e',
      '%2f',
      '%2F',
      '%5c',
      '\\',
      '%61dmin',
      '%61',
      '%252e',
      '%252f',
      ';a=b',
      ';',
    ],
    ...[
      '%00',
      '%3b',
      '?',
      '#',
      '%23',
      '%3f',
      '%09',
      'dmin',
      'x',
      '%c0%ae',
      '%ef%bc%8f',
      ' ',
      '%20',
    ],
  );
  const path = fc.array(piece, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
  let passed = 0;
  fc.assert(
    fc.property(path, (target) => {
      if (find(target) !== '/**') return;
      passed++;
      for (const reading of carelessReadings(target.replace(/\?.*/s, ''))) {
        expect(`${reading}/`.startsWith('/v1/admin/'), `${target} as ${reading}`).toBe(false);
      }
    }),
    { numRuns: runs(50_000, 500_000) },
  );
  expect(passed).toBeGreaterThan(100);
});
