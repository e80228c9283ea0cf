// Whether a key is good, decided in one place: a candidate, what is asked of it
// and the time give a verdict out of a closed set. The checks stand in the order
// of their codes; the first that fails names the verdict, and explain.ts tells of
// all of them. A bad key is a value, not an error.

import { type Address, contains, parseNetwork } from './cidr.ts';
import type { Balance, Credits } from './credit.ts';
import type { Key, ManagementKey, StandardKey } from './key.ts';
import type { LimitFigure } from './limit-figure.ts';
import type { Owner } from './owner.ts';
import { missingForQuery, missingScopes, type ScopeQuery } from './scope.ts';
import type { KeyKind } from './terms.ts';
import type { Environment } from './token.ts';
import { VERDICT_CODES, type VerdictCode } from './verdict.ts';
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
  /** False where credits do not bear on the verdict: a key that signs in never spends. */
  readonly metered?: false | undefined;
  /** Whether a good verdict counts as a use of the key; it does unless this is false. */
  readonly counts?: false | undefined;
  /** What the use takes from each window that bears on the key, and how many credits; 1 unless given. */
  readonly cost?: number | undefined;
  /** Whether windows and credits are charged, or only asked; they are charged unless this is false. */
  readonly spend?: boolean | undefined;
  /** Whether windows bear on it at all; they do unless this is false. */
  readonly limited?: false | undefined;
  /** Where the key is used from; a key with `allowedCidrs` is refused without it. */
  readonly ip?: Address | undefined;
}

