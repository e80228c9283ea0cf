// Whom a key belongs to: the operator's own customer, user or service, named by
// the operator's own id. An owner comes into being when a key first names it,
// or earlier by hand. All keys of a suspended owner answer `suspended`.

import { invalid } from './error.ts';
import { type Act, type Event, eventOf, type JsonObject, moment } from './event.ts';
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
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly suspendedAt: number | null;
  readonly version: number;
}

export interface OwnerPatch {
  readonly type?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly metadata?: JsonObject | undefined;
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
    createdAt: act.at,
    updatedAt: act.at,
    suspendedAt: null,
    version: 1,
  };
  return { owner, event: ownerEvent(act, 'owner.created', null, owner) };
}

/** Edits what the patch names, merging metadata (RFC 7396); null when nothing changes. */
export function editOwner(before: Owner, patch: OwnerPatch, act: Act): OwnerChange | null {
  const { type = before.type, name = before.name, metadata = {} } = patch;
  const merged = mergePatch(before.metadata, metadata);
  return replaceOwner(before, { type, name, metadata: merged }, act);
}

/** Writes all that can be written of an owner anew: what is not named is cleared. */
export function replaceOwner(before: Owner, facts: OwnerPatch, act: Act): OwnerChange | null {
  return changed(act, 'owner.updated', before, {
    ...before,
    type: checkedText('/type', facts.type ?? null),
    name: checkedText('/name', facts.name ?? null),
    metadata: checkedMetadata(facts.metadata ?? {}),
  });
}

export function suspendOwner(before: Owner, act: Act): OwnerChange | null {
  if (before.suspendedAt !== null) return null;
  return changed(act, 'owner.suspended', before, { ...before, suspendedAt: act.at });
}

export function resumeOwner(before: Owner, act: Act): OwnerChange | null {
  return changed(act, 'owner.resumed', before, { ...before, suspendedAt: null });
}

function changed(act: Act, type: Event['type'], before: Owner, edited: Owner): OwnerChange | null {
  if (JSON.stringify(edited) === JSON.stringify(before)) return null;
  const owner = { ...edited, updatedAt: act.at, version: before.version + 1 };
  return { owner, event: ownerEvent(act, type, before, owner) };
}

function ownerEvent(act: Act, type: Event['type'], before: Owner | null, after: Owner): Event {
  const subject = { type: 'owner', id: after.id, workspaceId: after.workspaceId } as const;
  return eventOf(act, type, subject, before && describeOwner(before), describeOwner(after));
}

export function checkedOwnerId(externalId: string): string {
  const length = [...externalId].length;
  if (length < 1 || length > MAX_LENGTH) {
    throw invalid('/owner_id', `must have 1 to ${MAX_LENGTH} characters`);
  }
  return externalId;
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
    created_at: moment(owner.createdAt),
    updated_at: moment(owner.updatedAt),
    suspended_at: moment(owner.suspendedAt),
  } satisfies JsonObject;
}
