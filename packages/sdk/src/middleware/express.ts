// For Express: a handler to stand before others.
//
//     const requireKey = createMiddleware<'files:read' | 'files:write'>({ verify });
//     app.get('/files', requireKey({ scopes: ['files:read'] }), (request, response) => {
//       response.json(filesOf(requireKey.keyOf(request).owner_id));
//     });

import { createCheck, createPassed, type MiddlewareOptions, type Needs } from '../middleware.ts';
import { answer, type NodeRequest, type NodeResponse, setHeaders } from '../node-message.ts';

export interface ExpressRequest extends NodeRequest {
  /** The client's address, by the app's own `trust proxy`. */
  readonly ip?: string | undefined;
}

/** @typeParam Scope the scopes that there are: others do not compile */
export function createMiddleware<Scope extends string = string>(options: MiddlewareOptions) {
  const check = createCheck<Scope>(options);
  const { note, keyOf } = createPassed();
  const requireKey =
    (needs: Needs<Scope> = {}) =>
    async (request: ExpressRequest, response: NodeResponse, next: () => void): Promise<void> => {
      const outcome = await check(request, () => request.ip, needs);
      if (!outcome.valid) return answer(response, outcome.refusal);
      setHeaders(response, outcome.headers);
      note(request, outcome.key);
      next();
    };
  return Object.assign(requireKey, { keyOf });
}
