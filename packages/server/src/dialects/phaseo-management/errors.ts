// What an error looks like in Phaseo's management API: `ok: false`, and a word or a
// sentence, which differ by route.

import type { ErrorCode, WarderError } from '@warder/core';
import type { ErrorReply } from '../../dialect.ts';
import { REASONS, unauthorised } from '../../phaseo-refusal.ts';

// It knew neither expiry nor blocking of the keys that call.
const refused = unauthorised({
  ...REASONS,
  expired: REASONS.not_found,
  soft_blocked: REASONS.not_found,
});

export const errors: Readonly<Record<ErrorCode, ErrorReply>> = {
  bad_request: (error, telling) => {
    if (error.facts.part === 'header') return refused(error, telling);
    if (error.facts.part === 'body') return reply(400, 'invalid_json', 'Invalid JSON body');
    return reply(400, 'bad_request', error.message);
  },
  unauthenticated: refused,
  forbidden: ({ message, facts }) =>
    reply(403, 'forbidden', facts.elsewhere ? 'team_id must match authenticated team' : message),
  not_found: ({ message }) => reply(404, 'not_found', message),
  method_not_allowed: ({ message, facts }) => ({
    ...reply(405, 'method_not_allowed', message),
    headers: { allow: facts.allow?.join(', ') ?? '' },
  }),
  conflict: ({ message }) => reply(409, 'conflict', message),
  quota_exceeded: ({ facts }) =>
    reply(
      400,
      'key_limit_reached',
      `Key limit reached (${facts.most}) for this team. Delete an existing key to create a new one.`,
    ),
  precondition_failed: ({ message }) => reply(400, 'bad_request', message),
  too_large: ({ message }) => reply(413, 'bad_request', message),
  unsupported_media_type: ({ message }) => reply(415, 'bad_request', message),
  invalid: (error) => reply(400, 'validation_error', ruleOf(error)),
  rate_limited: ({ message, facts }) => ({
    ...reply(429, 'rate_limited', message),
    headers: { 'retry-after': String(facts.retryAfterSeconds ?? 60) },
  }),
  unavailable: (error, telling) =>
    error.facts.refusal ? refused(error, telling) : reply(500, 'failed', error.message),
  internal: ({ message }) => reply(500, 'failed', message),
};

/** Of the routes of one key. */
export const ofOneKey = {
  not_found: () => bare(404, 'Key not found'),
  invalid: (error, telling) =>
    partOf(error) === 'path' ? bare(400, 'key ID is required') : errors.invalid(error, telling),
} satisfies Partial<Record<ErrorCode, ErrorReply>>;

/** Of the route that changes one. */
export const ofUpdate = {
  ...ofOneKey,
  bad_request: (error, telling) =>
    error.facts.part === 'body' ? bare(400, 'invalid JSON') : errors.bad_request(error, telling),
  conflict: () => bare(400, 'Invalid status'),
  invalid: (error, telling) =>
    error.facts.fields?.[0]?.pointer === '/status'
      ? bare(400, 'Invalid status')
      : ofOneKey.invalid(error, telling),
} satisfies Partial<Record<ErrorCode, ErrorReply>>;

function partOf({ facts }: WarderError) {
  return facts.fields?.[0]?.part;
}

/** A sentence of its own where the schema has one. */
function ruleOf({ message, facts }: WarderError): string {
  const [field] = facts.fields ?? [];
  return field?.rule === undefined || field.pointer === '' ? message : field.message;
}

function reply(status: number, error: string, message: string) {
  return { status, body: { ok: false, error, message } };
}

function bare(status: number, error: string) {
  return { status, body: { ok: false, error } };
}
