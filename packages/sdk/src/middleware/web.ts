// For web-standard handlers (Next, Deno, Bun, workers): a handler around a handler, or
// a check whose outcome is told apart by `valid`.
//
//     const requireKey = createMiddleware<'files:read' | 'files:write'>({ verify });
//     export const GET = requireKey({ scopes: ['files:read'] }, (request, key) =>
//       Response.json(filesOf(key.owner_id)),
//     );

import {
  createCheck,
  type GoodVerdict,
  type MiddlewareOptions,
  type Needs,
} from '../middleware.ts';
import type { Refusal } from '../refusal.ts';

export interface WebOptions extends MiddlewareOptions {
  /** The client's address, for keys that are bound to some; a request itself tells none. */
  readonly address?: ((request: Request) => string | undefined) | undefined;
}

export type Checked =
  | {
      readonly valid: true;
      readonly key: GoodVerdict;
      /** For the answer. */
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly valid: false; readonly refusal: Refusal; readonly response: Response };

/** @typeParam Scope the scopes that there are: others do not compile */
export function createMiddleware<Scope extends string = string>(options: WebOptions) {
  const decide = createCheck<Scope>(options);

  /** Never rejects. */
  const check = async (request: Request, needs: Needs<Scope> = {}): Promise<Checked> => {
    const outcome = await decide(request, () => options.address?.(request), needs);
    if (outcome.valid) return outcome;
    const { status, headers, body } = outcome.refusal;
    return { ...outcome, response: new Response(body, { status, headers }) };
  };

  const requireKey =
    <More extends readonly unknown[]>(
      needs: Needs<Scope>,
      handler: (request: Request, key: GoodVerdict, ...more: More) => Response | Promise<Response>,
    ) =>
    async (request: Request, ...more: More): Promise<Response> => {
      const checked = await check(request, needs);
      if (!checked.valid) return checked.response;
      const response = await handler(request, checked.key, ...more);
      const added = Object.entries(checked.headers);
      if (added.length === 0) return response;
      // The headers of some responses cannot be changed.
      const open = new Response(response.body, response);
      for (const [name, value] of added) open.headers.set(name, value);
      return open;
    };
  return Object.assign(requireKey, { check });
}
