// What a caller decides about a key, and the rules it must keep: its terms, and
// its rights, which are scopes for a standard key and permissions with grants for
// a management key. The two vocabularies never meet.

import { parseNetwork } from './cidr.ts';
import type { CreditsPatch } from './credit.ts';
import { invalid, type WarderError } from './error.ts';
import { type JsonObject, LATEST } from './event.ts';
import { checkedLimits, type Limit } from './limit.ts';
import { checkedMetadata, checkedSize, MAX_EXTENSION_BYTES, mergePatch } from './metadata.ts';
import { checkedOwnerId } from './owner.ts';
import {
  editedGrants,
  type Grants,
  type GrantsPatch,
  isPermission,
  PERMISSIONS,
  type PermissionSet,
} from './permission.ts';
import { isScope, MAX_SCOPES, SCOPE_RULE } from './scope.ts';
import { MAX_LIFE_SECONDS } from './workspace.ts';

export const KEY_KINDS = ['standard', 'management'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** What a caller decides about a key; everything else is drawn or derived. */
export interface KeyTerms {
  readonly name: string | null;
  /** The operator's own id of its owner. */
  readonly ownerId: string | null;
  /** Networks it may be used from; empty for any. */
  readonly allowedCidrs: readonly string[];
  /** Whether its holder may revoke it with nothing but the key itself, where a surface offers that. */
  readonly allowSelfRevoke: boolean;
  /** Its own windows in place of the workspace's `keyLimits`; null for those, empty for none. */
  readonly limits: readonly Limit[] | null;
  readonly metadata: JsonObject;
  /** Keyed by dialect: what a surface must give back and the domain need not understand. */
  readonly extension: JsonObject;
  readonly notBefore: number | null;
  readonly expiresAt: number | null;
}

export type KeyRights =
  | { readonly kind: 'standard'; readonly scopes: readonly string[] }
  | { readonly kind: 'management'; readonly permissions: PermissionSet; readonly grants: Grants };

/** What an edit may name; what it does not name stays. `metadata` and `extension` are merged (RFC 7396). */
export type KeyPatch = {
  readonly [Term in keyof KeyTerms]?: KeyTerms[Term] | undefined;
} & {
  /** Some of its own limits, by name; null removes one. Where none is left it has those of the workspace. */
  readonly limitsByName?: Readonly<Record<string, Limit | null>> | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly permissions?: PermissionSet | undefined;
  readonly grants?: GrantsPatch | undefined;
  readonly credits?: CreditsPatch | null | undefined;
};

export const MAX_KEY_NAME_LENGTH = 255;
export const MAX_REASON_LENGTH = 500;
export const MAX_CIDRS = 100;

export function editedTerms(before: KeyTerms, patch: KeyPatch): KeyTerms {
  return checkedTerms({
    name: patch.name === undefined ? before.name : patch.name,
    ownerId: patch.ownerId === undefined ? before.ownerId : patch.ownerId,
    allowedCidrs: patch.allowedCidrs ?? before.allowedCidrs,
    allowSelfRevoke: patch.allowSelfRevoke ?? before.allowSelfRevoke,
    limits: limitsAfter(before.limits, patch),
    metadata: mergePatch(before.metadata, patch.metadata ?? {}),
    extension: mergePatch(before.extension, patch.extension ?? {}),
    notBefore: patch.notBefore === undefined ? before.notBefore : patch.notBefore,
    expiresAt: patch.expiresAt === undefined ? before.expiresAt : patch.expiresAt,
  });
}

function limitsAfter(
  before: readonly Limit[] | null,
  { limits = before, limitsByName = {} }: KeyPatch,
): readonly Limit[] | null {
  const edited = Object.entries(limitsByName);
  if (edited.length === 0) return limits;
  const kept = (limits ?? []).filter(({ name }) => !Object.hasOwn(limitsByName, name));
  const after = [...kept, ...edited.flatMap(([, limit]) => limit ?? [])];
  return after.length === 0 && limits?.length !== 0 ? null : after;
}

export function editedRights(before: KeyRights, patch: KeyPatch): KeyRights {
  if (before.kind === 'standard') {
    if (patch.permissions) throw onlyFor('/permissions', 'management');
    if (patch.grants) throw onlyFor('/grants', 'management');
    return checkedRights({ kind: 'standard', scopes: patch.scopes ?? before.scopes });
  }
  if (patch.scopes) throw onlyFor('/scopes', 'standard');
  if (patch.limits || patch.limitsByName) throw onlyFor('/limits', 'standard');
  return checkedRights({
    kind: 'management',
    permissions: patch.permissions ?? before.permissions,
    grants: editedGrants(before.grants, patch.grants),
  });
}

/** The error for rights of the other kind: the two vocabularies never meet. */
export function onlyFor(pointer: string, kind: KeyKind): WarderError {
  return invalid(pointer, `is for ${kind} keys only`);
}

export function checkedRights(rights: KeyRights): KeyRights {
  if (rights.kind === 'standard') {
    return { kind: 'standard', scopes: checkedScopes('/scopes', rights.scopes) };
  }
  const { permissions, grants } = rights;
  if (permissions.length === 0) throw invalid('/permissions', 'must name at least one');
  for (const [i, one] of permissions.entries()) {
    if (one !== '*' && !isPermission(one)) {
      throw invalid(`/permissions/${i}`, `must be "*" or of ${PERMISSIONS.join(', ')}`);
    }
  }
  if (grants.maxLifeSeconds !== null && !isWhole(grants.maxLifeSeconds, 1, MAX_LIFE_SECONDS)) {
    throw invalid(
      '/grants/max_life_seconds',
      `must be a whole number from 1 to ${MAX_LIFE_SECONDS}, or null`,
    );
  }
  const all = permissions.some((one) => one === '*');
  return {
    kind: 'management',
    permissions: all ? ['*'] : ([...new Set(permissions)] as PermissionSet),
    grants: {
      scopes: checkedScopes('/grants/scopes', grants.scopes),
      environments: [...new Set(grants.environments)],
      maxLifeSeconds: grants.maxLifeSeconds,
    },
  };
}

function checkedScopes(pointer: string, scopes: readonly string[]): readonly string[] {
  if (scopes.length > MAX_SCOPES) throw invalid(pointer, `must be at most ${MAX_SCOPES}`);
  for (const [i, scope] of scopes.entries()) {
    if (!isScope(scope)) throw invalid(`${pointer}/${i}`, `must be a scope: ${SCOPE_RULE}`);
  }
  return [...new Set(scopes)];
}

export function checkedTerms(terms: KeyTerms): KeyTerms {
  const { name, ownerId, allowedCidrs, notBefore, expiresAt } = terms;
  if (name !== null && (name === '' || [...name].length > MAX_KEY_NAME_LENGTH)) {
    throw invalid('/name', `must be null or have 1 to ${MAX_KEY_NAME_LENGTH} characters`);
  }
  if (ownerId !== null) checkedOwnerId(ownerId);
  if (allowedCidrs.length > MAX_CIDRS) {
    throw invalid('/allowed_cidrs', `must be at most ${MAX_CIDRS}`);
  }
  for (const [i, cidr] of allowedCidrs.entries()) {
    if (!parseNetwork(cidr)) {
      throw invalid(
        `/allowed_cidrs/${i}`,
        'must be an IPv4 or IPv6 address or network, as 192.0.2.0/24',
      );
    }
  }
  for (const [name, at] of Object.entries({ not_before: notBefore, expires_at: expiresAt })) {
    if (at !== null && !isWhole(at, 0, LATEST)) {
      throw invalid(`/${name}`, 'must be between the years 1970 and 9999');
    }
  }
  if (notBefore !== null && expiresAt !== null && notBefore >= expiresAt) {
    throw invalid('/not_before', 'must be before expires_at');
  }
  return {
    ...terms,
    allowedCidrs: [...new Set(allowedCidrs)],
    limits: terms.limits && checkedLimits('/limits', terms.limits),
    metadata: checkedMetadata(terms.metadata),
    extension: checkedSize('/extension', terms.extension, MAX_EXTENSION_BYTES),
  };
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

export function checkedReason(reason: string | null): string | null {
  if (reason !== null && (reason === '' || [...reason].length > MAX_REASON_LENGTH)) {
    throw invalid('/reason', `must be null or have 1 to ${MAX_REASON_LENGTH} characters`);
  }
  return reason;
}
