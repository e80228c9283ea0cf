// For Hono: a middleware to stand before handlers.
//
//     const requireKey = createMiddleware<'files:read' | 'files:write'>({ verify });
//     app.get('/files', requireKey({ scopes: ['files:read'] }), (c) =>
//       c.json(filesOf(requireKey.keyOf(c).owner_id)),
//     );

import { createCheck, createPassed, type MiddlewareOptions, type Needs } from '../middleware.ts';

export interface HonoContext {
  readonly req: { readonly raw: Request };
  header(name: string, value: string): void;
}

export interface HonoOptions extends MiddlewareOptions {
  /**
   * The client's address, for keys that are bound to some; a request itself tells none. It is
   * called with the context, whose type only the app knows: `(c: Context) => ...`.
   */
  readonly address?: ((context: never) => string | undefined) | undefined;
}

/** @typeParam Scope the scopes that there are: others do not compile */
export function createMiddleware<Scope extends string = string>(options: HonoOptions) {
  const check = createCheck<Scope>(options);
  const { note, keyOf } = createPassed();
  const requireKey =
    (needs: Needs<Scope> = {}) =>
    // biome-ignore lint/suspicious/noConfusingVoidType: as Hono's own handlers.
    async (context: HonoContext, next: () => Promise<void>): Promise<Response | void> => {
      // What the app is called with is its own context: it says so, and nothing here can.
      const address = () => options.address?.(context as never);
      const outcome = await check(context.req.raw, address, needs);
      if (!outcome.valid) {
        const { status, headers, body } = outcome.refusal;
        return new Response(body, { status, headers });
      }
      note(context, outcome.key);
      await next();
      // Afterwards, since a handler may answer with a response of its own making.
      for (const [name, value] of Object.entries(outcome.headers)) context.header(name, value);
    };
  return Object.assign(requireKey, { keyOf });
}
