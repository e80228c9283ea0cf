// What a middleware tells a client is what a gateway tells it, and what `authorize` does.

import { VERDICT_CODES } from '@warder/core';
import { expect, it } from 'vitest';
import {
  type RefusedVerdict,
  refusalBy,
  refusal as refusalFor,
} from '../../packages/sdk/src/refusal.ts';
import { AuthorizationError, refusedBy } from '../../packages/server/src/authorization.ts';

const refused = VERDICT_CODES.filter((code) => code !== 'valid');

it.each(refused)('a verdict of %s is refused alike by middleware and authorize', (code) => {
  const missing_scopes = code === 'insufficient_scope' ? ['a:b', 'c'] : undefined;
  // Whatever a core of this version says, the client's types know.
  const verdict = { valid: false, code, message: '', missing_scopes } as RefusedVerdict;
  const { status, headers, body } = refusalBy(verdict);
  const error = refusedBy({ code, missing_scopes });
  expect(Boolean(headers['retry-after'])).toBe(code === 'rate_limited');
  expect(status).toBe(error.status);
  expect(headers).toEqual(error.headers);
  const { title: _, ...facts } = JSON.parse(body);
  expect(JSON.parse(error.body)).toMatchObject(facts);
});

it.each(['no_key', 'two_keys', 'invalid_key', 'unavailable'] as const)(
  'a request with %s is refused alike by middleware and authorize',
  (reason) => {
    const { status, headers, body } = refusalFor(reason);
    const error = new AuthorizationError(reason);
    expect([status, headers]).toEqual([error.status, error.headers]);
    expect(JSON.parse(body)).toEqual(JSON.parse(error.body));
  },
);

it('who reached a limit is told for how long', () => {
  const error = refusedBy({ code: 'rate_limited', retry_after_seconds: 7 });
  expect([error.status, error.headers['retry-after']]).toEqual([429, '7']);
});

it('no scope that a service names breaks out of its header', () => {
  const missing_scopes = ['ok', 'a"b', 'a\r\nx: y', 'a b', ''];
  const { headers } = refusalBy({
    valid: false,
    code: 'insufficient_scope',
    message: '',
    missing_scopes,
  });
  expect(headers['www-authenticate']).toBe(
    'Bearer realm="warder", error="insufficient_scope", scope="ok"',
  );
});
