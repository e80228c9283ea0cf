// The audit event that every change carries in the same commit: who did what to
// which object, from where, and what it was before and after. Never a secret,
// never a digest. What a caller was refused is logged and counted instead.

/** JSON as events, metadata and extensions hold it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json };

/** Who acts: a key, a member, a service credential, or Warder itself. */
export interface Actor {
  readonly type: 'key' | 'member' | 'service' | 'system';
  readonly id: string;
}

/** Where a call came from. The address is the socket's, or what trusted proxies vouch for. */
export interface Origin {
  readonly address: string | null;
  readonly requestId: string | null;
}

export type EventType =
  | `installation.${'created' | 'recovered' | 'backed_up' | 'restored'}`
  | `key.${'created' | 'updated' | 'disabled' | 'enabled' | 'soft_blocked' | 'soft_unblocked' | 'revoked' | 'deleted' | 'erased'}`
  | `workspace.${'created' | 'updated' | 'suspended' | 'resumed' | 'deleted'}`
  | `owner.${'created' | 'updated' | 'suspended' | 'resumed'}`;

export interface Subject {
  readonly type: 'installation' | 'key' | 'workspace' | 'owner';
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
  };
}

function difference(before: JsonObject, after: JsonObject) {
  const names = Object.keys(after).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  const only = (facts: JsonObject): JsonObject =>
    Object.fromEntries(names.map((name) => [name, facts[name] ?? null]));
  return { before: only(before), after: only(after) };
}

/** A moment as the wire writes it: RFC 3339, UTC. */
export function moment(at: number): string;
export function moment(at: number | null): string | null;
export function moment(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
