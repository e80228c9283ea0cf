// Whether a key is good, decided in one place: a candidate, what is asked of it
// and the time give a verdict out of a closed set. The checks stand in the order
// of their codes; the first that fails names the verdict. A bad key is a value,
// not an error.

import { type Address, contains, parseNetwork } from './cidr.ts';
import type { Balance } from './credit.ts';
import type { Key } from './key.ts';
import type { Owner } from './owner.ts';
import { missingForQuery, missingScopes, type ScopeQuery } from './scope.ts';
import type { KeyKind } from './terms.ts';
import type { Environment } from './token.ts';
import type { VerdictCode } from './verdict.ts';
import type { Workspace } from './workspace.ts';

/** A stored key with what else bears on it. */
export interface Candidate {
  readonly key: Key;
  readonly owner: Owner | null;
  /** Null for a key of the instance. */
  readonly workspace: Workspace | null;
}

/** What is asked of a key. */
export interface Ask {
  /** The only workspace the asker can see; null for one who sees all. */
  readonly within: string | null;
  /** The only environment the asker is for; null for any. */
  readonly environment: Environment | null;
  /** The workspace the asker expects the key to be of. */
  readonly workspaceId?: string | undefined;
  readonly kind?: KeyKind | undefined;
  /** Every one of these must be held. */
  readonly scopes?: readonly string[] | undefined;
  readonly query?: ScopeQuery | undefined;
  /** How many credits it takes, whole, 0 to 1,000,000; 1 unless given. */
  readonly cost?: number | undefined;
  /** False judges without charging. */
  readonly spend?: false | undefined;
  /** False where credits do not bear on the verdict: a key that signs in never spends. */
  readonly metered?: false | undefined;
  /** Whether a good verdict counts as a use of the key; it does unless this is false. */
  readonly counts?: false | undefined;
  /** Where the key is used from; a key with `allowedCidrs` is refused without it. */
  readonly ip?: Address | undefined;
}

export type Refusal =
  | { readonly valid: false; readonly code: HiddenCode }
  | {
      readonly valid: false;
      readonly code: Exclude<
        VerdictCode,
        HiddenCode | 'valid' | 'insufficient_scope' | 'insufficient_credits'
      >;
      readonly key: Key;
    }
  | {
      readonly valid: false;
      readonly code: 'insufficient_scope';
      readonly key: Key;
      readonly missingScopes: readonly string[];
    }
  | {
      readonly valid: false;
      readonly code: 'insufficient_credits';
      readonly key: Key;
      readonly credits: Balance;
    };

export type Verdict =
  | {
      readonly valid: true;
      readonly code: 'valid';
      readonly key: Key;
      readonly owner: Owner | null;
      readonly workspace: Workspace | null;
      /** What is left of the credits that it spent, the key's own or its owner's; in `key` and `owner` they are as they were read. */
      readonly credits?: Balance | undefined;
    }
  | Refusal;

/** The codes that tell nothing of the key. */
type HiddenCode =
  | 'malformed'
  | 'not_found'
  | 'wrong_workspace'
  | 'wrong_environment'
  | 'wrong_kind';

/** Judges a candidate; `null` stands for a token that no key has. `now` in milliseconds. */
export function judge(candidate: Candidate | null, ask: Ask, now: number): Verdict {
  if (candidate === null) return { valid: false, code: 'not_found' };
  const { key, owner, workspace } = candidate;
  const hidden = hiddenRefusal(key, ask);
  if (hidden !== null) return { valid: false, code: hidden };

  const refuse = (
    code:
      | 'revoked'
      | 'suspended'
      | 'disabled'
      | 'soft_blocked'
      | 'expired'
      | 'not_yet_valid'
      | 'forbidden_ip',
  ) => ({ valid: false, code, key }) as const;
  if (key.revokedAt !== null) return refuse('revoked');
  if (isSuspended(workspace) || isSuspended(owner)) return refuse('suspended');
  if (!key.enabled) return refuse('disabled');
  if (key.softBlocked) return refuse('soft_blocked');
  if (key.expiresAt !== null && key.expiresAt <= now) return refuse('expired');
  if (key.notBefore !== null && key.notBefore > now) return refuse('not_yet_valid');
  if (!allowedFrom(key, ask.ip)) return refuse('forbidden_ip');

  const missing = missingOf(key, ask);
  if (missing.length > 0) {
    return { valid: false, code: 'insufficient_scope', key, missingScopes: missing };
  }
  return { valid: true, code: 'valid', key, owner, workspace };
}

function hiddenRefusal(key: Key, ask: Ask): HiddenCode | null {
  if (ask.within !== null && key.workspaceId !== ask.within) return 'not_found';
  if (ask.workspaceId !== undefined && key.workspaceId !== ask.workspaceId)
    return 'wrong_workspace';
  if (ask.environment !== null && key.environment !== ask.environment) return 'wrong_environment';
  if (ask.kind !== undefined && key.kind !== ask.kind) return 'wrong_kind';
  return null;
}

function isSuspended(of: Owner | Workspace | null): boolean {
  return of !== null && of.suspendedAt !== null;
}

function allowedFrom(key: Key, ip: Address | undefined): boolean {
  if (key.allowedCidrs.length === 0) return true;
  if (ip === undefined) return false;
  return key.allowedCidrs.some((cidr) => {
    const network = parseNetwork(cidr);
    return network !== null && contains(network, ip);
  });
}

function missingOf(key: Key, ask: Ask): readonly string[] {
  const { scopes = NO_SCOPES, query } = ask;
  const held = key.kind === 'standard' ? key.scopes : NO_SCOPES;
  if (query === undefined && scopes.every((scope) => held.includes(scope))) return NO_SCOPES;
  const missing = missingScopes(held, scopes);
  const forQuery = query ? missingForQuery(held, query) : [];
  return [...new Set([...missing, ...forQuery])];
}

const NO_SCOPES: readonly string[] = [];
