// Whom a key belongs to: the operator's own customer, user or service, named by
// the operator's own id. An owner comes into being when a key first names it,
// or earlier by hand. All keys of a suspended owner answer `suspended`.

import {
  type Crediting,
  type Credits,
  type CreditsPatch,
  credited,
  creditingEvent,
  describeCredits,
  editedCredits,
  newCredits,
} from './credit.ts';
import { invalid, WarderError } from './error.ts';
import { type Act, type Event, eventOf, type JsonObject, moment } from './event.ts';
import { checkedLimits, describeLimit, type Limit } from './limit.ts';
import { checkedMetadata, mergePatch } from './metadata.ts';

export interface Owner {
  /** UUIDv7. */
  readonly id: string;
  readonly workspaceId: string;
  /** The caller's own name for it, the `owner_id` of keys: 1..255 code points, any text. */
  readonly externalId: string;
  /** A word of the operator's: `user`, `team`, `service`. */
  readonly type: string | null;
  readonly name: string | null;
  readonly metadata: JsonObject;
  /** The windows that its keys share in place of the workspace's `ownerLimits`; null for those. */
  readonly limits: readonly Limit[] | null;
  /** Shared by all its keys that have none of their own; null for none. */
  readonly credits: Credits | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly suspendedAt: number | null;
  /** Set when its erasure began. Once that is done, `externalId` is its own `id`. */
  readonly erasedAt: number | null;
  readonly version: number;
}

export interface OwnerPatch {
  readonly type?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly metadata?: JsonObject | undefined;
  readonly limits?: readonly Limit[] | null | undefined;
  readonly credits?: CreditsPatch | null | undefined;
}

export interface OwnerChange {
  readonly owner: Owner;
  readonly event: Event;
}

const MAX_LENGTH = 255;

export function createOwner(
  workspaceId: string,
  externalId: string,
  facts: OwnerPatch,
  act: Act,
): OwnerChange {
  const owner: Owner = {
    id: act.newId(),
    workspaceId,
    externalId: checkedOwnerId(externalId),
    type: checkedText('/type', facts.type ?? null),
    name: checkedText('/name', facts.name ?? null),
    metadata: checkedMetadata(facts.metadata ?? {}),
    limits: checkedOwnLimits(facts.limits),
    credits: facts.credits ? newCredits(facts.credits, act.at) : null,
    createdAt: act.at,
    updatedAt: act.at,
    suspendedAt: null,
    erasedAt: null,
    version: 1,
  };
  return { owner, event: ownerEvent(act, 'owner.created', null, owner) };
}

/** Edits what the patch names, merging metadata (RFC 7396); null when nothing changes. */
export function editOwner(before: Owner, patch: OwnerPatch, act: Act): OwnerChange | null {
  const { type = before.type, name = before.name, limits = before.limits, credits } = patch;
  const metadata = mergePatch(before.metadata, patch.metadata ?? {});
  return rewrite(before, { type, name, metadata, limits }, credits, before.credits, act);
}

/** Writes all that can be written of an owner anew: what is not named is cleared, but for credits, which are no fact of it. */
export function replaceOwner(before: Owner, facts: OwnerPatch, act: Act): OwnerChange | null {
  return rewrite(before, facts, facts.credits, null, act);
}

/** @param from the credits that what is given is an edit of */
function rewrite(
  before: Owner,
  facts: OwnerPatch,
  credits: OwnerPatch['credits'],
  from: Credits | null,
  act: Act,
): OwnerChange | null {
  const edited = {
    ...before,
    type: checkedText('/type', facts.type ?? null),
    name: checkedText('/name', facts.name ?? null),
    metadata: checkedMetadata(facts.metadata ?? {}),
    limits: checkedOwnLimits(facts.limits),
    ...(credits === undefined ? {} : { credits: credits && editedCredits(from, credits, act.at) }),
  };
  // A balance is set even to what was read: it may have been spent since.
  const sets = Boolean(credits && (from === null || credits.remaining !== undefined));
  return changed(act, 'owner.updated', before, edited, sets);
}

