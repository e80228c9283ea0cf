// What lists can be asked for: every filter of every surface, as a store takes it.

import type { EventType } from './event.ts';
import type { KeyStatus } from './key.ts';
import type { KeyOrder } from './order.ts';
import type { Role } from './permission.ts';
import type { KeyKind } from './terms.ts';
import type { Environment } from './token.ts';

export interface WorkspaceFilter {
  /** Undefined for every workspace in reach. */
  readonly workspaceId?: string | undefined;
}

export interface KeyFilter extends WorkspaceFilter {
  /**
   * Any of these, each the first state that holds of a key (`statusOf`). That is enough for every
   * surface: one that asks for keys that are `enabled`, or not revoked, asks for a union of these.
   * A key whose time came a moment ago may be missing until upkeep has moved it, unless both active
   * and expired ones are asked for; it never shows under the state it had.
   */
  readonly statuses?: readonly KeyStatus[] | undefined;
  readonly kind?: KeyKind | undefined;
  readonly ownerId?: string | undefined;
  /** A standard key that has this very scope. */
  readonly scope?: string | undefined;
  readonly environment?: Environment | undefined;
  /** Id of the actor that made it. */
  readonly createdBy?: string | undefined;
  /** Keys that never expire are in no range. */
  readonly expires?: Range | undefined;
  /** By the moment that is in the id. */
  readonly created?: Range | undefined;
  /** By whole days, UTC: both ends are taken for the day they are in. Keys never used are in no range. */
  readonly lastUsed?: Range | undefined;
  readonly neverUsed?: boolean | undefined;
  /** Members that are this text, or the number or truth value written so. */
  readonly metadata?: readonly MetadataFilter[] | undefined;
  /** Part of the name, the owner's id or what is shown of the token, as `folded` writes it. */
  readonly search?: string | undefined;
  readonly includeDeleted?: boolean | undefined;
  /** The newest first unless given. */
  readonly order?: KeyOrder | undefined;
  /** The moment that states are judged at. */
  readonly now: number;
}

/** Moments from `after` on, `before` excluded. */
export interface Range {
  readonly after?: number | undefined;
  readonly before?: number | undefined;
}

export interface MetadataFilter {
  readonly name: string;
  readonly value: string;
}

/** What owners, members and workspaces can be listed by. */
export interface NameFilter {
  readonly created?: Range | undefined;
  /** Part of a name, an owner's id, a member's subject or a workspace's slug, as `folded` writes it. */
  readonly search?: string | undefined;
  /** The oldest first. */
  readonly ascending?: boolean | undefined;
}

export interface OwnerFilter extends WorkspaceFilter, NameFilter {
  /** The operator's word for it. */
  readonly type?: string | undefined;
}

export interface MemberFilter extends WorkspaceFilter, NameFilter {
  readonly role?: Role | undefined;
}

export interface EventFilter extends WorkspaceFilter {
  /** The key that it is about. */
  readonly keyId?: string | undefined;
  /** The owner's own id, not the caller's id of it. */
  readonly ownerId?: string | undefined;
  readonly actorId?: string | undefined;
  /** Any of these. */
  readonly types?: readonly EventType[] | undefined;
  readonly created?: Range | undefined;
}
