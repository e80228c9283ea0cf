// The interpreter: serves any dialect's table. A request comes in and a reply goes
// out: route, credential, caller, input, operation, output, and each error in the
// dialect's own shape. It knows no dialect by name.

import {
  type ErrorCode,
  type Keep,
  type LimitFigure,
  type Origin,
  type operations,
  type Receipt,
  redactTokens,
  requirePermission,
  WarderError,
} from '@warder/core';
import type { AddressLimit } from './address-limit.ts';
import type { SignIn } from './auth.ts';
import type { CallBudget } from './call-budget.ts';
import {
  type Answer,
  type CallRoute,
  type Dialect,
  type Fast,
  type RequestHeaders,
  type Route,
  type Service,
  type Telling,
  takesIfMatch,
} from './dialect.ts';
import type { Attempts } from './idempotency.ts';
import { readBody, readIfMatch, readParams, readQuery, splitTarget } from './input.ts';
import type { Log } from './log.ts';
import { LIMIT_HEADER, POLICY_HEADER, policiesOf, standOf } from './rate-limit-headers.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { createRouter } from './router.ts';
import type { Tracing } from './tracing.ts';

/** A request as it arrived, its body read within its bound. */
export interface Arrival {
  readonly method: string;
  /** Path and query exactly as they were sent. */
  readonly target: string;
  readonly headers: RequestHeaders;
  readonly body: Uint8Array;
  readonly origin: Arrived;
}

/** Where a request came from, and the address that it came to: `https://keys.example.com`. */
export interface Arrived extends Origin {
  readonly requestId: string;
  readonly address: string | null;
  readonly to: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whole, or in pieces that are made as they are taken. */
  readonly body: string | AsyncIterable<string>;
}

export interface Handler {
  /** At once where the reply hangs on nothing that has to be waited for. */
  (arrival: Arrival): Reply | Promise<Reply>;
  /** The reply to a request that could not even be read. */
  refuse(error: unknown, arrival: Pick<Arrival, 'target' | 'origin'>): Reply;
}

export interface ServeParts {
  /** Path that the dialect is served below. */
  readonly base: string;
  /** Whether browsers of other origins may call. */
  readonly cors: boolean;
  readonly operations: ReturnType<typeof operations>;
  readonly signIn: SignIn;
  readonly fast: Fast;
  readonly attempts: Attempts;
  readonly limit: AddressLimit;
  readonly budget: CallBudget;
  readonly requests: RequestMetrics;
  readonly tracing?: Tracing | undefined;
  readonly service: Service;
  /** Resolves once all processes obey what was committed before. */
  readonly obeyed: () => Promise<Receipt>;
  /** The service as others reach it; null for the address that a request came to. */
  readonly publicUrl: string | null;
  /** The path that all of it is mounted below, for links without an address; empty for the root. */
  readonly mountedAt: string;
  readonly now: () => number;
  readonly log: Log;
}

