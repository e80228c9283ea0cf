// Why a verdict is what it is: every check of a key with its outcome and the fact
// that decided it, in words for whoever helps a customer. It judges as judge.ts does
// and changes nothing.

import { addressText } from './cidr.ts';
import { moment } from './event.ts';
import {
  type Ask,
  type Candidate,
  CHECKS,
  type CheckCode,
  failedChecks,
  judge,
  missingOf,
  type Verdict,
} from './judge.ts';

/** A check that a key passed, or failed with the verdict of that code where none before it failed. */
export interface Check {
  readonly code: ExplainedCheck;
  readonly passed: boolean;
  readonly detail: string;
}

/** Whoever explains a key has found it. */
type ExplainedCheck = Exclude<CheckCode, 'not_found'>;

export interface Explanation {
  readonly verdict: Verdict;
  /** In the order that they are made in: the first that failed named the verdict. */
  readonly checks: readonly Check[];
}

/** The verdict as `judge` gives it at that moment, and each check behind it. */
export function explain(candidate: Candidate, ask: Ask, at: number): Explanation {
  const failed = failedChecks(candidate, ask, at);
  return {
    verdict: judge(candidate, ask, at),
    checks: CHECKS.filter((code): code is ExplainedCheck => code !== 'not_found').map((code) => ({
      code,
      passed: !failed.has(code),
      detail: DETAILS[code](candidate, ask),
    })),
  };
}

/** The fact behind each check, whether it passes or not. */
const DETAILS: Readonly<Record<ExplainedCheck, (candidate: Candidate, ask: Ask) => string>> = {
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
