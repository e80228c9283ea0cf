// What can go wrong with a call: the service said no, or it could not be reached.
// Neither kind of error ever holds the key of the client.

import type { Incoming } from './transport.ts';

/** One field that breaks one rule. `pointer` is a JSON Pointer (RFC 6901) into the body, or a parameter's name. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/** The service answered, and the answer is an error (RFC 9457). `message` is the detail. */
export class WarderApiError extends Error {
  override readonly name = 'WarderApiError';
  readonly status: number;
  /** `not_found`, `invalid`, ...; `unexpected_reply` where the answer is not one of Warder's. */
  readonly code: string;
  readonly detail: string;
  /** Names the request in the service's log; null where the answer has none. */
  readonly requestId: string | null;
  readonly errors: readonly FieldError[];

  constructor(facts: Pick<WarderApiError, 'status' | 'code' | 'detail' | 'requestId' | 'errors'>) {
    super(facts.detail);
    this.status = facts.status;
    this.code = facts.code;
    this.detail = facts.detail;
    this.requestId = facts.requestId;
    this.errors = facts.errors;
  }
}

/** No answer came: whether the service did what was asked is not known. */
export class WarderConnectionError extends Error {
  override readonly name = 'WarderConnectionError';
  /** What the runtime calls it, as `ECONNREFUSED`; null where it does not say. */
  readonly code: string | null;

  constructor(message: string, code: string | null) {
    super(message);
    this.code = code;
  }
}

/** The error that an answer holds. @param body its JSON; undefined where it has none */
export function apiError(
  response: Pick<Incoming, 'status' | 'header'>,
  body: unknown,
): WarderApiError {
  const { status } = response;
  const said = isObject(body) ? body : {};
  const { code, detail, request_id, errors } = said;
  if (typeof code !== 'string' || typeof detail !== 'string') {
    return new WarderApiError({
      status,
      code: 'unexpected_reply',
      detail: `The answer (status ${status}) is not one of Warder's: is the address right?`,
      requestId: response.header('x-request-id'),
      errors: [],
    });
  }
  return new WarderApiError({
    status,
    code,
    detail,
    requestId: typeof request_id === 'string' ? request_id : response.header('x-request-id'),
    errors: Array.isArray(errors) ? errors.filter(isFieldError) : [],
  });
}

/** What a runtime's own error becomes. Its text is dropped: it may quote what was sent. */
export function connectionError(thrown: unknown, origin: string): WarderConnectionError {
  const code = codeOf(thrown) ?? (isObject(thrown) ? codeOf(thrown.cause) : null);
  const why = code === null ? '' : ` (${code})`;
  const message = /CERT|SIGNATURE|ERR_TLS/.test(code ?? '')
    ? `The certificate of ${origin} is not trusted${why}.`
    : `Warder cannot be reached at ${origin}${why}: is it running there?`;
  return new WarderConnectionError(message, code);
}

function codeOf(thrown: unknown): string | null {
  const code = isObject(thrown) ? thrown.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code) ? code : null;
}

function isFieldError(value: unknown): value is FieldError {
  return isObject(value) && typeof value.pointer === 'string' && typeof value.message === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
