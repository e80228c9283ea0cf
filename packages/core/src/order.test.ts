import { describe, expect, it } from 'vitest';
import { NOW, standardKey } from '../../../tests/fixtures/domain.ts';
import {
  checkedSearch,
  dayOf,
  expiryOrder,
  folded,
  NEVER,
  nameOrder,
  searchable,
} from './order.ts';

describe('a text that is searched and sorted', () => {
  it.each([
    ['Straße', 'STRASSE'],
    ['café', 'cafe\u0301'],
    ['ÜBER', 'uber'],
    ['İstanbul', 'ISTANBUL'],
    ['ΟΔΟΣ', 'οδος'],
    ['ﬁle', 'FILE'],
    ['Ångström', 'angstrom'],
    ['tiếng Việt', 'tieng viet'],
  ])('is the same for %s and %s', (one, other) => expect(folded(one)).toBe(folded(other)));

  it('folds once and for all', () => {
    for (const text of ['Straße', 'ŉ', 'İ', 'ϓ', 'Σίσυφος', '鍵と錠', '🔑 key']) {
      expect(folded(folded(text))).toBe(folded(text));
    }
  });

  it('never finds what stands half in one text and half in the other', () => {
    expect(searchable('one', 'two')).toBe('one\ntwo');
    expect(searchable('a\nb', null)).toBe('a b\n');
    expect(checkedSearch('e\nt')).toBe('e t');
  });

  it.each(['', 'ab', 'é\u0301e', 'x'.repeat(201), 'x'.repeat(100_000)])(
    'is refused for a search of another length than 3 to 200',
    (text) => expect(() => checkedSearch(text)).toThrow('search must have 3 to 200 characters'),
  );

  it('is taken as it is folded for a search of 3 to 200 characters', () => {
    expect(checkedSearch('ABC')).toBe('abc');
    expect(checkedSearch('🔑🔑🔑')).toBe('🔑🔑🔑');
    expect(checkedSearch('x'.repeat(200))).toHaveLength(200);
    expect(checkedSearch(undefined)).toBeUndefined();
  });
});

describe('what keys are sorted by', () => {
  it('is the name in a bounded length, none first, and the expiry, none last', () => {
    expect(nameOrder({ name: null })).toBe('');
    expect(nameOrder({ name: '🔑'.repeat(255) })).toBe('🔑'.repeat(100));
    expect(expiryOrder(standardKey())).toBe(NEVER);
    expect(expiryOrder(standardKey({ expiresAt: NOW }))).toBe(NOW);
  });

  it('is the UTC day of the last use, none before any', () => {
    expect(dayOf(null)).toBe(0);
    expect(dayOf(Date.UTC(2026, 10, 20))).toBe(dayOf(Date.UTC(2026, 10, 20, 23, 59, 59, 999)));
    expect(dayOf(Date.UTC(2026, 10, 21))).toBe(dayOf(NOW) + 1);
  });
});
