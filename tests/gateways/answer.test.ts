// What a gateway is answered: whom it may let through, as whom, and why not. Over
// HTTP, with requests as gateways send them.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { GATEWAYS } from '../../packages/server/src/gateway-plan.ts';
import { REASONS, STATUSES } from '../../packages/server/src/gateway-refusals.ts';
import { NOW } from '../fixtures/domain.ts';
import { bearer, type Gateway, IDENTITY, openGateway, reasonOf } from '../kit/gateway.ts';
import { shout } from '../kit/http.ts';
import { type Body, type Service, startService } from '../kit/service.ts';

const DAY = 86_400_000;
let service: Service;
let good: Body;
beforeAll(async () => {
  service = await startService();
  good = await service.createKey({ scopes: ['files:read'], owner_id: 'acme' });
});
afterAll(() => service.close());

const opened = async (more: object = {}, secret: string | null = null): Promise<Gateway> => {
  const gateway = await openGateway(service, more, secret);
  onTestFinished(() => gateway.close());
  return gateway;
};
const identityIn = (headers: Record<string, unknown>) => IDENTITY.map((name) => headers[name]);

describe.each(GATEWAYS.map((kind) => [kind.name, kind] as const))('to %s', (name, kind) => {
  it('a good key on a path that it has the scopes for is 200, with all there is to know of it', async () => {
    const { ask } = await opened({ kind: name });
    const reply = await ask({ headers: bearer(good.key) });
    expect([reply.status, reply.text]).toEqual([200, '']);
    expect(identityIn(reply.headers)).toEqual([
      good.id,
      service.defaultWorkspaceId,
      'acme',
      'files:read',
      'live',
    ]);
    expect(reply.headers).toMatchObject({ 'cache-control': 'no-store', 'content-length': '0' });
    expect(reply.headers).not.toHaveProperty('x-warder-reason');
  });

  it('each refusal has its status, its reason, and every identity header empty', async () => {
    const { ask } = await opened({ kind: name });
    const key = async (more: object, command?: string) => {
      const made = await service.createKey({ scopes: ['files:read'], ...more });
      if (command) await service.expectCall(200, 'POST', `/v1/keys/${made.id}/${command}`);
      return bearer(made.key);
    };
    const at = (day: number) => new Date(NOW + day * DAY).toISOString();
    const expiring = await key({ expires_at: at(1) });
    service.clock.at = NOW + 2 * DAY;
    const cases = {
      no_key: {},
      two_keys: { ...bearer(good.key), 'x-api-key': good.key },
      invalid_key: bearer(`wdr_live_${'a'.repeat(46)}`),
      revoked: await key({}, 'revoke'),
      disabled: await key({}, 'disable'),
      expired: expiring,
      not_yet_valid: await key({ not_before: at(9) }),
      forbidden_ip: await key({ allowed_cidrs: ['192.0.2.0/24'] }),
      insufficient_scope: await key({ scopes: ['files:write'] }),
      rate_limited: await key({ limits: [{ name: 'none', limit: 0, window_seconds: 60 }] }),
      insufficient_credits: await key({ credits: { remaining: 0 } }),
    };
    for (const [reason, headers] of Object.entries(cases)) {
      const reply = await ask({ headers });
      expect([reasonOf(reply), reply.status]).toEqual([
        reason,
        kind.statuses[reason as keyof typeof cases],
      ]);
      expect(identityIn(reply.headers)).toEqual(Array(5).fill(''));
      expect(reply.headers['cache-control']).toBe('no-store');
      expect(JSON.parse(reply.text)).toMatchObject({ code: reason, status: reply.status });
      if (reply.status === 401) expect(reply.headers['www-authenticate']).toMatch(/^Bearer realm=/);
    }
    service.clock.at = NOW;
    const lacking = await ask({ path: '/v1/admin/x', headers: bearer(good.key) });
    expect(lacking.headers['www-authenticate']).toContain('"insufficient_scope", scope="admin"');
    expect(JSON.parse(lacking.text).missing_scopes).toEqual(['admin']);
  });

  it('a key with limits is told how they stand, in each answer', async () => {
    const { ask } = await opened({ kind: name });
    const limits = [
      { name: 'minute', limit: 2, window_seconds: 60 },
      { name: 'day', limit: 9, window_seconds: 86_400 },
    ];
    const { key } = await service.createKey({ scopes: ['files:read'], limits });
    const policy = '"minute";q=2;w=60, "day";q=9;w=86400';
    for (const left of [1, 0]) {
      const { status, headers } = await ask({ headers: bearer(key) });
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'ratelimit-policy': policy,
        ratelimit: `"minute";r=${left};t=60, "day";r=${left + 7};t=86400`,
      });
      expect(headers).not.toHaveProperty('retry-after');
    }
    const { status, headers, text } = await ask({ headers: bearer(key) });
    expect(status).toBe(kind.statuses.rate_limited);
    expect(headers).toMatchObject({
      'ratelimit-policy': policy,
      ratelimit: '"minute";r=0;t=60, "day";r=7;t=86400',
      'retry-after': '60',
    });
    expect(JSON.parse(text)).toMatchObject({ code: 'rate_limited', retry_after_seconds: 60 });
    expect((await ask({ headers: bearer(good.key) })).headers).not.toHaveProperty('ratelimit');
  });

  it('a key that is bound to networks is counted once for each request, with its verdict', async () => {
    const { ask } = await opened({ kind: name });
    const networks = { scopes: ['files:read'], allowed_cidrs: ['192.0.2.0/24'] };
    const { id, key } = await service.createKey(networks);
    const statuses: number[] = [];
    for (const from of ['192.0.2.7', '192.0.2.8', '198.51.100.1']) {
      const headers = { ...bearer(key), 'x-forwarded-for': from };
      statuses.push((await ask({ headers })).status);
    }
    expect(statuses).toEqual([200, 200, kind.statuses.forbidden_ip]);
    await service.warder.flush();
    expect(await service.expectCall(200, 'GET', `/v1/keys/${id}/usage`)).toMatchObject({
      total: 3,
      valid: 2,
      refused: { forbidden_ip: 1 },
    });
  });

  it('a key with credits spends one for each request that goes through, and for no other', async () => {
    const { ask } = await opened({ kind: name });
    const made = await service.createKey({ scopes: ['files:read'], credits: { remaining: 2 } });
    const statuses: number[] = [];
    for (const path of ['/v1/files/a', '/v1/admin/x', '/v1/files/a', '/v1/files/a']) {
      statuses.push((await ask({ path, headers: bearer(made.key) })).status);
    }
    const { insufficient_scope, insufficient_credits } = kind.statuses;
    expect(statuses).toEqual([200, insufficient_scope, 200, insufficient_credits]);
  });

  it.each([
    ['/v1/other', 'path_not_named'],
    ['/v1/files/../admin', 'path_ambiguous'],
    ['/v1/files/%2e%2e/admin', 'path_ambiguous'],
    ['/v1/files%2fa', 'path_ambiguous'],
    ['/v1//files', 'path_ambiguous'],
    ['/v1/Files/a', 'path_ambiguous'],
    ['/v1/files/a;x', 'path_ambiguous'],
  ])('%s is refused as %s', async (path, reason) => {
    const { ask } = await opened({ kind: name });
    const reply = await ask({ path, headers: bearer(good.key) });
    expect([reasonOf(reply), reply.status]).toEqual([
      reason,
      kind.statuses[reason as 'path_not_named'],
    ]);
  });

  it('a store that cannot be read refuses, never allows', async () => {
    const { ask } = await opened({ kind: name });
    const unread = await service.createKey({ scopes: ['files:read'] });
    service.watch.before.set('find', () => {
      throw new Error('the disk is gone');
    });
    const reply = await ask({ headers: bearer(unread.key) });
    service.watch.before.delete('find');
    expect([reasonOf(reply), reply.status]).toEqual(['unavailable', kind.statuses.unavailable]);
    expect(reply.headers['retry-after']).toBe('1');
    expect((await ask({ headers: bearer(unread.key) })).status).toBe(200);
  });
});

