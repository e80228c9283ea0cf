// Who calls, once a credential was accepted: all that `auth` makes and all that
// operations read. Workspace and creator of what a caller makes come from here,
// never from a body field that outranks it.

import { WarderError } from './error.ts';
import type { Act, Actor, Origin } from './event.ts';
import type { Key } from './key.ts';
import type { LimitFigure } from './limit-figure.ts';
import { type Grants, holds, type Permission, type PermissionSet } from './permission.ts';
import type { Host, InstanceGrant } from './ports.ts';
import type { KeyKind } from './terms.ts';
import type { Environment } from './token.ts';

export interface Caller {
  readonly identity: Actor;
  /** The one workspace it acts in, or the grant that lets it act in all. */
  readonly home: { readonly workspaceId: string } | InstanceHome;
  /** The environment whose keys it may verify; null for any. */
  readonly environment: Environment | null;
  readonly permissions: PermissionSet;
  readonly grants: Grants;
  /** Which keys within its reach are there for it at all. */
  readonly bounds: KeyBounds;
  /** When its own credential ends: a management key that it makes ends no later. */
  readonly expiresAt: number | null;
  /** When every key that it makes ends at the latest; null for whenever. */
  readonly keysEndBy: number | null;
  /** The key it presented; null for one that signed in otherwise. */
  readonly key: Key | null;
  /** The windows that its call was charged to, where a surface charges its callers. */
  readonly limits?: readonly LimitFigure[] | undefined;
  readonly origin: Origin;
}

/** The home of a caller that acts in every workspace, or where they are named in these alone: the first unless it says. */
export interface InstanceHome {
  readonly instance: InstanceGrant;
  readonly workspaces?: readonly string[];
}

/** The keys that a caller can see, make and change; any other is not found by it. */
export interface KeyBounds {
  /** Null for both. */
  readonly kind: KeyKind | null;
  /** Only keys of this owner; null for those of any. */
  readonly ownerId: string | null;
  /** Whether deleted keys are gone for it, or there with what they were. */
  readonly deleted: 'gone' | 'there';
}

export const ALL_KEYS: KeyBounds = { kind: null, ownerId: null, deleted: 'there' };

/** Whether there is such a key for that caller, of all that its reach has. */
export function isWithin(
  caller: Caller,
  { kind, ownerId, workspaceId }: Pick<Key, 'kind' | 'ownerId' | 'workspaceId'>,
): boolean {
  const { bounds } = caller;
  return (
    (bounds.kind ?? kind) === kind &&
    (bounds.ownerId ?? ownerId) === ownerId &&
    actsIn(caller, workspaceId)
  );
}

/** Whether that workspace is there for that caller, of all that its reach has. */
export function actsIn({ home }: Caller, workspaceId: string | null): boolean {
  const workspaces = 'instance' in home ? home.workspaces : undefined;
  return workspaces === undefined || workspaces.some((one) => one === workspaceId);
}

/** Refuses a caller without the permission; a standard key has none and is told what it is. */
export function requirePermission(caller: Caller, permission: Permission): void {
  if (holds(caller.permissions, permission)) return;
  const message =
    caller.key?.kind === 'standard'
      ? 'This is an ordinary key: it is made to be verified and manages nothing. Call with a management key.'
      : `This needs the permission ${permission}, which ${caller.key === null ? 'you do' : 'your key does'} not have.`;
  throw new WarderError('forbidden', message, { permission });
}

/** Refuses a caller that is confined to one workspace. */
export function requireInstance(caller: Caller): InstanceGrant {
  if ('instance' in caller.home) return caller.home.instance;
  throw new WarderError(
    'forbidden',
    'This needs a management key of the instance, not of a workspace.',
  );
}

/** The workspace a call is about: the caller's own, or the one an instance key names; undefined when it names none. */
export function chosenWorkspace(caller: Caller, named: string | undefined): string | undefined {
  const { home } = caller;
  const own = 'instance' in home ? home.workspaces : [home.workspaceId];
  if (own === undefined) return named;
  if (named !== undefined && !own.includes(named)) {
    throw new WarderError(
      'forbidden',
      `${caller.key === null ? 'You belong' : 'Your key belongs'} to another workspace than workspace_id names.`,
      { elsewhere: true },
    );
  }
  return named ?? own[0];
}

export function beginAct(caller: Pick<Caller, 'identity' | 'origin'>, host: Host): Act {
  const at = host.now();
  return { actor: caller.identity, origin: caller.origin, at, newId: () => host.newId(at) };
}
