// Signing in with a key. A management key gets its permissions. A standard key is
// known, and may ask about itself; on the surface of its own product it may manage
// keys, where its workspace lets it: that is another caller, with less in sight.

import {
  type Ask,
  type Caller,
  type ManagementKey,
  NO_GRANTS,
  type Origin,
  parseAddress,
  type StandardKey,
  type Verdict,
  type VerdictCode,
  type Verifier,
  WarderError,
  type Workspace,
} from '@warder/core';
import type { Admission, Credential, OrdinaryKeys, SignInNow } from '../admission.ts';
import { instanceGrant, isCalled, type Way } from '../auth.ts';
import type { SharedCredentials } from '../shared-credentials.ts';
import type { CachingVerifier } from '../verifier.ts';

export function signInByKey(
  verifier: Verifier,
  shared: SharedCredentials,
  defaultWorkspaceId: string,
): Way {
  return async (credential, admission, origin) => {
    const verdict = await verifier.verify(credential.text, askFrom(origin, admission));
    if (!verdict.valid) throw refusal(verdict);
    const { key, workspace } = verdict;
    checkAsked(credential, workspace);
    const caller = callerOf(verdict, admission, origin);
    const ofInstance = key.kind === 'management' && key.workspaceId === null;
    if (!ofInstance || admission.managementKeys?.ofInstance !== 'default_workspace') return caller;
    return lifted(caller, credential, admission, shared, defaultWorkspaceId);
  };
}

/** The same for a management key that is in memory and acts everywhere it may; null for any other. */
export function signInByKnownKey(
  verifier: Pick<CachingVerifier, 'verifyCached' | 'count'>,
): SignInNow {
  return (credential, admission, origin) => {
    const plain = credential.kind === 'key' && credential.workspace === undefined;
    if (!plain || admission.managementKeys?.ofInstance !== 'everywhere') return null;
    const ask = { ...askFrom(origin, admission), counts: false } as const;
    const verdict = verifier.verifyCached(credential.text, ask);
    if (!verdict?.valid || verdict.key.kind !== 'management') return null;
    return { caller: callerOf(verdict, admission, origin), count: () => verifier.count(verdict) };
  };
}

/** Whoever calls Warder itself pays no limits for that, unless the surface says so. */
function askFrom({ address }: Origin, { ordinaryKeys }: Admission): Ask {
  const ip = address === null ? undefined : (parseAddress(address) ?? undefined);
  const isLimited = ordinaryKeys?.may === 'ask' && ordinaryKeys.limited === true;
  // A call to Warder is no use of a product: it spends nothing.
  const limited = isLimited ? undefined : false;
  return { within: null, environment: null, ip, limited, metered: false };
}

function callerOf({ key, workspace, limits }: Good, admission: Admission, origin: Origin): Caller {
  const common = { identity: { type: 'key', id: key.id } as const, key, limits, origin };
  if (key.kind === 'standard') return { ...common, ...ordinary(key, workspace, admission) };
  if (admission.managementKeys !== null) return { ...common, ...manager(key, admission) };
  throw new WarderError('unauthenticated', 'Management keys are not taken here.', {
    refusal: 'wrong_kind',
  });
}

type Good = Extract<Verdict, { valid: true }>;

/** A key is of its own workspace, whatever is asked for beside it. */
function checkAsked({ workspace: asked }: Credential, own: Workspace | null): void {
  if (asked === undefined || own === null || isCalled(own, asked.toLowerCase())) return;
  throw new WarderError('forbidden', 'Your key belongs to another workspace than X-Workspace-Id.', {
    elsewhere: true,
  });
}

function manager(key: ManagementKey, { bounds }: Admission) {
  const { workspaceId } = key;
  return {
    home: workspaceId === null ? { instance: instanceGrant() } : { workspaceId },
    environment: workspaceId === null ? null : key.environment,
    permissions: key.permissions,
    grants: key.grants,
    bounds: { ...bounds, ownerId: null },
    expiresAt: key.expiresAt,
    keysEndBy: null,
  };
}

/** A key of the instance where a call is about one workspace: the default one, or one that a shared credential beside it names. */
async function lifted(
  caller: Caller,
  { beside }: Credential,
  admission: Admission,
  shared: SharedCredentials,
  defaultWorkspaceId: string,
): Promise<Caller> {
  const found = beside === undefined ? null : await shared.find(admission.shared, beside);
  return {
    ...caller,
    home: {
      instance: instanceGrant(),
      workspaces: [defaultWorkspaceId, ...(found?.workspaceIds ?? [])],
    },
    origin: { ...caller.origin, sharedCredential: found?.label ?? null },
  };
}

function ordinary(
  key: StandardKey,
  workspace: Workspace | null,
  { ordinaryKeys, bounds }: Admission,
) {
  if (ordinaryKeys === null || (ordinaryKeys.format ?? key.format) !== key.format) {
    throw notTaken();
  }
  const { may } = ordinaryKeys;
  if (may !== 'ask' && !workspace?.settings.ordinaryKeysManage) throw notTaken();
  if (may === 'manage_own' && key.ownerId === null) throw notTaken();
  return {
    // A standard key is of one workspace.
    home: { workspaceId: String(key.workspaceId) },
    environment: key.environment,
    expiresAt: key.expiresAt,
    ...RIGHTS[may](key),
    bounds: { ...bounds, kind: 'standard', ownerId: may === 'manage_own' ? key.ownerId : null },
  } as const;
}

/** What a key made by a standard key can be at most. */
const RIGHTS: Readonly<
  Record<
    OrdinaryKeys['may'],
    (key: StandardKey) => Pick<Caller, 'permissions' | 'grants' | 'keysEndBy'>
  >
> = {
  ask: () => ({ permissions: [], grants: NO_GRANTS, keysEndBy: null }),
  manage_workspace: (key) => managing(key, ['*']),
  manage_own: (key) => managing(key, key.scopes),
};

function managing(key: StandardKey, scopes: readonly string[]) {
  return {
    permissions: ['keys:read', 'keys:write'],
    grants: { scopes, environments: [key.environment], maxLifeSeconds: null },
    keysEndBy: key.expiresAt,
  } as const;
}

function notTaken(): WarderError {
  return new WarderError(
    'unauthenticated',
    'This is an ordinary key, which manages nothing here.',
    { refusal: 'ordinary_key' },
  );
}

function refusal(verdict: Extract<Verdict, { valid: false }>): WarderError {
  if (verdict.code === 'rate_limited') {
    const { limits, retryAfterSeconds } = verdict;
    const message = 'This key has reached its limit: try again later.';
    return new WarderError('rate_limited', message, { limits, retryAfterSeconds });
  }
  const { code } = verdict;
  return new WarderError('unauthenticated', REASONS[code], { internal: code, refusal: code });
}

// Who holds the right secret is told what is wrong with the key; a guesser learns nothing.
const UNKNOWN = 'No key like this is known.';
const REASONS: Readonly<Record<Exclude<VerdictCode, 'valid' | 'rate_limited'>, string>> = {
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
  insufficient_credits: 'This key has too few credits left.',
};
