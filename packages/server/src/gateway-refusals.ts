// How a request that may not pass is refused: the reason in a header, for gateways
// that understand few statuses, and a body for those that hand it to the client. A
// key that is nobody's, of another workspace or of another kind is just no good key.

import type { VerdictCode } from '@warder/core';
import type { HeadReply } from './head.ts';
import { NO_IDENTITY } from './identity-headers.ts';

type HiddenCode =
  | 'malformed'
  | 'not_found'
  | 'wrong_workspace'
  | 'wrong_environment'
  | 'wrong_kind';

/** Why a request is refused, as `X-Warder-Reason` says it. */
export type Reason =
  | Exclude<VerdictCode, 'valid' | HiddenCode>
  | 'no_key'
  | 'two_keys'
  | 'invalid_key'
  | 'path_not_named'
  | 'path_ambiguous'
  | 'unavailable'
  | 'wrong_gateway_secret'
  | 'not_from_a_gateway';

export const REASON_HEADER = 'X-Warder-Reason';

/** The statuses for a gateway that hands any of them on to the client. */
export const STATUSES: Readonly<Record<Reason, number>> = {
  no_key: 401,
  two_keys: 400,
  invalid_key: 401,
  revoked: 401,
  suspended: 401,
  disabled: 401,
  soft_blocked: 401,
  expired: 401,
  not_yet_valid: 401,
  forbidden_ip: 403,
  insufficient_scope: 403,
  rate_limited: 429,
  insufficient_credits: 402,
  path_not_named: 403,
  path_ambiguous: 400,
  unavailable: 503,
  wrong_gateway_secret: 403,
  not_from_a_gateway: 403,
};

/** The reason that the client is told for a verdict. */
export const REASONS: Readonly<Record<Exclude<VerdictCode, 'valid'>, Reason>> = {
  malformed: 'invalid_key',
  not_found: 'invalid_key',
  wrong_workspace: 'invalid_key',
  wrong_environment: 'invalid_key',
  wrong_kind: 'invalid_key',
  revoked: 'revoked',
  suspended: 'suspended',
  disabled: 'disabled',
  soft_blocked: 'soft_blocked',
  expired: 'expired',
  not_yet_valid: 'not_yet_valid',
  forbidden_ip: 'forbidden_ip',
  insufficient_scope: 'insufficient_scope',
  rate_limited: 'rate_limited',
  insufficient_credits: 'insufficient_credits',
};

const DETAILS: Readonly<Record<Reason, string>> = {
  no_key: 'Send a key with the request.',
  two_keys: 'Send one key, in one place.',
  invalid_key: 'The key is not good here.',
  revoked: 'The key is revoked.',
  suspended: 'The key is suspended with its owner or workspace.',
  disabled: 'The key is disabled.',
  soft_blocked: 'The key is blocked.',
  expired: 'The key has expired.',
  not_yet_valid: 'The key is not valid yet.',
  forbidden_ip: 'The key may not be used from this address.',
  insufficient_scope: 'The key lacks a scope that this path needs.',
  rate_limited: 'The key has reached its limit.',
  insufficient_credits: 'Too few credits are left.',
  path_not_named: 'No rule names this method and path.',
  path_ambiguous: 'The path is not in its canonical form.',
  unavailable: 'No verdict can be given now.',
  wrong_gateway_secret: 'The gateway did not say who it is.',
  not_from_a_gateway: 'The gateway did not say what it asks for.',
};

/** What a refusal tells besides its reason. */
export interface Refused {
  /** The scopes that a key lacks; none of their characters ends a quoted text. */
  readonly missing?: readonly string[];
  readonly retryAfterSeconds?: number;
  /** Names and values of more headers in turn. */
  readonly headers?: readonly string[];
}

export function refusal(
  reason: Reason,
  status: number,
  { missing = [], retryAfterSeconds, headers = [] }: Refused = {},
): HeadReply {
  const detail = DETAILS[reason];
  const body = JSON.stringify({
    type: `urn:warder:problem:${reason}`,
    title: detail,
    status,
    code: reason,
    ...(missing.length > 0 ? { missing_scopes: missing } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }),
  });
  const error =
    reason === 'insufficient_scope'
      ? `, error="insufficient_scope", scope="${missing.join(' ')}"`
      : reason === 'no_key'
        ? ''
        : ', error="invalid_token"';
  const passes = reason === 'unavailable' || reason === 'rate_limited';
  const wait = retryAfterSeconds ?? (passes ? 1 : undefined);
  // RFC 6750, 3: every 401 says how to do better, and so does a lack of scopes.
  const challenged = status === 401 || reason === 'insufficient_scope';
  return {
    status,
    headers: [
      ...['Content-Type', 'application/problem+json'],
      ...['Content-Length', String(Buffer.byteLength(body))],
      ...['Cache-Control', 'no-store'],
      ...[REASON_HEADER, reason],
      ...(challenged ? ['WWW-Authenticate', `Bearer realm="warder"${error}`] : []),
      ...(wait === undefined ? [] : ['Retry-After', String(wait)]),
      ...headers,
      ...NO_IDENTITY,
    ],
    body,
  };
}
