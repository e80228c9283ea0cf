// The service embedded: what is asked in process, what is mounted, and where either
// ends. Mounted in real frameworks it is in tests/embed.test.ts.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuthorizationError } from './authorization.ts';
import { createWarder } from './embed.ts';
import type { EmbedOptions } from './embed-options.ts';
import { StartRefused } from './installation.ts';
import { createLog } from './log.ts';
import { createTestWarder, type TestWarder } from './testing.ts';

const BASE = '/internal/keys';
const HERE = `http://app.test${BASE}`;

let warder: TestWarder;
beforeAll(async () => {
  warder = await createTestWarder({ basePath: BASE });
});
afterAll(() => warder.close());

interface Given {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly by?: string;
}

async function ask(path: string, { method, body, headers, by }: Given = {}, of = warder) {
  const request = new Request(path.startsWith('http') ? path : `${HERE}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${by ?? of.managementKey}`,
      'content-type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const response = await of.fetch(request);
  const text = await response.text();
  const json = /[/+]json$/.test(response.headers.get('content-type') ?? '') && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? JSON.parse(text) : null,
  };
}

const issue = (draft: object = {}) =>
  warder.operations.createKey({ scopes: ['files:read'], ...draft });

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => expect.unreachable('it should have been refused'),
    (error: unknown) => error,
  );
}

describe('in process', () => {
  it('a verdict is the one that the API gives, good or not, plain or not', async () => {
    const { secret } = await issue({ ownerId: 'acme', metadata: { plan: 'gold' } });
    const { secret: bound } = await issue({ allowedCidrs: ['10.0.0.0/8'] });
    const asks = [
      { key: secret },
      { key: secret, scopes: ['files:read'] },
      { key: secret, scopes: ['files:write'] },
      { key: secret, query: 'files:read or admin', include: ['metadata' as const] },
      { key: bound },
      { key: bound, ip: '10.1.2.3' },
      { key: `${secret}x` },
      { key: '' },
      { key: warder.managementKey },
    ];
    for (const one of asks) {
      const { body } = await ask('/v1/keys/verify', { body: one });
      // As JSON, since absent and undefined are the same on the wire.
      expect(JSON.parse(JSON.stringify(await warder.verify(one)))).toEqual(body);
    }
  });

  it('a revoke takes effect for the next verification, cached or not', async () => {
    const { key, secret } = await issue();
    expect(await warder.verify({ key: secret })).toMatchObject({ valid: true });
    expect(warder.verifyCached({ key: secret })).toMatchObject({ valid: true, key_id: key.id });
    await warder.operations.revokeKey(key.id);
    expect(warder.verifyCached({ key: secret })?.code).not.toBe('valid');
    expect(await warder.verify({ key: secret })).toMatchObject({ valid: false, code: 'revoked' });
  });

  it('what cannot be asked is refused by name and rule', async () => {
    const { secret } = await issue();
    const wrong = [
      [{ key: 7 }, /^key must be a string/],
      [{ key: secret, scopes: 'files:read' }, /^scopes must be an array/],
      [{ key: secret, ip: 'nowhere' }, /^ip must be an IPv4 or IPv6 address/],
      [{ key: secret, query: 'and' }, /^query /],
      [{ key: secret, scope: ['a'] }, /^scope is not a member/],
    ] as const;
    for (const [one, rule] of wrong) {
      // A caller in plain JavaScript has no types.
      const error = await rejection(warder.verify(one as unknown as { key: string }));
      expect(error).toMatchObject({ code: 'invalid', message: expect.stringMatching(rule) });
    }
  });

  it('whoever the app signed in does no more than it says, and the audit log names them', async () => {
    const { id } = await warder.operations.createWorkspace({ name: 'Theirs' });
    const theirs = warder.operationsAs({ id: 'user-7', workspaceId: id, address: '192.0.2.9' });
    const { key } = await theirs.createKey({ name: 'mine' });
    expect(key).toMatchObject({ workspaceId: id, createdBy: { type: 'service', id: 'user-7' } });
    const [event] = (await theirs.listEvents({ limit: 1 })).items;
    expect(event).toMatchObject({ actor: { id: 'user-7' }, origin: { address: '192.0.2.9' } });
    const { key: other } = await issue();
    expect(await rejection(theirs.getKey(other.id))).toMatchObject({ code: 'not_found' });
    const reader = warder.operationsAs({ workspaceId: id, permissions: ['keys:read'] });
    expect(await rejection(reader.revokeKey(key.id))).toMatchObject({ code: 'forbidden' });
    const owned = warder.operationsAs({ workspaceId: id, ownerId: 'somebody' });
    expect(await rejection(owned.getKey(key.id))).toMatchObject({ code: 'not_found' });
  });
});

