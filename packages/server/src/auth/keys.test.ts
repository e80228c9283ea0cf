import { parseNetwork } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW } from '../../../../tests/fixtures/domain.ts';
import { type Service, startService } from '../../../../tests/kit/service.ts';

const proxies = [parseNetwork('127.0.0.1')].flatMap((one) => one ?? []);
const publicUrl = 'https://keys.example.org/warder';

let service: Service;
/** The same behind a proxy that is trusted, with a pepper and an address of its own. */
let behind: Service;
beforeAll(async () => {
  service = await startService();
  behind = await startService({
    listen: { trustedProxies: proxies },
    publicUrl,
    peppers: [{ version: 1, key: new Uint8Array(32).fill(1) }],
  });
});
afterAll(async () => {
  await service.close();
  await behind.close();
});

const whoami = (at: Service, key: string, forwarded?: string) =>
  at.call('GET', '/v1/whoami', {
    key,
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  });

describe('signing in with a key', () => {
  it('tells who holds the right secret what is wrong with it, and a guesser nothing', async () => {
    const refused = async (more: object, call?: string) => {
      const { id, key } = await service.manager('owner', more);
      if (call) await service.expectCall(200, 'POST', `/v1/keys/${id}/${call}`);
      const { status, body } = await whoami(service, key);
      return `${status} ${body.detail}`;
    };
    expect(await refused({}, 'revoke')).toBe('401 This key is revoked.');
    expect(await refused({}, 'disable')).toBe('401 This key is disabled.');
    expect(await refused({ expires_at: new Date(NOW).toISOString() })).toBe(
      '401 This key has expired.',
    );
    expect(await refused({ not_before: '2030-01-01T00:00:00Z' })).toBe(
      '401 This key is not valid yet.',
    );
    expect(await refused({ allowed_cidrs: ['192.0.2.0/24'] })).toBe(
      '401 This key may not be used from this address.',
    );
    const guesses = ['a', 'sk_live_0123456789', `wdr_live_${'0'.repeat(40)}`];
    const said = await Promise.all(guesses.map((guess) => whoami(service, guess)));
    expect(new Set(said.map(({ status, body }) => `${status} ${body.detail}`))).toEqual(
      new Set(['401 No key like this is known.']),
    );
  });

  it('makes a caller of its workspace, its permissions and its own life', async () => {
    const { id: workspace_id } = await service.createWorkspace({ slug: 'acme' });
    const { id, key } = await service.manager(['keys:read', 'keys:write'], { workspace_id });
    expect(await service.expectCall(200, 'GET', '/v1/whoami', { key })).toMatchObject({
      identity: { type: 'key', id },
      kind: 'management',
      instance: false,
      workspace: { id: workspace_id, slug: 'acme' },
      permissions: ['keys:read', 'keys:write'],
      key: { id, status: 'active' },
    });
    const made = await service.createKey({}, key);
    expect([made.workspace_id, made.created_by]).toEqual([workspace_id, { type: 'key', id }]);
    const first = await service.expectCall(200, 'GET', '/v1/whoami');
    expect(first).toMatchObject({ instance: true, workspace: null, permissions: ['*'] });
  });

  it('counts the address that trusted proxies vouch for, and no other’s word for it', async () => {
    const bound = { allowed_cidrs: ['192.0.2.7'] };
    const direct = (await service.manager('owner', bound)).key;
    expect((await whoami(service, direct, '192.0.2.7')).status).toBe(401);
    const { key } = await behind.manager('owner', bound);
    expect((await whoami(behind, key, '192.0.2.7')).status).toBe(200);
    expect((await whoami(behind, key, '192.0.2.7, 198.51.100.1')).status).toBe(401);
    expect((await whoami(behind, key)).status).toBe(401);
  });

  it('works with a pepper like without one', async () => {
    const { key } = await behind.createKey({ scopes: ['a'] });
    expect((await behind.verify(key, { scopes: ['a'] })).code).toBe('valid');
  });
});

it('what is made is found at the public address', async () => {
  const reply = await behind.call('POST', '/v1/keys', { body: {} });
  expect(reply.headers.location).toBe(`${publicUrl}/v1/keys/${reply.body.id}`);
  const { body } = await behind.call('GET', '/openapi.json', { key: null });
  expect(body.servers).toEqual([{ url: publicUrl }]);
  const { id: workspace_id } = await service.createWorkspace();
  for (const more of [{}, { workspace_id }]) {
    const made = await service.call('PUT', '/v1/owners/a%20b%2Fc', { body: more });
    const { location } = made.headers;
    expect(location).toMatch(/^\/v1\/owners\/a%20b%2Fc\?/);
    expect(await service.expectCall(200, 'GET', String(location))).toEqual(made.body);
  }
});
