// A dialect is an API as a table: its routes, how it reads a credential, and what
// each error looks like in it. One interpreter (serve.ts) serves any of them and
// never asks which one it serves: what it must know is a member of Dialect.

import type {
  Ask,
  Caller,
  ErrorCode,
  IfVersion,
  LimitFigure,
  Operations,
  Origin,
  Permission,
  Receipt,
  Verdict,
  WarderError,
} from '@warder/core';
import type { z } from 'zod';
import type { Admission, Credential, SignInNow } from './admission.ts';
import type { Readiness } from './readiness.ts';

/** Header values by lower-case name. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** What a reply is made of, before it is bytes. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** In place of the body: items without end in sight, each cut to the schema and written as a line of JSON. */
  readonly items?: AsyncIterable<unknown> | undefined;
  /** The version that ETag names; undefined for none. */
  readonly version?: number | undefined;
  /** Path below the dialect's base, for Location. */
  readonly location?: string | undefined;
  /** The windows that RateLimit tells of; those that the caller was charged to unless given. */
  readonly limits?: readonly LimitFigure[] | undefined;
  /** For Retry-After; 0 for none. */
  readonly retryAfterSeconds?: number | undefined;
  /** For Link (RFC 8288), by relation: this very call with those parameters instead, null for without. */
  readonly links?: Readonly<Record<string, Readonly<Record<string, string | null>>>> | undefined;
}

/** What a reply may tell besides its result. */
export interface Telling {
  /** The moment that states are told of. */
  readonly now: number;
  readonly requestId: string;
  /** The dialect's base as its clients reach it, absolute, for links: `https://keys.example.com/onepin/api/v1`. */
  readonly url: string;
}

/** What an operation is called with. */
export interface Call<Params, Query, Body> {
  readonly operations: Operations;
  readonly service: Service;
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Of If-Match; undefined without. */
  readonly ifVersion: IfVersion['ifVersion'];
}

/** What a route without a credential is answered from. */
export interface Service {
  ready(): Promise<Readiness>;
  /** The dialect as an OpenAPI document, and as a page to read. */
  document(): unknown;
  reference(): string;
  /** The service in figures, for Prometheus. @throws not_found where they are served elsewhere */
  metrics(): Promise<string>;
}

interface RouteFacts {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the dialect's base, parameters in braces: `/v1/keys/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string | undefined;
  /** Reply schemas by status. A reply is cut down to its schema: what it does not declare never leaves. */
  readonly replies: Readonly<Record<number, z.ZodType>>;
  /** Set where what its query names has to be there, as what its path names always has. */
  readonly queryFinds?: true | undefined;
  /** Media type of the replies, where it is not the dialect's own. */
  readonly mediaType?: string | undefined;
  /** Errors that look otherwise here than elsewhere in the dialect. */
  readonly errors?: Partial<Readonly<Record<ErrorCode, ErrorReply>>> | undefined;
}

/** A route for a signed-in caller. */
export interface CallRoute extends RouteFacts {
  /** The permission its operation asks for; null for any credential. */
  readonly permission: Permission | null;
  /** Whom it takes, where that is not whom the dialect takes. */
  readonly admits: Admission | null;
  readonly params: z.ZodObject | null;
  readonly query: z.ZodObject | null;
  readonly body: z.ZodType | null;
  /** Whether a call without any body stands for `{}`. */
  readonly bodyOptional: boolean;
  /** Whether it takes an Idempotency-Key: a POST that changes something. */
  readonly retryable: boolean;
  /** Whether it changes no object, so that no version can be named: it asks, or counts. */
  readonly asks: boolean;
  /** How often a minute one address may call it; null for any number. */
  readonly mostAMinute: number | null;
  /** Whether products ask it with the calls of their own customers: no budget bears on it. */
  readonly verdict: boolean;
  run(call: Call<unknown, unknown, unknown>): Promise<unknown>;
  out(result: unknown, telling: Telling): Answer;
}

/** A route that takes no credential. */
export interface OpenRoute extends RouteFacts {
  answer(service: Service): Promise<Answer>;
}

export type Route = CallRoute | OpenRoute;

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

interface RouteOptions<
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Result,
> extends RouteFacts {
  readonly permission: Permission | null;
  readonly admits?: Admission;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly bodyOptional?: boolean;
  readonly retryable?: boolean;
  readonly asks?: boolean;
  readonly mostAMinute?: number;
  readonly verdict?: true;
  /** From the wire to an operation and its result. */
  run(call: Call<Parsed<Params>, Parsed<Query>, Parsed<Body>>): Promise<Result>;
  /** From the result to the wire. */
  out(result: Result, telling: Telling): Answer;
}