describe('authorize', () => {
  const request = (headers: [string, string][]) => new Request(HERE, { headers });
  const refused = async (from: Parameters<TestWarder['authorize']>[0], more = {}) => {
    const error = await rejection(warder.authorize(from, more));
    if (!(error instanceof AuthorizationError)) throw error;
    return error;
  };

  it('answers the good verdict, for a key and for the one key of a request', async () => {
    const { key, secret } = await issue();
    const good = { valid: true, key_id: key.id };
    expect(await warder.authorize(secret, { scopes: ['files:read'] })).toMatchObject(good);
    for (const headers of [
      { authorization: `Bearer ${secret}` },
      { Authorization: `bearer ${secret}` },
      { 'x-api-key': secret },
    ]) {
      expect(await warder.authorize({ headers })).toMatchObject(good);
      expect(await warder.authorize(request(Object.entries(headers)))).toMatchObject(good);
    }
  });

  it('throws what the client is to be answered, and nothing of the key', async () => {
    const { key, secret } = await issue();
    const lacking = await refused(secret, { scopes: ['files:write'] });
    expect(lacking).toMatchObject({ status: 403, code: 'insufficient_scope' });
    expect(lacking.missingScopes).toEqual(['files:write']);
    expect(lacking.headers['www-authenticate']).toBe(
      'Bearer realm="warder", error="insufficient_scope", scope="files:write"',
    );
    await warder.operations.revokeKey(key.id);
    const revoked = await refused(secret);
    expect(revoked).toMatchObject({ status: 401, code: 'revoked' });
    const response = revoked.response();
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status: 401, code: 'revoked' });
    expect(JSON.stringify([revoked, revoked.message, revoked.body])).not.toContain(secret);
  });

  it('refuses a request with two keys, the same or not, wherever they stand', async () => {
    const { secret } = await issue();
    const bearer = `Bearer ${secret}`;
    const twice = [
      request([
        ['authorization', bearer],
        ['x-api-key', secret],
      ]),
      request([
        ['authorization', bearer],
        ['authorization', bearer],
      ]),
      request([
        ['x-api-key', secret],
        ['x-api-key', secret],
      ]),
      // As node:http has it: of two it keeps one in `headers`.
      {
        headers: { authorization: bearer },
        rawHeaders: ['Authorization', bearer, 'AUTHORIZATION', 'Bearer wdr_live_other'],
      },
    ];
    for (const one of twice)
      expect(await refused(one)).toMatchObject({ code: 'two_keys', status: 400 });
    for (const headers of [{}, { cookie: 'a=b' }]) {
      expect(await refused({ headers })).toMatchObject({ code: 'no_key', status: 401 });
    }
    for (const authorization of ['Basic YTpi', 'Bearer', `Bearer ${secret} x`]) {
      expect(await refused({ headers: { authorization } })).toMatchObject({ code: 'invalid_key' });
    }
  });
});

