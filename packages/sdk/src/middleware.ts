// What every middleware does: the one key of a request is taken, a verdict asked for in
// time, and the request passes with it or is refused. It is given a `verify`, the one of
// a client or of an embedded service. Whatever is not clearly a good key does not pass.

import { figuresOf } from './figures.ts';
import { type Refusal, refusal, refusalBy } from './refusal.ts';
import type { KeyVerify, Verdict } from './schema.gen.ts';

/** As `client.keys.verify`, and as `verify` of an embedded service. */
export type Verify = (
  ask: KeyVerify,
  options: { readonly signal: AbortSignal },
) => Verdict | Promise<Verdict>;

/** A verdict that was told apart already. */
export type GoodVerdict = Extract<Verdict, { valid: true }>;

export interface MiddlewareOptions {
  /** Whether a key is good. Without an answer of it nothing passes. */
  readonly verify: Verify;
  /** The header that holds the key alone; `Authorization: Bearer` or `X-API-Key` unless given. */
  readonly header?: string | undefined;
  /** How long a verdict is waited for before the answer is 503; 5,000 unless given. */
  readonly timeoutMilliseconds?: number | undefined;
  /** Told of each refusal, to log it; what it answers, if anything, is answered instead. */
  readonly onRefusal?: ((refusal: Refusal) => Refusal | undefined) | undefined;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: (() => number) | undefined;
}

/** What a key is asked for, besides being good. @typeParam Scope the scopes that there are */
export interface Needs<Scope extends string = string>
  extends Omit<KeyVerify, 'key' | 'ip' | 'scopes'> {
  /** The key must hold all of these. */
  readonly scopes?: readonly Scope[] | undefined;
}

/** A request as a middleware sees it. */
export interface Carrier {
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Names and values in turn, as node:http has them: there nothing is dropped that came twice. */
  readonly rawHeaders?: readonly string[] | undefined;
}

export type Outcome =
  | {
      readonly valid: true;
      readonly key: GoodVerdict;
      /** For the answer, by lower-case name. */
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly valid: false; readonly refusal: Refusal };

/** Never rejects. @param addressOf where the request comes from, for keys that are bound to addresses */
export type Check<Scope extends string> = (
  request: Carrier,
  addressOf: () => string | undefined,
  needs: Needs<Scope>,
) => Promise<Outcome>;

export function createCheck<Scope extends string>(options: MiddlewareOptions): Check<Scope> {
  const { verify, timeoutMilliseconds = 5_000, onRefusal, now = Date.now } = options;
  const carriages = carriagesOf(options.header);

  const decide: Check<Scope> = async (request, addressOf, needs) => {
    const found = keyIn(request, carriages);
    if (typeof found === 'string') return { valid: false, refusal: refusal(found) };
    // The zone of an IPv6 address means something on that machine alone.
    const ip = addressOf()?.split('%')[0];
    const ask = { ...needs, key: found.key, ...(ip === undefined ? {} : { ip }) };
    const verdict = await inTime((signal) => verify(ask, { signal }), timeoutMilliseconds);
    const figures = figuresOf(verdict, now());
    if (verdict.valid === true) return { valid: true, key: verdict, headers: figures };
    // What is not a verdict at all fails here, and is no verdict.
    if (verdict.valid !== false) throw new TypeError('verify did not answer a verdict');
    return { valid: false, refusal: refusalBy(verdict, figures) };
  };

  return async (request, addressOf, needs) => {
    const outcome = await decide(request, addressOf, needs).catch(
      (cause: unknown): Outcome => ({ valid: false, refusal: refusal('unavailable', cause) }),
    );
    if (outcome.valid || onRefusal === undefined) return outcome;
    try {
      return { valid: false, refusal: onRefusal(outcome.refusal) ?? outcome.refusal };
    } catch {
      // A log that fails is no reason to let anybody pass, nor to answer nothing.
      return outcome;
    }
  };
}

/** The good verdicts of requests that passed, by the request. */
export interface Passed {
  note(request: object, key: GoodVerdict): void;
  /** @throws TypeError for a request that no middleware let pass */
  keyOf(request: object): GoodVerdict;
}

export function createPassed(): Passed {
  const passed = new WeakMap<object, GoodVerdict>();
  return {
    note: (request, key) => void passed.set(request, key),
    keyOf(request) {
      const key = passed.get(request);
      if (key === undefined) throw new TypeError('This request has passed no check of its key.');
      return key;
    },
  };
}

async function inTime<Value>(
  run: (signal: AbortSignal) => Value | Promise<Value>,
  milliseconds: number,
): Promise<Value> {
  const ending = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no verdict came within ${milliseconds} ms`));
      ending.abort();
    }, milliseconds);
  });
  try {
    return await Promise.race([run(ending.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

type Carriage = 'bearer' | 'alone';

function carriagesOf(header: string | undefined): ReadonlyMap<string, Carriage> {
  if (header === undefined) {
    return new Map([
      ['authorization', 'bearer'],
      ['x-api-key', 'alone'],
    ]);
  }
  const name = header.toLowerCase();
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new TypeError('header must be the name of one.');
  return new Map([[name, name === 'authorization' ? 'bearer' : 'alone']]);
}

/** One key in one place: two of them, even the same, would let two readers see two callers. */
function keyIn(
  request: Carrier,
  carriages: ReadonlyMap<string, Carriage>,
): { readonly key: string } | 'no_key' | 'two_keys' | 'invalid_key' {
  let found: ReturnType<typeof keyIn> = 'no_key';
  for (const [name, value] of headersOf(request)) {
    const carriage = carriages.get(name.toLowerCase());
    if (carriage === undefined) continue;
    if (found !== 'no_key') return 'two_keys';
    const key = carriage === 'bearer' ? BEARER.exec(value)?.[1] : value;
    // A comma is what two joined headers have.
    if (key?.includes(',')) return 'two_keys';
    found = key === undefined || !/^\S+$/.test(key) ? 'invalid_key' : { key };
  }
  return found;
}

// RFC 6750, 2.1; the scheme without regard to case (RFC 9110, 11.1).
const BEARER = /^bearer +(.*)$/i;

function* headersOf({ headers, rawHeaders }: Carrier): Generator<readonly [string, string]> {
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
