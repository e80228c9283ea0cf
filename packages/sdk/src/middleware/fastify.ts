// For Fastify: a hook for routes, before their body is read.
//
//     const requireKey = createMiddleware<'files:read' | 'files:write'>({ verify });
//     app.get('/files', { onRequest: requireKey({ scopes: ['files:read'] }) }, (request) =>
//       filesOf(requireKey.keyOf(request).owner_id),
//     );

import { createCheck, createPassed, type MiddlewareOptions, type Needs } from '../middleware.ts';
import type { NodeRequest } from '../node-message.ts';

export interface FastifyRequest {
  readonly raw: NodeRequest;
  /** The client's address, by the app's own `trustProxy`. */
  readonly ip: string;
}

export interface FastifyReply {
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: string): unknown;
}

/** @typeParam Scope the scopes that there are: others do not compile */
export function createMiddleware<Scope extends string = string>(options: MiddlewareOptions) {
  const check = createCheck<Scope>(options);
  const { note, keyOf } = createPassed();
  const requireKey =
    (needs: Needs<Scope> = {}) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const outcome = await check(request.raw, () => request.ip, needs);
      if (outcome.valid) {
        reply.headers({ ...outcome.headers });
        note(request, outcome.key);
        return undefined;
      }
      const { status, headers, body } = outcome.refusal;
      reply.code(status);
      reply.headers({ ...headers });
      reply.send(body);
      return reply;
    };
  return Object.assign(requireKey, { keyOf });
}