describe('mounted below a path', () => {
  it('it answers there and nowhere else', async () => {
    expect((await ask('/livez')).status).toBe(200);
    for (const path of ['/livez', '/internal/key/livez', `${BASE}x/livez`, '/']) {
      const { status, body } = await ask(`http://app.test${path}`);
      expect([path, status, body.code]).toEqual([path, 404, 'not_found']);
      expect(body.detail).toBe(`This is served below ${BASE}.`);
    }
  });

  it('its links and its document name that path', async () => {
    const made = await ask('/v1/keys', { body: { name: 'linked' } });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`${BASE}/v1/keys/${made.body.id}`);
    await ask('/v1/keys', { body: { name: 'another' } });
    const page = await ask('/v1/keys?limit=1');
    const [, next = ''] = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '') ?? [];
    expect(next.startsWith(`${BASE}/v1/keys?`)).toBe(true);
    expect((await ask(`http://app.test${next}`)).status).toBe(200);
    const { body } = await ask('/openapi.json');
    expect(body.servers).toEqual([{ url: BASE }]);
  });

  it('a retry of a creation is the same one', async () => {
    const retry = { body: { name: 'once' }, headers: { 'idempotency-key': 'embedded-once' } };
    const [one, other] = [await ask('/v1/keys', retry), await ask('/v1/keys', retry)];
    expect(other.body).toEqual(one.body);
    expect(other.headers.get('idempotency-replayed')).toBe('true');
  });

  it('bounds and refuses what it reads as its own listener does', async () => {
    const big = await ask('/v1/keys', { body: JSON.stringify({ name: 'x'.repeat(300_000) }) });
    expect([big.status, big.body.code]).toEqual([413, 'too_large']);
    const key = warder.managementKey;
    const two = await ask('/v1/keys', { headers: { 'x-api-key': key } });
    expect([two.status, two.body.code]).toEqual([400, 'bad_request']);
    const joined = await ask('/v1/keys', {
      headers: { authorization: `Bearer ${key}, Bearer ${key}` },
    });
    expect([joined.status, joined.body.code]).toEqual([400, 'bad_request']);
    const form = await ask('/v1/keys', { body: 'a=b', headers: { 'content-type': 'text/plain' } });
    expect(form.status).toBe(415);
    const read = new Request(`${HERE}/v1/keys`, {
      method: 'POST',
      body: '{}',
      headers: { authorization: `Bearer ${key}` },
    });
    await read.text();
    const response = await warder.fetch(read);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('read before') });
  });

  it('a HEAD has no body, and an export comes whole', async () => {
    const head = await ask('/livez', { method: 'HEAD' });
    expect(head.text).toBe('');
    const { text, status } = await ask('/v1/events/export');
    expect(status).toBe(200);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('type');
  });

  it('an address comes from the socket or from a proxy that is trusted, never from the client', async () => {
    const { secret } = await issue({
      kind: 'management',
      workspaceId: null,
      permissions: ['*'],
      scopes: undefined,
      allowedCidrs: ['192.0.2.0/24'],
    });
    const status = async (from: object | undefined, forwarded?: string) => {
      const headers = new Headers({ authorization: `Bearer ${secret}` });
      if (forwarded) headers.set('x-forwarded-for', forwarded);
      return (await warder.fetch(new Request(`${HERE}/v1/keys`, { headers }), from)).status;
    };
    expect(await status({ peer: '192.0.2.1' })).toBe(200);
    expect(await status(undefined, '192.0.2.1')).toBe(401);
    expect(await status({ peer: '198.51.100.1' }, '192.0.2.1')).toBe(401);
    expect(await status({ peer: 7, incoming: {} })).toBe(401);
  });
});

