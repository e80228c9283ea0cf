// What a client is told where its request may not pass: a status, a challenge and a
// problem document for every reason there is, the same that Warder's gateways give. A
// key that is nobody's, of another workspace or of another kind is just no good key.

import type { Verdict } from './schema.gen.ts';

export type RefusedVerdict = Extract<Verdict, { valid: false }>;

/** Why a request is refused. Codes that this version does not know yet are told as they came. */
export type Reason =
  | Exclude<
      RefusedVerdict['code'],
      'malformed' | 'not_found' | 'wrong_workspace' | 'wrong_environment' | 'wrong_kind'
    >
  | 'no_key'
  | 'two_keys'
  | 'invalid_key'
  | 'unavailable';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** A problem document (RFC 9457). */
  readonly body: string;
  /** The verdict behind it; null where there is none. */
  readonly verdict: RefusedVerdict | null;
  /** Why no verdict could be given, for a log; undefined where one was. */
  readonly cause?: unknown;
}

type Row = readonly [status: number, title: string];

const ROWS: Readonly<Record<Reason, Row>> = {
  no_key: [401, 'Send a key with the request.'],
  two_keys: [400, 'Send one key, in one place.'],
  invalid_key: [401, 'The key is not good here.'],
  revoked: [401, 'The key is revoked.'],
  suspended: [401, 'The key is suspended with its owner or workspace.'],
  disabled: [401, 'The key is disabled.'],
  soft_blocked: [401, 'The key is blocked.'],
  expired: [401, 'The key has expired.'],
  not_yet_valid: [401, 'The key is not valid yet.'],
  forbidden_ip: [403, 'The key may not be used from this address.'],
  insufficient_scope: [403, 'The key lacks a scope that this request needs.'],
  rate_limited: [429, 'The key has reached its limit.'],
  insufficient_credits: [402, 'Too few credits are left.'],
  unavailable: [503, 'No verdict can be given now.'],
};

/** For a code of a service that is newer than this client. */
const UNKNOWN: Row = [403, 'The key may not be used for this request.'];

const REASONS: Readonly<Record<RefusedVerdict['code'], Reason>> = {
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

/** @param cause for a log: it is no part of what the client is told */
export function refusal(reason: Reason, cause?: unknown): Refusal {
  return refusalOf(reason, null, {}, cause);
}

/** @param more headers that the verdict's figures give */
export function refusalBy(
  verdict: RefusedVerdict,
  more: Readonly<Record<string, string>> = {},
): Refusal {
  const { code } = verdict;
  // A newer service has codes that the table, which is made of this version's, has not.
  return refusalOf(Object.hasOwn(REASONS, code) ? REASONS[code] : code, verdict, more);
}

function refusalOf(
  code: string,
  verdict: RefusedVerdict | null,
  more: Readonly<Record<string, string>>,
  cause?: unknown,
): Refusal {
  const table: Readonly<Record<string, Row>> = ROWS;
  const [status, title] = Object.hasOwn(table, code) ? (table[code] ?? UNKNOWN) : UNKNOWN;
  const missing = (verdict?.missing_scopes ?? []).filter((scope) => SCOPE.test(scope));
  const lacking = missing.length > 0 ? { missing_scopes: missing } : {};
  const wait = status === 503 || status === 429;
  return {
    status,
    code,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(status === 401 || code === 'insufficient_scope'
        ? { 'www-authenticate': challenge(code, missing) }
        : {}),
      ...(wait ? { 'retry-after': '1' } : {}),
      ...more,
    },
    body: JSON.stringify({ type: `urn:warder:problem:${code}`, title, status, code, ...lacking }),
    verdict,
    cause,
  };
}

/** RFC 6749, 3.3: none of these ends a quoted text or a header. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** RFC 6750, 3: every 401 says how to do better, and so does a lack of scopes. */
function challenge(code: string, missing: readonly string[]): string {
  const realm = 'Bearer realm="warder"';
  if (code === 'no_key') return realm;
  if (code !== 'insufficient_scope') return `${realm}, error="invalid_token"`;
  return `${realm}, error="insufficient_scope", scope="${missing.join(' ')}"`;
}
