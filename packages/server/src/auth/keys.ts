// Signing in with a key. A management key gets its permissions; a standard key is
// known, and may do nothing but ask about itself.

import {
  type Caller,
  type Key,
  parseAddress,
  type Verdict,
  type VerdictCode,
  type Verifier,
  WarderError,
} from '@warder/core';
import { instanceGrant, type SignIn } from '../auth.ts';

export function signInByKey(verifier: Verifier): SignIn {
  return async (credential, origin) => {
    const ip = origin.address === null ? undefined : (parseAddress(origin.address) ?? undefined);
    const verdict = await verifier.verify(credential, { within: null, environment: null, ip });
    if (!verdict.valid) throw refusal(verdict);
    return callerOf(verdict.key, origin);
  };
}

function callerOf(key: Key, origin: Caller['origin']): Caller {
  const { workspaceId } = key;
  const management = key.kind === 'management';
  const home = workspaceId === null ? { instance: instanceGrant() } : { workspaceId };
  return {
    identity: { type: 'key', id: key.id },
    home,
    environment: workspaceId === null ? null : key.environment,
    permissions: management ? key.permissions : [],
    grants: management ? key.grants : { scopes: [], environments: [], maxLifeSeconds: 0 },
    expiresAt: key.expiresAt,
    key,
    origin,
  };
}

function refusal(verdict: Extract<Verdict, { valid: false }>): WarderError {
  return new WarderError('unauthenticated', REASONS[verdict.code], { internal: verdict.code });
}

// Who holds the right secret is told what is wrong with the key; a guesser learns nothing.
const UNKNOWN = 'No key like this is known.';
const REASONS: Readonly<Record<Exclude<VerdictCode, 'valid'>, string>> = {
  malformed: 'This is not a key of this service, or it is mistyped.',
  not_found: UNKNOWN,
  wrong_workspace: UNKNOWN,
  wrong_environment: UNKNOWN,
  wrong_kind: UNKNOWN,
  revoked: 'This key is revoked.',
  suspended: 'The workspace or the owner of this key is suspended.',
  disabled: 'This key is disabled.',
  soft_blocked: 'This key is blocked for now.',
  expired: 'This key has expired.',
  not_yet_valid: 'This key is not valid yet.',
  forbidden_ip: 'This key may not be used from this address.',
  insufficient_scope: 'This key lacks a scope.',
};
