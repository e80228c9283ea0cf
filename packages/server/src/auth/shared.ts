// Signing in with a shared credential.

import { type Caller, ENVIRONMENTS, WarderError } from '@warder/core';
import type { Way } from '../auth.ts';
import type { SharedCredentials } from '../shared-credentials.ts';

/** A service that sets up the keys of others: standard keys and their owners, in its one workspace. */
export function signInByShared(shared: SharedCredentials): Way {
  return async ({ text }, { shared: surface, bounds }, origin) => {
    const found = await shared.find(surface, text);
    const [workspaceId] = found?.workspaceIds ?? [];
    if (found === null || workspaceId === undefined) {
      throw new WarderError('unauthenticated', 'Invalid service credential', {
        refusal: 'not_found',
        shared: true,
      });
    }
    return serviceCaller(
      found.label,
      workspaceId,
      { ...bounds, kind: 'standard', ownerId: null },
      origin,
    );
  };
}

function serviceCaller(
  label: string,
  workspaceId: string,
  bounds: Caller['bounds'],
  origin: Caller['origin'],
): Caller {
  return {
    identity: { type: 'service', id: label },
    home: { workspaceId },
    environment: null,
    permissions: ['keys:read', 'keys:write', 'owners:read', 'owners:write'],
    grants: { scopes: ['*'], environments: ENVIRONMENTS, maxLifeSeconds: null },
    bounds,
    expiresAt: null,
    keysEndBy: null,
    key: null,
    origin: { ...origin, sharedCredential: label },
  };
}