describe('what it keeps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warder-embed-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const log = createLog('silent');
  const open = (database: string, more: Partial<EmbedOptions> = {}) =>
    createWarder({ database: join(folder, database), log, ...more });

  it('a first start makes the folder, the database and the secret, for the owner alone', async () => {
    const first = await open('new/folder/warder.db');
    const { secret } = await first.operations.createKey({ name: 'kept' });
    expect((await first.operations.listKeys({})).items.map(({ name }) => name)).toEqual(['kept']);
    await first.close();
    for (const file of ['warder.db', 'secret']) {
      expect(statSync(join(folder, 'new/folder', file)).mode & 0o777).toBe(0o600);
    }
    const again = await open('new/folder/warder.db');
    expect(await again.verify({ key: secret })).toMatchObject({ valid: true });
    await again.close();
  });

  it('another secret is refused, and so is none where there is a database, with nothing made', async () => {
    const secret = 'ab'.repeat(32);
    const given = await open('given/warder.db', { secret });
    await given.close();
    expect(existsSync(join(folder, 'given/secret'))).toBe(false);
    expect(await rejection(open('given/warder.db'))).toBeInstanceOf(StartRefused);
    expect(existsSync(join(folder, 'given/secret'))).toBe(false);
    const other = await rejection(open('given/warder.db', { secret: 'cd'.repeat(32) }));
    expect(other).toBeInstanceOf(StartRefused);
    const wrong = await rejection(open('given/warder.db', { secret: 'canary-secret' }));
    expect(wrong).toEqual(new TypeError('secret must be 64 hexadecimal digits and nothing else.'));
    const back = await open('given/warder.db', { secret });
    await back.close();
  });

  it('an option that cannot be is refused by its name before anything is made', async () => {
    for (const more of [
      { basePath: 'keys' },
      { basePath: '/keys/' },
      { dialects: ['nobody'] },
      { trustedProxies: ['everyone'] },
      { cacheBytes: 1000 },
    ]) {
      const error = await rejection(open('never/warder.db', more));
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain(Object.keys(more)[0]);
    }
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  it('two on one file are as two processes: what one revokes the other refuses', async () => {
    const [one, other] = await Promise.all([open('both/warder.db'), open('both/warder.db')]);
    const { key, secret } = await one.operations.createKey({});
    expect(await other.verify({ key: secret })).toMatchObject({ valid: true });
    await one.operations.revokeKey(key.id);
    await expect
      .poll(async () => (await other.verify({ key: secret })).code, { interval: 5, timeout: 2_000 })
      .toBe('revoked');
    await Promise.all([one.close(), other.close()]);
  });

  it('what comes after its end is answered 503, and to end twice is to end once', async () => {
    const ended = await createTestWarder();
    const { secret } = await ended.operations.createKey({});
    await Promise.all([ended.close(), ended.close()]);
    const { status, body } = await ask('http://app.test/v1/keys', {}, ended);
    expect([status, body.code]).toEqual([503, 'unavailable']);
    expect(await rejection(ended.verify({ key: secret }))).toMatchObject({ code: 'unavailable' });
    expect(await rejection(ended.authorize(secret))).toMatchObject({ status: 503 });
  });

  it('a program that only forgets to end it still ends', async () => {
    const script = `
      import { createWarder } from ${JSON.stringify(new URL('index.ts', import.meta.url).href)};
      const warder = await createWarder({ database: ${JSON.stringify(join(folder, 'left/warder.db'))} });
      const { secret } = await warder.operations.createKey({});
      console.log((await warder.verify({ key: secret })).code);`;
    const file = join(folder, 'program.mjs');
    writeFileSync(file, script);
    const args = ['--conditions=warder-source', file];
    const run = promisify(execFile)(process.execPath, args, { timeout: 30_000 });
    const { stdout, stderr } = await run;
    expect([stdout, stderr]).toEqual(['valid\n', '']);
  });

  it('a test has its own, which is gone with it', async () => {
    const test = await createTestWarder({ now: Date.UTC(2030, 0, 1) });
    const { secret } = await test.operations.createKey({ expiresAt: Date.UTC(2030, 0, 31) });
    expect(await test.verify({ key: secret })).toMatchObject({ valid: true });
    test.clock.advance({ days: 29, hours: 23, minutes: 59, seconds: 59 });
    expect(await test.verify({ key: secret })).toMatchObject({ valid: true });
    test.clock.advance({ seconds: 1 });
    expect(await test.verify({ key: secret })).toMatchObject({ valid: false, code: 'expired' });
    test.clock.set(new Date(Date.UTC(2030, 0, 2)));
    expect(await test.verify({ key: secret })).toMatchObject({ valid: true });
    await test.close();
  });
});
