// What every request is held to, whichever way it came: how long its body may be,
// which headers may be there once only, and which id of its own it may have.

import { redactTokens, WarderError } from '@warder/core';

export const MAX_BODY_BYTES = 256 * 1024;

/** Headers that another hop may read differently when there are two: one only. */
const SINGLE = new Set([
  'authorization',
  'x-api-key',
  'content-type',
  'content-encoding',
  'if-match',
  'idempotency-key',
]);

/** The header that may be there once and is there twice; null for none. */
export function sentTwice(rawHeaders: readonly string[]): string | null {
  const seen: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? '';
    if (!SINGLE.has(name)) continue;
    if (seen.includes(name)) return name;
    seen.push(name);
  }
  return null;
}

export function tooLarge(): WarderError {
  return new WarderError('too_large', `The body is larger than ${MAX_BODY_BYTES / 1024} KiB.`);
}

/** The caller's own id of the request. One that holds a key would be stored with the event. */
export function requestIdOf(given: unknown): string | null {
  if (typeof given !== 'string' || !/^[\w-]{8,64}$/.test(given)) return null;
  return redactTokens(given) === given ? given : null;
}
