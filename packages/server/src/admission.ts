// What a call may present to sign in with, and whom a route takes: said by each
// dialect, obeyed by auth.

import type { Caller, KeyBounds, Origin } from '@warder/core';

/** A credential as a call carries it. */
export interface Credential {
  readonly kind: 'key' | 'jwt' | 'shared';
  readonly text: string;
  /** Id or slug of the workspace that a subject of several asks for. */
  readonly workspace?: string | undefined;
  /** A shared credential beside a key of the instance, which lets it name other workspaces. */
  readonly beside?: string | undefined;
}

/** Whom a route takes, and which keys there are for them. */
export interface Admission {
  /** Management keys: with what they may; not at all where it is null. */
  readonly managementKeys: ManagementKeys | null;
  readonly ordinaryKeys: OrdinaryKeys | null;
  /** Members, signed in by a token of their issuer: for all keys of the workspace, or for their own. */
  readonly members: 'all_keys' | 'own_keys' | null;
  /** The shared credentials it takes, by the name they are configured under. */
  readonly shared: string | null;
  /** Whether a call may come without a credential. */
  readonly anyone: boolean;
  readonly bounds: Omit<KeyBounds, 'ownerId'>;
}

export interface ManagementKeys {
  /** A key of the instance deals with every workspace, or with the default one unless a shared credential lifts that. */
  readonly ofInstance: 'everywhere' | 'default_workspace';
}

/**
 * Standard keys as callers, of the one format it names, or of any where that is null. They ask about
 * themselves; those of the very product may manage the standard keys of their workspace, or those of
 * their own owner with scopes within their own.
 */
export type OrdinaryKeys =
  | {
      readonly format: string | null;
      readonly may: 'ask';
      /** Whether each call is charged to the windows of the key that makes it. */
      readonly limited?: true;
    }
  | { readonly format: string; readonly may: 'manage_workspace' | 'manage_own' };

/** Signing in with what is in memory; null where that would wait, or fail. */
export type SignInNow = (
  credential: Credential,
  admission: Admission,
  origin: Origin,
) => SignedIn | null;

/** Signed in, but not counted: whoever is not answered at once signs in again. */
export interface SignedIn {
  readonly caller: Caller;
  /** Counts it as a use of the caller's key. */
  count(): void;
}