/** Serves one dialect. Never throws: what goes wrong is an error reply. */
export function serve(dialect: Dialect, parts: ServeParts): Handler {
  const routeTo = createRouter(dialect.routes);
  const { now, base, publicUrl } = parts;
  const root = publicUrl ?? parts.mountedAt;
  const { indent, strict } = dialect;
  const cors = parts.cors ? (dialect.cors ?? {}) : {};
  const json = (body: unknown) =>
    typeof body === 'string' ? body : JSON.stringify(body, null, indent);
  const telling = ({ requestId, to }: Arrived): Telling => ({
    now: now(),
    requestId,
    url: `${publicUrl ?? to}${base}`,
  });
  /** How often each error was answered since the start; each entry of the log carries its count. */
  const refused: Partial<Record<ErrorCode, number>> = {};

  const { tracing } = parts;
  const handle = (arrival: Arrival): Reply | Promise<Reply> => {
    if (tracing === undefined) return answer(arrival);
    const { method, headers, origin } = arrival;
    const scheme = origin.to.startsWith('https:') ? 'https' : 'http';
    return tracing.request({ method, scheme, headers }, (onRoute) =>
      answer(arrival, ({ path }) => onRoute(`${dialect.base}${path}`)),
    );
  };

  const answer = (arrival: Arrival, onRoute?: (route: Route) => void): Reply | Promise<Reply> => {
    const began = performance.now();
    const reply = fast?.(arrival);
    if (!reply) return measured(arrival, began, onRoute);
    fastDurations?.observe(secondsSince(began));
    if (onRoute && answeredFast) onRoute(answeredFast);
    return reply;
  };

  const measured = async (
    arrival: Arrival,
    began: number,
    onRoute?: (route: Route) => void,
  ): Promise<Reply> => {
    let found: Route | null = null;
    const reply = await interpret(arrival, (route) => {
      found = route;
      onRoute?.(route);
    });
    parts.requests.of(dialect.base, found, reply.status).observe(secondsSince(began));
    return reply;
  };

  const interpret = async (arrival: Arrival, onRoute: (route: Route) => void): Promise<Reply> => {
    let found: Route | null = null;
    try {
      if (arrival.method === 'OPTIONS' && parts.cors && dialect.cors) return preflight();
      const [path, search] = splitTarget(arrival.target);
      const { route, params } = routeTo(arrival.method, path.slice(base.length));
      found = route;
      onRoute(route);
      if ('answer' in route) return write(route, await route.answer(parts.service), arrival);
      return await call(route, params, search, arrival);
    } catch (error) {
      return refuse(error, arrival, found);
    }
  };

  /** For the plainest form of a much-used call; whatever goes wrong there is the table's to tell. */
  const fastRoute = dialect.fast;
  const answeredFast =
    fastRoute && dialect.routes.find(({ operationId }) => operationId === fastRoute.operationId);
  const fastDurations = answeredFast && parts.requests.of(dialect.base, answeredFast, 200);
  const fast =
    fastRoute &&
    ((arrival: Arrival): Reply | null => {
      try {
        const body = fastRoute.answer(arrival, parts.fast);
        if (body === null) return null;
        const { requestId } = arrival.origin;
        return { status: 200, headers: standardHeaders(dialect.mediaType, requestId), body };
      } catch {
        return null;
      }
    });

  /** To whatever path: a browser asks before it knows what there is. */
  const preflight = (): Reply => ({ status: 204, headers: cors, body: '' });

  async function call(
    route: CallRoute,
    params: Readonly<Record<string, string>>,
    search: string,
    arrival: Arrival,
  ): Promise<Reply> {
    const { headers, origin } = arrival;
    const { mostAMinute } = route;
    const wait = mostAMinute && parts.limit.take(route.operationId, origin.address, mostAMinute);
    if (wait) {
      throw new WarderError('rate_limited', 'Too many calls from this address: wait a minute.', {
        retryAfterSeconds: wait,
      });
    }
    const admission = route.admits ?? dialect.admits;
    const caller = await parts.signIn(dialect.credential(headers), admission, origin);
    if (!route.verdict) parts.budget.take(caller);
    // The operation asks again; here, so that nobody learns from their mistakes what they may not do.
    if (route.permission !== null) requirePermission(caller, route.permission);
    const { isAsked, body } = split(route, readBody(route, headers, arrival.body, strict));
    const confirmed = async (answer: Answer): Promise<Answer> =>
      isAsked && dialect.confirming
        ? { ...answer, body: dialect.confirming.join(answer.body, await parts.obeyed()) }
        : answer;
    const input = {
      caller,
      params: readParams(route, params),
      query: readQuery(route, search, strict),
      body,
      ifVersion: dialect.versioned ? readIfMatch(route, headers['if-match']) : undefined,
    };
    const run = async (keep?: Keep) => {
      const operations = parts.operations.as(caller, keep);
      const result = await route.run({ ...input, operations, service: parts.service });
      const answer = await confirmed(route.out(result, telling(origin)));
      return write(route, { limits: caller.limits, ...answer }, arrival);
    };

    const idempotencyKey = headers['idempotency-key'];
    if (!route.retryable || idempotencyKey === undefined) return await run();
    const below = arrival.target.slice(base.length);
    const request = JSON.stringify([dialect.name, route.method, below, input.body]);
    const attempt = await parts.attempts.begin(caller.identity, idempotencyKey, request);
    try {
      if (attempt.kept === null) {
        return await run((result, secretOf) => [
          attempt.keep(JSON.stringify(cut(route, route.out(result, telling(origin)))), secretOf),
        ]);
      }
      await parts.operations.as(caller).checkReplay(route.permission, attempt.kept.keyId);
      // Written by this very function, and sealed since.
      const answer = JSON.parse(attempt.kept.reply) as Answer;
      const { replayStatus } = dialect;
      const status = replayStatus ?? answer.status;
      const reply = write(route, { ...(await confirmed(answer)), status }, arrival);
      return { ...reply, headers: { ...reply.headers, 'idempotency-replayed': 'true' } };
    } finally {
      attempt.end();
    }
  }

  const split = (route: CallRoute, body: unknown) =>
    dialect.confirming !== null && takesIfMatch(route)
      ? dialect.confirming.split(body)
      : { isAsked: false, body };

  function write(route: Route, answer: Answer, { origin, target }: Arrival): Reply {
    const {
      status,
      body,
      version,
      location,
      links = {},
      limits,
      retryAfterSeconds,
    } = answer.items ? answer : cut(route, answer);
    return {
      status,
      headers: {
        ...standardHeaders(route.mediaType ?? dialect.mediaType, origin.requestId),
        ...cors,
        ...(version === undefined || !dialect.versioned ? {} : { etag: `"${version}"` }),
        ...(location === undefined ? {} : { location: `${root}${base}${location}` }),
        ...linkHeader(links, `${root}${target}`),
        ...limitHeaders(limits, now()),
        ...(retryAfterSeconds ? { 'retry-after': String(retryAfterSeconds) } : {}),
      },
      body: answer.items ? lines(route, answer) : body === undefined ? '' : json(body),
    };
  }

  function refuse(
    thrown: unknown,
    { origin }: Pick<Arrival, 'origin'>,
    route: Route | null = null,
  ): Reply {
    const error = thrown instanceof WarderError ? thrown : unexpected(thrown);
    const { code } = error;
    const { requestId, address } = origin;
    const reply = route?.errors?.[code] ?? dialect.errors[code];
    const { status, body, headers } = reply(error, telling(origin));
    const { internal, limits } = error.facts;
    refused[code] = (refused[code] ?? 0) + 1;
    const trace_id = parts.tracing?.traceId() ?? undefined;
    const count = refused[code];
    const entry = { code, status, request_id: requestId, trace_id, address, internal, count };
    if (status >= 500) parts.log.error({ ...entry, err: error.cause ?? error }, 'failed');
    else parts.log.info(entry, error.message);
    return {
      status,
      headers: {
        ...standardHeaders(dialect.errorMediaType, requestId),
        ...cors,
        ...headers,
        ...limitHeaders(limits, now()),
      },
      body: redactTokens(json(body)),
    };
  }

  return Object.assign(handle, { refuse });
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
}

