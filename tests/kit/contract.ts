// The published contract: what the OpenAPI document says of each call, and whether
// a reply keeps to it.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { JsonSchema } from '../../packages/server/src/components.ts';
import type { ApiDocument, Operation } from '../../packages/server/src/openapi.ts';
import type { Received } from './http.ts';

/** A call of the document. */
export interface Documented {
  /** Upper case. */
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly operation: Operation;
}

export type Contract = ReturnType<typeof createContract>;

export function createContract(document: ApiDocument) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, 'api');
  const validator = (...pointer: readonly string[]): ValidateFunction => {
    const parts = pointer.map((part) =>
      encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
    );
    const found = ajv.getSchema(`api#/${parts.join('/')}`);
    if (!found) throw new Error(`the document has nothing at ${pointer.join(' ')}`);
    return found;
  };
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]): Documented => ({ method: method.toUpperCase(), path, operation }),
    ),
  );
  const seen = new Set<string>();

  /** The call that a method and a path as sent are, if any. The first of the document wins, as in the service. */
  const callOf = (method: string, target: string): Documented | undefined => {
    const sent = (target.split('?')[0] ?? '').split('/');
    const isOf = ({ path }: Documented) => {
      const own = path.split('/');
      return own.length === sent.length && own.every((part, i) => isSame(part, sent[i] ?? ''));
    };
    return calls.find((call) => call.method === method && isOf(call));
  };

  return {
    calls,
    callOf,
    validator,
    /** Whether a value is one of a schema of the document, wherever that stands. */
    compile: (schema: JsonSchema) =>
      ajv.compile(
        JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/')),
      ),
    /** The schema of what a call takes as its body; undefined where it takes none. */
    bodySchema({ requestBody }: Operation): JsonSchema | undefined {
      const schema = requestBody?.content['application/json']?.schema;
      const name = String(schema?.$ref).slice('#/components/schemas/'.length);
      return document.components.schemas[name] ?? schema;
    },
    /** `operationId status` of all that was answered. */
    seen,
    /** What is wrong with a reply; null for nothing. */
    faultOf(method: string, target: string, reply: Received): string | null {
      const { status, headers } = reply;
      if (headers['cache-control'] !== 'no-store') return 'has no cache-control: no-store';
      if (!/^[\w-]{8,64}$/.test(String(headers['x-request-id']))) return 'has no x-request-id';
      const call = callOf(method, target);
      if (call === undefined) {
        if (status < 400) return `answers ${status} where nothing is documented`;
        return faultOfBody(reply, 'application/problem+json', () =>
          validator('components', 'schemas', 'Problem'),
        );
      }
      return documentedFault(call, reply);
    },
    /** The same for a dialect, whose headers are its own. */
    replyFault(method: string, target: string, reply: Received): string | null {
      const call = callOf(method, target);
      return call === undefined || reply.status === 405 ? null : documentedFault(call, reply);
    },
  };

  function documentedFault({ path, method, operation }: Documented, reply: Received) {
    const { status, headers } = reply;
    seen.add(`${operation.operationId} ${status}`);
    const response = operation.responses[status];
    if (!response) return `answers ${status}, which is not documented`;
    if (!response.content) return reply.text === '' ? null : 'has a body';
    const mediaTypes = Object.keys(response.content);
    const mediaType = mediaTypes.find((one) => one === headers['content-type']);
    if (!mediaType) return `is ${headers['content-type']} and not ${mediaTypes.join(' or ')}`;
    return faultOfBody(reply, mediaType, () => {
      const place = ['responses', String(status), 'content', mediaType, 'schema'];
      return validator('paths', path, method.toLowerCase(), ...place);
    });
  }

  function faultOfBody(
    { headers, text, status }: Received,
    mediaType: string,
    schema: () => ValidateFunction,
  ): string | null {
    if (headers['content-type'] !== mediaType) {
      return `is ${headers['content-type']} and not ${mediaType}`;
    }
    const validate = schema();
    if (mediaType === 'application/x-ndjson') {
      if (!/^(.+\n)*$/.test(text)) return 'has a line that is not ended';
      const bad = text.split('\n').find((line) => line !== '' && !validate(JSON.parse(line)));
      return bad === undefined ? null : `has a line that does not validate: ${bad}`;
    }
    const body: unknown = mediaType.startsWith('text/') ? text : JSON.parse(text);
    if (!validate(body)) return `does not validate: ${ajv.errorsText(validate.errors)}`;
    if (mediaType !== 'application/problem+json') return null;
    const problem = body as { status: number; request_id: string };
    if (problem.status !== status) return 'says another status than it has';
    return problem.request_id === headers['x-request-id'] ? null : 'says another request id';
  }
}

function isSame(part: string, sent: string): boolean {
  return part.startsWith('{') ? sent !== '' : part === sent;
}
