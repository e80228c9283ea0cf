// What the core needs from outside: a store, a host and a verifier. Methods
// arrive with the use case that first calls them, and none is optional.

import type { Balance, CreditsWrite, Refill } from './credit.ts';
import type { Event, StoredEvent } from './event.ts';
import type { EventFilter, KeyFilter, MemberFilter, NameFilter, OwnerFilter } from './filter.ts';
import type { Ask, Candidate, Verdict } from './judge.ts';
import type { Key } from './key.ts';
import type { Limit } from './limit.ts';
import type { Taking } from './limit-figure.ts';
import type { Member, TokenSubject } from './member.ts';
import type { Place } from './order.ts';
import type { Owner } from './owner.ts';
import type { Chain, Evidence, Link, Seal, Sealer } from './seal.ts';
import type {
  KeyRefusal,
  NotedRefusal,
  UsageBucket,
  UsageRetention,
  UsageSpan,
  UsageSubject,
  Use,
} from './usage.ts';
import type { StoredWindow, WindowReturn, WindowsTaken, WindowTake } from './window-take.ts';
import type { Workspace } from './workspace.ts';

/** Clock, randomness and cryptography. */
export interface Host extends Sealer {
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
  /** What a use would take of the windows that bear on a key at that moment; nothing is charged. */
  windows(candidate: Candidate, ask: Ask, at: number): Promise<Taking>;
}

/** Counts what identifiers take that are no keys. */
export interface LimitTaker {
  /** @throws unavailable where windows cannot be counted now */
  take(window: IdentifierWindow, use: { cost: number; spend: boolean }): Promise<Taking>;
}

/** A window of whatever the identifier stands for, in one workspace. */
export interface IdentifierWindow {
  readonly workspaceId: string;
  readonly identifier: string;
  readonly limit: Limit;
}

/** What may have changed, here or in another process: told so that it is read again. It carries no state. */
export type Heard =
  | { readonly type: 'key' | 'owner' | 'workspace' | 'member'; readonly id: string }
  | { readonly type: 'everything' };

/** Hearing of changes, and how sure it is that none was missed. */
export interface Watch {
  /**
   * Milliseconds for which it has not been certain that every change was heard, by the wall clock or
   * the monotonic one, whichever says more; Infinity before the first certainty. It is asked on every
   * verification: no statement, no promise. It may tell of changes before it answers.
   */
  age(): number;
  /** Up to which age what is in memory needs no reading again. */
  readonly trusted: number;
  close(): void;
}

