// What a request says, read against a route's schemas. Every fault is named by
// its field and its rule, with the kind of the value that was sent, never the
// value: it may be a secret.

import { type FieldError, type IfVersion, WarderError } from '@warder/core';
import { z } from 'zod';
import { type CallRoute, type RequestHeaders, takesIfMatch } from './dialect.ts';
import { parseJson, pointerStep, textFault } from './json.ts';

/** The part of a target before `?` and the part after it. */
export function splitTarget(target: string): readonly [path: string, search: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

export function readParams(route: CallRoute, params: Readonly<Record<string, string>>): unknown {
  return route.params ? check(route.params, params, PARAMETERS) : undefined;
}

export function readQuery(route: CallRoute, search: string): unknown {
  const query = new Map<string, string>();
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const [name, value] = pair.split(/=(.*)/s, 2).map(decodeQuery);
    if (name === undefined || query.has(name)) {
      throw new WarderError('bad_request', `The parameter ${name} is given twice.`);
    }
    // zod passes over it where names are open.
    if (name === '__proto__') throw fault([{ pointer: name, message: PARAMETERS.unknown }]);
    query.set(name, value ?? '');
  }
  const [first] = query.keys();
  if (route.query) return check(route.query, Object.fromEntries(query), PARAMETERS);
  if (first !== undefined) throw fault([{ pointer: first, message: PARAMETERS.unknown }]);
  return undefined;
}

function decodeQuery(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new WarderError('bad_request', 'The query is not valid percent-encoded UTF-8.');
  }
  const found = textFault(decoded);
  if (found !== null) throw new WarderError('bad_request', `The query ${found}.`);
  return decoded;
}

export function readBody(route: CallRoute, headers: RequestHeaders, bytes: Uint8Array): unknown {
  const { body: schema } = route;
  if (bytes.length === 0 && (schema === null || route.bodyOptional)) {
    return schema ? check(schema, {}, MEMBERS) : undefined;
  }
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
  const plain = (headers['content-encoding'] ?? 'identity') === 'identity';
  if (!plain || !/^application\/(?:[a-z0-9.-]+\+)?json$/.test(type)) {
    throw new WarderError(
      'unsupported_media_type',
      'The body must be JSON, sent as application/json and not compressed.',
    );
  }
  return check(schema ?? NOTHING, parseJson(bytes), MEMBERS);
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
  readonly unknown: string;
  name(path: readonly PropertyKey[]): string;
}
const PARAMETERS: Naming = {
  unknown: 'is not a parameter of this call',
  name: (path) => path.map(String).join('.'),
};
const MEMBERS: Naming = {
  unknown: 'is not a member that can be set here',
  name: (path) => path.map(pointerStep).join(''),
};

function check(schema: z.ZodType, value: unknown, naming: Naming): unknown {
  const parsed = schema.safeParse(value, { error: complaint });
  if (parsed.success) return parsed.data;
  throw fault(
    parsed.error.issues.flatMap((issue): FieldError[] =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((name) => ({
            pointer: naming.name([...issue.path, name]),
            message: naming.unknown,
          }))
        : [{ pointer: naming.name(issue.path), message: issue.message }],
    ),
  );
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
