// The audit event that every change carries in the same commit: who did what to
// which object, from where, and what it was before and after. Never a secret,
// never a digest. What a caller was refused is logged and counted instead.

/** JSON as events, metadata and extensions hold it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

/** Of what Warder does by itself, and of what is done with the store in hand. */
export const NO_ORIGIN: Origin = { address: null, requestId: null, sharedCredential: null };

/** Who acts: a key, a member, a service credential, Warder itself, or someone without a credential. */
export interface Actor {
  readonly type: 'key' | 'member' | 'service' | 'system' | 'anyone';
  readonly id: string;
}

/** Where a call came from. The address is the socket's, or what trusted proxies vouch for. */
export interface Origin {
  readonly address: string | null;
  readonly requestId: string | null;
  /** Label of the shared credential that came beside the caller's own; null for none. */
  readonly sharedCredential: string | null;
}

export const EVENT_TYPES = [
  'installation.created',
  'installation.recovered',
  'installation.backed_up',
  'installation.restored',
  'key.created',
  'key.updated',
  'key.disabled',
  'key.enabled',
  'key.soft_blocked',
  'key.soft_unblocked',
  'key.revoked',
  'key.deleted',
  'key.erased',
  'key.leak_reported',
  'key.credits_added',
  'key.credits_set',
  'workspace.created',
  'workspace.updated',
  'workspace.suspended',
  'workspace.resumed',
  'workspace.deleted',
  'owner.created',
  'owner.updated',
  'owner.suspended',
  'owner.resumed',
  'owner.erased',
  'owner.credits_added',
  'owner.credits_set',
  'member.added',
  'member.updated',
  'member.removed',
  'events.exported',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

export interface Subject {
  readonly type: 'installation' | 'key' | 'workspace' | 'owner' | 'member';
  readonly id: string;
}

export interface Event {
  /** UUIDv7. */
  readonly id: string;
  /** Null for what concerns the instance itself. */
  readonly workspaceId: string | null;
  readonly type: EventType;
  /** Milliseconds since 1970, UTC, like every time in the core. */
  readonly createdAt: number;
  readonly actor: Actor;
  readonly origin: Origin;
  readonly subject: Subject;
  /** The changed members as they were, in published names; null where nothing was before. */
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
  /** Whose data it may hold, by the caller's ids of them: the owner it is about, and the one before a change of owner. */
  readonly owners: Owners;
}

export interface Owners {
  readonly now: string | null;
  readonly former: string | null;
}

/** An event as it is read: whose data it holds is for the store alone. */
export interface StoredEvent extends Omit<Event, 'owners'> {
  /** Its place in its chain (seal.ts), and the MAC that seals it there; null until it is sealed. */
  readonly number: number | null;
  readonly mac: string | null;
  /** When personal data was erased from it. */
  readonly erasedAt: number | null;
}

/** One act of one caller at one moment: what every change made by it shares. */
export interface Act {
  readonly actor: Actor;
  readonly origin: Origin;
  readonly at: number;
  readonly newId: () => string;
}

export function eventOf(
  act: Act,
  type: EventType,
  subject: Subject & { readonly workspaceId: string | null },
  before: JsonObject | null,
  after: JsonObject | null,
  owners: Owners = NO_OWNERS,
): Event {
  const changed = before && after ? difference(before, after) : { before, after };
  return {
    id: act.newId(),
    workspaceId: subject.workspaceId,
    type,
    createdAt: act.at,
    actor: act.actor,
    origin: act.origin,
    subject: { type: subject.type, id: subject.id },
    ...changed,
    owners,
  };
}

const NO_OWNERS: Owners = { now: null, former: null };

/** An event in published names, as the native API, an export and the log of events show it. */
export function describeEvent(event: StoredEvent) {
  const { id, type, number, mac, actor, subject, before, after } = event;
  const { address, requestId, sharedCredential } = event.origin;
  return {
    id,
    workspace_id: event.workspaceId,
    number,
    mac,
    type,
    created_at: moment(event.createdAt),
    actor: { type: actor.type, id: actor.id },
    origin: { address, request_id: requestId, shared_credential: sharedCredential },
    subject: { type: subject.type, id: subject.id },
    before,
    after,
    erased_at: moment(event.erasedAt),
  } satisfies JsonObject;
}

function difference(before: JsonObject, after: JsonObject) {
  const names = Object.keys(after).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const only = (facts: JsonObject): JsonObject =>
    Object.fromEntries(names.map((name) => [name, facts[name] ?? null]));
  return { before: only(before), after: only(after) };
}

/** The last moment that RFC 3339 can write. */
export const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** A moment as the wire writes it: RFC 3339, UTC. */
export function moment(at: number): string;
export function moment(at: number | null): string | null;
export function moment(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