/** Changes the balance of an owner and nothing else of it. */
export function creditOwner(before: Owner, crediting: Crediting, act: Act): OwnerChange {
  refuseErased(before);
  const owner = { ...before, credits: credited(before.credits, crediting, act.at) };
  const subject = { type: 'owner', id: owner.id, workspaceId: owner.workspaceId } as const;
  const owners = { now: owner.externalId, former: null };
  const [type, facts] = creditingEvent('owner', crediting);
  return { owner, event: eventOf(act, type, subject, null, facts, owners) };
}

export function suspendOwner(before: Owner, act: Act): OwnerChange | null {
  if (before.suspendedAt !== null) return null;
  return changed(act, 'owner.suspended', before, { ...before, suspendedAt: act.at });
}

export function resumeOwner(before: Owner, act: Act): OwnerChange | null {
  return changed(act, 'owner.resumed', before, { ...before, suspendedAt: null });
}

/**
 * Begins the end of all that is known of an owner: its facts go at once, and it is suspended, so
 * that no key of it is good while what names it elsewhere is removed in steps. Erasing it again
 * changes nothing.
 */
export function eraseOwner(before: Owner, act: Act): OwnerChange | null {
  if (before.erasedAt !== null) return null;
  const owner: Owner = {
    ...before,
    type: null,
    name: null,
    metadata: {},
    limits: null,
    credits: null,
    suspendedAt: before.suspendedAt ?? act.at,
    erasedAt: act.at,
    updatedAt: act.at,
    version: before.version + 1,
  };
  const subject = { type: 'owner', id: owner.id, workspaceId: owner.workspaceId } as const;
  const owners = { now: before.externalId, former: null };
  return { owner, event: eventOf(act, 'owner.erased', subject, null, null, owners) };
}

/** The last step of an erasure: nothing names the owner any more, so its own id takes the place of the caller's. */
export function forgetOwner(before: Owner, act: Act): Owner {
  return { ...before, externalId: before.id, updatedAt: act.at, version: before.version + 1 };
}

function refuseErased(before: Owner): void {
  if (before.erasedAt !== null) {
    throw new WarderError('conflict', 'This owner was erased, which is final.');
  }
}

function changed(
  act: Act,
  type: Event['type'],
  before: Owner,
  edited: Owner,
  always: boolean = false,
): OwnerChange | null {
  refuseErased(before);
  if (!always && JSON.stringify(edited) === JSON.stringify(before)) return null;
  const owner = { ...edited, updatedAt: act.at, version: before.version + 1 };
  return { owner, event: ownerEvent(act, type, before, owner) };
}

function ownerEvent(act: Act, type: Event['type'], before: Owner | null, after: Owner): Event {
  const subject = { type: 'owner', id: after.id, workspaceId: after.workspaceId } as const;
  const owners = { now: after.externalId, former: null };
  const described = before && describeOwner(before);
  return eventOf(act, type, subject, described, describeOwner(after), owners);
}

export function checkedOwnerId(externalId: string): string {
  const length = [...externalId].length;
  if (length < 1 || length > MAX_LENGTH) {
    throw invalid('/owner_id', `must have 1 to ${MAX_LENGTH} characters`);
  }
  return externalId;
}

function checkedOwnLimits(limits: OwnerPatch['limits'] = null): Owner['limits'] {
  return limits && checkedLimits('/limits', limits);
}

function checkedText(pointer: string, text: string | null): string | null {
  if (text !== null && (text === '' || [...text].length > MAX_LENGTH)) {
    throw invalid(pointer, `must be null or have 1 to ${MAX_LENGTH} characters`);
  }
  return text;
}

/** An owner in published names, as the native API and events show it. */
export function describeOwner(owner: Owner) {
  return {
    id: owner.id,
    workspace_id: owner.workspaceId,
    owner_id: owner.externalId,
    type: owner.type,
    name: owner.name,
    metadata: owner.metadata,
    limits: owner.limits?.map(describeLimit) ?? null,
    credits: owner.credits && describeCredits(owner.credits),
    created_at: moment(owner.createdAt),
    updated_at: moment(owner.updatedAt),
    suspended_at: moment(owner.suspendedAt),
    erased_at: moment(owner.erasedAt),
  } satisfies JsonObject;
}
