// What an error looks like in the native API: a problem document (RFC 9457) with
// the code, the request's id and, for what a field got wrong, each field.

import type { ErrorCode, FieldError, WarderError } from '@warder/core';
import type { ErrorReply } from '../../dialect.ts';

export const errors: Readonly<Record<ErrorCode, ErrorReply>> = {
  bad_request: problem(400, 'Bad request'),
  unauthenticated: problem(401, 'Not authenticated', () => ({
    // RFC 6750, 3: every 401 says how to do better.
    'www-authenticate': 'Bearer realm="warder", error="invalid_token"',
  })),
  forbidden: problem(
    403,
    'Forbidden',
    ({ permission }): Record<string, string> =>
      permission === undefined
        ? {}
        : {
            'www-authenticate': `Bearer realm="warder", error="insufficient_scope", scope="${permission}"`,
          },
  ),
  not_found: problem(404, 'Not found'),
  method_not_allowed: problem(405, 'Method not allowed', ({ allow = [] }) => ({
    allow: allow.join(', '),
  })),
  conflict: problem(409, 'Conflict'),
  quota_exceeded: problem(409, 'Quota exceeded'),
  precondition_failed: problem(412, 'Precondition failed'),
  too_large: problem(413, 'Too large'),
  unsupported_media_type: problem(415, 'Unsupported media type'),
  invalid: problem(422, 'Invalid'),
  rate_limited: problem(429, 'Too many requests', ({ retryAfterSeconds = 60 }) => ({
    'retry-after': String(retryAfterSeconds),
  })),
  unavailable: problem(503, 'Unavailable', ({ retryAfterSeconds = 1 }) => ({
    'retry-after': String(retryAfterSeconds),
  })),
  internal: problem(500, 'Internal error'),
};

function told({ pointer, message }: FieldError) {
  return { pointer, message };
}

function problem(
  status: number,
  title: string,
  headers: (facts: WarderError['facts']) => Readonly<Record<string, string>> = () => ({}),
): ErrorReply {
  return ({ code, message, facts }, { requestId }) => ({
    status,
    headers: headers(facts),
    body: {
      type: `urn:warder:problem:${code}`,
      title,
      status,
      detail: message,
      code,
      request_id: requestId,
      ...(facts.fields ? { errors: facts.fields.map(told) } : {}),
    },
  });
}
