// The verify calls: one key, or up to a thousand at once.

import {
  describeFigure,
  type Key,
  moment,
  type Verdict,
  type VerdictCode,
  type VerifyRequest,
} from '@warder/core';
import type { z } from 'zod';
import { route } from '../../dialect.ts';
import * as schemas from './verdict-schemas.ts';

export const verdictRoutes = [
  route({
    method: 'POST',
    path: '/v1/keys/verify',
    operationId: 'verifyKey',
    summary: 'Verify a key',
    description:
      'Answers 200 with a verdict, `{"valid": true|false, "code": ...}`, whether the key is good or not; where no verdict can be given it answers 503, without `valid`. The first check that fails is the code. A good key is charged the cost in all of the limits that bear on it; where one of them has not enough left, in none, and the code is `rate_limited`. Management keys are never valid here.',
    permission: 'keys:verify',
    body: schemas.KeyVerify,
    asks: true,
    verdict: true,
    replies: { 200: schemas.Verdict },
    run: async ({ operations, body }) => ({
      include: body.include,
      verdict: await operations.verifyKey(requestOf(body)),
    }),
    out: ({ verdict, include }) => ({ status: 200, body: verdictBody(verdict, include) }),
  }),
  route({
    method: 'POST',
    path: '/v1/keys/verify-batch',
    operationId: 'verifyKeys',
    summary: 'Verify up to a thousand keys',
    description:
      'One verdict for each, in the order asked. Where one of them cannot be given the whole call answers 503.',
    permission: 'keys:verify',
    body: schemas.KeysVerify,
    asks: true,
    verdict: true,
    replies: { 200: schemas.Verdicts },
    run: async ({ operations, body }) => {
      const verdicts = await operations.verifyKeys(body.keys.map(requestOf));
      return verdicts.map((verdict, i) => verdictBody(verdict, body.keys[i]?.include));
    },
    out: (data) => ({ status: 200, body: { data } }),
  }),
];

/** What the verify call takes and answers. */
export type VerifyAsk = {
  readonly [Name in keyof GivenAsk]: Readonly<GivenAsk[Name]>;
};
type GivenAsk = z.input<typeof schemas.KeyVerify>;
export type WireVerdict = ReturnType<typeof verdictBody>;

export function requestOf(body: z.output<typeof schemas.KeyVerify>): VerifyRequest {
  const { key, workspace_id, scopes, query, ip, cost, spend } = body;
  return { secret: key, workspaceId: workspace_id, scopes, query, ip, cost, spend };
}

export function verdictBody(verdict: Verdict, include: readonly string[] = []) {
  if (!verdict.valid) {
    const { code } = verdict;
    const message = MESSAGES[code];
    if (!('key' in verdict)) return { valid: false, code, message } as const;
    const missing = 'missingScopes' in verdict ? { missing_scopes: verdict.missingScopes } : {};
    return {
      valid: false,
      code,
      message,
      ...idsOf(verdict.key),
      ...missing,
      ...left(verdict),
    } as const;
  }
  const { key, owner } = verdict;
  const more = include.includes('metadata');
  return {
    valid: true,
    code: 'valid',
    ...idsOf(key),
    name: key.name,
    environment: key.environment,
    scopes: key.kind === 'standard' ? key.scopes : [],
    created_at: moment(key.createdAt),
    not_before: moment(key.notBefore),
    expires_at: moment(key.expiresAt),
    owner: owner && {
      id: owner.id,
      owner_id: owner.externalId,
      type: owner.type,
      name: owner.name,
      ...(more ? { metadata: owner.metadata } : {}),
    },
    ...(more ? { metadata: key.metadata } : {}),
    limits: [],
    ...left(verdict),
  } as const;
}

/** What is left of the limits and credits that bear on the key. */
function left(verdict: Verdict) {
  const limits = 'limits' in verdict ? verdict.limits : undefined;
  const credits = 'credits' in verdict ? verdict.credits : undefined;
  return {
    ...(limits && { limits: limits.map(describeFigure) }),
    ...(credits && {
      credits: { remaining: credits.remaining, refill_at: moment(credits.refillAt) },
    }),
    ...('retryAfterSeconds' in verdict && { retry_after_seconds: verdict.retryAfterSeconds }),
  };
}

function idsOf(key: Key) {
  return { key_id: key.id, workspace_id: key.workspaceId, owner_id: key.ownerId };
}

const MESSAGES: Readonly<Record<Exclude<VerdictCode, 'valid'>, string>> = {
  malformed: 'This is not a key of this service, or it is mistyped.',
  not_found: 'No key like this is known.',
  wrong_workspace: 'The key is of another workspace.',
  wrong_environment:
    'The key is of another environment: a live verifier sees live keys, a test verifier test keys.',
  wrong_kind:
    'This is a management key, which calls Warder and is never valid here: verify the key that your own caller sent.',
  revoked: 'The key is revoked.',
  suspended: 'The workspace or the owner of the key is suspended.',
  disabled: 'The key is disabled.',
  soft_blocked: 'The key is blocked for now.',
  expired: 'The key has expired.',
  not_yet_valid: 'The key is not valid yet.',
  forbidden_ip: 'The key may not be used from this address, or the call names no `ip`.',
  insufficient_scope: 'The key lacks a scope that was asked for.',
  rate_limited: 'The key, its owner or its workspace has reached a limit.',
  insufficient_credits: 'Fewer credits are left than this costs.',
};
