// What a management key may do in Warder itself: a closed set of permissions,
// presets of them by name, and grants, which bound what it may put on the keys
// it makes. Nobody hands out more than they hold. Scopes (scope.ts) never count here.

import { covers } from './scope.ts';
import { ENVIRONMENTS, type Environment } from './token.ts';

export const PERMISSIONS = [
  'keys:read',
  'keys:write',
  'keys:verify',
  'limits:take',
  'management_keys:write',
  'workspaces:read',
  'workspaces:write',
  'owners:read',
  'owners:write',
  'members:read',
  'members:write',
  'events:read',
  'usage:read',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** What a key stores: `['*']` is all permissions, of today and of later versions. */
export type PermissionSet = readonly Permission[] | readonly ['*'];

const READ = [
  'keys:read',
  'workspaces:read',
  'owners:read',
  'members:read',
  'events:read',
  'usage:read',
] as const satisfies readonly Permission[];
const EDIT = [...READ, 'keys:write', 'keys:verify', 'limits:take', 'owners:write'] as const;

export type Preset = 'viewer' | 'verifier' | 'issuer' | 'editor' | 'admin' | 'owner';

/** The presets; a member's role is the preset of that name. */
export const PRESETS: Readonly<Record<Preset, PermissionSet>> = {
  viewer: READ,
  verifier: ['keys:verify', 'limits:take'],
  issuer: ['keys:read', 'keys:write', 'owners:read', 'owners:write'],
  editor: EDIT,
  admin: [...EDIT, 'workspaces:write', 'management_keys:write', 'members:write'],
  owner: ['*'],
};

/** What members can be, each more than the one before. */
export const ROLES = ['viewer', 'editor', 'admin', 'owner'] as const satisfies readonly Preset[];
export type Role = (typeof ROLES)[number];

export function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value);
}

export function isPermission(text: string): text is Permission {
  return (PERMISSIONS as readonly string[]).includes(text);
}

export function isPreset(text: string): text is Preset {
  return Object.hasOwn(PRESETS, text);
}

export function holds(set: PermissionSet, permission: Permission): boolean {
  return isAll(set) || set.includes(permission);
}

function isAll(set: PermissionSet): set is readonly ['*'] {
  return set[0] === '*';
}

/** What may be put on the keys one makes. */
export interface Grants {
  /** Patterns of the scopes that standard keys may be given. */
  readonly scopes: readonly string[];
  readonly environments: readonly Environment[];
  /** Longest life of a key, in seconds; null for no bound. */
  readonly maxLifeSeconds: number | null;
}

/** What an edit of grants may name; what it does not name stays. */
export type GrantsPatch = { readonly [Name in keyof Grants]?: Grants[Name] | undefined };

export function editedGrants(before: Grants, patch: GrantsPatch = {}): Grants {
  return {
    scopes: patch.scopes ?? before.scopes,
    environments: patch.environments ?? before.environments,
    maxLifeSeconds:
      patch.maxLifeSeconds === undefined ? before.maxLifeSeconds : patch.maxLifeSeconds,
  };
}

export const ALL_GRANTS: Grants = {
  scopes: ['*'],
  environments: ENVIRONMENTS,
  maxLifeSeconds: null,
};

export const NO_GRANTS: Grants = { scopes: [], environments: [], maxLifeSeconds: 0 };

/** What a member of that role may put on the keys it makes. */
export const ROLE_GRANTS: Readonly<Record<Role, Grants>> = {
  viewer: NO_GRANTS,
  editor: ALL_GRANTS,
  admin: ALL_GRANTS,
  owner: ALL_GRANTS,
};

/** The permissions of `wanted` that `held` does not have; `*` only comes from who holds `*`. */
export function beyondPermissions(held: PermissionSet, wanted: PermissionSet): string[] {
  return isAll(held) ? [] : wanted.filter((one) => one === '*' || !held.includes(one as never));
}

/** Which part of `wanted` goes beyond `held`; null if none does. */
export function beyondGrants(held: Grants, wanted: Grants): keyof Grants | null {
  if (!wanted.scopes.every((scope) => held.scopes.some((mine) => covers(mine, scope)))) {
    return 'scopes';
  }
  if (!wanted.environments.every((one) => held.environments.includes(one))) return 'environments';
  const bound = held.maxLifeSeconds;
  const within = bound === null || (wanted.maxLifeSeconds ?? Number.POSITIVE_INFINITY) <= bound;
  return within ? null : 'maxLifeSeconds';
}
