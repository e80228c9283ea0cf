// Each middleware in its real framework over real HTTP, with the verify of an embedded
// service and with a client's: what passes, what is refused and how, and that nothing
// gets past it when something goes wrong.

import { createServer } from 'node:http';
import { createClient, type MiddlewareOptions, type Verdict, type Verify } from '@warder/sdk';
import { createTestWarder, type TestWarder } from '@warder/server/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FRAMEWORKS, get, type Listening, listening } from './frameworks.ts';

let warder: TestWarder;
let service: Listening;
const verifies: Record<string, Verify> = {};

beforeAll(async () => {
  warder = await createTestWarder({ now: Date.UTC(2030, 0, 1) });
  service = await listening(createServer(warder.node));
  verifies.embedded = warder.verify;
  const client = createClient({ baseUrl: service.url, key: warder.managementKey });
  verifies.client = client.keys.verify;
});
afterAll(async () => {
  await service.close();
  await warder.close();
});

const issue = (draft: object = {}) =>
  warder.operations.createKey({ scopes: ['files:read'], ...draft });

/** An app whose route counts who got through. */
async function started(framework: string, options: MiddlewareOptions) {
  const passed: string[] = [];
  const start = FRAMEWORKS[framework] ?? expect.unreachable();
  const app = await start({ now: warder.clock.now, ...options }, (id) => passed.push(id));
  return { ...app, passed, ask: (...headers: string[]) => get(`${app.url}/files`, headers) };
}

