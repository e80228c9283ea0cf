import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../tests/fixtures/domain.ts';
import { ALL_GRANTS, type Grants, type PermissionSet } from './permission.ts';
import {
  checkedReason,
  checkedRights,
  checkedTerms,
  editedRights,
  editedTerms,
  type KeyPatch,
  type KeyTerms,
  MAX_CIDRS,
  MAX_REASON_LENGTH,
} from './terms.ts';

const TERMS: KeyTerms = {
  name: null,
  ownerId: null,
  allowedCidrs: [],
  allowSelfRevoke: false,
  limits: null,
  metadata: {},
  extension: {},
  notBefore: null,
  expiresAt: null,
};
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const members = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i]));
/** An object whose JSON takes that many bytes. */
const sized = (bytes: number, character = 'a') => {
  const width = Buffer.byteLength(character);
  return { m: character.repeat((bytes - 8) / width) + 'a'.repeat((bytes - 8) % width) };
};

describe('terms are kept as given', () => {
  const good: Record<string, Partial<KeyTerms>> = {
    'a name of 255 code points, each two UTF-16 units': { name: '🔑'.repeat(255) },
    'a name of one character': { name: '0' },
    'a name with NUL, right-to-left and combining marks': {
      name: `a\0\u202e${'\u0301'.repeat(99)}`,
    },
    'an owner of 255 code points': { ownerId: '𝒳'.repeat(255) },
    'an owner that reads as a path or a prototype': { ownerId: '__proto__/../%2f' },
    'as many networks as may be': {
      allowedCidrs: Array.from({ length: MAX_CIDRS }, (_, i) => `10.0.0.${i}`),
    },
    'fifty members of metadata': { metadata: members(50) },
    'sixteen kilobytes of metadata': { metadata: sized(16_384) },
    'sixteen kilobytes in characters of four bytes': { metadata: sized(16_384, '🔑') },
    'sixteen kilobytes in characters of two bytes': { metadata: sized(16_384, 'é') },
    'metadata named as members of every object': {
      metadata: JSON.parse('{"__proto__":1,"constructor":{"prototype":2},"toString":null}'),
    },
    'four kilobytes of extension': { extension: sized(4_096) },
    'dates at either end of time': { notBefore: 0, expiresAt: LAST },
    'neighbouring dates': { notBefore: 1, expiresAt: 2 },
  };
  for (const [name, terms] of Object.entries(good)) {
    it(name, () => {
      expect(checkedTerms({ ...TERMS, ...terms })).toEqual({ ...TERMS, ...terms });
      expect(JSON.stringify(checkedTerms({ ...TERMS, ...terms }))).toBe(
        JSON.stringify({ ...TERMS, ...terms }),
      );
    });
  }

  it('networks once each', () => {
    const allowedCidrs = ['10.0.0.0/8', '::1', '10.0.0.0/8'];
    expect(checkedTerms({ ...TERMS, allowedCidrs }).allowedCidrs).toEqual(['10.0.0.0/8', '::1']);
  });
});

