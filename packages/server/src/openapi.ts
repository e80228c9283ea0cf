// A dialect's table as an OpenAPI 3.1 document. What the interpreter serves and
// what the document says are one table, so neither can drift from the other.

import { type ErrorCode, WarderError } from '@warder/core';
import type { z } from 'zod';
import { type Components, createComponents, type JsonSchema } from './components.ts';
import { type CallRoute, type Dialect, type Route, takesIfMatch } from './dialect.ts';

export interface ApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers?: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Dialect['security'];
  };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** The permission that the call asks for. */
  readonly 'x-permission'?: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Content }>
  >;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

/** @param publicUrl base of the document's server, where it is known */
export function describeApi(
  dialect: Dialect,
  version: string,
  publicUrl: string | null,
): ApiDocument {
  const components = createComponents(dialect.schemas);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of dialect.routes) {
    const methods = paths[route.path] ?? {};
    methods[route.method.toLowerCase()] = operation(dialect, route, components);
    paths[route.path] = methods;
  }
  return {
    openapi: '3.1.0',
    info: { title: dialect.title, version, description: dialect.description },
    ...(publicUrl === null ? {} : { servers: [{ url: publicUrl }] }),
    paths,
    components: { schemas: components.schemas(), securitySchemes: dialect.security },
  };
}

function operation(dialect: Dialect, route: Route, components: Components): Operation {
  const { operationId, summary, description } = route;
  const replies = Object.entries(route.replies).map(([status, schema]) =>
    status === NO_CONTENT
      ? ([status, { description: STATUS[status] ?? 'Done' }] as const)
      : response(status, route.mediaType ?? dialect.mediaType, components.refer(schema, 'output')),
  );
  const errors = errorsOf(dialect, route).map((error) => {
    const { code } = error;
    const { status } = (route.errors?.[code] ?? dialect.errors[code])(error, NOWHERE);
    const schema = components.refer(dialect.errorSchema, 'output');
    return response(String(status), dialect.errorMediaType, schema);
  });
  const facts = { operationId, summary, ...(description ? { description } : {}) };
  const responses = byStatus([...errors, ...replies]);
  if ('answer' in route) return { ...facts, security: [], responses };
  return {
    ...facts,
    ...(route.permission === null ? {} : { 'x-permission': route.permission }),
    security: Object.keys(dialect.security).map((name) => ({ [name]: [] })),
    parameters: parameters(route, components),
    ...(route.body ? { requestBody: requestBody(route.body, route, components) } : {}),
    responses,
  };
}

const NO_CONTENT = '204';
const NOWHERE = { now: 0, requestId: '', url: '' };

function requestBody(body: z.ZodType, { bodyOptional }: CallRoute, components: Components) {
  const schema = components.refer(body, 'input');
  return { required: !bodyOptional, content: { 'application/json': { schema } } };
}

function response(status: string, mediaType: string, schema: JsonSchema) {
  const description = STATUS[status] ?? 'Done';
  return [status, { description, content: { [mediaType]: { schema } } }] as const;
}

/** One status may have a reply and an error, told apart by their media types. */
function byStatus(
  all: readonly (readonly [string, Operation['responses'][string]])[],
): Operation['responses'] {
  const responses: Record<string, Operation['responses'][string]> = {};
  for (const [status, { description, content }] of all) {
    const both = content && { ...responses[status]?.content, ...content };
    responses[status] = { description, ...(both ? { content: both } : {}) };
  }
  return responses;
}

/** The errors that a route can give, by what it takes and whom. */
function errorsOf(dialect: Dialect, route: Route): readonly WarderError[] {
  if ('answer' in route) return OF_OPEN_ROUTES.map(bare);
  const { members, ordinaryKeys } = route.admits ?? dialect.admits;
  const isLimited = ordinaryKeys?.may === 'ask' && ordinaryKeys.limited === true;
  const limits = isLimited ? (['rate_limited'] as const) : [];
  const codes = [...codesOf(route, members !== null), ...limits].map(bare);
  // What is no good credential may look otherwise than one that is of no member.
  const refusal = 'not_a_member';
  return members ? [...codes, new WarderError('unauthenticated', '', { refusal })] : codes;
}

function bare(code: ErrorCode): WarderError {
  return new WarderError(code, '');
}

const OF_OPEN_ROUTES = ['bad_request', 'too_large', 'internal', 'unavailable'] as const;

/** @param named whether a call can name another workspace than its caller's */
function codesOf(route: CallRoute, named: boolean): readonly ErrorCode[] {
  const changes = route.method !== 'GET' && !route.asks;
  return [
    'bad_request',
    'unauthenticated',
    ...(route.permission === null && !named ? [] : (['forbidden'] as const)),
    ...(route.params || route.queryFinds || changes ? (['not_found'] as const) : []),
    ...(changes ? (['conflict'] as const) : []),
    ...(takesIfMatch(route) ? (['precondition_failed'] as const) : []),
    ...(route.verdict && route.mostAMinute === null ? [] : (['rate_limited'] as const)),
    'too_large',
    'unsupported_media_type',
    'invalid',
    'internal',
    'unavailable',
  ];
}

const STATUS: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Created',
  202: 'Received',
  204: 'Done, with nothing to say',
  400: 'The request cannot be read',
  401: 'No good credential',
  403: 'The caller may not do this',
  404: 'Not found, or not within the caller’s reach',
  409: 'Does not go with how things stand',
  412: 'If-Match names another version',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'A field or parameter breaks a rule',
  429: 'Too many calls',
  500: 'A fault of the server',
  503: 'Not available now',
};

function parameters(route: CallRoute, components: Components): Parameter[] {
  const named = (place: 'path' | 'query', [name, schema]: [string, z.ZodType]): Parameter => {
    const { description, ...rest } = components.refer(schema, 'input');
    return {
      name,
      in: place,
      required: place === 'path',
      ...(typeof description === 'string' ? { description } : {}),
      schema: rest,
    };
  };
  const text = { type: 'string' };
  const ifMatch: Parameter = {
    name: 'If-Match',
    in: 'header',
    required: false,
    description: 'The ETag of the version that is meant; another answers 412.',
    schema: text,
  };
  const idempotencyKey: Parameter = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'Makes a retry safe: for 24 hours the same request answers the same reply.',
    schema: { ...text, minLength: 1, maxLength: 255 },
  };
  return [
    ...members(route.params).map((member) => named('path', member)),
    ...members(route.query).map((member) => named('query', member)),
    ...(takesIfMatch(route) ? [ifMatch] : []),
    ...(route.retryable ? [idempotencyKey] : []),
  ];
}

function members(schema: z.ZodObject | null): [string, z.ZodType][] {
  // The members of a zod object are zod types; its own typing says only `$ZodType`.
  return schema ? (Object.entries(schema.shape) as [string, z.ZodType][]) : [];
}