describe.each(Object.keys(FRAMEWORKS))('%s', (framework) => {
  describe.each(['embedded', 'client'])('with the verify of the %s one', (which) => {
    let app: Awaited<ReturnType<typeof started>>;
    beforeAll(async () => {
      app = await started(framework, { verify: verifies[which] ?? expect.unreachable() });
    });
    afterAll(() => app.close());

    it('lets a good key through with what is known of it, in either header', async () => {
      const { key, secret } = await issue();
      for (const headers of [
        ['Authorization', `Bearer ${secret}`],
        ['authorization', `bearer ${secret}`],
        ['X-API-Key', secret],
      ]) {
        const { status, body, headers: answered } = await app.ask(...headers);
        expect([status, body]).toEqual([200, { key_id: key.id }]);
        expect(answered).not.toHaveProperty('warder-key-expires');
      }
    });

    it('refuses a revoked key at once', async () => {
      const { key, secret } = await issue();
      expect((await app.ask('x-api-key', secret)).status).toBe(200);
      await warder.operations.revokeKey(key.id);
      const before = app.passed.length;
      const { status, body, headers } = await app.ask('x-api-key', secret);
      expect([status, body.code]).toEqual([401, 'revoked']);
      expect(headers['www-authenticate']).toBe('Bearer realm="warder", error="invalid_token"');
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(headers['cache-control']).toBe('no-store');
      expect(app.passed.length).toBe(before);
    });

    it('says what is missing of a key without the scope', async () => {
      const { secret } = await issue({ scopes: ['files:write'] });
      const { status, body, headers } = await app.ask('x-api-key', secret);
      expect(status).toBe(403);
      expect(body).toMatchObject({ code: 'insufficient_scope', missing_scopes: ['files:read'] });
      expect(headers['www-authenticate']).toBe(
        'Bearer realm="warder", error="insufficient_scope", scope="files:read"',
      );
    });

    it('asks for a key where there is none', async () => {
      for (const headers of [[], ['cookie', 'key=1'], ['x-api-keys', 'x']]) {
        const { status, body, headers: answered } = await app.ask(...headers);
        expect([status, body.code]).toEqual([401, 'no_key']);
        expect(answered['www-authenticate']).toBe('Bearer realm="warder"');
      }
    });

    it('refuses two keys at once, whichever of them is good', async () => {
      const { secret } = await issue();
      const bearer = `Bearer ${secret}`;
      const other = 'Bearer wdr_live_other';
      const before = app.passed.length;
      for (const headers of [
        ['authorization', bearer, 'authorization', bearer],
        ['authorization', bearer, 'Authorization', other],
        ['authorization', other, 'AUTHORIZATION', bearer],
        ['authorization', bearer, 'x-api-key', secret],
        ['x-api-key', secret, 'x-api-key', 'wdr_live_other'],
        ['x-api-key', 'wdr_live_other', 'X-Api-Key', secret],
        ['x-api-key', `${secret},${secret}`],
      ]) {
        const { status, body } = await app.ask(...headers);
        expect([headers, status, body.code]).toEqual([headers, 400, 'two_keys']);
      }
      expect(app.passed.length).toBe(before);
    });

    it('refuses what is no key, and tells nothing of whether there is one', async () => {
      const { secret } = await issue();
      for (const headers of [
        ['authorization', 'Basic YTpi'],
        ['authorization', 'Bearer'],
        ['authorization', secret],
        ['authorization', `Bearer ${secret} x`],
        ['x-api-key', `${secret}x`],
        ['x-api-key', 'wdr_live_nothing'],
        ['x-api-key', warder.managementKey],
      ]) {
        const { status, body } = await app.ask(...headers);
        expect([headers, status, body.code]).toEqual([headers, 401, 'invalid_key']);
      }
    });

    it('tells of the end of a key in its last thirty days', async () => {
      const end = warder.clock.now() + 30 * 86_400_000;
      const near = await issue({ expiresAt: end });
      const far = await issue({ expiresAt: end + 1000 });
      const { headers } = await app.ask('x-api-key', near.secret);
      expect(headers['warder-key-expires']).toBe(new Date(end).toISOString());
      const { status, headers: others } = await app.ask('x-api-key', far.secret);
      expect([status, others['warder-key-expires']]).toEqual([200, undefined]);
    });
  });

  it('judges a key that is bound to addresses by where the request comes from', async () => {
    const knows = ['express', 'fastify', 'node:http'].includes(framework);
    const app = await started(framework, { verify: warder.verify });
    const here = await issue({ allowedCidrs: ['127.0.0.0/8'] });
    const away = await issue({ allowedCidrs: ['192.0.2.0/24'] });
    expect((await app.ask('x-api-key', here.secret)).status).toBe(knows ? 200 : 403);
    const forwarded = ['x-forwarded-for', '192.0.2.1'];
    const { status, body } = await app.ask('x-api-key', away.secret, ...forwarded);
    expect([status, body.code]).toEqual([403, 'forbidden_ip']);
    await app.close();
  });

  it('lets nobody through where no verdict comes, and says when to ask again', async () => {
    const lies = (verdict: unknown) => (() => verdict) as unknown as Verify;
    const failing: Record<string, Verify> = {
      throws: () => {
        throw new Error('canary: broken');
      },
      rejects: async () => {
        throw new Error('canary: broken');
      },
      hangs: () => new Promise<Verdict>(() => {}),
      'answers nothing': lies(undefined),
      'answers null': lies(null),
      'answers true': lies(true),
      'answers something like yes': lies({ valid: 'true', code: 'valid' }),
      'answers no verdict': lies({}),
    };
    const { secret } = await issue();
    for (const [what, verify] of Object.entries(failing)) {
      const causes: unknown[] = [];
      const app = await started(framework, {
        verify,
        timeoutMilliseconds: 20,
        onRefusal: ({ cause }) => {
          causes.push(cause);
          throw new Error('a log that fails');
        },
      });
      const { status, body, headers, text } = await app.ask('x-api-key', secret);
      expect([what, status, body.code]).toEqual([what, 503, 'unavailable']);
      expect(headers['retry-after']).toBe('1');
      expect(text).not.toContain('canary');
      expect(causes).toEqual([expect.any(Error)]);
      expect(app.passed).toEqual([]);
      await app.close();
    }
  });

  it('refuses by a verdict of a service that is newer than it, and says what that says of limits', async () => {
    const reset_at = new Date(warder.clock.now() + 7_500).toISOString();
    const limits = [
      { name: 'calls', limit: 10, remaining: 0, window_seconds: 60, reset_at },
      { name: 'a "quote"\r\nx: y', limit: 1, remaining: 1, window_seconds: 1, reset_at },
      { name: 'partial', limit: 'many' },
      null,
    ];
    const newer = (verdict: object) => () => verdict as unknown as Verdict;
    const answers = async (verdict: object) => {
      const app = await started(framework, { verify: newer(verdict) });
      const got = await app.ask('x-api-key', 'any');
      await app.close();
      return { ...got, passed: app.passed.length };
    };
    const limited = await answers({ valid: false, code: 'rate_limited', message: '', limits });
    expect([limited.status, limited.body.code, limited.passed]).toEqual([429, 'rate_limited', 0]);
    expect(limited.headers).toMatchObject({
      ratelimit: '"calls";r=0;t=8',
      'ratelimit-policy': '"calls";q=10;w=60',
      'retry-after': '8',
    });
    const unknown = await answers({ valid: false, code: 'constructor', message: '' });
    expect([unknown.status, unknown.body.code, unknown.passed]).toEqual([403, 'constructor', 0]);
    const good = await answers({
      valid: true,
      code: 'valid',
      key_id: 'k',
      expires_at: null,
      limits,
    });
    expect([good.status, good.passed]).toEqual([200, 1]);
    expect(good.headers.ratelimit).toBe('"calls";r=0;t=8');
  });

  it('answers what the app says instead, and still lets nobody through', async () => {
    const app = await started(framework, {
      verify: warder.verify,
      onRefusal: (refusal) => ({
        ...refusal,
        status: 418,
        headers: { ...refusal.headers, 'content-type': 'application/json', 'x-own': '1' },
        body: '{"own":true}',
      }),
    });
    const { status, body, headers } = await app.ask();
    expect([status, body, headers['x-own']]).toEqual([418, { own: true }, '1']);
    expect(headers['www-authenticate']).toBe('Bearer realm="warder"');
    expect(app.passed).toEqual([]);
    await app.close();
  });

  it('reads the key from the header it is told to, and from no other', async () => {
    const app = await started(framework, { verify: warder.verify, header: 'X-Own-Key' });
    const { secret } = await issue();
    expect((await app.ask('x-own-key', secret)).status).toBe(200);
    const { status, body } = await app.ask('x-api-key', secret);
    expect([status, body.code]).toEqual([401, 'no_key']);
    await app.close();
  });
});

it('a client whose own key is not good lets nobody through', async () => {
  const client = createClient({ baseUrl: service.url, key: 'wdr_live_wrong' });
  const app = await started('node:http', { verify: client.keys.verify });
  const { secret } = await issue();
  const { status, body } = await app.ask('x-api-key', secret);
  expect([status, body.code]).toEqual([503, 'unavailable']);
  await app.close();
});
