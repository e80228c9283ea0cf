// A key and its life. Every function here decides purely: it takes a key as it
// stands and an act, and returns the key as it will be together with the event
// that tells of it, or null where nothing would change. A revoked key is final:
// no command brings it back.

import {
  type Crediting,
  type Credits,
  credited,
  creditingEvent,
  describeCredits,
  editedCredits,
} from './credit.ts';
import { WarderError } from './error.ts';
import {
  type Act,
  type Actor,
  type Event,
  type EventType,
  eventOf,
  type JsonObject,
  moment,
} from './event.ts';
import { describeLimit } from './limit.ts';
import type { Grants } from './permission.ts';
import {
  checkedReason,
  checkedRights,
  checkedTerms,
  editedRights,
  editedTerms,
  type KeyPatch,
  type KeyRights,
  type KeyTerms,
  onlyFor,
} from './terms.ts';
import type { DrawnToken, Environment, TokenPreview } from './token.ts';

interface KeyFacts extends TokenPreview, KeyTerms {
  /** UUIDv7. */
  readonly id: string;
  /** A second public address: 64 lower-case hex digits drawn at random, never derived from the secret. */
  readonly handle: string;
  /** Null for a management key of the whole instance. */
  readonly workspaceId: string | null;
  readonly environment: Environment;
  /** Name of the token format it was made in. */
  readonly format: string;
  readonly enabled: boolean;
  readonly softBlocked: boolean;
  /** Its own, which only a standard key has; null to spend its owner's, if that has any. */
  readonly credits: Credits | null;
  readonly createdBy: Actor;
  /** Id of the key this one took the place of. */
  readonly replaces: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Gathered apart: a use changes neither `version` nor `updatedAt`. */
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
  readonly revokedReason: string | null;
  readonly deletedAt: number | null;
  /** Set on a tombstone: what is left are ids, times and, in the store, the digest. */
  readonly erasedAt: number | null;
  readonly version: number;
}

/** A key for the customer's own API. It has scopes and never manages anything. */
export type StandardKey = KeyFacts & Extract<KeyRights, { kind: 'standard' }>;

/** A key for Warder itself. It has permissions and is never a good key to a verification. */
export type ManagementKey = KeyFacts & Extract<KeyRights, { kind: 'management' }>;

export type Key = StandardKey | ManagementKey;

/** The states, in the order of precedence: the first that holds is the key's status. */
export const KEY_STATUSES = [
  'deleted',
  'revoked',
  'disabled',
  'soft_blocked',
  'expired',
  'not_yet_valid',
  'active',
] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

export function statusOf(key: Key, now: number): KeyStatus {
  if (key.deletedAt !== null) return 'deleted';
  if (key.revokedAt !== null) return 'revoked';
  if (!key.enabled) return 'disabled';
  if (key.softBlocked) return 'soft_blocked';
  if (key.expiresAt !== null && key.expiresAt <= now) return 'expired';
  if (key.notBefore !== null && key.notBefore > now) return 'not_yet_valid';
  return 'active';
}

/** The next moment at which time alone gives a key another status than it has at `now`; null for none. */
export function nextTurn(key: Key, now: number): number | null {
  const status = statusOf(key, now);
  if (status !== 'active' && status !== 'not_yet_valid') return null;
  const turns = [key.notBefore, key.expiresAt].filter((at) => at !== null && at > now);
  return turns.length === 0 ? null : Math.min(...turns.map(Number));
}

/** A whole new key, as decided: its terms, its rights, where it belongs and how its token is written. */
export interface KeyPlan {
  readonly terms: KeyTerms;
  readonly rights: KeyRights;
  readonly credits: Credits | null;
  readonly workspaceId: string | null;
  readonly environment: Environment;
  readonly format: string;
  readonly replaces: string | null;
  readonly state: KeyState;
}

/** The state that a key is born in. */
export interface KeyState {
  readonly enabled: boolean;
  readonly softBlocked: boolean;
  readonly revoked: boolean;
}

export const GOOD: KeyState = { enabled: true, softBlocked: false, revoked: false };

