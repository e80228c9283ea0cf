// Signing in: a credential becomes a Caller, and nothing else. Each way to sign
// in is a sibling in auth/; only this file makes the grant to reach every
// workspace.

import type { Caller, InstanceGrant, Origin } from '@warder/core';

/**
 * One way to sign in.
 * @throws WarderError `unauthenticated` for a credential that is not good, `unavailable` where none can be judged
 */
export type SignIn = (credential: string, origin: Origin) => Promise<Caller>;

/** Leave to reach every workspace: for callers of the instance, and for what runs without a caller. */
export function instanceGrant(): InstanceGrant {
  // The grant is a brand without a value: holding one is all there is to it.
  return {} as InstanceGrant;
}
