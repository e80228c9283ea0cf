// What does not compile: a verdict read before it was told apart, a scope that there is
// none of, a verify that is none. `npm run check` compiles this; nothing here is called.

import { createClient, type GoodVerdict, type Verify } from '@warder/sdk';
import { createMiddleware as forExpress } from '@warder/sdk/express';
import { createMiddleware as forNode } from '@warder/sdk/node';
import { createMiddleware as forWeb } from '@warder/sdk/web';
import type { EmbeddedWarder } from '@warder/server';
import { expect, it } from 'vitest';

type Scope = 'files:read' | 'files:write';

export async function verdicts(warder: EmbeddedWarder, request: Request): Promise<void> {
  const client = createClient({ baseUrl: 'http://warder.test', key: 'k' });
  for (const verify of [warder.verify, client.keys.verify]) {
    const verdict = await verify({ key: 'k' });
    // @ts-expect-error a verdict that may be a refusal has no scopes
    verdict.scopes;
    // @ts-expect-error nor an end
    verdict.expires_at;
    if (verdict.valid) verdict.scopes satisfies readonly string[];
    else verdict.message satisfies string;
  }
  const { check } = forWeb<Scope>({ verify: warder.verify });
  const checked = await check(request, { scopes: ['files:read'] });
  // @ts-expect-error there is a key only where it is good
  checked.key;
  // @ts-expect-error and a response only where it is not
  checked.response;
  if (checked.valid) checked.key satisfies GoodVerdict;
  else checked.response satisfies Response;
  (await warder.authorize(request)).scopes satisfies readonly string[];
}

export function scopes(verify: Verify, warder: EmbeddedWarder): void {
  const requireKey = forExpress<Scope>({ verify });
  requireKey({ scopes: ['files:read', 'files:write'] });
  // @ts-expect-error there is no such scope
  requireKey({ scopes: ['files:raed'] });
  // @ts-expect-error the key is taken from the request
  requireKey({ key: 'k' });
  forExpress({ verify })({ scopes: ['whatever'] });
  forNode({ verify: warder.verify });
  // @ts-expect-error a truth value is no verdict
  forNode({ verify: async () => true });
}

it('is compiled with the tests', () => {
  expect([verdicts, scopes]).toHaveLength(2);
});
