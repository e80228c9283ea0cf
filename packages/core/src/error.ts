// What goes wrong for a caller: a dozen codes, each with a message the caller
// may read and one that only the log sees. Which HTTP status or body a code
// becomes is each dialect's own table. A bad key is no error: it is a verdict.

import type { LimitFigure } from './limit-figure.ts';
import type { VerdictCode } from './verdict.ts';

/** Every way a call can fail. A dialect maps each of them, or does not compile. */
export type ErrorCode =
  | 'bad_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'quota_exceeded'
  | 'precondition_failed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'invalid'
  | 'rate_limited'
  | 'unavailable'
  | 'internal';

/** One field that breaks one rule. `pointer` is an RFC 6901 JSON Pointer into the body, or a parameter's name. */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
  /** The kind of the rule; `value` where it is none of the others. */
  readonly rule?: FieldRule;
  /** Where the field stands; the body unless given. */
  readonly part?: RequestPart;
}

export type FieldRule = 'missing' | 'type' | 'range' | 'length' | 'format' | 'unknown' | 'value';
export type RequestPart = 'path' | 'query' | 'header' | 'body';

/** Why a credential was not taken: what a verdict says of a key, or what kind of credential it is. */
export type SignInRefusal =
  | Exclude<VerdictCode, 'valid' | 'rate_limited'>
  | 'missing'
  | 'unreadable'
  | 'unavailable'
  | 'jwt'
  | 'bad_token'
  | 'expired_token'
  | 'not_a_member'
  | 'ordinary_key';

/** What may go with an error besides its message. */
export interface ErrorFacts {
  /** For the log only: never part of a reply. */
  readonly internal?: string;
  readonly fields?: readonly FieldError[];
  /** The part of the request that could not be read, for `bad_request`. */
  readonly part?: RequestPart;
  /** For `unauthenticated`; for `unavailable` while signing in. */
  readonly refusal?: SignInRefusal;
  /** Set for `unauthenticated` where the credential was a shared one. */
  readonly shared?: true;
  /** Set for `forbidden` where a call names another workspace than the caller's. */
  readonly elsewhere?: true;
  /** The permission that was missing, for `forbidden`. */
  readonly permission?: string;
  /** The bound that is reached, for `quota_exceeded`: of the workspace, where owners have one too. */
  readonly most?: number;
  /** The methods there are, for `method_not_allowed`. */
  readonly allow?: readonly string[];
  /** Seconds after which a retry makes sense, for `unavailable` and `rate_limited`. */
  readonly retryAfterSeconds?: number;
  /** The windows of the key that called, for `rate_limited`. */
  readonly limits?: readonly LimitFigure[];
  readonly cause?: unknown;
}

/** An error that a caller is told about: `message` is public, `facts.internal` is not. */
export class WarderError extends Error {
  override readonly name = 'WarderError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, { cause: facts.cause });
    this.code = code;
    this.facts = facts;
  }
}

/** An `invalid` error about one field. */
export function invalid(pointer: string, message: string): WarderError {
  return new WarderError('invalid', `${pointer.replace(/^\//, '') || 'The body'} ${message}`, {
    fields: [{ pointer, message }],
  });
}

export function notFound(what: string): WarderError {
  return new WarderError('not_found', `There is no such ${what}.`);
}