function standardHeaders(contentType: string, requestId: string): Record<string, string> {
  return {
    'content-type': contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...(contentType.startsWith('text/html') ? { 'content-security-policy': PAGE_POLICY } : {}),
  };
}

function limitHeaders(
  limits: readonly LimitFigure[] | undefined,
  now: number,
): Record<string, string> {
  if (limits === undefined || limits.length === 0) return {};
  return {
    [POLICY_HEADER.toLowerCase()]: policiesOf(limits),
    [LIMIT_HEADER.toLowerCase()]: standOf(limits, now),
  };
}

function linkHeader(links: NonNullable<Answer['links']>, target: string): Record<string, string> {
  const [path, search] = splitTarget(target);
  const values = Object.entries(links).map(([relation, changes]) => {
    const query = new URLSearchParams(search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) query.delete(name);
      else query.set(name, value);
    }
    return `<${path}?${query}>; rel="${relation}"`;
  });
  return values.length === 0 ? {} : { link: values.join(', ') };
}

/** A page of ours shows text and its own style, and nothing else. */
const PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** The answer as its schema declares it. @throws when it does not fit: a fault of ours */
function cut(route: Route, answer: Answer): Answer {
  const schema = route.replies[answer.status];
  if (schema === undefined) {
    throw new Error(`${route.operationId} does not declare ${answer.status}`);
  }
  return { ...answer, body: schema.parse(answer.body) };
}

/** The items of an answer as lines of JSON, some at a time. */
async function* lines(route: Route, { items, ...answer }: Answer): AsyncGenerator<string> {
  let text = '';
  for await (const item of items ?? []) {
    text += `${JSON.stringify(cut(route, { ...answer, body: item }).body)}\n`;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

const PIECE = 32 * 1024;

function unexpected(cause: unknown): WarderError {
  return new WarderError(
    'internal',
    'Something went wrong on our side: the log has more under this request id.',
    { cause },
  );
}
