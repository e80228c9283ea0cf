// Signing in: a credential becomes a Caller, and nothing else. Each kind of
// credential is a sibling in auth/; only this file makes the grant to reach every
// workspace.

import {
  type Caller,
  type InstanceGrant,
  NO_GRANTS,
  type Origin,
  WarderError,
  type Workspace,
} from '@warder/core';
import type { Admission, Credential } from './admission.ts';

/**
 * One way to sign in.
 * @throws WarderError `unauthenticated` for a credential that is not good or not taken here,
 * `unavailable` where none can be judged
 */
export type Way = (credential: Credential, admission: Admission, origin: Origin) => Promise<Caller>;

/** As a way, for a call that may carry no credential. */
export type SignIn = (
  credential: Credential | null,
  admission: Admission,
  origin: Origin,
) => Promise<Caller>;

/** Signs in by whichever way the credential is of. */
export function signInBy(ways: Readonly<Record<Credential['kind'], Way>>): SignIn {
  return async (credential, admission, origin) => {
    if (credential !== null) {
      return await ways[credential.kind](credential, admission, origin).catch(asRefusal);
    }
    if (admission.anyone) return anyone(origin);
    throw new WarderError(
      'unauthenticated',
      'This needs a key: send it as `Authorization: Bearer <key>`.',
      { refusal: 'missing' },
    );
  };
}

/** That none can be judged is told apart from what an operation could not do. */
function asRefusal(error: unknown): never {
  if (!(error instanceof WarderError) || error.code !== 'unavailable') throw error;
  throw new WarderError('unavailable', error.message, { ...error.facts, refusal: 'unavailable' });
}

function anyone(origin: Origin): Caller {
  return {
    identity: { type: 'anyone', id: 'anyone' },
    home: { instance: instanceGrant() },
    environment: null,
    permissions: [],
    grants: NO_GRANTS,
    bounds: { kind: null, ownerId: null, deleted: 'there' },
    expiresAt: null,
    keysEndBy: null,
    key: null,
    origin,
  };
}

/** Whether that is what a workspace is called by: its id or its slug. */
export function isCalled({ id, slug }: Workspace, name: string): boolean {
  return name === id || name === slug;
}

/** Leave to reach every workspace: for callers of the instance, and for what runs without a caller. */
export function instanceGrant(): InstanceGrant {
  // The grant is a brand without a value: holding one is all there is to it.
  return {} as InstanceGrant;
}
