// What has to hold behind any gateway, tried on a real one: who passes, as whom, and
// that nothing a client sends changes either.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NOW } from '../fixtures/domain.ts';
import { bearer, IDENTITY, reasonOf } from '../kit/gateway.ts';
import { shout } from '../kit/http.ts';
import { type Program, type RealGateway, startRealGateway } from '../kit/real-gateway.ts';
import type { Body } from '../kit/service.ts';

const DAY = 86_400_000;

/** The statuses that differ: nginx knows few. */
export interface Statuses {
  readonly two_keys: number;
  readonly path_ambiguous: number;
}

export function guarantees(program: Program, statuses: Statuses): void {
  let gateway: RealGateway;
  let reader: Body;
  let ownerless: Body;
  beforeAll(async () => {
    gateway = await startRealGateway(program);
    const { service } = gateway;
    reader = await service.createKey({ scopes: ['files:read'], owner_id: 'Zoë' });
    ownerless = await service.createKey({ scopes: ['files:read'] });
  });
  afterAll(() => gateway.close());
  afterEach(() => {
    gateway.reached.length = 0;
  });

  /** Sends, and tells status, reason and what reached the service behind. */
  const pass = async (path: string, headers: Readonly<Record<string, string>>, method?: string) => {
    gateway.reached.length = 0;
    const reply = await gateway.send(path, headers, method);
    const [first, ...more] = gateway.reached;
    expect(more).toEqual([]);
    return { status: reply.status, reason: reasonOf(reply), reply, first };
  };
  const refused = async (
    path: string,
    headers: Readonly<Record<string, string>>,
    method?: string,
  ) => {
    const { status, reason, first, reply } = await pass(path, headers, method);
    expect(first, `${path} reached the service`).toBeUndefined();
    return { status, reason, reply };
  };
  const identityOf = (first: RealGateway['reached'][number] | undefined) =>
    IDENTITY.map((name) => (first?.variables.get(name.replaceAll('-', '_')) ?? []).join('|'));

  describe('a good key', () => {
    it('passes, and the service behind learns whose it is and not the key', async () => {
      for (const headers of [bearer(reader.key), { 'X-API-Key': reader.key }]) {
        const { status, reply, first } = await pass('/v1/files/a?b=c%2Fd', headers);
        expect([status, reply.text]).toEqual([200, 'from the service']);
        expect([first?.method, first?.url]).toEqual(['GET', '/v1/files/a?b=c%2Fd']);
        expect(identityOf(first)).toEqual([
          reader.id,
          gateway.service.defaultWorkspaceId,
          'Zo%C3%AB',
          'files:read',
          'live',
        ]);
        expect(JSON.stringify([...(first?.variables ?? [])])).not.toContain(reader.key);
        expect(reply.headers).not.toHaveProperty('x-warder-reason');
      }
    });

    it('passes with another method and its body', async () => {
      const { key } = await gateway.service.createKey({ scopes: ['files:write'] });
      const body = 'x'.repeat(100_000);
      const { status } = await gateway.send('/v1/files/a', bearer(key), 'PUT', body);
      expect([status, gateway.reached.length]).toEqual([200, 1]);
      expect(gateway.reached[0]).toMatchObject({ method: 'PUT', body });
    });

    it('near its end tells the client when that is, and no other does', async () => {
      const expires_at = new Date(NOW + 5 * DAY).toISOString();
      const { key } = await gateway.service.createKey({ scopes: ['files:read'], expires_at });
      const ending = await pass('/v1/files/a', bearer(key));
      expect(ending.reply.headers['warder-key-expires']).toBe(expires_at);
      const other = await pass('/v1/files/a', {
        ...bearer(reader.key),
        'warder-key-expires': 'never',
      });
      expect(other.reply.headers['warder-key-expires'] ?? '').toBe('');
    });
  });

  describe('a key with a limit', () => {
    it('passes up to it, told how it stands, and is then refused until its window ends', async () => {
      const limits = [{ name: 'minute', limit: 2, window_seconds: 60 }];
      const { key } = await gateway.service.createKey({ scopes: ['files:read'], limits });
      const told = ({ headers }: { headers: Record<string, unknown> }) => [
        headers['ratelimit-policy'],
        headers.ratelimit,
        headers['retry-after'],
      ];
      for (const left of [1, 0]) {
        const { status, reply, first } = await pass('/v1/files/a', bearer(key));
        expect(status).toBe(200);
        expect(told(reply)).toEqual(['"minute";q=2;w=60', `"minute";r=${left};t=60`, undefined]);
        expect(first?.variables.has('ratelimit')).toBe(false);
      }
      const { status, reason, reply } = await refused('/v1/files/a', bearer(key));
      expect([status, reason]).toEqual([429, 'rate_limited']);
      expect(told(reply)).toEqual(['"minute";q=2;w=60', '"minute";r=0;t=60', '60']);
      gateway.service.clock.at = NOW + 60_000;
      expect((await pass('/v1/files/a', bearer(key))).status).toBe(200);
      gateway.service.clock.at = NOW;
    });
  });

  describe('nobody passes', () => {
    it('without a key, or with one that is not good', async () => {
      const { service } = gateway;
      const made = async (more: object, command?: string) => {
        const { id, key } = await service.createKey({ scopes: ['files:read'], ...more });
        if (command) await service.expectCall(200, 'POST', `/v1/keys/${id}/${command}`);
        return bearer(key);
      };
      const expired = await made({ expires_at: new Date(NOW + 1).toISOString() });
      service.clock.at = NOW + 2;
      const cases = [
        ['no_key', {}],
        ['invalid_key', bearer(`wdr_live_${'a'.repeat(46)}`)],
        ['invalid_key', { authorization: 'Basic YTpi' }],
        ['invalid_key', await made({ environment: 'test' })],
        ['revoked', await made({}, 'revoke')],
        ['disabled', await made({}, 'disable')],
        ['expired', expired],
      ] as const;
      for (const [reason, headers] of cases) {
        const { status, reason: told, reply } = await refused('/v1/files/a', headers);
        expect([told, status]).toEqual([reason, 401]);
        expect(reply.headers['www-authenticate']).toMatch(/^Bearer realm=/);
      }
      service.clock.at = NOW;
    });

    it('with a key that lacks a scope of the path, or on a path that no rule names', async () => {
      const own = bearer(reader.key);
      const lacking = [
        await refused('/v1/admin/users', own),
        await refused('/v1/files/a', own, 'PUT'),
      ];
      expect(lacking.map(({ status, reason }) => [status, reason])).toEqual(
        Array(2).fill([403, 'insufficient_scope']),
      );
      const unnamed = [
        await refused('/', own),
        await refused('/v2/files', own),
        await refused('/v1/files/a', own, 'POST'),
      ];
      expect(unnamed.map(({ status, reason }) => [status, reason])).toEqual(
        Array(3).fill([403, 'path_not_named']),
      );
    });

    it('with a key that was revoked before the request', async () => {
      const { id, key } = await gateway.service.createKey({ scopes: ['files:read'] });
      for (let i = 0; i < 3; i++) {
        expect((await pass('/v1/files/a', bearer(key))).status).toBe(200);
      }
      await gateway.service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
      expect((await refused('/v1/files/a', bearer(key))).reason).toBe('revoked');
    });

    it('with keys in two places, or twice in one', async () => {
      const { status, reason } = await refused('/v1/files/a', {
        ...bearer(reader.key),
        'x-api-key': ownerless.key,
      });
      expect([status, reason]).toEqual([statuses.two_keys, 'two_keys']);
      for (const name of ['X-Api-Key', 'Authorization']) {
        const scheme = name === 'Authorization' ? 'Bearer ' : '';
        const { replies } = await shout(
          gateway.url,
          'GET /v1/files/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n',
          `${name}: ${scheme}${reader.key}\r\n${name}: ${scheme}${ownerless.key}\r\n\r\n`,
        );
        expect(replies.map((one) => one.status >= 400)).toEqual([true]);
        expect(gateway.reached).toEqual([]);
      }
    });

    it('while the store cannot be read', async () => {
      const { key } = await gateway.service.createKey({ scopes: ['files:read'] });
      gateway.service.watch.before.set('find', () => {
        throw new Error('the disk is gone');
      });
      const { status, reason } = await refused('/v1/files/a', bearer(key));
      gateway.service.watch.before.delete('find');
      expect([status, reason]).toEqual([503, 'unavailable']);
    });
  });

  describe('what a client sends', () => {
    it.each(IDENTITY)('as %s never reaches the service, in any spelling', async (name) => {
      const spellings = [
        name,
        name.toUpperCase(),
        name.replaceAll('-', '_'),
        name.replace('-', '_'),
        name.replace(/-(?=[^-]*$)/, '_'),
        name.replaceAll('-', '_').toUpperCase(),
      ];
      for (const key of [reader, ownerless]) {
        const expected = identityOf((await pass('/v1/files/a', bearer(key.key))).first);
        for (const spelling of spellings) {
          const smuggled = { ...bearer(key.key), [spelling]: 'smuggled' };
          const { status, first } = await pass('/v1/files/a', smuggled);
          if (status !== 200) continue;
          expect(identityOf(first), spelling).toEqual(expected);
        }
        const all = spellings.map((spelling) => `${spelling}: smuggled\r\n`).join('');
        gateway.reached.length = 0;
        await shout(
          gateway.url,
          'GET /v1/files/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n',
          `${all}Authorization: Bearer ${key.key}\r\n${all}\r\n`,
        );
        for (const one of gateway.reached) expect(identityOf(one)).toEqual(expected);
      }
    });

    it('as hop-by-hop headers takes away no identity, and no fact that is judged', async () => {
      const names = [...IDENTITY, 'X-Forwarded-Uri', 'X-Original-URI', 'X-Forwarded-For'];
      const expected = identityOf((await pass('/v1/files/a', bearer(reader.key))).first);
      for (const name of names) {
        const headers = { ...bearer(reader.key), connection: `keep-alive, ${name}` };
        const { status, first } = await pass('/v1/files/a', headers);
        if (status === 200) expect(identityOf(first), name).toEqual(expected);
        await refused('/v1/admin/a', headers);
      }
    });

    it('as the path or method of the request changes nothing of what is judged', async () => {
      for (const told of ['/v1/files/a', '/v1/me']) {
        const headers = {
          ...bearer(reader.key),
          'X-Original-URI': told,
          'X-Original-Method': 'GET',
          'X-Forwarded-Uri': told,
          'X-Forwarded-Method': 'GET',
          'X-Forwarded-Prefix': told,
          'X-Rewrite-URL': told,
        };
        expect((await refused('/v1/admin/users', headers)).reason).toBe('insufficient_scope');
        expect((await refused('/v1/files/a', headers, 'PUT')).reason).toBe('insufficient_scope');
      }
    });

    it('as its address is not believed', async () => {
      const { key } = await gateway.service.createKey({
        scopes: ['files:read'],
        allowed_cidrs: ['192.0.2.0/24'],
      });
      for (const name of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded']) {
        const headers = {
          ...bearer(key),
          [name]: name === 'Forwarded' ? 'for=192.0.2.7' : '192.0.2.7',
        };
        expect((await refused('/v1/files/a', headers)).reason).toBe('forbidden_ip');
      }
      const local = await gateway.service.createKey({
        scopes: ['files:read'],
        allowed_cidrs: ['127.0.0.0/8'],
      });
      expect((await pass('/v1/files/a', bearer(local.key))).status).toBe(200);
    });
  });

  describe('a path', () => {
    it.each([
      ...['/v1/files/../admin/users', '/v1/files/%2e%2e/admin/users', '/v1/files/..%2fadmin/users'],
      ...['/v1/files/%2e%2e%2fadmin/users', '/v1/files/..;/admin/users', '/v1//admin/users'],
      ...['//v1/admin/users', '/v1/files/..\\admin/users', '/v1/files/..%5cadmin/users'],
      ...['/v1/./admin/users', '/v1/admin;x/users', '/v1/Admin/users', '/V1/ADMIN/users'],
      ...['/v1/files/%252e%252e/admin/users', '/v1/files/..%00/admin/users', '/v1/%61dmin/users'],
      ...['/v1/admin', '/v1/admin/', '/v1/admin%2fusers', '/v1/admin%00', '/v1/admin%20/..'],
      ...['/v1/files/a/../../admin/users', '/v1/files//../admin', '/v1/files/.%2e/admin'],
    ])('%s reaches nothing that the key lacks scopes for', async (path) => {
      await refused(path, bearer(reader.key));
    });

    it('with a slash at its end, or encoded letters, is the one that it is', async () => {
      for (const path of ['/v1/files', '/v1/files/', '/v1/f%69les/%61', '/v1/files/caf%C3%A9']) {
        expect([path, (await pass(path, bearer(reader.key))).status]).toEqual([path, 200]);
      }
    });

    it('that is no canonical one is refused as such', async () => {
      const { status, reason } = await refused('/v1/files/a%2fb', bearer(reader.key));
      expect([status, reason]).toEqual([statuses.path_ambiguous, 'path_ambiguous']);
    });
  });

  // Last: nothing answers the gateway after it.
  it('nobody passes once the service that answers is gone', async () => {
    expect((await pass('/v1/files/a', bearer(reader.key))).status).toBe(200);
    await gateway.silence();
    const { status } = await refused('/v1/files/a', bearer(reader.key));
    expect(status).toBeGreaterThanOrEqual(500);
  });
}
