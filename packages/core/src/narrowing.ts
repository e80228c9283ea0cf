// A key cut down to what a later edit left of it: an earlier end, fewer scopes,
// permissions, grants or networks. What the edit gave besides is not given again.

import type { Json, JsonObject } from './event.ts';
import type { Key } from './key.ts';
import { type Grants, isPermission, type PermissionSet } from './permission.ts';
import { covers } from './scope.ts';
import type { KeyPatch } from './terms.ts';

/** @param facts members as events tell them after an edit, in published names */
export function narrowing(key: Key, facts: JsonObject): KeyPatch {
  const expiresAt = time(facts.expires_at);
  const notBefore = time(facts.not_before);
  const networks = texts(facts.allowed_cidrs);
  const common = {
    ...(expiresAt !== null && expiresAt < (key.expiresAt ?? Infinity) ? { expiresAt } : {}),
    ...(notBefore !== null && notBefore > (key.notBefore ?? -Infinity) ? { notBefore } : {}),
    // None at all would mean any.
    ...(networks?.length ? { allowedCidrs: within(key.allowedCidrs, networks) } : {}),
  };
  if (key.kind === 'standard') {
    const scopes = texts(facts.scopes);
    return scopes ? { ...common, scopes: shared(key.scopes, scopes) } : common;
  }
  const permissions = texts(facts.permissions);
  const grants = facts.grants;
  return {
    ...common,
    ...(permissions ? { permissions: lesser(key.permissions, permissions) } : {}),
    ...(isObject(grants) ? { grants: lesserGrants(key.grants, grants) } : {}),
  };
}

/** The networks that stay; of two lists without one in common the later. */
function within(before: readonly string[], later: readonly string[]): readonly string[] {
  const kept = before.filter((network) => later.includes(network));
  return kept.length > 0 ? kept : later;
}

/** What both lists of patterns allow. */
function shared(before: readonly string[], later: readonly string[]): string[] {
  const left = before.filter((one) => later.some((other) => covers(other, one)));
  const narrower = later.filter((one) => before.some((other) => covers(other, one)));
  return [...new Set([...left, ...narrower])];
}

function lesser(before: PermissionSet, later: readonly string[]): PermissionSet {
  if (later.includes('*')) return before;
  const held: readonly string[] = before;
  return later.filter(isPermission).filter((one) => held.includes('*') || held.includes(one));
}

function lesserGrants(before: Grants, later: JsonObject): Grants {
  const scopes = texts(later.scopes);
  const environments = texts(later.environments);
  const life = later.max_life_seconds;
  return {
    scopes: scopes ? shared(before.scopes, scopes) : before.scopes,
    environments: environments
      ? before.environments.filter((one) => environments.includes(one))
      : before.environments,
    maxLifeSeconds:
      typeof life === 'number'
        ? Math.min(life, before.maxLifeSeconds ?? life)
        : before.maxLifeSeconds,
  };
}

function time(fact: Json | undefined): number | null {
  const at = typeof fact === 'string' ? Date.parse(fact) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function texts(fact: Json | undefined): string[] | null {
  return Array.isArray(fact) ? fact.filter((one) => typeof one === 'string') : null;
}

function isObject(fact: Json | undefined): fact is JsonObject {
  return fact instanceof Object && !Array.isArray(fact);
}
