// For plain node:http: a listener around a listener.
//
//     const requireKey = createMiddleware<'files:read' | 'files:write'>({ verify });
//     createServer(requireKey({ scopes: ['files:read'] }, (request, response, key) => {
//       response.end(filesOf(key.owner_id));
//     }));

import {
  createCheck,
  type GoodVerdict,
  type MiddlewareOptions,
  type Needs,
} from '../middleware.ts';
import { answer, type NodeRequest, type NodeResponse, setHeaders } from '../node-message.ts';

export interface PlainRequest extends NodeRequest {
  readonly socket: { readonly remoteAddress?: string | undefined };
}

export interface NodeOptions extends MiddlewareOptions {
  /** The client's address; the one at the other end of the socket unless given. */
  readonly address?: ((request: PlainRequest) => string | undefined) | undefined;
}

/** @typeParam Scope the scopes that there are: others do not compile */
export function createMiddleware<Scope extends string = string>(options: NodeOptions) {
  const check = createCheck<Scope>(options);
  const addressOf = options.address ?? (({ socket }: PlainRequest) => socket.remoteAddress);
  return <Incoming extends PlainRequest, Outgoing extends NodeResponse>(
    needs: Needs<Scope>,
    handler: (request: Incoming, response: Outgoing, key: GoodVerdict) => unknown,
  ) =>
    (request: Incoming, response: Outgoing): void => {
      const run = async () => {
        const outcome = await check(request, () => addressOf(request), needs);
        if (!outcome.valid) return answer(response, outcome.refusal);
        setHeaders(response, outcome.headers);
        await handler(request, response, outcome.key);
      };
      // What the handler throws is as unhandled as without this around it.
      void run();
    };
}
