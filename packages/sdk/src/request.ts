// One call over HTTP: the credential, the query, the body, its time, and what came
// back as a value or an error.

import { transport as ownTransport } from '#transport';
import { apiError, connectionError, WarderConnectionError } from './error.ts';
import { type Ending, type Incoming, type Outgoing, overFetch } from './transport.ts';

export interface ClientOptions {
  /** Where Warder is: `http://127.0.0.1:7700`. A path in it is kept. */
  readonly baseUrl: string;
  /** The key to call with. */
  readonly key: string;
  /** In place of the client's own way to call: kept connections on Node, the runtime's `fetch` elsewhere. */
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
  /** Whether to wait until every process obeys the change: the answer then has a `confirmation`. */
  readonly confirm?: boolean | undefined;
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
  /** Whether it may be sent twice where nobody can tell that it arrived; a GET may. */
  readonly repeatable?: true;
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
  const { key, timeoutMilliseconds = 30_000 } = options;
  const transport = options.fetch ? overFetch(options.fetch) : ownTransport;
  const base = readBase(options.baseUrl);
  // Before `fetch` sees it, whose own complaint would quote it.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError('The key must be printable ASCII.');

  /** @throws TypeError for an id that no address can hold */
  const outgoingOf = (call: Call, accept?: string): Omit<Outgoing, 'ending'> => ({
    method: call.method,
    url: urlOf(base, call),
    headers: headersOf(call, key, accept),
    body: bodyOf(call),
    repeatable: call.repeatable ?? (call.method === 'GET' || call.idempotencyKey !== undefined),
  });
  const failure = (thrown: unknown, time: CallTime): WarderConnectionError =>
    time.isOver() ? lateError(base, timeoutMilliseconds) : connectionError(thrown, base);

  const send = async <Result>(call: Call): Promise<Result> => {
    const outgoing = outgoingOf(call);
    const time = startTime(call.signal);
    const exchange = async () => {
      const response = await transport({ ...outgoing, ending: time });
      return { response, text: await response.text() };
    };
    time.run(timeoutMilliseconds);
    const { response, text } = await exchange()
      .catch((thrown: unknown) => {
        call.signal?.throwIfAborted();
        throw failure(thrown, time);
      })
      .finally(time.end);
    const body = parsed(text);
    if (!isGood(response) || typeof body !== 'object' || body === null) {
      throw apiError(response, body);
    }
    const etag = response.header('etag');
    if (etag !== null) etags.set(body, etag);
    return body as Result;
  };

  async function* lines<Item>(call: Call): AsyncGenerator<Item> {
    const outgoing = outgoingOf(call, 'application/x-ndjson');
    const time = startTime(call.signal);
    const wait = async <Value>(step: Promise<Value>): Promise<Value> => {
      time.run(timeoutMilliseconds);
      try {
        return await step;
      } catch (thrown) {
        call.signal?.throwIfAborted();
        throw failure(thrown, time);
      } finally {
        time.rest();
      }
    };
    let response: Incoming | null = null;
    let text = '';
    try {
      response = await wait(transport({ ...outgoing, ending: time }));
      const isLines = response.header('content-type')?.startsWith('application/x-ndjson');
      if (!isGood(response) || !isLines) {
        throw apiError(response, parsed(await wait(response.text())));
      }
      const decoder = new TextDecoder();
      for (;;) {
        const piece = await wait(response.read());
        if (piece === undefined) break;
        const whole = (text + decoder.decode(piece, { stream: true })).split('\n');
        text = whole.pop() ?? '';
        for (const line of whole) yield JSON.parse(line) as Item;
      }
      if (text !== '') throw connectionError(undefined, base);
    } finally {
      time.end();
      // Ends the call where nobody takes the rest; of a call that is over, nothing comes of it.
      await response?.cancel();
    }
  }

  return Object.assign(send, { lines });
}

/** How long a call may take, and whether its caller ended it before. */
interface CallTime extends Ending {
  /** Whether it took longer than it may. */
  isOver(): boolean;
  /** From now on it may take so long. */
  run(milliseconds: number): void;
  /** Time does not count until it runs again. */
  rest(): void;
  /** Nothing ends it any more. */
  end(): void;
}

function startTime(given: AbortSignal | undefined): CallTime {
  let controller: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;
  const time = {
    ended: given?.aborted ?? false,
    onEnd: null as (() => void) | null,
    get signal() {
      controller ??= new AbortController();
      if (time.ended) controller.abort();
      return controller.signal;
    },
    isOver: () => over,
    run(milliseconds: number) {
      timer = setTimeout(() => {
        over = true;
        stop();
      }, milliseconds);
    },
    rest: () => clearTimeout(timer),
    end() {
      clearTimeout(timer);
      time.onEnd = null;
      given?.removeEventListener('abort', stop);
    },
  };
  const stop = () => {
    time.ended = true;
    controller?.abort();
    time.onEnd?.();
  };
  given?.addEventListener('abort', stop);
  return time;
}

function bodyOf({ body, confirm }: Call): string | null {
  if (confirm !== true) return body === undefined ? null : JSON.stringify(body);
  return JSON.stringify({ ...(body as object | undefined), confirm });
}

function isGood({ status }: Incoming): boolean {
  return status >= 200 && status < 300;
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

function headersOf(
  { body, ifMatch, idempotencyKey, confirm }: Call,
  key: string,
  accept = 'application/json',
): Record<string, string> {
  return {
    accept,
    authorization: `Bearer ${key}`,
    ...(body === undefined && confirm !== true ? {} : { 'content-type': 'application/json' }),
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