it('nginx is given no status that it makes 500 of, Envoy none that it may let through', () => {
  const statusesOf = (name: string) => GATEWAYS.find((kind) => kind.name === name)?.statuses;
  expect(new Set(Object.values(statusesOf('nginx') ?? {}))).toEqual(new Set([401, 403]));
  expect(statusesOf('forward-auth')).toEqual(STATUSES);
  expect(statusesOf('envoy')).toEqual({ ...STATUSES, unavailable: 403 });
  const all = GATEWAYS.flatMap(({ statuses }) => Object.values(statuses));
  expect(all.filter((status) => status < 400)).toEqual([]);
});

describe('a key', () => {
  it('that is revoked is refused on the next request', async () => {
    const { ask } = await opened();
    const { id, key } = await service.createKey({ scopes: ['files:read'] });
    expect((await ask({ headers: bearer(key) })).status).toBe(200);
    await service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
    expect(reasonOf(await ask({ headers: bearer(key) }))).toBe('revoked');
  });

  it('is the same in every carriage, and with secret-token: before it', async () => {
    const { ask } = await opened({ carriages: ['bearer', 'header:x-api-key', 'query:api_key'] });
    const { key, id } = good;
    for (const asked of [
      { headers: bearer(key) },
      { headers: { authorization: `bEARER  ${key}` } },
      { headers: bearer(`secret-token:${key}`) },
      { headers: { 'X-API-KEY': key } },
      { headers: { 'x-api-key': `secret-token:${key}` } },
      { path: `/v1/files/a?api%5Fkey=${key}&b` },
    ]) {
      const reply = await ask(asked);
      expect([reply.status, reply.headers['x-warder-key-id']]).toEqual([200, id]);
    }
  });

  it('in two places, or twice in one, is refused, whether the two are the same or not', async () => {
    const { ask, url } = await opened({
      carriages: ['bearer', 'header:x-api-key', 'query:api_key'],
    });
    const { key } = good;
    for (const asked of [
      { headers: { ...bearer(key), 'x-api-key': key } },
      { headers: { ...bearer(key), 'x-api-key': '' } },
      { headers: { authorization: 'Basic YTpi', 'x-api-key': key } },
      { headers: { ...bearer(`${key},${key}`) } },
      { headers: { 'x-api-key': `${key}, ${key}` } },
      { headers: bearer(key), path: '/v1/files/a?api_key=b' },
      { path: `/v1/files/a?api_key=${key}&api_key=${key}` },
    ]) {
      expect(reasonOf(await ask(asked))).toBe('two_keys');
    }
    const twice = [
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Method: GET\r\n',
      `X-Forwarded-Uri: /v1/files/a\r\nX-Api-Key: ${key}\r\nx-api-key: ${key}\r\n\r\n`,
    ];
    const { replies } = await shout(url, ...twice);
    expect(replies.map(({ headers }) => headers['x-warder-reason'])).toEqual(['two_keys']);
  });

  it('is not looked for where the plan does not say', async () => {
    const { ask } = await opened({ carriages: ['header:x-token'] });
    const { key } = good;
    expect((await ask({ headers: { 'x-token': key } })).status).toBe(200);
    for (const asked of [
      { headers: bearer(key) },
      { headers: { 'x-api-key': key } },
      { headers: { x_token: key } },
      { headers: { 'x.token': key } },
      { headers: { cookie: `x-token=${key}` } },
      { path: `/v1/files/a?api_key=${key}&x-token=${key}` },
    ]) {
      expect(reasonOf(await ask(asked))).toBe('no_key');
    }
  });

  it('of another scheme, or not one word, is no good key', async () => {
    const { ask } = await opened();
    for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer ', 'Bearer a b', good.key]) {
      expect(reasonOf(await ask({ headers: { authorization } }))).toBe('invalid_key');
    }
  });

  it('of another workspace, environment or kind is no good key, and nothing more is told', async () => {
    const { id } = await service.createWorkspace();
    const elsewhere = await service.createKey({ workspace_id: id, scopes: ['files:read'] });
    const test = await service.createKey({ environment: 'test', scopes: ['files:read'] });
    const manager = await service.manager(['keys:read']);
    const { ask } = await opened();
    for (const { key } of [elsewhere, test, manager]) {
      const reply = await ask({ headers: bearer(key) });
      expect([reasonOf(reply), reply.headers['x-warder-key-id']]).toEqual(['invalid_key', '']);
    }
    const all = await opened({ workspace: '*', environment: '*' });
    expect((await all.ask({ headers: bearer(elsewhere.key) })).status).toBe(200);
    expect((await all.ask({ headers: bearer(test.key) })).status).toBe(200);
    expect(reasonOf(await all.ask({ headers: bearer(manager.key) }))).toBe('invalid_key');
    const own = await opened({ workspace: id });
    expect((await own.ask({ headers: bearer(elsewhere.key) })).status).toBe(200);
    expect(reasonOf(await own.ask({ headers: bearer(good.key) }))).toBe('invalid_key');
  });

  it('is judged by the address that the gateway adds last, and by no other', async () => {
    const { key } = await service.createKey({
      scopes: ['files:read'],
      allowed_cidrs: ['192.0.2.0/24', '2001:db8::/32'],
    });
    const { ask } = await opened();
    const statusFrom = async (forwarded: string) =>
      (await ask({ headers: { ...bearer(key), 'x-forwarded-for': forwarded } })).status;
    for (const from of [
      '192.0.2.7',
      '198.51.100.1, 198.51.100.2, 192.0.2.7',
      '::ffff:192.0.2.7',
      '2001:db8::1',
    ])
      expect(await statusFrom(from)).toBe(200);
    for (const from of ['192.0.2.7, 198.51.100.1', '192.0.2.7,', 'unknown', '192.0.2.7:80', ''])
      expect(await statusFrom(from)).toBe(403);
    const other = await opened({ client_address: 'X-Real-IP' });
    const headers = { ...bearer(key), 'x-forwarded-for': '192.0.2.7', 'x-real-ip': '198.51.100.1' };
    expect((await other.ask({ headers })).status).toBe(403);
  });

  it('within thirty days of its end is told when that is', async () => {
    const { ask } = await opened();
    const ending = async (days: number) => {
      const expires_at = new Date(NOW + days * DAY).toISOString();
      const { key } = await service.createKey({ scopes: ['files:read'], expires_at });
      return (await ask({ headers: bearer(key) })).headers['warder-key-expires'];
    };
    expect(await ending(30)).toBe(new Date(NOW + 30 * DAY).toISOString());
    expect(await ending(31)).toBeUndefined();
    expect((await ask({ headers: bearer(good.key) })).headers).not.toHaveProperty(
      'warder-key-expires',
    );
  });

  it('has an owner and scopes in headers that hold printable ASCII and nothing that ends a line', async () => {
    const { ask } = await opened();
    const owner_id = 'Zoë 100%\u{1F600} x';
    const { key } = await service.createKey({ owner_id, scopes: ['files:read', 'a%b'] });
    const { headers } = await ask({ headers: bearer(key) });
    expect(headers['x-warder-owner-id']).toBe('Zo%C3%AB%20100%25%F0%9F%98%80%20x');
    expect(decodeURIComponent(String(headers['x-warder-owner-id']))).toBe(owner_id);
    expect(headers['x-warder-scopes']).toBe('files:read a%25b');
  });

  it('with very many scopes has those that fit, each whole', async () => {
    const { ask } = await opened();
    const scopes = Array.from({ length: 200 }, (_, i) => `${'s'.repeat(100)}:${i}`);
    const { key } = await service.createKey({ scopes: ['files:read', ...scopes] });
    const told = String((await ask({ headers: bearer(key) })).headers['x-warder-scopes']);
    expect(told.length).toBeLessThanOrEqual(4_096);
    expect(told.length).toBeGreaterThan(3_900);
    for (const scope of told.split(' ')) expect(['files:read', ...scopes]).toContain(scope);
  });
});