describe('terms are refused by name', () => {
  const bad: Record<string, [Partial<KeyTerms>, pointer: string]> = {
    'an empty name': [{ name: '' }, '/name'],
    'a name of 256 code points': [{ name: 'é'.repeat(256) }, '/name'],
    'an empty owner': [{ ownerId: '' }, '/owner_id'],
    'an owner of 256 code points': [{ ownerId: '🔑'.repeat(256) }, '/owner_id'],
    'a network that is none': [{ allowedCidrs: ['::1', '10.0.0.0/33'] }, '/allowed_cidrs/1'],
    'an empty network': [{ allowedCidrs: [''] }, '/allowed_cidrs/0'],
    'too many networks': [{ allowedCidrs: Array(MAX_CIDRS + 1).fill('::1') }, '/allowed_cidrs'],
    'fifty-one members of metadata': [{ metadata: members(51) }, '/metadata'],
    'a byte more than 16 KB of metadata': [{ metadata: sized(16_385) }, '/metadata'],
    'too many bytes in few characters': [{ metadata: sized(16_385, '🔑') }, '/metadata'],
    'a byte more than 4 KB of extension': [{ extension: sized(4_097) }, '/extension'],
    'a beginning at the end': [{ notBefore: 5, expiresAt: 5 }, '/not_before'],
    'a beginning after the end': [{ notBefore: 6, expiresAt: 5 }, '/not_before'],
    'an end before 1970': [{ expiresAt: -1 }, '/expires_at'],
    'an end after the year 9999': [{ expiresAt: LAST + 1 }, '/expires_at'],
    'an end in parts of a millisecond': [{ expiresAt: 1.5 }, '/expires_at'],
    'an end that is no number': [{ expiresAt: Number.NaN }, '/expires_at'],
    'an endless end': [{ expiresAt: Number.POSITIVE_INFINITY }, '/expires_at'],
    'a beginning after the year 9999': [{ notBefore: 2 ** 53 }, '/not_before'],
  };
  for (const [name, [terms, pointer]] of Object.entries(bad)) {
    it(name, () => {
      expect(refusalOf(() => checkedTerms({ ...TERMS, ...terms }))).toBe(`invalid ${pointer}`);
      expect(refusalOf(() => editedTerms(TERMS, terms))).toBe(`invalid ${pointer}`);
    });
  }

  it('a reason that is empty or longer than 500 code points', () => {
    expect(checkedReason('🔑'.repeat(MAX_REASON_LENGTH))).toHaveLength(2 * MAX_REASON_LENGTH);
    expect(checkedReason(null)).toBeNull();
    for (const reason of ['', 'a'.repeat(MAX_REASON_LENGTH + 1)]) {
      expect(refusalOf(() => checkedReason(reason))).toBe('invalid /reason');
    }
  });
});

describe('an edit', () => {
  it('leaves what it does not name, and sets to null what it names so', () => {
    const before = { ...TERMS, name: 'old', ownerId: 'o', expiresAt: 5, metadata: { a: 1, b: 2 } };
    expect(editedTerms(before, {})).toEqual(before);
    expect(editedTerms(before, { name: undefined, expiresAt: undefined })).toEqual(before);
    const patch = { name: null, ownerId: null, expiresAt: null };
    expect(editedTerms(before, patch)).toEqual({ ...before, ...patch });
    const { metadata } = editedTerms(before, { metadata: { a: null, c: 3 } });
    expect(metadata).toEqual({ b: 2, c: 3 });
    expect(editedTerms(before, { allowSelfRevoke: true }).allowSelfRevoke).toBe(true);
  });

  it('is refused where what it leaves would break a rule with what it names', () => {
    expect(refusalOf(() => editedTerms({ ...TERMS, notBefore: 5 }, { expiresAt: 4 }))).toBe(
      'invalid /not_before',
    );
  });
});

describe('an edit of limits', () => {
  const minute = { name: 'minute', limit: 1, windowSeconds: 60, override: null };
  const day = { name: 'day', limit: 9, windowSeconds: 86_400, override: null };
  const after = (limits: KeyTerms['limits'], patch: KeyPatch) =>
    editedTerms({ ...TERMS, limits }, patch).limits;

  it('replaces the list, or leaves the key to those of its workspace', () => {
    expect(after([minute], { limits: [day] })).toEqual([day]);
    expect(after([minute], { limits: [] })).toEqual([]);
    expect(after([minute], { limits: null })).toBeNull();
    expect(after([minute], { name: 'x' })).toEqual([minute]);
  });

  it('by name leaves those of other names, and null removes one', () => {
    const more = { ...minute, limit: 5 };
    expect(after([minute, day], { limitsByName: { minute: more } })).toEqual([day, more]);
    expect(after(null, { limitsByName: { minute } })).toEqual([minute]);
    expect(after([minute, day], { limitsByName: { minute: null } })).toEqual([day]);
    expect(after([minute], { limitsByName: { minute: null } })).toBeNull();
    expect(after([], { limitsByName: { minute: null } })).toEqual([]);
    expect(
      refusalOf(() => after(null, { limitsByName: { minute: { ...minute, limit: -1 } } })),
    ).toBe('invalid /limits/0/limit');
  });

  it('is for standard keys only', () => {
    const rights = { kind: 'management', permissions: ['*'], grants: ALL_GRANTS } as const;
    expect(refusalOf(() => editedRights(rights, { limits: [] }))).toBe('invalid /limits');
    expect(refusalOf(() => editedRights(rights, { limitsByName: { minute } }))).toBe(
      'invalid /limits',
    );
  });
});

