// One call over HTTP, with nothing but the `fetch` that every runtime has: the
// credential, the query, the body, and what came back as a value or an error.

import { apiError, connectionError, WarderConnectionError } from './error.ts';

export interface ClientOptions {
  /** Where Warder is: `http://127.0.0.1:7700`. A path in it is kept. */
  readonly baseUrl: string;
  /** The key to call with. */
  readonly key: string;
  /** In place of the runtime's own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** How long a call may take; 30,000 unless given. */
  readonly timeoutMilliseconds?: number | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A change of something that is there. */
export interface ChangeOptions extends CallOptions {
  /** The version that is meant, as `etagOf` tells it; any other is refused (412). */
  readonly ifMatch?: string | undefined;
}

/** A POST that changes something. */
export interface RetryableOptions extends CallOptions {
  /** Makes a retry safe: for 24 hours the same request answers the same reply. */
  readonly idempotencyKey?: string | undefined;
}

export interface Call extends ChangeOptions, RetryableOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments below the base; each is percent-encoded as one. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly body?: unknown;
}

/** Runs a call. What it answers is as the OpenAPI document says, which no client can check again. */
export interface Send {
  <Result>(call: Call): Promise<Result>;
  /** Each line of the answer, read as it is taken. The time a call may take counts for each wait. */
  lines<Item>(call: Call): AsyncIterable<Item>;
}

const etags = new WeakMap<object, string>();

/** The ETag that came with an object of this client, for `ifMatch`; undefined where none did. */
export function etagOf(object: object): string | undefined {
  return etags.get(object);
}

/** @throws TypeError for a base or a key that cannot be used; the message holds neither */
export function createSend(options: ClientOptions): Send {
  const { key, fetch = globalThis.fetch, timeoutMilliseconds = 30_000 } = options;
  const base = readBase(options.baseUrl);
  // Before `fetch` sees it, whose own complaint would quote it.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError('The key must be printable ASCII.');

  const send = async <Result>(call: Call): Promise<Result> => {
    const timeout = AbortSignal.timeout(timeoutMilliseconds);
    const signals = call.signal ? [call.signal, timeout] : [timeout];
    const url = urlOf(base, call);
    const sent = call.body === undefined ? null : JSON.stringify(call.body);
    const exchange = async () => {
      const response = await fetch(url, {
        method: call.method,
        headers: headersOf(call, key),
        body: sent,
        // A body that followed a redirect could carry a key to somebody else.
        redirect: 'manual',
        signal: AbortSignal.any(signals),
      });
      return { response, text: await response.text() };
    };
    const { response, text } = await exchange().catch((thrown: unknown) => {
      call.signal?.throwIfAborted();
      if (timeout.aborted) {
        throw lateError(base, timeoutMilliseconds);
      }
      throw connectionError(thrown, base);
    });
    const body = parsed(text);
    if (!response.ok || typeof body !== 'object' || body === null) throw apiError(response, body);
    const etag = response.headers.get('etag');
    if (etag !== null) etags.set(body, etag);
    return body as Result;
  };

  async function* lines<Item>(call: Call): AsyncGenerator<Item> {
    const late = new AbortController();
    const wait = async <Value>(step: Promise<Value>): Promise<Value> => {
      const timer = setTimeout(() => late.abort(), timeoutMilliseconds);
      try {
        return await step;
      } catch (thrown) {
        call.signal?.throwIfAborted();
        throw late.signal.aborted
          ? lateError(base, timeoutMilliseconds)
          : connectionError(thrown, base);
      } finally {
        clearTimeout(timer);
      }
    };
    const signals = call.signal ? [call.signal, late.signal] : [late.signal];
    const response = await wait(
      fetch(urlOf(base, call), {
        method: call.method,
        headers: { ...headersOf(call, key), accept: 'application/x-ndjson' },
        redirect: 'manual',
        signal: AbortSignal.any(signals),
      }),
    );
    const isLines = response.headers.get('content-type')?.startsWith('application/x-ndjson');
    if (!response.ok || !isLines || response.body === null) {
      throw apiError(response, parsed(await wait(response.text())));
    }
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    try {
      for (;;) {
        const { done, value } = await wait(reader.read());
        if (done) break;
        const whole = (text + decoder.decode(value, { stream: true })).split('\n');
        text = whole.pop() ?? '';
        for (const line of whole) yield JSON.parse(line) as Item;
      }
      if (text !== '') throw connectionError(undefined, base);
    } finally {
      // Ends the call where nobody takes the rest; of a call that is over, nothing comes of it.
      await reader.cancel().catch(() => {});
    }
  }

  return Object.assign(send, { lines });
}

function lateError(base: string, timeoutMilliseconds: number): WarderConnectionError {
  return new WarderConnectionError(
    `Warder did not answer at ${base} within ${timeoutMilliseconds / 1000} seconds.`,
    'TIMEOUT',
  );
}

function readBase(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new TypeError(
      'baseUrl must be like http://127.0.0.1:7700, without a user name or password.',
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function urlOf(base: string, { path, query = {} }: Call): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const segments = path.map(segment).join('/');
  return `${base}/${segments}${search.size > 0 ? `?${search}` : ''}`;
}

// A segment that is dots only would be taken for a step in the path, encoded or not.
function segment(text: string): string {
  if (/^\.{0,2}$/.test(text)) {
    throw new TypeError('An id cannot be empty, "." or "..": an address cannot hold it.');
  }
  return encodeURIComponent(text);
}

function headersOf({ body, ifMatch, idempotencyKey }: Call, key: string): Record<string, string> {
  return {
    accept: 'application/json',
    authorization: `Bearer ${key}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
