// What the core needs from outside: a store, a host and a verifier. Methods
// arrive with the use case that first calls them, and none is optional.

import type { Event } from './event.ts';
import type { Ask, Verdict } from './judge.ts';
import type { Key, KeyStatus } from './key.ts';
import type { Owner } from './owner.ts';
import type { KeyKind } from './terms.ts';
import type { Environment } from './token.ts';
import type { Workspace } from './workspace.ts';

/** Clock, randomness and cryptography. */
export interface Host {
  /** Milliseconds since 1970. */
  now(): number;
  /** Bytes of a CSPRNG. */
  random(bytes: number): Uint8Array;
  /** A UUIDv7 for that moment; later ones of this process sort after earlier ones. */
  newId(at: number): string;
  /** The digest that a new key's secret is stored and found by. */
  digest(secret: string): Digest;
  /** Seals a text for one use (`label`) in one place (`binding`): without both it does not open. */
  seal(label: SealLabel, binding: string, text: string): string;
  /** Null unless sealed by this installation under this label and binding. */
  open(label: SealLabel, binding: string, sealed: string): string | null;
}

export type SealLabel = 'cursor' | 'reply' | 'backup';

/** A stored digest, as 64 lower-case hex digits, with the version of the pepper in it (0: none). */
export interface Digest {
  readonly hex: string;
  readonly pepperVersion: number;
}

/** Answers whether a key is good. */
export interface Verifier {
  verify(secret: string, ask: Ask): Promise<Verdict>;
}

declare const instanceGrant: unique symbol;
/** Leave to reach every workspace. Only `auth` makes one. */
export interface InstanceGrant {
  readonly [instanceGrant]: true;
}

/** Where keys live. */
export interface Storage {
  within(workspaceId: string): Reach;
  everywhere(grant: InstanceGrant): Reach;
  /** Null until the very first start has written it. */
  installation(): Promise<Installation | null>;
  /** A reply kept for an Idempotency-Key, or null. */
  reply(id: string): Promise<StoredReply | null>;
  /** Writes last uses, in order of time or not: none moves backwards. */
  recordUses(uses: readonly Use[]): Promise<void>;
  /** Removes up to `most` replies that ended before `now`; answers how many. */
  pruneReplies(now: number, most: number): Promise<number>;
  /** Fails unless the store can be read. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The part of a store that one caller can reach. Nothing outside it is ever found or changed. */
export interface Reach {
  /** Also deleted keys, never tombstones. */
  key(id: string): Promise<Key | null>;
  keys(filter: KeyFilter, slice: SliceRequest): Promise<Slice<Key>>;
  /** Also a deleted one: whoever asks looks at `deletedAt`. */
  workspace(id: string): Promise<Workspace | null>;
  workspaces(slice: SliceRequest): Promise<Slice<Workspace>>;
  owner(workspaceId: string, externalId: string): Promise<Owner | null>;
  owners(filter: WorkspaceFilter, slice: SliceRequest): Promise<Slice<Owner>>;
  events(filter: WorkspaceFilter, slice: SliceRequest): Promise<Slice<Event>>;
  /** Up to `most` keys of deleted workspaces that are not tombstones yet, in no order. */
  keysToErase(most: number): Promise<readonly Key[]>;
  /** All of the changes or none, durable once answered. */
  commit(changes: readonly Change[]): Promise<CommitResult>;
}

/** Where an object stands in its list. */
export interface Position {
  readonly createdAt: number;
  readonly id: string;
}

/** What a store is asked for. */
export interface SliceRequest {
  readonly limit: number;
  /** Null for the first of the list. */
  readonly from: { readonly side: 'after' | 'before'; readonly position: Position } | null;
  readonly total: boolean;
}

/** What a store answers: items always newest first, and whether more follow on the side asked for. */
export interface Slice<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
  readonly total?: number | undefined;
}

/** One row written, or one condition that must hold for any to be. */
export type Change =
  | { readonly type: 'insert_key'; readonly key: Key; readonly digest: Digest }
  /** Replaces the row of that version; a tombstone also loses its usage. */
  | { readonly type: 'update_key'; readonly key: Key; readonly was: number }
  | { readonly type: 'insert_workspace'; readonly workspace: Workspace }
  | { readonly type: 'update_workspace'; readonly workspace: Workspace; readonly was: number }
  | { readonly type: 'insert_owner'; readonly owner: Owner }
  | { readonly type: 'update_owner'; readonly owner: Owner; readonly was: number }
  | { readonly type: 'insert_event'; readonly event: Event }
  /** Takes the place of one of that id that has ended by `now`. */
  | { readonly type: 'insert_reply'; readonly reply: StoredReply; readonly now: number }
  | { readonly type: 'insert_installation'; readonly installation: Installation }
  | { readonly type: 'add_secret_check'; readonly check: SecretCheck }
  /** Holds when, changes included, the workspace (or that owner in it) has at most so many keys that are not revoked. */
  | {
      readonly type: 'at_most_keys';
      readonly workspaceId: string;
      readonly ownerId: string | null;
      readonly most: number;
    };

/** Why nothing was written. `stale`: a row is of another version, or is there already. */
export type CommitRefusal = 'stale' | 'slug_taken' | 'workspace_gone' | 'too_many_keys' | 'replied';
export type CommitResult = 'done' | CommitRefusal;

export interface WorkspaceFilter {
  /** Undefined for every workspace in reach. */
  readonly workspaceId?: string | undefined;
}

export interface KeyFilter extends WorkspaceFilter {
  readonly status?: KeyStatus | undefined;
  readonly kind?: KeyKind | undefined;
  readonly ownerId?: string | undefined;
  readonly environment?: Environment | undefined;
  readonly includeDeleted?: boolean | undefined;
  /** The moment that `status` is judged at. */
  readonly now: number;
}

/** A last use of a key. */
export interface Use {
  readonly keyId: string;
  readonly at: number;
}

/** A sealed reply and what a retry must match to get it. */
export interface StoredReply {
  /** Digest of the caller and their Idempotency-Key. */
  readonly id: string;
  /** Digest of the request it answered. */
  readonly fingerprint: string;
  /** The key whose secret is in it; the reply is given only while that key is active. */
  readonly keyId: string | null;
  readonly sealed: string;
  readonly expiresAt: number;
}

export interface Installation {
  readonly defaultWorkspaceId: string;
  readonly createdAt: number;
  readonly checks: readonly SecretCheck[];
}

/** Proof that a start has the same installation secret (`secret`) or pepper (`pepper 1`, ...), and nothing of it. */
export interface SecretCheck {
  readonly name: string;
  readonly value: string;
}
