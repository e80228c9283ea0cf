// What a request says, read against a route's schemas. Every fault is named by
// its field and its rule, with the kind of the value that was sent, never the
// value: it may be a secret.

import {
  type FieldError,
  type FieldRule,
  type IfVersion,
  type RequestPart,
  WarderError,
} from '@warder/core';
import { z } from 'zod';
import { type CallRoute, type RequestHeaders, takesIfMatch } from './dialect.ts';
import { parseJson, pointerStep, textFault } from './json.ts';

/** The part of a target before `?` and the part after it. */
export function splitTarget(target: string): readonly [path: string, search: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

export function readParams(route: CallRoute, params: Readonly<Record<string, string>>): unknown {
  return route.params ? check(route.params, params, PATH) : undefined;
}

/** @param strict whether a parameter that is unknown or given twice is refused; else the first counts */
export function readQuery(route: CallRoute, search: string, strict: boolean): unknown {
  const query = new Map<string, string>();
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const [name = '', value] = pair.split(/=(.*)/s, 2).map(decodeQuery);
    if (query.has(name)) {
      if (!strict) continue;
      throw unreadable(`The parameter ${name} is given twice.`);
    }
    // zod passes over it where names are open.
    if (name === '__proto__') throw fault([unknownField(name, QUERY)]);
    query.set(name, value ?? '');
  }
  const [first] = query.keys();
  if (route.query) return check(route.query, Object.fromEntries(query), QUERY);
  if (strict && first !== undefined) throw fault([unknownField(first, QUERY)]);
  return undefined;
}

function unreadable(message: string): WarderError {
  return new WarderError('bad_request', message, { part: 'query' });
}

function decodeQuery(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw unreadable('The query is not valid percent-encoded UTF-8.');
  }
  const found = textFault(decoded);
  if (found !== null) throw unreadable(`The query ${found}.`);
  return decoded;
}

/** @param strict whether the body must be said to be JSON */
export function readBody(
  route: CallRoute,
  headers: RequestHeaders,
  bytes: Uint8Array,
  strict: boolean,
): unknown {
  const { body: schema } = route;
  if (bytes.length === 0 && (schema === null || route.bodyOptional)) {
    return schema ? check(schema, {}, BODY) : undefined;
  }
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  const plain = (headers['content-encoding'] ?? 'identity') === 'identity';
  if (!plain || (strict && !/^application\/(?:[a-z0-9.-]+\+)?json$/.test(type))) {
    throw new WarderError(
      'unsupported_media_type',
      'The body must be JSON, sent as application/json and not compressed.',
    );
  }
  // Where nothing is strict, what nobody reads is not looked at.
  if (schema === null && !strict) return undefined;
  return check(schema ?? NOTHING, parseJson(bytes), BODY);
}

/** A value of this process, held to the same rules as a body. @throws WarderError `invalid` */
export function checkBody<Schema extends z.ZodType>(schema: Schema, value: unknown) {
  // The very schema that parsed it says what it is.
  return check(schema, value, BODY) as z.output<Schema>;
}

/** What a call without a body may carry all the same: many clients send `{}` with every POST. */
const NOTHING = z.strictObject({}).transform(() => undefined);

/** The version that If-Match names; undefined without, and where no one object is changed. */
export function readIfMatch(route: CallRoute, header: string | undefined): IfVersion['ifVersion'] {
  if (!takesIfMatch(route) || header === undefined) return undefined;
  if (header.trim() === '*') return 'any';
  const version = /^"([1-9]\d{0,14})"$/.exec(header.trim())?.[1];
  if (version !== undefined) return Number(version);
  throw new WarderError(
    'precondition_failed',
    'If-Match must be one ETag as this API gave it, or *.',
  );
}

/** How faults are named: parameters by name, members of a body by JSON Pointer (RFC 6901). */
interface Naming {
  readonly part: RequestPart;
  readonly unknown: string;
  name(path: readonly PropertyKey[]): string;
}
const QUERY: Naming = {
  part: 'query',
  unknown: 'is not a parameter of this call',
  name: (path) => path.map(String).join('.'),
};
const PATH: Naming = { ...QUERY, part: 'path' };
const BODY: Naming = {
  part: 'body',
  unknown: 'is not a member that can be set here',
  name: (path) => path.map(pointerStep).join(''),
};

function check(schema: z.ZodType, value: unknown, naming: Naming): unknown {
  const parsed = schema.safeParse(value, { error: complaint });
  if (parsed.success) return parsed.data;
  throw fault(
    parsed.error.issues.flatMap((issue): FieldError[] =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((name) => unknownField(naming.name([...issue.path, name]), naming))
        : [
            {
              pointer: naming.name(issue.path),
              message: issue.message,
              rule: ruleOf(issue, value),
              part: naming.part,
            },
          ],
    ),
  );
}

function unknownField(pointer: string, { unknown, part }: Naming): FieldError {
  return { pointer, message: unknown, rule: 'unknown', part };
}

function ruleOf(issue: z.core.$ZodIssue, value: unknown): FieldRule {
  switch (issue.code) {
    case 'invalid_type':
      return isThere(value, issue.path) ? 'type' : 'missing';
    case 'too_big':
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array' ? 'length' : 'range';
    case 'invalid_format':
      return 'format';
    default:
      return 'value';
  }
}

function isThere(value: unknown, path: readonly PropertyKey[]): boolean {
  let at = value;
  for (const name of path) at = Object(at)[name];
  return at !== undefined;
}

function fault(all: readonly FieldError[]): WarderError {
  const fields = all.slice(0, 20);
  const [first] = fields;
  const name = first?.pointer.replace(/^\//, '') || 'The body';
  return new WarderError('invalid', `${name} ${first?.message ?? 'is not acceptable'}.`, {
    fields,
  });
}

/** The rule that a value breaks, in words; undefined leaves the schema's own. */
function complaint(issue: z.core.$ZodRawIssue): string | undefined {
  const kind = kindOf(issue.input);
  switch (issue.code) {
    case 'invalid_type':
      return kind === 'undefined'
        ? 'is required'
        : `must be ${article(issue.expected === 'record' ? 'object' : issue.expected)}, not ${article(kind)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unit(issue.origin)}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unit(issue.origin)}`;
    case 'invalid_format':
      return FORMATS[issue.format];
    case 'invalid_union':
      return `cannot be ${article(kind)} like this`;
    default:
      return undefined;
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'must be a UUID',
  guid: 'must be a UUID',
  datetime: 'must be a moment with its zone, as 2027-12-31T23:59:59Z (RFC 3339)',
};

function unit(origin: string): string {
  if (origin === 'string') return ' characters long';
  return origin === 'array' ? ' long' : '';
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function article(kind: string): string {
  if (kind === 'null') return kind;
  return /^[aeio]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
