// A dialect's table as an OpenAPI 3.1 document. What the interpreter serves and
// what the document says are one table, so neither can drift from the other.

import type { ErrorCode } from '@warder/core';
import { WarderError } from '@warder/core';
import { z } from 'zod';
import type { CallRoute, Dialect, Route } from './dialect.ts';

type JsonSchema = Record<string, unknown>;

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
    Record<string, { readonly description: string; readonly content: Content }>
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
  const names = new Map(Object.entries(dialect.schemas).map(([name, schema]) => [schema, name]));
  const refer = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
    const name = names.get(schema);
    return name === undefined ? jsonSchema(schema, io) : { $ref: `#/components/schemas/${name}` };
  };
  const used = new Map<z.ZodType, 'input' | 'output'>();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of dialect.routes) {
    if ('body' in route && route.body) used.set(route.body, 'input');
    for (const reply of Object.values(route.replies)) used.set(reply, 'output');
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operation(dialect, route, refer),
    };
  }
  const problem = Object.entries(dialect.schemas).find(([name]) => name === 'Problem')?.[1];
  if (problem) used.set(problem, 'output');
  const schemas = [...used].flatMap(([schema, io]) => {
    const name = names.get(schema);
    return name === undefined ? [] : [[name, jsonSchema(schema, io)] as const];
  });
  return {
    openapi: '3.1.0',
    info: { title: dialect.title, version, description: dialect.description },
    ...(publicUrl === null ? {} : { servers: [{ url: publicUrl }] }),
    paths,
    components: {
      schemas: Object.fromEntries(schemas.sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: dialect.security,
    },
  };
}

function operation(
  dialect: Dialect,
  route: Route,
  refer: (schema: z.ZodType, io: 'input' | 'output') => JsonSchema,
): Operation {
  const { operationId, summary, description } = route;
  const mediaType = route.mediaType ?? dialect.mediaType;
  const replies = Object.entries(route.replies).map(([status, schema]) => [
    status,
    {
      description: STATUS[status] ?? 'Done',
      content: { [mediaType]: { schema: refer(schema, 'output') } },
    },
  ]);
  const facts = { operationId, summary, ...(description ? { description } : {}) };
  if ('answer' in route) {
    const responses = Object.fromEntries([
      ...replies,
      ...problems(dialect, ['internal'], new Set(replies.map(([s]) => String(s)))),
    ]);
    return { ...facts, security: [], responses };
  }
  return {
    ...facts,
    ...(route.permission === null ? {} : { 'x-permission': route.permission }),
    security: Object.keys(dialect.security).map((name) => ({ [name]: [] })),
    parameters: parameters(route),
    ...(route.body
      ? {
          requestBody: {
            required: !route.bodyOptional,
            content: { 'application/json': { schema: refer(route.body, 'input') } },
          },
        }
      : {}),
    responses: Object.fromEntries([...replies, ...problems(dialect, errorsOf(route))]),
  };
}

/** The errors that a route can give, by what it takes. */
function errorsOf(route: CallRoute): ErrorCode[] {
  const changes = route.method !== 'GET' && route.operationId !== 'verifyKey';
  return [
    'bad_request',
    'unauthenticated',
    'forbidden',
    ...(route.params || changes ? (['not_found'] as const) : []),
    ...(changes ? (['conflict', 'precondition_failed'] as const) : []),
    'too_large',
    ...(route.body ? (['unsupported_media_type'] as const) : []),
    'invalid',
    'internal',
    'unavailable',
  ];
}

function problems(
  dialect: Dialect,
  codes: readonly ErrorCode[],
  taken: ReadonlySet<string> = new Set(),
) {
  const problem = { $ref: '#/components/schemas/Problem' };
  return codes.flatMap((code) => {
    const { status } = dialect.errors[code](new WarderError(code, ''), '');
    if (taken.has(String(status))) return [];
    const content = { [dialect.errorMediaType]: { schema: problem } };
    return [[String(status), { description: STATUS[status] ?? code, content }]];
  });
}

const STATUS: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Created',
  400: 'The request cannot be read',
  401: 'No good credential',
  403: 'The caller may not do this',
  404: 'Not found, or not within the caller’s reach',
  409: 'Does not go with how things stand',
  412: 'If-Match names another version',
  413: 'The body is too large',
  415: 'The body is not JSON',
  422: 'A field or parameter breaks a rule',
  500: 'A fault of the server',
  503: 'Not available now',
};

function parameters(route: CallRoute): Parameter[] {
  const path = members(route.params).map(([name, schema]) => parameter(name, 'path', schema, true));
  const query = members(route.query).map(([name, schema]) =>
    parameter(name, 'query', schema, false),
  );
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
    ...path,
    ...query,
    ...(route.params && route.method !== 'GET' ? [ifMatch] : []),
    ...(route.retryable ? [idempotencyKey] : []),
  ];
}

function members(schema: z.ZodObject | null): [string, z.ZodType][] {
  // The members of a zod object are zod types; its own typing says only `$ZodType`.
  return schema ? (Object.entries(schema.shape) as [string, z.ZodType][]) : [];
}

function parameter(
  name: string,
  place: 'path' | 'query',
  schema: z.ZodType,
  required: boolean,
): Parameter {
  const { description, ...rest } = jsonSchema(schema, 'input');
  return {
    name,
    in: place,
    required,
    ...(typeof description === 'string' ? { description } : {}),
    schema: rest,
  };
}

// A schema that reads text from the wire says under `wire` what stands on the wire.
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    reused: 'inline',
    override: ({ jsonSchema: made }) => {
      const { wire, ...rest } = made as JsonSchema;
      if (wire === undefined) return;
      for (const name of Object.keys(made)) delete (made as JsonSchema)[name];
      Object.assign(
        made,
        typeof rest['description'] === 'string' ? { description: rest['description'] } : {},
        wire,
      );
    },
  });
  return json;
}
