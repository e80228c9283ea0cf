import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../tests/fixtures/domain.ts';
import {
  covers,
  isScope,
  MAX_SCOPE_LENGTH,
  missingForQuery,
  missingScopes,
  nearestScope,
  parseScopeQuery,
  type ScopeQuery,
} from './scope.ts';

// Few words, so that generated scopes meet.
const segment = fc.constantFrom('a', 'b', 'A', 'ab', '*');
const anyScope = fc.array(segment, { minLength: 1, maxLength: 3 }).map((all) => all.join(':'));
const plainScope = anyScope.map((scope) => scope.replaceAll('*', 'c'));
const scopes = fc.array(anyScope, { maxLength: 4 });
const many = { numRuns: runs(2_000, 100_000) };

describe('one scope covers another', () => {
  it('by an order: itself, onwards, and both ways only when they are the same', () => {
    fc.assert(
      fc.property(anyScope, anyScope, anyScope, (a, b, c) => {
        expect(covers(a, a)).toBe(true);
        expect(covers('*', a)).toBe(true);
        if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
        if (a !== b) expect(covers(a, b) && covers(b, a)).toBe(false);
      }),
      many,
    );
  });

  it('exactly when it allows every plain scope the other allows', () => {
    const words = ['a', 'b', 'A', 'ab', 'c', 'd'];
    const pairs = words.flatMap((one) => words.map((two) => `${one}:${two}`));
    const all = [
      ...words,
      ...pairs,
      ...pairs.flatMap((two) => words.map((one) => `${two}:${one}`)),
    ];
    fc.assert(
      fc.property(anyScope, anyScope, (a, b) => {
        const allowed = all.filter((scope) => covers(b, scope));
        // A text of four segments stands for the rest, which only `*` allows.
        const whole =
          allowed.every((scope) => covers(a, scope)) && (b !== '*' || covers(a, 'a:b:c:d'));
        expect(covers(a, b)).toBe(whole);
      }),
      { numRuns: runs(1_000, 50_000) },
    );
  });

  const cases: [held: string, asked: string, allowed: boolean][] = [
    ['keys:*', 'keys:read', true],
    ['keys:*', 'keysadmin:x', false],
    ['keys:*', 'keys', false],
    ['keys:*', 'keys:read:all', false],
    ['keys:*', 'Keys:read', false],
    ['keys:read', 'keys:Read', false],
    ['keys:read', 'keys:*', false],
    ['*:read', 'keys:read', true],
    ['*:read', 'keys:write', false],
    ['*:*', 'keys:read', true],
    ['*:*', 'admin', false],
    ['*:*', '*', false],
    ['*', 'a:b:c:d', true],
    ['files:*:read', 'files:7:read', true],
    ['files:*:read', 'files:7:write', false],
    ['admin', 'admin', true],
    ['admin', 'adminx', false],
    ['constructor', '__proto__', false],
  ];
  for (const [held, asked, allowed] of cases) {
    it(`${held} ${allowed ? 'allows' : 'does not allow'} ${asked}`, () => {
      expect(covers(held, asked)).toBe(allowed);
    });
  }

  it('no scopes allow nothing that is asked for, and nothing asked for is never missing', () => {
    expect(missingScopes([], ['b', 'a', '*'])).toEqual(['b', 'a', '*']);
    expect(missingScopes([], [])).toEqual([]);
    expect(missingScopes(['a:*', 'b'], ['a:x', 'c', 'b', 'a'])).toEqual(['c', 'a']);
  });
});

describe('what a scope may say', () => {
  it.each([
    'a',
    '*',
    'a:*',
    '*:a',
    'files.v2/x-y_z:READ',
    'constructor',
    'a'.repeat(MAX_SCOPE_LENGTH),
  ])('%s is one', (text) => expect(isScope(text)).toBe(true));

  it.each([
    '',
    ':',
    'a:',
    ':a',
    'a::b',
    'a*',
    '**',
    'a:b*',
    'a b',
    'a\n',
    'a,b',
    'é',
    'a\0',
    '🔑',
    'a'.repeat(MAX_SCOPE_LENGTH + 1),
  ])('%j is none', (text) => expect(isScope(text)).toBe(false));
});