export type Refusal =
  | { readonly valid: false; readonly code: HiddenCode }
  | {
      readonly valid: false;
      readonly code: Exclude<
        VerdictCode,
        HiddenCode | 'valid' | 'insufficient_scope' | MeteredCode
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
      readonly code: 'rate_limited';
      readonly key: Key;
      readonly limits: readonly LimitFigure[];
      /** After which it may be admitted. */
      readonly retryAfterSeconds: number;
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
      /** Every window that bears on the key, once it was charged or asked. */
      readonly limits?: readonly LimitFigure[] | undefined;
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

/** What a candidate can fail, in the order in which a failure names the verdict. */
export const CHECKS = VERDICT_CODES.filter(isCheck);
export type CheckCode = Exclude<VerdictCode, 'malformed' | 'valid' | MeteredCode>;
/** What is left of windows and credits is asked after all checks. */
type MeteredCode = 'rate_limited' | 'insufficient_credits';

function isCheck(code: VerdictCode): code is CheckCode {
  return !['malformed', 'valid', 'rate_limited', 'insufficient_credits'].includes(code);
}

/** A bit for each check: the earlier it stands, the lower. */
const BITS = Object.fromEntries(CHECKS.map((code, i) => [code, 1 << i])) as Readonly<
  Record<CheckCode, number>
>;

/** Judges a candidate; `null` stands for a token that no key has. `now` in milliseconds. */
export function judge(candidate: Candidate | null, ask: Ask, now: number): Verdict {
  if (candidate === null) return { valid: false, code: 'not_found' };
  const { key, owner, workspace } = candidate;
  const failed = failuresOf(candidate, ask, now);
  if (failed === 0) return { valid: true, code: 'valid', key, owner, workspace };
  // The lowest bit is the first check that fails.
  const code = CHECKS[31 - Math.clz32(failed & -failed)] ?? 'not_found';
  if (isHidden(code)) return { valid: false, code };
  if (code !== 'insufficient_scope') return { valid: false, code, key };
  return { valid: false, code, key, missingScopes: missingOf(key, ask) };
}

/**
 * Every check, each once: what fails, as bits. A good key passes all of them anyway, so to look at
 * all costs it nothing, and whoever explains a verdict has it from here too. A new check is a code
 * (verdict.ts), a line in one of the two below and a line in `explain.ts`.
 */
function failuresOf(candidate: Candidate, ask: Ask, now: number): number {
  return fallen(candidate, now) | unmet(candidate.key, ask);
}

/** What fails whatever is asked. */
function fallen({ key, owner, workspace }: Candidate, now: number): number {
  let failed = 0;
  if (key.revokedAt !== null) failed |= BITS.revoked;
  if (isSuspended(workspace) || isSuspended(owner)) failed |= BITS.suspended;
  if (!key.enabled) failed |= BITS.disabled;
  if (key.softBlocked) failed |= BITS.soft_blocked;
  if (key.expiresAt !== null && key.expiresAt <= now) failed |= BITS.expired;
  if (key.notBefore !== null && key.notBefore > now) failed |= BITS.not_yet_valid;
  return failed;
}

/** What of a key asks are held against. It is the same of many keys. */
export type Traits = Pick<Key, 'workspaceId' | 'environment' | 'allowedCidrs'> &
  (Pick<StandardKey, 'kind' | 'scopes'> | Pick<ManagementKey, 'kind'>);

/** What of an ask is not met, whatever the time. */
function unmet(traits: Traits, ask: Ask): number {
  let failed = 0;
  if (ask.within !== null && traits.workspaceId !== ask.within) failed |= BITS.not_found;
  if (ask.workspaceId !== undefined && traits.workspaceId !== ask.workspaceId) {
    failed |= BITS.wrong_workspace;
  }
  if (ask.environment !== null && traits.environment !== ask.environment) {
    failed |= BITS.wrong_environment;
  }
  if (ask.kind !== undefined && traits.kind !== ask.kind) failed |= BITS.wrong_kind;
  if (!isAllowed(traits, ask)) failed |= BITS.forbidden_ip;
  if (missingOf(traits, ask).length > 0) failed |= BITS.insufficient_scope;
  return failed;
}

/** Whether a key of these traits is good for an ask, as long as nothing else refuses it. */
export function meets(traits: Traits, ask: Ask): boolean {
  return unmet(traits, ask) === 0;
}

/**
 * Until when nothing refuses a key that meets what is asked: before that moment `judge` says valid
 * of it, from then on it has to be asked. Infinity for a key that time never ends, 0 for one that
 * has to be judged each time.
 */
export function goodUntil(candidate: Candidate): number {
  const { notBefore, expiresAt } = candidate.key;
  const begins = notBefore !== null;
  const ends = expiresAt ?? Number.POSITIVE_INFINITY;
  return begins || fallen(candidate, Number.NEGATIVE_INFINITY) !== 0 ? 0 : ends;
}

/** Which checks a candidate fails. */
export function failedChecks(candidate: Candidate, ask: Ask, now: number): ReadonlySet<CheckCode> {
  const failed = failuresOf(candidate, ask, now);
  return new Set(CHECKS.filter((code) => (failed & BITS[code]) !== 0));
}

function isHidden(code: CheckCode): code is Exclude<HiddenCode, 'malformed'> {
  return BITS[code] < BITS.revoked;
}

/** Who pays for uses of a key: itself where it has credits, else its owner; null where nobody does. */
export function payerOf({ key, owner }: Candidate): { id: string; credits: Credits } | null {
  const payer = key.credits === null ? owner : key;
  const credits = payer?.credits ?? null;
  return payer && credits && { id: payer.id, credits };
}

function isSuspended(of: Owner | Workspace | null): boolean {
  return of !== null && of.suspendedAt !== null;
}

function isAllowed({ allowedCidrs }: Traits, ask: Ask): boolean {
  // Few keys are bound to addresses: only for them is one worth reading.
  if (allowedCidrs.length === 0) return true;
  const { ip } = ask;
  if (ip === undefined) return false;
  return allowedCidrs.some((cidr) => {
    const network = parseNetwork(cidr);
    return network !== null && contains(network, ip);
  });
}

/** The scopes that are asked for and not held. */
export function missingOf(traits: Traits, { scopes = NO_SCOPES, query }: Ask): readonly string[] {
  const held = traits.kind === 'standard' ? traits.scopes : NO_SCOPES;
  if (query === undefined && holdsEach(held, scopes)) return NO_SCOPES;
  const missing = missingScopes(held, scopes);
  const forQuery = query ? missingForQuery(held, query) : [];
  return [...new Set([...missing, ...forQuery])];
}

/** By their very names, which is how most are held. A plain loop: this is on the path of every verification. */
function holdsEach(held: readonly string[], scopes: readonly string[]): boolean {
  for (const scope of scopes) if (!held.includes(scope)) return false;
  return true;
}

const NO_SCOPES: readonly string[] = [];
