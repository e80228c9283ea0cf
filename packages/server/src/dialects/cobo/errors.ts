// What an error looks like in Cobo's API: a text, the faults of a request, or why a
// policy denies it.

import type { ErrorCode, FieldError } from '@warder/core';
import type { ErrorReply } from '../../dialect.ts';
import { type Detail, detailOf, RULES } from './validation.ts';

const NO_KEY = 'Missing or invalid API key';
const NO_SERVICE = 'Invalid service credential';

export const errors: Readonly<Record<ErrorCode, ErrorReply>> = {
  bad_request: ({ message, facts: { part } }) => {
    if (part === 'header') return said(401, NO_KEY);
    if (part === 'body') {
      return faulty([{ loc: ['body'], msg: RULES.json_invalid, type: 'json_invalid' }]);
    }
    if (part === undefined) return said(400, message);
    return faulty([{ loc: [part], msg: `Value error, ${message}`, type: 'value_error' }]);
  },
  unauthenticated: ({ facts }) => said(401, facts.shared ? NO_SERVICE : NO_KEY),
  forbidden: ({ message }) =>
    denied(
      'INSUFFICIENT_PERMISSION',
      message,
      {},
      'Ask for no more than the calling key has itself, and for no longer.',
    ),
  not_found: () => said(404, 'Not found'),
  method_not_allowed: ({ facts }) => ({
    ...said(405, 'Method Not Allowed'),
    headers: { allow: facts.allow?.join(', ') ?? '' },
  }),
  conflict: ({ message }) => said(409, message),
  quota_exceeded: ({ message, facts }) =>
    denied('KEY_LIMIT_EXCEEDED', message, { limit: facts.most ?? null }, 'Revoke a key first.'),
  precondition_failed: ({ message }) => said(412, message),
  too_large: ({ message }) => said(413, message),
  unsupported_media_type: ({ message }) => said(415, message),
  invalid: ({ message, facts }) => faulty((facts.fields ?? [{ ...RETRY, message }]).map(detailOf)),
  rate_limited: ({ message, facts }) => ({
    ...said(429, message),
    headers: { 'retry-after': String(facts.retryAfterSeconds ?? 60) },
  }),
  unavailable: ({ message }) => said(503, message),
  internal: () => said(500, 'Internal server error'),
};

/** Of routes that take an API key alone. */
export const ofKeys = {
  unauthenticated: () => said(401, NO_KEY),
} satisfies Partial<Record<ErrorCode, ErrorReply>>;

/** Of routes that take the service credential alone. */
export const ofService = {
  unauthenticated: () => said(401, NO_SERVICE),
} satisfies Partial<Record<ErrorCode, ErrorReply>>;

/** The one fault without a field: another request with an Idempotency-Key that was used. */
const RETRY: Omit<FieldError, 'message'> = { pointer: 'Idempotency-Key', part: 'header' };

function said(status: number, error: string) {
  return { status, body: { success: false, error, suggestion: '' } };
}

function faulty(detail: readonly Detail[]) {
  return { status: 422, body: { success: false, error: { detail } } };
}

function denied(
  code: string,
  reason: string,
  details: Readonly<Record<string, unknown>>,
  suggestion: string,
) {
  const error = { code, reason, details, suggestion };
  return { status: 403, body: { success: false, error, suggestion } };
}
