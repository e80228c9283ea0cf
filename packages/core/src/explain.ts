// Why a verdict is what it is: every check of a key with its outcome and the fact
// that decided it, in words for whoever helps a customer. It judges as judge.ts does
// and changes nothing.

import { addressText } from './cidr.ts';
import { type Balance, creditsAt } from './credit.ts';
import { moment } from './event.ts';
import {
  type Ask,
  type Candidate,
  CHECKS,
  type CheckCode,
  failedChecks,
  judge,
  missingOf,
  payerOf,
  type Verdict,
} from './judge.ts';
import type { Taking } from './limit-figure.ts';
import type { VerdictCode } from './verdict.ts';

/** Whoever explains a key has found it. */
export type ExplainedCheck = Exclude<VerdictCode, 'malformed' | 'not_found' | 'valid'>;

/** A check that a key passed, or failed with the verdict of that code where none before it failed. */
export interface Check {
  readonly code: ExplainedCheck;
  readonly passed: boolean;
  readonly detail: string;
}

export interface Explanation {
  readonly verdict: Verdict;
  /** In the order that they are made in: the first that failed named the verdict. */
  readonly checks: readonly Check[];
}

/**
 * The verdict as it would be at that moment, and each check behind it.
 * @param taking what a use would take of the windows that bear on the key
 */
export function explain(candidate: Candidate, ask: Ask, at: number, taking: Taking): Explanation {
  const failed = failedChecks(candidate, ask, at);
  const { cost = 1 } = ask;
  const payer = payerOf(candidate);
  const credits = payer && creditsAt(payer.credits, at);
  const enough = credits === null || credits.remaining >= cost;
  const judged = CHECKS.filter((code): code is Judged => code !== 'not_found').map((code) => ({
    code,
    passed: !failed.has(code),
    detail: DETAILS[code](candidate, ask),
  }));
  return {
    verdict: metered(judge(candidate, ask, at), taking, credits, enough),
    checks: [
      ...judged,
      { code: 'rate_limited', passed: taking.admitted, detail: detailOfLimits(taking) },
      { code: 'insufficient_credits', passed: enough, detail: detailOfCredits(credits, cost) },
    ],
  };
}

type Judged = Exclude<CheckCode, 'not_found'>;

/** A verdict with what windows and credits say of it, which are asked in this order. */
function metered(
  verdict: Verdict,
  { admitted, figures: limits, retryAfterSeconds }: Taking,
  credits: Balance | null,
  enough: boolean,
): Verdict {
  if (!verdict.valid) return verdict;
  const { key } = verdict;
  if (!admitted) return { valid: false, code: 'rate_limited', key, limits, retryAfterSeconds };
  if (credits === null) return { ...verdict, limits };
  if (!enough) return { valid: false, code: 'insufficient_credits', key, credits };
  return { ...verdict, limits, credits };
}

function detailOfLimits({ figures }: Taking): string {
  const each = figures.map(
    ({ name, per, limit, remaining, resetAt }) =>
      `${name} of the ${per}: ${remaining} of ${limit} left until ${moment(resetAt)}.`,
  );
  return each.join(' ') || 'No limit bears on it.';
}

function detailOfCredits(credits: Balance | null, cost: number): string {
  return credits === null
    ? 'It spends no credits.'
    : `This costs ${cost}, and ${credits.remaining} are left.`;
}

/** The fact behind each check, whether it passes or not. */
const DETAILS: Readonly<Record<Judged, (candidate: Candidate, ask: Ask) => string>> = {
  wrong_workspace: ({ key }) =>
    key.workspaceId === null ? 'It is of the instance.' : `It is of workspace ${key.workspaceId}.`,
  wrong_environment: ({ key }) => `It is a ${key.environment} key.`,
  wrong_kind: ({ key }) => `It is a ${key.kind} key.`,
  revoked: ({ key }) => {
    if (key.revokedAt === null) return 'It is not revoked.';
    const reason = key.revokedReason === null ? '' : `: ${key.revokedReason}`;
    return `Revoked at ${moment(key.revokedAt)}${reason}.`;
  },
  suspended({ owner, workspace }) {
    const since = [
      ['Its workspace', workspace?.suspendedAt ?? null] as const,
      ['Its owner', owner?.suspendedAt ?? null] as const,
    ].flatMap(([who, at]) => (at === null ? [] : [`${who} is suspended since ${moment(at)}.`]));
    return since.join(' ') || 'Neither its workspace nor its owner is suspended.';
  },
  disabled: ({ key }) => (key.enabled ? 'It is enabled.' : 'It is disabled.'),
  soft_blocked: ({ key }) => (key.softBlocked ? 'It is blocked for now.' : 'It is not blocked.'),
  expired: ({ key }) =>
    key.expiresAt === null ? 'It never expires.' : `It expires at ${moment(key.expiresAt)}.`,
  not_yet_valid: ({ key }) =>
    key.notBefore === null
      ? 'It is valid from the start.'
      : `It is valid from ${moment(key.notBefore)} on.`,
  forbidden_ip({ key }, { ip }) {
    const from = ip === undefined ? 'no address was named' : `asked from ${addressText(ip)}`;
    return key.allowedCidrs.length === 0
      ? 'It may be used from anywhere.'
      : `It may be used from ${key.allowedCidrs.join(', ')}; ${from}.`;
  },
  insufficient_scope({ key }, ask) {
    const missing = missingOf(key, ask);
    return missing.length === 0
      ? 'It holds every scope that was asked for.'
      : `It lacks ${missing.join(', ')}.`;
  },
};
