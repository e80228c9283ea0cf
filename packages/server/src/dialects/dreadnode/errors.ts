// What an error looks like in Dreadnode's API: its one envelope, and each field that
// breaks a rule by the place it stands at.

import type { ErrorCode, FieldError, FieldRule, WarderError } from '@warder/core';
import type { ErrorReply } from '../../dialect.ts';

const authentication = saying(401, 'authentication_error', () => 'Authentication failed');
const noAccess = saying(403, 'forbidden_error');

export const errors: Readonly<Record<ErrorCode, ErrorReply>> = {
  bad_request: saying(400, 'invalid_request_error'),
  // Whose token is good, and who belongs to no workspace that it speaks for, need not sign in again.
  unauthenticated: (error, telling) =>
    error.facts.refusal === 'not_a_member'
      ? noAccess(error, telling)
      : { ...authentication(error, telling), headers: { 'www-authenticate': 'Bearer' } },
  forbidden: saying(403, 'forbidden_error', ({ message, facts }) =>
    facts.permission === undefined
      ? message
      : `This takes the token of a user with the permission ${facts.permission}.`,
  ),
  not_found: saying(404, 'not_found_error', () => 'Not found'),
  method_not_allowed: (error, telling) => ({
    ...saying(405, 'method_not_allowed_error')(error, telling),
    headers: { allow: error.facts.allow?.join(', ') ?? '' },
  }),
  conflict: saying(409, 'conflict_error'),
  quota_exceeded: saying(403, 'forbidden_error'),
  precondition_failed: saying(412, 'precondition_failed_error'),
  too_large: saying(413, 'request_too_large_error'),
  unsupported_media_type: saying(415, 'unsupported_media_type_error'),
  invalid: saying(422, 'validation_error'),
  // The client takes a 429 for an empty account where its text has a certain word, so it is ours.
  rate_limited: later(
    saying(429, 'rate_limit_error', () => 'Too many requests'),
    60,
  ),
  unavailable: later(saying(503, 'service_unavailable_error'), 1),
  internal: saying(500, 'internal_error'),
};

function saying(
  code: number,
  type: string,
  detailOf: (error: WarderError) => string = ({ message }) => message,
): ErrorReply {
  return (error) => {
    const fields = error.facts.fields?.map(told);
    const detail = detailOf(error);
    return { status: code, body: { code, detail, ...(fields ? { errors: fields } : {}), type } };
  };
}

function later(reply: ErrorReply, usualSeconds: number): ErrorReply {
  return (error, telling) => ({
    ...reply(error, telling),
    headers: { 'retry-after': String(error.facts.retryAfterSeconds ?? usualSeconds) },
  });
}

const TYPES: Readonly<Record<FieldRule, string>> = {
  missing: 'missing',
  type: 'type_error',
  range: 'range_error',
  length: 'length_error',
  format: 'format_error',
  unknown: 'extra_forbidden',
  value: 'value_error',
};

function told({ pointer, message, rule = 'value', part = 'body' }: FieldError) {
  const steps = pointer
    .split('/')
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  return { loc: [part, ...steps], msg: message, type: TYPES[rule] };
}