/** Which processes obey all that was committed before it was asked for. */
export interface Receipt {
  /** Those that have applied it, or may by their own rule not answer from memory any more. */
  readonly obeyedBy: number;
  /** Those that could have had something in memory; fewer obey where one neither answered nor lapsed in time. */
  readonly of: number;
  readonly afterMilliseconds: number;
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
  /**
   * The memberships of one subject in all workspaces that are neither deleted nor suspended, those
   * that were removed last: 1,000 at the most.
   */
  members(issuer: string, subject: string): Promise<readonly Member[]>;
  /** A reply kept for an Idempotency-Key, or null. */
  reply(id: string): Promise<StoredReply | null>;
  /** Takes credits, all that are asked for or none: atomic, and durable once answered. Reads where it takes none. */
  spend(spend: Spend): Promise<Spent>;
  /**
   * Adds uses to what is stored, all or none: a hundred at the most, since others wait meanwhile.
   * Last uses come in order of time or not, and none moves backwards.
   */
  recordUses(uses: readonly Use[]): Promise<void>;
  /** Adds refusals of keys by their ids, given in order of time, and keeps the last of each key. */
  recordRefusals(refusals: readonly KeyRefusal[]): Promise<void>;
  /**
   * One small step of what is to do for usage: figures of ended hours and days rolled up, those of
   * what is gone and those that are no longer kept removed. Answers whether there is more.
   */
  tendUsage(now: number, keep: UsageRetention): Promise<boolean>;
  /**
   * Gives back what was returned, then takes in the order asked, each wish from all of its windows or
   * from none: in one transaction, exact whatever other processes take meanwhile.
   */
  takeWindows(
    takes: readonly WindowTake[],
    returned: readonly WindowReturn[],
  ): Promise<readonly WindowsTaken[]>;
  /** Writes windows as they stand; a later write of one replaces the earlier. */
  recordWindows(windows: readonly StoredWindow[]): Promise<void>;
  /** Up to `most` windows that end after `now`, in the order of their ids, from behind `after` on. */
  windows(now: number, after: string, most: number): Promise<readonly StoredWindow[]>;
  /** Removes up to `most` windows that ended by `now`; answers how many. */
  pruneWindows(now: number, most: number): Promise<number>;
  /** Moves up to `most` keys whose time has come by `now` to the state they are in; answers how many. */
  turnStates(now: number, most: number): Promise<number>;
  /** Does a little of what a change of settings left to do for lists; answers whether there is more. */
  tendLists(): Promise<boolean>;
  /** Removes up to `most` replies that ended before `now`; answers how many. */
  pruneReplies(now: number, most: number): Promise<number>;
  /** Tells of what changes in the store from now on, until it is closed; also of what this process changed. */
  watch(heard: (change: Heard) => void): Watch;
  /** Resolves once every live process has applied all that was committed before the call, or its lease has lapsed. */
  obeyed(): Promise<Receipt>;
  /** Fails unless the store can be read. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The part of a store that one caller can reach. Nothing outside it is ever found or changed. */
export interface Reach {
  /** Also deleted keys, never tombstones. */
  key(id: string): Promise<Key | null>;
  keyOfHandle(handle: string): Promise<Key | null>;
  keys(filter: KeyFilter, slice: SliceRequest): Promise<Slice<Key>>;
  /** Also a deleted one: whoever asks looks at `deletedAt`. */
  workspace(id: string): Promise<Workspace | null>;
  /** Never a deleted one. */
  workspaceOfSlug(slug: string): Promise<Workspace | null>;
  workspaces(filter: NameFilter, slice: SliceRequest): Promise<Slice<Workspace>>;
  owner(workspaceId: string, externalId: string): Promise<Owner | null>;
  /** By its own id. */
  ownerOfId(id: string): Promise<Owner | null>;
  owners(filter: OwnerFilter, slice: SliceRequest): Promise<Slice<Owner>>;
  /** Also a removed one. */
  member(id: string): Promise<Member | null>;
  /** The subject's membership in that workspace, or its last one where it was removed. */
  memberOf(workspaceId: string, subject: TokenSubject): Promise<Member | null>;
  members(filter: MemberFilter, slice: SliceRequest): Promise<Slice<Member>>;
  /** Up to `most` of the keys that a member's removal ends, but for those of `kept`, in no order. */
  keysOfMember(member: Member, kept: readonly string[], most: number): Promise<readonly Key[]>;
  events(filter: EventFilter, slice: SliceRequest): Promise<Slice<StoredEvent>>;
  /** Up to `most` keys of deleted workspaces that are not tombstones yet, in no order. */
  keysToErase(most: number): Promise<readonly Key[]>;
  /** An owner whose erasure is under way, with up to `most` keys and events that still name it, or null. */
  erasure(most: number): Promise<Erasure | null>;
  /** Up to `most` events that are not sealed yet, oldest first, with the chains they belong to. */
  unsealed(most: number): Promise<{ events: readonly Evidence[]; chains: readonly Chain[] }>;
  /** A chain that begins with events made before then, with the last of up to `most` of them, or null. */
  prunable(createdBefore: number, most: number): Promise<{ chain: Chain; last: Link } | null>;
  /** A chain with sealed events that no collector was given, with up to `most` of them in order, or null. */
  unlogged(most: number): Promise<{ chain: Chain; events: readonly StoredEvent[] } | null>;
  /** The figures of those buckets that have any, in no order; none for a subject outside the reach. */
  usage(subject: UsageSubject, span: UsageSpan): Promise<readonly UsageBucket[]>;
  /** The last refusals of a key, the newest first. */
  refusals(keyId: string): Promise<readonly NotedRefusal[]>;
  /** All of the changes or none, durable once answered. */
  commit(changes: readonly Change[]): Promise<CommitResult>;
}

/** What a store is asked for. */
export interface SliceRequest {
  readonly limit: number;
  /** How many to pass over; nothing but 0 where `from` is set. */
  readonly offset?: number | undefined;
  /** Null for the beginning of the list. */
  readonly from: { readonly side: 'after' | 'before'; readonly place: Place } | null;
  /** `bounded` counts no further than 10,000, `exact` to the end. */
  readonly total: 'none' | 'bounded' | 'exact';
}

/** What a store answers: items always in the list's own order, and whether more follow on the side asked for. */
export interface Slice<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
  /** Set where a slice was ended early, for the rows that it had to visit: the place where the next begins. */
  readonly reached?: Place | undefined;
  readonly total?: Total | undefined;
}

