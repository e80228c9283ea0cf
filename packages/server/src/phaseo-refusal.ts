// How both of Phaseo's APIs read a credential and say that it is not good: 401 with
// a reason, whatever the reason is.

import { type SignInRefusal, WarderError } from '@warder/core';
import { z } from 'zod';
import type { Credential } from './admission.ts';
import type { ErrorReply, RequestHeaders, Telling } from './dialect.ts';
import { hasKeyForm } from './phaseo-token.ts';

export const Unauthorised = z.object({
  error: z.literal('unauthorised'),
  reason: z.string(),
  request_id: z.string(),
});

/** The literal prefix `Bearer `, and a key. */
export function phaseoCredential(
  { authorization }: RequestHeaders,
  tokenPrefix: string,
): Credential | null {
  const [, text] = /^Bearer (\S+)$/.exec(authorization ?? '') ?? [];
  if (text === undefined) return null;
  const isJwt = /^[\w-]+\.[\w-]+\.[\w-]*$/.test(text);
  if (!isJwt && hasKeyForm(text, tokenPrefix)) return { kind: 'key', text };
  throw new WarderError('unauthenticated', 'This is no key.', {
    refusal: isJwt ? 'jwt' : 'malformed',
  });
}

export type Reasons = Readonly<Record<SignInRefusal, string>>;

const GONE = 'key_not_found_or_revoked';

/** Why a credential is refused. That a first part was right is never told. */
export const REASONS: Reasons = {
  missing: 'missing_or_invalid_authorization_header',
  unreadable: 'missing_or_invalid_authorization_header',
  jwt: 'management_key_required',
  bad_token: 'management_key_required',
  expired_token: 'management_key_required',
  not_a_member: 'management_key_required',
  malformed: 'invalid_key_format',
  not_found: GONE,
  wrong_workspace: GONE,
  wrong_environment: GONE,
  wrong_kind: GONE,
  ordinary_key: GONE,
  revoked: GONE,
  suspended: GONE,
  disabled: GONE,
  not_yet_valid: GONE,
  forbidden_ip: GONE,
  insufficient_scope: GONE,
  insufficient_credits: GONE,
  soft_blocked: 'key_soft_blocked',
  expired: 'key_expired',
  unavailable: 'db_error',
};

/** The one body that is not indented. */
export function unauthorised(reasons: Reasons): ErrorReply {
  return ({ facts }, { requestId }: Telling) => ({
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
    body: JSON.stringify({
      error: 'unauthorised',
      reason: reasons[facts.refusal ?? 'missing'],
      request_id: gatewayId(requestId),
    }),
  });
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** `G-` and a ULID: the bits of a UUID as 26 characters; an id of the caller's own stays as it is. */
function gatewayId(requestId: string): string {
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(requestId)) return `G-${requestId}`;
  let bits = BigInt(`0x${requestId.replaceAll('-', '')}`);
  let text = '';
  for (let i = 0; i < 26; i++, bits >>= 5n) text = CROCKFORD.charAt(Number(bits & 31n)) + text;
  return `G-${text}`;
}
