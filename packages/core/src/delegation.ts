// Handing out: nobody gives a management key more than they hold, nor a standard
// key a scope, an environment or a life outside their grants and the workspace's
// settings; nor a member a role beyond their own. Ending a key gives nothing, so it
// is never refused here.

import type { Caller } from './caller.ts';
import { invalid, WarderError } from './error.ts';
import type { Key, KeyPlan } from './key.ts';
import {
  beyondGrants,
  beyondPermissions,
  type Grants,
  PRESETS,
  ROLE_GRANTS,
  type Role,
} from './permission.ts';
import { covers, missingScopes, nearestScope } from './scope.ts';
import type { KeyRights } from './terms.ts';
import type { WorkspaceSettings } from './workspace.ts';

/** What is about to be handed out: a plan for a new key, or a key as an edit would leave it. */
export type Given = Pick<KeyPlan, 'environment' | 'rights'> & {
  readonly expiresAt: number | null;
  readonly createdAt: number;
};

type ManagementRights = Extract<KeyRights, { kind: 'management' }>;

/** Refuses what goes beyond the caller or the workspace. `before` is the key as it stands, for an edit. */
export function checkHandingOut(
  caller: Caller,
  settings: WorkspaceSettings | null,
  given: Given,
  before: Key | null,
): void {
  if (!caller.grants.environments.includes(given.environment)) {
    throw beyond(`make or change keys of the ${given.environment} environment`);
  }
  if (given.rights.kind === 'management') {
    checkManagement(caller, given.rights, given.expiresAt);
    return;
  }
  const had = before?.kind === 'standard' ? before.scopes : [];
  const added = given.rights.scopes.filter((scope) => !had.includes(scope));
  checkScopes([...caller.grants.scopes, ...had], settings, added);
  if (before === null || endOf(given) > endOf(before)) checkLife(caller, settings, given);
}

function checkManagement(
  caller: Caller,
  { permissions, grants }: ManagementRights,
  expiresAt: number | null,
): void {
  const [permission] = beyondPermissions(caller.permissions, permissions);
  if (permission !== undefined) throw beyond(`give the permission ${permission}`);
  const grant = beyondGrants(caller.grants, grants);
  if (grant !== null) throw beyond(`give such grants: ${PUBLISHED[grant]} go beyond your own`);
  if (endOf({ expiresAt }) > endOf(caller)) {
    throw beyond('make or change a management key that outlives your own');
  }
}

/** Refuses to give a role whose permissions or grants go beyond the caller's own. */
export function checkGivingRole(caller: Caller, role: Role): void {
  const [permission] = beyondPermissions(caller.permissions, PRESETS[role]);
  if (permission !== undefined) {
    throw beyond(`make a member ${role}, who has the permission ${permission}: you do not`);
  }
  const grant = beyondGrants(caller.grants, ROLE_GRANTS[role]);
  if (grant !== null) {
    throw beyond(`make a member ${role}, whose grants (${PUBLISHED[grant]}) go beyond your own`);
  }
}

/** Refuses to change or remove a member whose role goes beyond the caller's own permissions. */
export function checkOver(caller: Caller, role: Role): void {
  const [permission] = beyondPermissions(caller.permissions, PRESETS[role]);
  if (permission !== undefined) {
    throw beyond(`change a member who is ${role} and has the permission ${permission}: you do not`);
  }
}

function endOf({ expiresAt }: { expiresAt: number | null }): number {
  return expiresAt ?? Number.POSITIVE_INFINITY;
}

const PUBLISHED: Readonly<Record<keyof Grants, string>> = {
  scopes: 'scopes',
  environments: 'environments',
  maxLifeSeconds: 'max_life_seconds',
};

function checkScopes(
  granted: readonly string[],
  settings: WorkspaceSettings | null,
  scopes: readonly string[],
): void {
  const [ungranted] = missingScopes(granted, scopes);
  if (ungranted !== undefined) throw beyond(`give the scope ${ungranted}`);
  const known = settings?.knownScopes;
  if (!known) return;
  for (const scope of scopes) {
    // A pattern is known when it stands for a scope that is.
    if (known.some((one) => covers(scope, one) || covers(one, scope))) continue;
    const nearest = nearestScope(scope, known);
    const hint = nearest === null ? '' : `; the nearest is "${nearest}"`;
    throw invalid('/scopes', `has "${scope}", which this workspace does not know${hint}`);
  }
}

function checkLife(caller: Caller, settings: WorkspaceSettings | null, given: Given): void {
  if (endOf(given) > endOf({ expiresAt: caller.keysEndBy })) {
    throw beyond('make or change a key that outlives your own');
  }
  const life = given.expiresAt === null ? null : (given.expiresAt - given.createdAt) / 1000;
  const longer = (bound: number | null | undefined) =>
    bound !== null && bound !== undefined && (life ?? Number.POSITIVE_INFINITY) > bound;
  if (longer(caller.grants.maxLifeSeconds)) {
    throw beyond(`make a key that lives longer than ${caller.grants.maxLifeSeconds} seconds`);
  }
  if (longer(settings?.maxLifeSeconds)) {
    throw new WarderError(
      'forbidden',
      `Keys of this workspace live ${settings?.maxLifeSeconds} seconds at most: set an earlier expires_at.`,
    );
  }
}

/** When a key expires that names no end: after the default life, or the shortest bound there is. */
export function defaultExpiry(
  caller: Caller,
  settings: WorkspaceSettings | null,
  kind: Key['kind'],
  createdAt: number,
): number | null {
  if (kind === 'management') return caller.expiresAt;
  const lives = [
    settings?.defaultLifeSeconds ?? settings?.maxLifeSeconds,
    caller.grants.maxLifeSeconds,
  ].filter((seconds) => seconds !== null && seconds !== undefined);
  const ends = lives.map((seconds) => createdAt + seconds * 1000);
  if (caller.keysEndBy !== null) ends.push(caller.keysEndBy);
  return ends.length === 0 ? null : Math.min(...ends);
}

function beyond(what: string): WarderError {
  return new WarderError('forbidden', `You may not ${what}.`);
}
