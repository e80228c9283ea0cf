// Who calls, once a credential was accepted: all that `auth` makes and all that
// operations read. Workspace and creator of what a caller makes come from here,
// never from a body field that outranks it.

import { WarderError } from './error.ts';
import type { Act, Actor, Origin } from './event.ts';
import type { Key } from './key.ts';
import { type Grants, holds, type Permission, type PermissionSet } from './permission.ts';
import type { Host, InstanceGrant } from './ports.ts';
import type { Environment } from './token.ts';

export interface Caller {
  readonly identity: Actor;
  /** The one workspace it acts in, or the grant that lets it act in all. */
  readonly home: { readonly workspaceId: string } | { readonly instance: InstanceGrant };
  /** The environment whose keys it may verify; null for any. */
  readonly environment: Environment | null;
  readonly permissions: PermissionSet;
  readonly grants: Grants;
  /** When its own credential ends: a management key that it makes ends no later. */
  readonly expiresAt: number | null;
  /** The key it presented; null for one that signed in otherwise. */
  readonly key: Key | null;
  readonly origin: Origin;
}

/** Refuses a caller without the permission; a standard key has none and is told what it is. */
export function requirePermission(caller: Caller, permission: Permission): void {
  if (holds(caller.permissions, permission)) return;
  const message =
    caller.key?.kind === 'standard'
      ? 'This is an ordinary key: it is made to be verified and manages nothing. Call with a management key.'
      : `This needs the permission ${permission}, which your key does not have.`;
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
  if ('instance' in caller.home) return named;
  if (named !== undefined && named !== caller.home.workspaceId) {
    throw new WarderError(
      'forbidden',
      'Your key belongs to another workspace than workspace_id names.',
    );
  }
  return caller.home.workspaceId;
}

export function beginAct(caller: Pick<Caller, 'identity' | 'origin'>, host: Host): Act {
  const at = host.now();
  return { actor: caller.identity, origin: caller.origin, at, newId: () => host.newId(at) };
}