describe('rights', () => {
  const management = (permissions: readonly string[], grants: Partial<Grants> = {}) => ({
    kind: 'management' as const,
    permissions: permissions as PermissionSet,
    grants: { ...ALL_GRANTS, ...grants },
  });

  it('of a management key name at least one permission, each once, and `*` is all', () => {
    expect(refusalOf(() => checkedRights(management([])))).toBe('invalid /permissions');
    expect(checkedRights(management(['keys:read', 'keys:read']))).toEqual(
      management(['keys:read']),
    );
    expect(checkedRights(management(['keys:read', '*']))).toEqual(management(['*']));
  });

  it('name permissions of the closed set only', () => {
    for (const unknown of ['keys:*', 'Keys:read', 'constructor', '']) {
      expect(refusalOf(() => checkedRights(management(['keys:read', unknown])))).toBe(
        'invalid /permissions/1',
      );
    }
  });

  it('have scopes that are scopes, each once, 256 at most', () => {
    const standard = (scopes: string[]) => ({ kind: 'standard' as const, scopes });
    expect(checkedRights(standard(['a', 'b:*', 'a']))).toEqual(standard(['a', 'b:*']));
    const full = Array.from({ length: 256 }, (_, i) => `s${i}`);
    expect(checkedRights(standard(full))).toEqual(standard(full));
    expect(refusalOf(() => checkedRights(standard([...full, 'x'])))).toBe('invalid /scopes');
    expect(refusalOf(() => checkedRights(standard(['a', 'b c'])))).toBe('invalid /scopes/1');
    expect(refusalOf(() => checkedRights(management(['*'], { scopes: ['a*'] })))).toBe(
      'invalid /grants/scopes/0',
    );
  });

  it.each([0, -1, 0.5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 100 * 366 * 86_400 + 1])(
    'grant no longest life of %d seconds',
    (maxLifeSeconds) => {
      expect(refusalOf(() => checkedRights(management(['*'], { maxLifeSeconds })))).toBe(
        'invalid /grants/max_life_seconds',
      );
    },
  );

  it.each([null, 1, 2 ** 31, 100 * 366 * 86_400])(
    'may grant a longest life of %d',
    (maxLifeSeconds) => {
      const rights = management(['*'], { maxLifeSeconds });
      expect(checkedRights(rights)).toEqual(rights);
    },
  );

  it('of one kind are never put on a key of the other', () => {
    const standard = { kind: 'standard', scopes: ['a'] } as const;
    const refused = (before: Parameters<typeof editedRights>[0], patch: KeyPatch) =>
      refusalOf(() => editedRights(before, patch));
    expect(refused(standard, { permissions: ['keys:read'] })).toBe('invalid /permissions');
    expect(refused(standard, { grants: ALL_GRANTS })).toBe('invalid /grants');
    expect(refused(management(['*']), { scopes: [] })).toBe('invalid /scopes');
    expect(editedRights(standard, { scopes: [] })).toEqual({ kind: 'standard', scopes: [] });
    expect(editedRights(standard, {})).toEqual(standard);
    expect(editedRights(management(['*']), { permissions: ['keys:read'] })).toEqual(
      management(['keys:read']),
    );
  });
});
