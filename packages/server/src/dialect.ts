// A dialect is an API as a table: its routes, how it reads a credential, and what
// each error looks like in it. One interpreter (serve.ts) serves any of them and
// never asks which one it serves: what it must know is a member of Dialect.

import type {
  Caller,
  ErrorCode,
  IfVersion,
  Operations,
  Permission,
  WarderError,
} from '@warder/core';
import type { z } from 'zod';

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
  /** For Link (RFC 8288), by relation: this very call with those parameters instead, null for without. */
  readonly links?: Readonly<Record<string, Readonly<Record<string, string | null>>>> | undefined;
}

/** What an operation is called with. */
export interface Call<Params, Query, Body> {
  readonly operations: Operations;
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Of If-Match; undefined without. */
  readonly ifVersion: IfVersion['ifVersion'];
}

/** What a route without a credential is answered from. */
export interface Service {
  /** Null when ready, else why not. */
  ready(): Promise<string | null>;
  /** The dialect as an OpenAPI document, and as a page to read. */
  document(): unknown;
  reference(): string;
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
  /** Media type of the replies, where it is not the dialect's own. */
  readonly mediaType?: string | undefined;
}

/** A route for a signed-in caller. */
export interface CallRoute extends RouteFacts {
  /** The permission its operation asks for; null for any credential. */
  readonly permission: Permission | null;
  readonly params: z.ZodObject | null;
  readonly query: z.ZodObject | null;
  readonly body: z.ZodType | null;
  /** Whether a call without any body stands for `{}`. */
  readonly bodyOptional: boolean;
  /** Whether it takes an Idempotency-Key: a POST that changes something. */
  readonly retryable: boolean;
  run(call: Call<unknown, unknown, unknown>): Promise<unknown>;
  out(result: unknown, now: number): Answer;
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
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly bodyOptional?: boolean;
  readonly retryable?: boolean;
  /** From the wire to an operation and its result. */
  run(call: Call<Parsed<Params>, Parsed<Query>, Parsed<Body>>): Promise<Result>;
  /** From the result to the wire. `now` is the moment that states are told of. */
  out(result: Result, now: number): Answer;
}

/** Types a route: what its schemas parse to is what `run` gets. */
export function route<
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Result,
>(options: RouteOptions<Params, Query, Body, Result>): CallRoute {
  const { params = null, query = null, body = null } = options;
  const { bodyOptional = false, retryable = false } = options;
  // The interpreter parses with these very schemas before it calls, which the table cannot say.
  return { ...options, params, query, body, bodyOptional, retryable } as CallRoute;
}

/** Whether a call changes one object that was there before, whose version If-Match can name. */
export function takesIfMatch(route: CallRoute): boolean {
  return route.params !== null && route.method !== 'GET';
}

export function openRoute(options: OpenRoute): OpenRoute {
  return options;
}

/** What an error looks like: its status and body, made of the code's row in the dialect's table. */
export type ErrorReply = (
  error: WarderError,
  requestId: string,
) => Answer & {
  readonly headers?: Readonly<Record<string, string>>;
};

export interface Dialect {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly routes: readonly Route[];
  /** The named schemas of its document. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  /** Names of the security schemes in its document. */
  readonly security: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly mediaType: string;
  readonly errorMediaType: string;
  /** What the body of every error looks like. */
  readonly errorSchema: z.ZodType;
  /**
   * The credential a call carries, or null for none.
   * @throws WarderError `bad_request` for one that cannot be read, or two at once
   */
  credential(headers: RequestHeaders): string | null;
  /** Total: a new error code does not compile until the dialect says what it looks like. */
  readonly errors: Readonly<Record<ErrorCode, ErrorReply>>;
}