export interface KeyChange {
  readonly key: Key;
  readonly event: Event;
}

/** @param handle 32 random bytes, which become the key's second address. */
export function issueKey(
  plan: KeyPlan,
  token: DrawnToken,
  handle: Uint8Array,
  act: Act,
): KeyChange {
  const { prefix, start, end } = token;
  const key: Key = {
    // First, so that nothing a caller's terms may carry besides outranks what follows.
    ...checkedTerms(plan.terms),
    id: act.newId(),
    handle: Array.from(handle, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    workspaceId: plan.workspaceId,
    environment: plan.environment,
    format: plan.format,
    prefix,
    start,
    end,
    enabled: plan.state.enabled,
    softBlocked: plan.state.softBlocked,
    ...checkedRights(plan.rights),
    credits: plan.credits,
    createdBy: act.actor,
    replaces: plan.replaces,
    createdAt: act.at,
    updatedAt: act.at,
    lastUsedAt: null,
    revokedAt: plan.state.revoked ? act.at : null,
    revokedReason: null,
    deletedAt: null,
    erasedAt: null,
    version: 1,
  };
  return { key, event: keyEvent(act, 'key.created', null, key) };
}

/** Edits terms and rights, never states. */
export function editKey(before: Key, patch: KeyPatch, act: Act): KeyChange | null {
  refuseRevoked(before);
  const { credits } = patch;
  if (credits && before.kind !== 'standard') throw onlyFor('/credits', 'standard');
  const edited = {
    ...before,
    ...editedTerms(before, patch),
    ...editedRights(before, patch),
    ...(credits === undefined
      ? {}
      : { credits: credits && editedCredits(before.credits, credits, act.at) }),
  };
  // A balance is set even to what was read: it may have been spent since.
  if (credits?.remaining !== undefined) return rewritten(act, 'key.updated', before, edited);
  return changed(act, 'key.updated', before, edited);
}

/** Changes the balance of a key and nothing else of it. */
export function creditKey(before: Key, crediting: Crediting, act: Act): KeyChange {
  refuseRevoked(before);
  const key = { ...before, credits: credited(before.credits, crediting, act.at) };
  const owners = { now: key.ownerId, former: null };
  const [type, facts] = creditingEvent('key', crediting);
  return { key, event: eventOf(act, type, subjectOf(key), null, facts, owners) };
}

export function disableKey(before: Key, act: Act): KeyChange | null {
  refuseRevoked(before);
  return changed(act, 'key.disabled', before, { ...before, enabled: false });
}

export function enableKey(before: Key, act: Act): KeyChange | null {
  refuseRevoked(before);
  return changed(act, 'key.enabled', before, { ...before, enabled: true });
}

/** Blocks a key for a while, as its owner's limits or debts may ask, beside being disabled by hand. */
export function softBlockKey(before: Key, act: Act): KeyChange | null {
  refuseRevoked(before);
  return changed(act, 'key.soft_blocked', before, { ...before, softBlocked: true });
}

export function softUnblockKey(before: Key, act: Act): KeyChange | null {
  refuseRevoked(before);
  return changed(act, 'key.soft_unblocked', before, { ...before, softBlocked: false });
}

/** Ends a key for good. Revoking it again changes nothing: the first time and reason stay. */
export function revokeKey(before: Key, reason: string | null, act: Act): KeyChange | null {
  if (before.revokedAt !== null) return null;
  return changed(act, 'key.revoked', before, { ...before, ...revoked(before, reason, act) });
}

/** Revokes a key and hides it; it can still be read by who asks for deleted keys. */
export function deleteKey(before: Key, act: Act): KeyChange | null {
  if (before.deletedAt !== null) return null;
  const ended = { ...before, ...revoked(before, null, act), deletedAt: act.at };
  return changed(act, 'key.deleted', before, ended);
}

/** Revokes a key and empties it to a tombstone, which keeps its digest from ever being good again. */
export function eraseKey(before: Key, act: Act): KeyChange {
  const bare = {
    ...before,
    ...revoked(before, null, act),
    revokedReason: null,
    name: null,
    ownerId: null,
    prefix: '',
    start: '',
    end: '',
    allowedCidrs: [],
    limits: null,
    metadata: {},
    extension: {},
    credits: null,
    lastUsedAt: null,
    deletedAt: before.deletedAt ?? act.at,
    erasedAt: act.at,
    updatedAt: act.at,
    version: before.version + 1,
  };
  const key: Key =
    bare.kind === 'standard'
      ? { ...bare, scopes: [] }
      : {
          ...bare,
          permissions: [],
          grants: { scopes: [], environments: [], maxLifeSeconds: null },
        };
  const owners = { now: before.ownerId, former: null };
  return { key, event: eventOf(act, 'key.erased', subjectOf(key), null, null, owners) };
}

/** Someone who holds a key reports that it leaked. The key itself stays as it is. */
export function reportLeak(key: Key, facts: JsonObject, act: Act): Event {
  const owners = { now: key.ownerId, former: null };
  return eventOf(act, 'key.leak_reported', subjectOf(key), null, facts, owners);
}

function revoked(before: Key, reason: string | null, act: Act) {
  return before.revokedAt === null
    ? { revokedAt: act.at, revokedReason: checkedReason(reason) }
    : { revokedAt: before.revokedAt, revokedReason: before.revokedReason };
}

function refuseRevoked(key: Key): void {
  if (key.revokedAt !== null) {
    throw new WarderError(
      'conflict',
      'This key is revoked, which is final: make a new one instead.',
    );
  }
}

function changed(act: Act, type: EventType, before: Key, edited: Key): KeyChange | null {
  if (JSON.stringify(edited) === JSON.stringify(before)) return null;
  return rewritten(act, type, before, edited);
}

function rewritten(act: Act, type: EventType, before: Key, edited: Key): KeyChange {
  const key = { ...edited, updatedAt: act.at, version: before.version + 1 };
  return { key, event: keyEvent(act, type, before, key) };
}

function keyEvent(act: Act, type: EventType, before: Key | null, after: Key): Event {
  const former = before && before.ownerId !== after.ownerId ? before.ownerId : null;
  const described = before && describeKey(before);
  const owners = { now: after.ownerId, former };
  return eventOf(act, type, subjectOf(after), described, describeKey(after), owners);
}

function subjectOf(key: Key) {
  return { type: 'key', id: key.id, workspaceId: key.workspaceId } as const;
}

/** A key in published names, as the native API and events show it: every stored fact but its digest. */
export function describeKey(key: Key) {
  const standard = key.kind === 'standard';
  return {
    id: key.id,
    handle: key.handle,
    workspace_id: key.workspaceId,
    kind: key.kind,
    name: key.name,
    environment: key.environment,
    format: key.format,
    prefix: key.prefix,
    start: key.start,
    end: key.end,
    enabled: key.enabled,
    soft_blocked: key.softBlocked,
    owner_id: key.ownerId,
    scopes: standard ? key.scopes : [],
    permissions: standard ? [] : key.permissions,
    grants: standard ? null : describeGrants(key.grants),
    allowed_cidrs: key.allowedCidrs,
    allow_self_revoke: key.allowSelfRevoke,
    limits: key.limits?.map(describeLimit) ?? null,
    metadata: key.metadata,
    extension: key.extension,
    credits: key.credits && describeCredits(key.credits),
    created_by: { type: key.createdBy.type, id: key.createdBy.id },
    replaces: key.replaces,
    created_at: moment(key.createdAt),
    updated_at: moment(key.updatedAt),
    not_before: moment(key.notBefore),
    expires_at: moment(key.expiresAt),
    revoked_at: moment(key.revokedAt),
    revoked_reason: key.revokedReason,
    deleted_at: moment(key.deletedAt),
  } satisfies JsonObject;
}

export function describeGrants(grants: Grants) {
  return {
    scopes: grants.scopes,
    environments: grants.environments,
    max_life_seconds: grants.maxLifeSeconds,
  } satisfies JsonObject;
}
