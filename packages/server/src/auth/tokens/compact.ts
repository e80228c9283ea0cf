// A token before its signature is looked at: small enough, of a kind that may be
// meant for signing in, and read the same by every parser. What it says counts for
// nothing yet but to choose whose keys it is held against.

import type { WarderError } from '@warder/core';
import { parseJson } from '../../json.ts';
import { badToken } from './refusal.ts';

export const MAX_TOKEN_LENGTH = 8192;

const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/;
/** RFC 7519 and RFC 9068; a token made for anything else (RFC 8725, 3.11) says so. */
const TYPES = ['jwt', 'at+jwt'];

/** The issuer that a token says it is of. @throws WarderError `unauthenticated` */
export function issuerNamedBy(jwt: string): string {
  if (jwt.length > MAX_TOKEN_LENGTH) throw malformed(`longer than ${MAX_TOKEN_LENGTH} characters`);
  const [, first, second] = COMPACT.exec(jwt) ?? [];
  if (first === undefined || second === undefined) throw malformed('not three parts in base64url');
  const header = objectIn(first, 'header');
  if (Object.hasOwn(header, 'crit')) throw malformed('header with crit');
  const { typ = 'JWT' } = header;
  if (typeof typ !== 'string' || !TYPES.includes(typ.toLowerCase().replace(/^application\//, ''))) {
    throw malformed('typ of another kind of token');
  }
  const { iss } = objectIn(second, 'payload');
  if (typeof iss !== 'string') throw malformed('no iss');
  return iss;
}

function objectIn(part: string, name: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(Buffer.from(part, 'base64url'));
  } catch {
    // The parser's message names members.
    throw malformed(`${name} that is not sound JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(`${name} that is no object`);
  }
  return { ...value };
}

function malformed(internal: string): WarderError {
  return badToken('This is not a token that can be signed in with.', internal);
}
