// A good key or an error: what an app that embeds the service asks where it only wants
// to go on. The error says what the client is to be answered, in the words that a
// gateway's client would read, and holds nothing of the key.

import type { VerdictCode } from '@warder/core';
import { keyInHeader, type Unread } from './carriages.ts';
import { REASON_HEADER, REASONS, type Reason, refusal, STATUSES } from './gateway-refusals.ts';
import { IDENTITY_HEADERS } from './identity-headers.ts';

/** No good key came. Thrown by `authorize`; `response()` is what the client is to be answered. */
export class AuthorizationError extends Error {
  override readonly name = 'AuthorizationError';
  /** 401 where another key may do, 403 where it may not be done so, 503 where no verdict can be given. */
  readonly status: number;
  /** `no_key`, `invalid_key`, `revoked`, `insufficient_scope`, `unavailable`, ... */
  readonly code: Reason;
  readonly missingScopes: readonly string[];
  /** For the answer, by lower-case name: `www-authenticate` (RFC 6750) and the like. */
  readonly headers: Readonly<Record<string, string>>;
  /** A problem document (RFC 9457). */
  readonly body: string;

  constructor(code: Reason, { missingScopes = [], retryAfterSeconds, cause }: Refusing = {}) {
    const told = { missing: missingScopes, ...(retryAfterSeconds && { retryAfterSeconds }) };
    const { status, headers, body } = refusal(code, STATUSES[code], told);
    super(`The request was refused: ${code}.`, { cause });
    this.status = status;
    this.code = code;
    this.missingScopes = missingScopes;
    this.headers = forClients(headers);
    this.body = body;
  }

  response(): Response {
    const { status, headers, body } = this;
    return new Response(body, { status, headers });
  }
}

/** What is known of a refusal besides its reason. */
export interface Refusing {
  readonly missingScopes?: readonly string[] | undefined;
  /** After which it may be tried again. */
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** The error for a verdict that is not good. */
export function refusedBy(verdict: {
  readonly code: Exclude<VerdictCode, 'valid'>;
  readonly missing_scopes?: readonly string[] | undefined;
  readonly retry_after_seconds?: number | undefined;
}): AuthorizationError {
  const { missing_scopes: missingScopes, retry_after_seconds: retryAfterSeconds } = verdict;
  return new AuthorizationError(REASONS[verdict.code], { missingScopes, retryAfterSeconds });
}

/** Anything that has headers: a `Request`, or what node:http and the frameworks on it hand over. */
export interface WithHeaders {
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values in turn, as node:http has them: there nothing is dropped that came twice. */
  readonly rawHeaders?: readonly string[] | undefined;
}

/**
 * The one key of a request: behind `Authorization: Bearer`, or alone in `X-API-Key`.
 * @throws AuthorizationError for none, for two, and for what cannot be one
 */
export function keyOfRequest(request: WithHeaders): string {
  let found: { readonly key: string } | Unread | null = null;
  for (const [name, value] of headersOf(request)) {
    const carriage = CARRIAGES[name.toLowerCase()];
    if (carriage !== undefined) found = found === null ? keyInHeader(carriage, value) : 'two_keys';
  }
  if (found === null) throw new AuthorizationError('no_key');
  if (typeof found === 'string') throw new AuthorizationError(found);
  return found.key;
}

const CARRIAGES: Readonly<Record<string, 'bearer' | 'header' | undefined>> = {
  authorization: 'bearer',
  'x-api-key': 'header',
};

function* headersOf({ headers, rawHeaders }: WithHeaders): Generator<readonly [string, string]> {
  if (rawHeaders !== undefined) {
    for (let i = 0; i < rawHeaders.length; i += 2) {
      yield [rawHeaders[i] ?? '', rawHeaders[i + 1] ?? ''];
    }
    return;
  }
  const entries = headers instanceof Headers ? headers : Object.entries(headers);
  for (const [name, value = []] of entries) {
    for (const one of typeof value === 'string' ? [value] : value) yield [name, one];
  }
}

/** Without what only a gateway is told; a length is for whoever writes the body. */
function forClients(headers: readonly string[]): Readonly<Record<string, string>> {
  const own = new Set([...IDENTITY_HEADERS, REASON_HEADER, 'Content-Length']);
  const kept: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!own.has(name)) kept[name.toLowerCase()] = headers[i + 1] ?? '';
  }
  return kept;
}
