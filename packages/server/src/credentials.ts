// Reading credentials out of headers, for any dialect: one word a header, and
// nothing that something on the way joined into one.

import { WarderError } from '@warder/core';
import type { Credential } from './admission.ts';
import type { RequestHeaders } from './dialect.ts';

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750); null without the header.
 * @throws unauthenticated for another scheme, bad_request for more than one word
 */
export function bearerToken({ authorization }: RequestHeaders): string | null {
  if (authorization === undefined) return null;
  const [, scheme, token = ''] = /^(\S+)(?: +(.*))?$/.exec(authorization.trim()) ?? [];
  if (scheme?.toLowerCase() !== 'bearer' || token === '') {
    throw new WarderError('unauthenticated', 'Send the key as `Authorization: Bearer <key>`.', {
      refusal: 'unreadable',
    });
  }
  return oneWord('Authorization', token);
}

/** The value of a header that holds one credential and nothing else; null without it. */
export function wordOf(headers: RequestHeaders, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return value === undefined ? null : oneWord(name, value);
}

/** A text as a key, or as a JWT where it has the form of one (RFC 7515, 3.1). */
export function keyOrJwt(text: string): Credential {
  return { kind: JWT.test(text) ? 'jwt' : 'key', text };
}

/** A JSON object in base64url, twice, and a signature, which may be empty. */
const JWT = /^eyJ[\w-]*\.eyJ[\w-]*\.[\w-]*$/;

// Two values that something on the way joined into one are not a credential.
function oneWord(header: string, value: string): string {
  const word = value.trim();
  if (!/[\s,]/.test(word)) return word;
  throw new WarderError(
    'bad_request',
    `The header ${header} must hold one word and nothing else.`,
    {
      part: 'header',
    },
  );
}
