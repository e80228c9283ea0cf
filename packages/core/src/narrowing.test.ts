// What a later edit took from a key is taken again; what it gave is never given.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { managementKey, NOW, runs, standardKey } from '../../../tests/fixtures/domain.ts';
import { narrowing } from './narrowing.ts';
import { beyondGrants, beyondPermissions, type Grants, type PermissionSet } from './permission.ts';
import { missingScopes } from './scope.ts';

const scope = fc.constantFrom('*', 'files:*', 'files:read', 'files:write', 'mail:send');
const scopes = fc.uniqueArray(scope, { maxLength: 4 });
const time = fc.option(fc.integer({ min: NOW, max: NOW + 1e9 }));
const permissions = fc.oneof(
  fc.constant(['*'] as PermissionSet),
  fc.uniqueArray(
    fc.constantFrom('keys:read', 'keys:write', 'events:read'),
  ) as fc.Arbitrary<PermissionSet>,
);
const grants: fc.Arbitrary<Grants> = fc.record({
  scopes,
  environments: fc.uniqueArray(fc.constantFrom('live', 'test')),
  maxLifeSeconds: fc.option(fc.integer({ min: 1, max: 1e6 })),
});
const written = (at: number | null) => (at === null ? null : new Date(at).toISOString());

test('a standard key never gets a scope, a later end or an earlier beginning', () => {
  fc.assert(
    fc.property(
      scopes,
      scopes,
      time,
      time,
      time,
      time,
      (had, later, end, newEnd, from, newFrom) => {
        const key = standardKey({ scopes: had, expiresAt: end, notBefore: from });
        const patch = narrowing(key, {
          scopes: later,
          expires_at: written(newEnd),
          not_before: written(newFrom),
        });
        const left = patch.scopes ?? had;
        expect(missingScopes(had, left)).toEqual([]);
        expect(missingScopes(later, left)).toEqual([]);
        const ends = patch.expiresAt ?? end ?? Number.POSITIVE_INFINITY;
        expect(ends).toBe(
          Math.min(end ?? Number.POSITIVE_INFINITY, newEnd ?? Number.POSITIVE_INFINITY),
        );
        expect(patch.notBefore ?? from ?? 0).toBe(Math.max(from ?? 0, newFrom ?? 0));
      },
    ),
    { numRuns: runs(300, 20_000) },
  );
});

test('a management key never gets a permission or a grant', () => {
  fc.assert(
    fc.property(permissions, permissions, grants, grants, (had, later, held, wanted) => {
      const key = managementKey({ permissions: had, grants: held });
      const { scopes: patterns, environments, maxLifeSeconds } = wanted;
      const patch = narrowing(key, {
        permissions: later,
        grants: { scopes: patterns, environments, max_life_seconds: maxLifeSeconds },
      });
      expect(beyondPermissions(had, patch.permissions ?? had)).toEqual([]);
      expect(beyondPermissions(later, patch.permissions ?? later)).toEqual([]);
      const left: Grants = { ...held, ...(patch.grants as Grants) };
      expect(beyondGrants(held, left)).toBe(null);
      expect(beyondGrants(wanted, left)).toBe(null);
    }),
    { numRuns: runs(300, 20_000) },
  );
});

test('networks are never opened to any', () => {
  const key = standardKey({ allowedCidrs: ['10.0.0.0/8', '192.0.2.1'] });
  expect(narrowing(key, { allowed_cidrs: [] })).toEqual({});
  expect(narrowing(key, { allowed_cidrs: ['192.0.2.1', '::1'] }).allowedCidrs).toEqual([
    '192.0.2.1',
  ]);
  expect(narrowing(key, { allowed_cidrs: ['::1'] }).allowedCidrs).toEqual(['::1']);
  expect(narrowing(standardKey(), { allowed_cidrs: ['::1'] }).allowedCidrs).toEqual(['::1']);
});

test('facts of another kind or no kind at all take nothing and break nothing', () => {
  for (const fact of [null, 1, 'x', {}, [1, null], true]) {
    const facts = {
      expires_at: fact,
      not_before: fact,
      allowed_cidrs: fact,
      permissions: fact,
      grants: fact,
    };
    expect(narrowing(standardKey(), facts)).toEqual({});
  }
});