/** How many there are in all; at least so many where it is not exact. */
export interface Total {
  readonly count: number;
  readonly exact: boolean;
}

/** One row written, or one condition that must hold for any to be. */
export type Change =
  | { readonly type: 'insert_key'; readonly key: Key; readonly digest: Digest }
  /** Replaces the row of that version; a tombstone also loses its usage and its credits. */
  | { readonly type: 'update_key'; readonly key: Key; readonly was: number }
  | { readonly type: 'write_credits'; readonly write: CreditsWrite }
  | { readonly type: 'insert_workspace'; readonly workspace: Workspace }
  | { readonly type: 'update_workspace'; readonly workspace: Workspace; readonly was: number }
  | { readonly type: 'insert_owner'; readonly owner: Owner }
  | { readonly type: 'update_owner'; readonly owner: Owner; readonly was: number }
  | { readonly type: 'insert_member'; readonly member: Member }
  | { readonly type: 'update_member'; readonly member: Member; readonly was: number }
  | { readonly type: 'insert_event'; readonly event: Event }
  /** Seals the event where it still stands as it was read. */
  | { readonly type: 'seal_event'; readonly event: Evidence; readonly seal: Seal }
  /** Moves the head of a chain on from where it was; the first move makes the chain. */
  | {
      readonly type: 'move_head';
      readonly chain: string;
      readonly was: Link;
      readonly head: Link;
    }
  /** Removes what is personal from an event, and its salt. */
  | ({ readonly type: 'erase_event'; readonly workspaceId: string; readonly at: number } & Trace)
  /** Removes the events of a chain up to its new base. */
  | {
      readonly type: 'prune_events';
      readonly chain: Chain;
      readonly base: NonNullable<Chain['base']>;
    }
  /** Notes the last event of a chain that a collector was given. */
  | { readonly type: 'mark_logged'; readonly chain: Chain; readonly number: number }
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
    }
  /** Holds when no key, of whatever state, names that owner. */
  | { readonly type: 'no_keys_of_owner'; readonly workspaceId: string; readonly ownerId: string }
  /** Holds when, before any of the changes, the member was there. */
  | { readonly type: 'member_is_there'; readonly workspaceId: string; readonly memberId: string }
  /** Holds when, changes included, the workspace has a member in the role `owner` besides that one. */
  | { readonly type: 'another_owner'; readonly workspaceId: string; readonly memberId: string }
  /** Holds when, changes included, nothing is left that `keysOfMember` finds; else the commit is stale. */
  | {
      readonly type: 'no_keys_of_member';
      readonly member: Member;
      readonly kept: readonly string[];
    }
  /** Holds when that subject was never removed from the workspace; else the commit is stale. */
  | {
      readonly type: 'never_removed';
      readonly workspaceId: string;
      readonly subject: TokenSubject;
    };

/** Why nothing was written. `stale`: a row is of another version, or is there already. */
export type CommitRefusal =
  | 'stale'
  | 'slug_taken'
  | 'workspace_gone'
  | 'owner_erased'
  | 'owner_has_keys'
  | 'too_many_keys'
  | 'member_gone'
  | 'last_owner'
  | 'replied';
export type CommitResult = 'done' | CommitRefusal;

/** What still names an owner that is being erased. */
export interface Erasure {
  readonly owner: Owner;
  readonly keys: readonly Key[];
  readonly events: readonly Trace[];
}

/** An event with personal data of an owner in its payload, in its address or in both. */
export interface Trace {
  readonly id: string;
  readonly payload: boolean;
  readonly address: boolean;
}

/** A wish to take credits for a verification of a key as it was judged. */
export interface Spend {
  /** Id of the key or the owner whose they are. */
  readonly subject: string;
  readonly refill: Refill | null;
  readonly cost: number;
  /** False to take none, and to learn whether there are enough. */
  readonly charge: boolean;
  /** What the verdict hangs on: nothing is taken once any of it is of another version. */
  readonly judged: Judged;
  readonly now: number;
}

export interface Judged {
  readonly keyId: string;
  readonly key: number;
  /** Null where there is none. */
  readonly owner: number | null;
  readonly workspace: number | null;
}

/** Whether there was enough, and what is left. `stale`: what was judged has changed, and nothing was taken. */
export type Spent = (Balance & { readonly enough: boolean }) | 'stale';

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
