import { describe, expect, it } from 'vitest';
import {
  ALL_GRANTS,
  beyondGrants,
  beyondPermissions,
  holds,
  isPermission,
  isPreset,
  PERMISSIONS,
  type PermissionSet,
  PRESETS,
  type Preset,
} from './permission.ts';

describe('permissions', () => {
  it('are a closed set, and names of every object are none of them', () => {
    for (const one of PERMISSIONS) expect(isPermission(one)).toBe(true);
    for (const no of ['*', '', 'KEYS:READ', 'keys:*', 'keys:read ', 'constructor', '__proto__']) {
      expect(isPermission(no)).toBe(false);
    }
    for (const no of ['', 'Owner', 'constructor', '__proto__', 'toString']) {
      expect(isPreset(no)).toBe(false);
    }
  });

  it('are held one by one or all by `*`, and nothing stands for a part of them', () => {
    for (const one of PERMISSIONS) {
      expect(holds(['*'], one)).toBe(true);
      expect(holds([one], one)).toBe(true);
      expect(holds([], one)).toBe(false);
      const rest = PERMISSIONS.filter((other) => other !== one);
      expect(holds(rest, one)).toBe(false);
      expect(holds(['keys:*'] as never, one)).toBe(false);
    }
  });

  it('`*` comes from `*` alone, not from who happens to hold every permission', () => {
    expect(beyondPermissions(PERMISSIONS, ['*'])).toEqual(['*']);
    expect(beyondPermissions(PERMISSIONS, ['keys:read', '*'] as never)).toEqual(['*']);
    expect(beyondPermissions(['*'], ['*'])).toEqual([]);
    expect(beyondPermissions([], ['keys:read'])).toEqual(['keys:read']);
  });
});

describe('presets', () => {
  const all = (preset: Preset): PermissionSet => PRESETS[preset];

  it('grow from viewer to editor to admin to owner', () => {
    expect(beyondPermissions(all('editor'), all('viewer'))).toEqual([]);
    expect(beyondPermissions(all('admin'), all('editor'))).toEqual([]);
    expect(beyondPermissions(all('owner'), all('admin'))).toEqual([]);
    expect(beyondPermissions(all('viewer'), all('editor'))).not.toEqual([]);
    expect(beyondPermissions(all('editor'), all('admin'))).not.toEqual([]);
    expect(beyondPermissions(all('admin'), all('owner'))).toEqual(['*']);
  });

  it('viewer changes nothing, verifier only verifies and takes, and only admin and owner make management keys', () => {
    expect(all('viewer').every((one) => one.endsWith(':read'))).toBe(true);
    expect(all('verifier')).toEqual(['keys:verify', 'limits:take']);
    const making = (Object.keys(PRESETS) as Preset[]).filter((one) =>
      holds(PRESETS[one], 'management_keys:write'),
    );
    expect(making).toEqual(['admin', 'owner']);
  });

  it('name permissions that exist, each once', () => {
    for (const set of Object.values(PRESETS)) {
      expect(set.every((one) => one === '*' || isPermission(one))).toBe(true);
      expect(new Set(set).size).toBe(set.length);
    }
  });
});

describe('grants', () => {
  const held = { scopes: ['files:*'], environments: ['test'], maxLifeSeconds: 60 } as const;
  it('go beyond others by scope, by environment or by life, and no bound is the longest life', () => {
    expect(beyondGrants(held, held)).toBeNull();
    expect(beyondGrants(ALL_GRANTS, held)).toBeNull();
    expect(beyondGrants(held, { ...held, scopes: [], environments: [] })).toBeNull();
    expect(beyondGrants(held, { ...held, scopes: ['files:read'] })).toBeNull();
    expect(beyondGrants(held, { ...held, scopes: ['*'] })).toBe('scopes');
    expect(beyondGrants(held, { ...held, scopes: ['*:*'] })).toBe('scopes');
    expect(beyondGrants(held, { ...held, scopes: ['filesystem:read'] })).toBe('scopes');
    expect(beyondGrants(held, { ...held, environments: ['test', 'live'] })).toBe('environments');
    expect(beyondGrants(held, { ...held, maxLifeSeconds: 61 })).toBe('maxLifeSeconds');
    expect(beyondGrants(held, { ...held, maxLifeSeconds: null })).toBe('maxLifeSeconds');
    expect(beyondGrants({ ...ALL_GRANTS, scopes: [] }, { ...held, scopes: ['a'] })).toBe('scopes');
  });
});