/** Types a route: what its schemas parse to is what `run` gets. */
export function route<
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Result,
>(options: RouteOptions<Params, Query, Body, Result>): CallRoute {
  const { admits = null, params = null, query = null, body = null } = options;
  const { bodyOptional = false, retryable = false, asks = false, mostAMinute = null } = options;
  const { verdict = false } = options;
  // The interpreter parses with these very schemas before it calls, which the table cannot say.
  return {
    ...options,
    admits,
    params,
    query,
    body,
    bodyOptional,
    retryable,
    asks,
    mostAMinute,
    verdict,
  } as CallRoute;
}

/** Whether a call changes one object that was there before, whose version If-Match can name. */
export function takesIfMatch(route: CallRoute): boolean {
  return route.params !== null && route.method !== 'GET' && !route.asks;
}

export function openRoute(options: OpenRoute): OpenRoute {
  return options;
}

/** What an error looks like: its status and body, made of the code's row in the dialect's table. */
export type ErrorReply = (
  error: WarderError,
  telling: Telling,
) => Answer & {
  readonly headers?: Readonly<Record<string, string>>;
};

/** What a route is answered from without waiting: keys that are in memory. */
export interface Fast {
  readonly signIn: SignInNow;
  /** Null where the store must be asked. */
  verify(presented: string, ask: Ask): Verdict | null;
}

export interface FastRoute {
  /** The route of the table that it answers for. */
  readonly operationId: string;
  answer(request: FastRequest, fast: Fast): string | null;
}

/** A request as it arrived, its body read within its bound. */
export interface FastRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: RequestHeaders;
  readonly body: Uint8Array;
  readonly origin: Origin;
}

export interface Dialect {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Where it is served, and where the product itself serves it: paths without a slash at their end. */
  readonly base: string;
  readonly originalBase: string;
  readonly routes: readonly Route[];
  /** The named schemas of its document. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  /** Names of the security schemes in its document. */
  readonly security: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly mediaType: string;
  readonly errorMediaType: string;
  /** What the body of every error looks like. */
  readonly errorSchema: z.ZodType;
  /** Whom its routes take, unless one says otherwise. */
  readonly admits: Admission;
  /** Whether what nobody asked for is refused: unknown parameters, a body that is not said to be JSON. Members of a body are their schema's. */
  readonly strict: boolean;
  /** Whether it speaks of versions: ETag and If-Match. */
  readonly versioned: boolean;
  /** Spaces that its JSON is indented by. */
  readonly indent: number;
  /** Status of a reply that is given again for an Idempotency-Key, where it is not the first one's. */
  readonly replayStatus: number | null;
  /** What browsers of other origins are told where CORS is switched on; null where it cannot be. */
  readonly cors: Readonly<Record<string, string>> | null;
  /** How a change is asked to be confirmed, and what is told of it; null where it cannot be. */
  readonly confirming: Confirming | null;
  /**
   * The credential a call carries, or null for none.
   * @throws WarderError `bad_request` for one that cannot be read, or two at once
   */
  credential(headers: RequestHeaders): Credential | null;
  /** Total: a new error code does not compile until the dialect says what it looks like. */
  readonly errors: Readonly<Record<ErrorCode, ErrorReply>>;
  /**
   * Answers the plainest form of a much-used call as the table would: with the body of a 200, or
   * null for any other request, and for whatever is not simply good.
   */
  readonly fast?: FastRoute | undefined;
}

/** Of calls that change one object (`takesIfMatch`): whether one waits until every process obeys it. */
export interface Confirming {
  /** Takes from a body whether it is asked for. */
  split(body: unknown): { readonly isAsked: boolean; readonly body: unknown };
  /** Adds to the body of the reply what came of it. */
  join(body: unknown, receipt: Receipt): unknown;
}

/** A product's dialect with what an operator may choose of it. */
export interface DialectKind {
  readonly name: string;
  readonly options: Readonly<Record<string, DialectOption>>;
  readonly sharedCredential?: SharedCredentialRule | undefined;
  /** @param chosen a value for each option */
  make(chosen: Readonly<Record<string, string>>): Dialect;
}

/** What a shared credential of its surface has to be; a product without this takes none. */
export interface SharedCredentialRule {
  /** In characters. */
  readonly leastLength: number;
  /** How many workspaces one is bound to: exactly one, or one and more. */
  readonly workspaces: 'one' | 'many';
}

export interface DialectOption {
  readonly default: string;
  readonly meaning: string;
  readonly pattern: RegExp;
}

/** Types a kind: what it makes is made of exactly the options it has. */
export function dialectKind<Name extends string>(kind: {
  readonly name: string;
  readonly options: Readonly<Record<Name, DialectOption>>;
  readonly sharedCredential?: SharedCredentialRule | undefined;
  make(chosen: Readonly<Record<Name, string>>): Dialect;
}): DialectKind {
  // Whoever makes one gives every option a value, which a record of any names cannot say.
  return kind as DialectKind;
}