it('a key in memory costs no statement, and each answer counts as a use', async () => {
  const { answer } = await opened();
  const { id, key } = await service.createKey({ scopes: ['files:read'] });
  const rawHeaders = ['X-Forwarded-Method', 'GET', 'X-Forwarded-Uri', '/v1/files/a'];
  const head = {
    method: 'GET',
    target: '/',
    rawHeaders: [...rawHeaders, 'Authorization', `Bearer ${key}`],
  };
  expect(await answer(head)).toMatchObject({ status: 200 });
  await service.warder.flush();
  const before = new Map(service.watch.calls);
  service.clock.at = NOW + 60_000;
  // Without waiting: what is no promise came at once.
  for (let i = 0; i < 100; i++) expect(answer(head)).toMatchObject({ status: 200 });
  expect(new Map(service.watch.calls)).toEqual(before);
  await service.warder.flush();
  const { last_used_at } = await service.expectCall(200, 'GET', `/v1/keys/${id}`);
  expect(last_used_at).toBe(new Date(NOW + 60_000).toISOString());
  service.clock.at = NOW;
});

describe('whoever asks', () => {
  it('without the secret of the gateway learns nothing of any key', async () => {
    const secret = 'a-secret-of-the-gateway-0123456789';
    const { ask } = await opened({}, secret);
    const asked = (sent: object) =>
      ask({ headers: { ...bearer(good.key), ...(sent as Record<string, string>) } });
    expect((await asked({ 'x-warder-gateway-secret': secret })).status).toBe(200);
    for (const sent of ['', 'x', `${secret}x`, secret.slice(1)]) {
      const reply = await asked({ 'x-warder-gateway-secret': sent });
      expect([reasonOf(reply), reply.status]).toEqual(['wrong_gateway_secret', 403]);
    }
    expect(reasonOf(await asked({}))).toBe('wrong_gateway_secret');
  });

  it('without telling the request that is held back, or twice, is refused', async () => {
    const { send, url } = await opened();
    const told = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/v1/files/a' };
    for (const name of Object.keys(told)) {
      const some = { ...told, ...bearer(good.key) };
      const rest = Object.entries(some).filter(([one]) => one !== name);
      const reply = await send('GET', '/v1/files/a', Object.fromEntries(rest));
      expect(reasonOf(reply)).toBe('not_from_a_gateway');
    }
    const { replies } = await shout(
      url,
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Method: GET\r\n',
      `X-Forwarded-Uri: /v1/me\r\nX-Forwarded-Uri: /v1/files/a\r\nAuthorization: Bearer ${good.key}\r\n\r\n`,
    );
    expect(replies.map(({ headers }) => headers['x-warder-reason'])).toEqual([
      'not_from_a_gateway',
    ]);
  });
});

it('every verdict that is not good has a reason', () => {
  expect(Object.values(REASONS).every((reason) => reason in STATUSES)).toBe(true);
});
