// What an error looks like in Phaseo's API. Its own sentences are the schemas'; a
// rule of Warder's own is told with the field in front.

import type { ErrorCode, WarderError } from '@warder/core';
import type { ErrorReply } from '../../dialect.ts';
import { REASONS, unauthorised } from '../../phaseo-refusal.ts';

const refused = unauthorised(REASONS);

export const errors: Readonly<Record<ErrorCode, ErrorReply>> = {
  bad_request: (error, telling) => {
    if (error.facts.part === 'header') return refused(error, telling);
    if (error.facts.part === 'body') return reply(400, 'invalid_json', 'Invalid JSON body');
    return reply(400, 'bad_request', error.message);
  },
  unauthenticated: refused,
  forbidden: ({ message, facts }) => {
    const { permission, elsewhere } = facts;
    if (permission) return reply(403, 'insufficient_scope', `Token requires ${permission}`);
    const told = elsewhere ? 'workspace_id must match authenticated workspace' : message;
    return { status: 403, body: { ok: false, error: 'forbidden', message: told } };
  },
  not_found: () => reply(404, 'not_found', 'API key not found'),
  method_not_allowed: ({ message, facts }) => ({
    ...reply(405, 'method_not_allowed', message),
    headers: { allow: facts.allow?.join(', ') ?? '' },
  }),
  conflict: ({ message }) => reply(400, 'bad_request', message),
  quota_exceeded: ({ facts }) =>
    reply(
      400,
      'key_limit_reached',
      `Key limit reached (${facts.most}) for this workspace. Delete an existing key to create a new one.`,
    ),
  precondition_failed: ({ message }) => reply(400, 'bad_request', message),
  too_large: ({ message }) => reply(413, 'bad_request', message),
  unsupported_media_type: ({ message }) => reply(415, 'bad_request', message),
  invalid: (error) => reply(400, 'bad_request', ruleOf(error)),
  rate_limited: ({ message, facts }) => ({
    ...reply(429, 'rate_limited', message),
    headers: { 'retry-after': String(facts.retryAfterSeconds ?? 60) },
  }),
  unavailable: (error, telling) =>
    error.facts.refusal ? refused(error, telling) : reply(500, 'failed', error.message),
  internal: ({ message }) => reply(500, 'failed', message),
};

/** A sentence of its own where the schema has one. */
function ruleOf({ message, facts }: WarderError): string {
  const [field] = facts.fields ?? [];
  return field?.rule === undefined ? message : field.message;
}

function reply(status: number, error: string, message: string) {
  return { status, body: { error, message } };
}

/** The same error with another text. */
export function saying(status: number, error: string, message: string): ErrorReply {
  return () => reply(status, error, message);
}