// The reference: a query as a tree, written as text with as many brackets as chance has it.
interface Tree {
  text: string;
  holds: (held: readonly string[]) => boolean;
}
const leaf = plainScope.map(
  (scope): Tree => ({ text: scope, holds: (held) => held.some((mine) => covers(mine, scope)) }),
);
const tree = fc.letrec<{ any: Tree; all: Tree; term: Tree }>((tie) => ({
  any: fc
    .tuple(fc.array(tie('all'), { minLength: 1, maxLength: 3 }), fc.constantFrom(' or ', ' OR\t'))
    .map(([parts, or]) => ({
      text: parts.map((part) => part.text).join(or),
      holds: (held) => parts.some((part) => part.holds(held)),
    })),
  all: fc
    .tuple(
      fc.array(tie('term'), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(' and ', '\nAND '),
    )
    .map(([parts, and]) => ({
      text: parts.map((part) => part.text).join(and),
      holds: (held) => parts.every((part) => part.holds(held)),
    })),
  term: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    tie('any').map(({ text, holds }) => ({ text: `(${text})`, holds })),
  ),
})).any;
const query = tree.filter(({ text }) => text.length <= 2_000);

function parsed(text: string): ScopeQuery {
  const result = parseScopeQuery(text);
  if (typeof result === 'string') expect.fail(`${text} ${result}`);
  return result as ScopeQuery;
}

describe('a query', () => {
  it('holds when a reference evaluator says so, and else names what would make it hold', () => {
    fc.assert(
      fc.property(query, scopes, ({ text, holds }, held) => {
        const missing = missingForQuery(held, parsed(text));
        expect(missing.length === 0).toBe(holds(held));
        expect(holds([...held, ...missing])).toBe(true);
        expect(new Set(missing).size).toBe(missing.length);
        expect(missingScopes(held, missing)).toEqual(missing);
      }),
      many,
    );
  });

  it('binds `and` tighter than `or`, and brackets tighter than both', () => {
    const [a, b, c] = [{ scope: 'a' }, { scope: 'b' }, { scope: 'c' }];
    expect(parsed('a or b and c')).toEqual({ any: [a, { all: [b, c] }] });
    expect(parsed('a and b or c')).toEqual({ any: [{ all: [a, b] }, c] });
    expect(parsed('(a or b) and c')).toEqual({ all: [{ any: [a, b] }, c] });
    expect(parsed('((a))')).toEqual(a);
    expect(parsed('a AND(b OR c)')).toEqual({ all: [a, { any: [b, c] }] });
  });

  it('asks for the fewest scopes of its alternatives', () => {
    expect(missingForQuery(['b'], parsed('a and c or b and d'))).toEqual(['d']);
    expect(missingForQuery([], parsed('a and b or c'))).toEqual(['c']);
  });

  it.each([
    '',
    ' ',
    '()',
    'a b',
    'a and',
    'or a',
    'a or or b',
    'and',
    'AND',
    '(a',
    'a)',
    '(a))',
    'a & b',
    'a,b',
    'not a!',
    'a:',
    '\0',
    'a or (b and',
    '🔑',
    'a'.repeat(MAX_SCOPE_LENGTH + 1),
  ])('%j is refused with what is wrong', (text) => {
    expect(parseScopeQuery(text)).toMatch(/^(ends|needs|has) \w/);
  });

  it('is bounded in length and in depth, and no text breaks the parser', () => {
    const nested = (depth: number) => `${'('.repeat(depth)}a${')'.repeat(depth)}`;
    expect(parsed(nested(32))).toEqual({ scope: 'a' });
    expect(parseScopeQuery(nested(33))).toMatch(/deeper than 32/);
    expect(parsed(Array(40).fill('(a)').join(' or '))).toHaveProperty('any');
    expect(parsed(`a or ${' '.repeat(1_994)}b`)).toHaveProperty('any');
    expect(parseScopeQuery(`a or ${' '.repeat(1_995)}b`)).toMatch(/longer than 2000/);
    expect(parseScopeQuery('('.repeat(1_000_000))).toMatch(/longer/);
    const words = fc.array(fc.constantFrom('(', ')', 'and', 'or', 'a', 'b:*', '!', 'a:'));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          words.map((all) => all.join(' ')),
        ),
        (text) => {
          const result = parseScopeQuery(text);
          if (typeof result !== 'string') expect(missingForQuery(['*'], result)).toEqual([]);
        },
      ),
      many,
    );
  });
});

describe('the nearest known scope', () => {
  const known = ['files:read', 'files:write', 'admin', 'billing:*'];
  it.each([
    ['file:read', 'files:read'],
    ['files:wirte', 'files:write'],
    ['Admin', 'admin'],
    ['billing:x', 'billing:*'],
    ['zzzzzzzzzzzz', null],
    ['', null],
  ])('to %j is %j', (unknown, nearest) => expect(nearestScope(unknown, known)).toBe(nearest));

  it('is one that is known, or none', () => {
    expect(nearestScope('a', [])).toBeNull();
    fc.assert(
      fc.property(anyScope, scopes, (unknown, all) => {
        expect([null, ...all]).toContain(nearestScope(unknown, all));
        if (all.includes(unknown)) expect(nearestScope(unknown, all)).toBe(unknown);
      }),
    );
  });
});
