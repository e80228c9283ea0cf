// What an error looks like in OnePin's API: a code in capitals with a message, and
// each field that breaks a rule.

import type { ErrorCode, FieldError, SignInRefusal, WarderError } from '@warder/core';
import type { ErrorReply } from '../../dialect.ts';
import { metaOf } from './answers.ts';

export const errors: Readonly<Record<ErrorCode, ErrorReply>> = {
  bad_request: saying(400, 'BAD_REQUEST'),
  // Who is no member is not told whether there is such a workspace.
  unauthenticated: (error, telling) =>
    error.facts.refusal === 'not_a_member'
      ? saying(404, 'NOT_FOUND', () => 'Workspace not found.')(error, telling)
      : {
          ...saying(401, 'INVALID_API_KEY', whyNot)(error, telling),
          headers: { 'www-authenticate': 'Bearer' },
        },
  forbidden: saying(403, 'FORBIDDEN', ({ message, facts }) =>
    facts.permission === undefined
      ? message
      : `This takes a member of the workspace with the permission ${facts.permission}.`,
  ),
  not_found: saying(404, 'NOT_FOUND'),
  method_not_allowed: (error, telling) => ({
    ...saying(405, 'METHOD_NOT_ALLOWED')(error, telling),
    headers: { allow: error.facts.allow?.join(', ') ?? '' },
  }),
  conflict: saying(409, 'CONFLICT'),
  quota_exceeded: saying(409, 'API_KEY_LIMIT_REACHED'),
  precondition_failed: saying(412, 'PRECONDITION_FAILED'),
  too_large: saying(413, 'PAYLOAD_TOO_LARGE'),
  unsupported_media_type: saying(415, 'UNSUPPORTED_MEDIA_TYPE'),
  invalid: saying(422, 'VALIDATION_ERROR'),
  rate_limited: later(429, 'RATE_LIMITED', 60),
  unavailable: later(503, 'SERVICE_UNAVAILABLE', 1),
  internal: saying(500, 'INTERNAL_ERROR'),
};

const SEND = 'Send a session token as `Authorization: Bearer <token>`.';
const NOT_OURS = 'This is no API key of this service.';
const WHY_NOT: Partial<Readonly<Record<SignInRefusal, string>>> = {
  missing: SEND,
  unreadable: SEND,
  wrong_kind: NOT_OURS,
  ordinary_key: NOT_OURS,
};

function whyNot({ message, facts }: WarderError): string {
  return (facts.refusal && WHY_NOT[facts.refusal]) ?? message;
}

function saying(
  status: number,
  code: string,
  messageOf: (error: WarderError) => string = ({ message }) => message,
): ErrorReply {
  return (error, telling) => {
    const details = error.facts.fields?.map(told);
    const facts = { code, message: messageOf(error), ...(details ? { details } : {}) };
    return { status, body: { error: facts, meta: metaOf(telling) } };
  };
}

function later(status: number, code: string, usualSeconds: number): ErrorReply {
  return (error, telling) => ({
    ...saying(status, code)(error, telling),
    headers: { 'retry-after': String(error.facts.retryAfterSeconds ?? usualSeconds) },
  });
}

function told({ pointer, message }: FieldError) {
  return { field: pointer.replace(/^\//, '').replaceAll('/', '.'), message };
}
