// HTTP as no honest client speaks it: credentials twice, headers that two parsers
// would read differently, requests that never end. Each is refused or cut off, and
// nothing of it reaches the log as more than one line.

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answered, type Service, startService } from './kit/service.ts';

let service: Service;
let key: string;
beforeAll(async () => {
  service = await startService();
  key = (await service.manager('owner')).key;
});
afterAll(() => service.close());

/** A request in raw lines; with a last one that ends it unless a body follows. */
const lines = (...all: string[]) =>
  `${[...all, 'host: x', 'connection: close'].join('\r\n')}\r\n\r\n`;
const get = (...headers: string[]) => lines('GET /v1/keys HTTP/1.1', ...headers);
/** The one reply to raw bytes, checked as a reply to GET /v1/keys. */
async function answered(bytes: string | Uint8Array, method = 'GET', path = '/v1/keys') {
  const { replies } = await service.shout(bytes);
  const [reply, ...more] = replies;
  expect(more).toEqual([]);
  if (!reply) throw new Error('no reply');
  return service.checked(method, path, reply);
}
const told = ({ status, body }: Answered) => `${status} ${body.detail ?? ''}`;

describe('a credential', () => {
  it('is one: two of any kind are 400, whether they are the same or not', async () => {
    const both = [
      [`authorization: Bearer ${key}`, `authorization: Bearer ${key}`],
      [`Authorization: Bearer ${key}`, 'AUTHORIZATION: Bearer nonsense'],
      ['authorization: Bearer nonsense', `authorization: Bearer ${key}`],
      [`x-api-key: ${key}`, `X-Api-Key: ${key}`],
      [`authorization: Bearer ${key}`, `x-api-key: ${key}`],
      [`x-api-key: ${key}`, 'authorization: Bearer nonsense'],
      [`authorization: Bearer ${key}`, 'x-api-key:'],
      ['authorization:', `x-api-key: ${key}`],
    ];
    for (const headers of both)
      expect(told(await answered(get(...headers)))).toMatch(/^400 .*(twice|Two)/);
  });

  it('stands alone in its header: what was joined on the way is 400', async () => {
    const joined = [
      `authorization: Bearer ${key}, Bearer ${key}`,
      `authorization: Bearer ${key},`,
      `authorization: Bearer ${key} ${key}`,
      `authorization: Bearer ${key}\t${key}`,
      `x-api-key: ${key}, ${key}`,
      `x-api-key: ${key} nonsense`,
    ];
    for (const header of joined)
      expect(told(await answered(get(header)))).toMatch(/^400 .*one word/);
  });

  it('is not looked for in headers that only look alike, in other schemes, nor in the query', async () => {
    const alike = [
      `X_Api_Key: ${key}`,
      `X.Api.Key: ${key}`,
      `xapikey: ${key}`,
      `x-api-keys: ${key}`,
      `proxy-authorization: Bearer ${key}`,
      `x-authorization: Bearer ${key}`,
      `cookie: key=${key}`,
      `authorization: Basic ${Buffer.from(`:${key}`).toString('base64')}`,
      `authorization: Token ${key}`,
      `authorization: ${key}`,
      'authorization: Bearer',
      'x-api-key:',
      'x-auth-key-id: 01900000-0000-7000-8000-0123456789ab',
    ];
    for (const header of alike) expect(told(await answered(get(header)))).toMatch(/^401 /);
    const query = lines(`GET /v1/keys?key=${key}&access_token=${key} HTTP/1.1`);
    expect((await answered(query, 'GET', '/v1/keys')).status).toBe(401);
    // An underscore beside the real header neither joins nor replaces it.
    const beside = await answered(get('x_api_key: nonsense', `x-api-key: ${key}`));
    expect(beside.status).toBe(200);
  });
});

it('the other headers that decide something are one each too', async () => {
  const good = `authorization: Bearer ${key}`;
  for (const header of ['content-type', 'content-encoding', 'if-match', 'idempotency-key']) {
    const twice = await answered(get(good, `${header}: a`, `${header}: b`));
    expect(told(twice)).toMatch(/^400 .*twice/);
  }
});

describe('bytes that are no request', () => {
  const good = () => `authorization: Bearer ${key}`;
  const cases: [string, () => string | Uint8Array, RegExp][] = [
    ['nonsense', () => 'nonsense\r\n\r\n', /^400/],
    ['a TLS greeting', () => Buffer.from('16030100a5010000a1030374', 'hex'), /^400/],
    ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^(400|505)/],
    ['a version of its own', () => 'GET /v1/keys HTTP/9.9\r\nhost: x\r\n\r\n', /^(400|505)/],
    ['an unknown method', () => lines('KEYS /v1/keys HTTP/1.1'), /^400/],
    ['a space before the colon', () => get(`x-api-key : ${key}`), /^400/],
    ['a folded header', () => get(good(), 'x-a: b\r\n c: d'), /^400/],
    ['NUL in a header', () => get(good(), 'x-a: a\0b'), /^400/],
    ['a line feed alone', () => `GET /v1/keys HTTP/1.1\n${good()}\nhost: x\n\n`, /^400/],
    ['no host', () => `GET /v1/keys HTTP/1.1\r\n${good()}\r\n\r\n`, /^400/],
    [
      'a length and chunks at once',
      () => get(good(), 'content-length: 4', 'transfer-encoding: chunked'),
      /^400/,
    ],
    ['two lengths', () => get(good(), 'content-length: 0', 'content-length: 5'), /^400/],
    ['a length that is none', () => get(good(), 'content-length: -1'), /^400/],
    ['chunks under another name', () => get(good(), 'transfer-encoding: xchunked'), /^(400|501)/],
    ['a space in the path', () => lines('GET /v1/ke ys HTTP/1.1', good()), /^400/],
    ['headers of 20 KB', () => get(good(), `x-a: ${'a'.repeat(20_000)}`), /^431/],
    ['a path of 20 KB', () => lines(`GET /${'a'.repeat(20_000)} HTTP/1.1`), /^431/],
    [
      'a chunk of no size',
      () => `${get(good(), 'transfer-encoding: chunked').replace('GET', 'POST')}zz\r\n`,
      /^400/,
    ],
  ];

  it.each(cases)('%s: refused, the connection closed', async (_, bytes, expected) => {
    const { replies, clean } = await service.shout(bytes());
    expect(replies.map(({ status }) => `${status}`).join(' ')).toMatch(expected);
    expect(replies.length).toBe(1);
    expect(clean).toBe(true);
  });

  it('an absolute or authority form, `*` and a path without a slash reach nothing', async () => {
    for (const target of ['http://x/v1/keys', '*', 'x:443', '/v1/keys#a', '//v1/keys']) {
      const { replies } = await service.shout(lines(`GET ${target} HTTP/1.1`, good()));
      expect(`${target} ${replies[0]?.status}`).toMatch(/ 40[04]$/);
    }
    const tunnel = await service.shout(lines('CONNECT x:443 HTTP/1.1', good()));
    expect(tunnel.replies).toEqual([]);
  });

  it('a second request smuggled in the body of a first is answered by nobody', async () => {
    const inner = get(good());
    const outer = lines('GET /livez HTTP/1.1', `content-length: ${inner.length}`) + inner;
    const { replies } = await service.shout(outer);
    expect(replies.map(({ status }) => status)).toEqual([200]);
  });
});

describe('a client that takes its time', () => {
  let patient: Service;
  let itsKey: string;
  beforeAll(async () => {
    const deadlines = {
      headersTimeout: 500,
      requestTimeout: 1_000,
      keepAliveTimeout: 700,
      connectionsCheckingInterval: 50,
    };
    patient = await startService({ listen: { deadlines } });
    itsKey = (await patient.manager('owner')).key;
  });
  afterAll(() => patient.close());

  it('is cut off while it sends headers, sends a body, or says nothing', async () => {
    const slow = [
      '',
      'GET /v1/keys HTTP/1.1\r\nhost: x\r\nx-a: ',
      `POST /v1/keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${itsKey}\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{`,
      `POST /v1/keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${itsKey}\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{`,
      get(`authorization: Bearer ${itsKey}`).replace('connection: close', 'connection: keep-alive'),
    ];
    const before = await patient.counts();
    const from = performance.now();
    const heard = await Promise.all(slow.map((bytes) => patient.shout(bytes)));
    expect(performance.now() - from).toBeLessThan(5_000);
    expect(heard.map(({ replies }) => replies.map(({ status }) => status).join())).toEqual([
      expect.stringMatching(/^(408)?$/),
      '408',
      expect.stringMatching(/^(408|400)$/),
      expect.stringMatching(/^(408|400)$/),
      '200',
    ]);
    expect(await patient.counts()).toEqual(before);
  });

  it('holds nobody else up: two hundred of them, and the service answers', async () => {
    const { hostname, port } = new URL(patient.url);
    const idle = Array.from({ length: 200 }, () => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined).resume();
      socket.write('POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
      return new Promise((resolve) => socket.on('close', resolve));
    });
    expect((await patient.call('GET', '/v1/whoami', { key: itsKey })).status).toBe(200);
    await Promise.all(idle);
    expect((await patient.call('GET', '/v1/whoami', { key: itsKey })).status).toBe(200);
  });

  it('that hangs up in the middle of a body is no fault of ours', async () => {
    const { hostname, port } = new URL(patient.url);
    const log = patient.log.length;
    const socket = connect(Number(port), hostname);
    const begun = 'POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{';
    await new Promise((resolve) => socket.write(begun, resolve));
    socket.destroy();
    await expect
      .poll(() => patient.log.slice(log).some((line) => line.includes('before it was whole')))
      .toBe(true);
    expect(patient.log.slice(log).filter((line) => line.includes('"level":"error"'))).toEqual([]);
  });
});

describe('what a caller writes into its request', () => {
  const evil = 'a\r\n{"level":"error","msg":"forged"}\u001b[31m\u2028\u0000'.replace('\u0000', '');

  it('is stored and given back as it was sent, and forges no line of the log', async () => {
    const names = [
      evil,
      '\u202eabc\u202c',
      'a\u200bb\u200d',
      '👩‍👩‍👧‍👦'.repeat(10),
      `e${'\u0301'.repeat(254)}`,
      'é',
      'e\u0301',
      '<script>alert(1)</script>',
      '=cmd|/c calc!A0',
      '\uffff\ufffe',
      '𝕏'.repeat(255),
    ];
    for (const name of names) {
      const created = await service.createKey({ name, owner_id: name, metadata: { [name]: name } });
      const read = await service.expectCall(200, 'GET', `/v1/keys/${created.id}`);
      expect([read.name, read.owner_id, read.metadata]).toEqual([name, name, { [name]: name }]);
      const path = `/v1/owners/${encodeURIComponent(name)}`;
      expect((await service.expectCall(200, 'GET', path)).owner_id).toBe(name);
      const listed = await service.expectCall(
        200,
        'GET',
        `/v1/keys?owner_id=${encodeURIComponent(name)}`,
      );
      expect(listed.data.map(({ id }) => id)).toEqual([created.id]);
      await service.expectCall(200, 'PATCH', `/v1/workspaces/${service.defaultWorkspaceId}`, {
        body: { name },
      });
    }
    for (const name of ['𝕏'.repeat(256), `e${'\u0301'.repeat(10_000)}`, '']) {
      await service.expectCall(422, 'POST', '/v1/keys', { body: { name } });
    }
    const log = service.log.length;
    await service.call('POST', '/v1/keys', { body: { [evil]: 1 } });
    await service.call('GET', `/v1/keys?${encodeURIComponent(evil)}=1`);
    await service.call('POST', '/v1/keys', {
      body: { scopes: [evil] },
    });
    const written = service.log.slice(log);
    expect(written.length).toBe(3);
    for (const line of written) {
      expect([...line.trimEnd()].filter((one) => one < ' ')).toEqual([]);
      expect(JSON.parse(line)).toMatchObject({ level: 'info', status: 422 });
    }
  });

  it('under the names of an object’s own innards comes back, and changes nothing', async () => {
    const odd = ['constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];
    const metadata = Object.fromEntries(
      [...odd, 'length', '', 'a.b', '$ne', 'a/b', '~', '0'].map((name) => [name, { [name]: 1 }]),
    );
    const scopes = [...odd, '__proto__'];
    const created = await service.createKey({ metadata, scopes, owner_id: 'constructor' });
    expect([created.metadata, created.scopes]).toEqual([metadata, scopes]);
    const verdict = await service.verify(created.key, { scopes, include: ['metadata'] });
    expect([verdict.code, verdict.metadata]).toEqual(['valid', metadata]);
    expect((await service.verify(created.key, { scopes: ['valueOf'] })).code).toBe(
      'insufficient_scope',
    );
    const patched = await service.expectCall(200, 'PATCH', `/v1/keys/${created.id}`, {
      body: { metadata: { constructor: null, toString: { prototype: { a: 1 } } } },
    });
    const { constructor: _, ...rest } = metadata;
    expect(patched.metadata).toEqual({
      ...rest,
      toString: { toString: 1, prototype: { a: 1 } },
    });
    const { id } = await service.createWorkspace({
      name: '__proto__',
      settings: { known_scopes: ['constructor'], metadata_filters: ['__proto__', 'toString'] },
    });
    const ofIt = { workspace_id: id, scopes: ['toString'] };
    await service.expectCall(422, 'POST', '/v1/keys', { body: ofIt });
    for (const permissions of ['constructor', 'toString', '__proto__', ['constructor']]) {
      const body = { kind: 'management', workspace_id: null, permissions };
      await service.expectCall(422, 'POST', '/v1/keys', { body });
    }
  });

  it('as its request id is kept where it is one, and never where it holds a key', async () => {
    const idOf = async (given: string) =>
      (await service.call('GET', '/livez', { headers: { 'x-request-id': given } })).headers[
        'x-request-id'
      ];
    expect(await idOf('trace-0123456789')).toBe('trace-0123456789');
    for (const other of [
      'short',
      'a b c d e f',
      'x'.repeat(65),
      'a,bcdefghi',
      'id"}{"a":"b"',
      key,
    ]) {
      expect(await idOf(other)).not.toBe(other);
    }
    const body = { name: 'With the key as its request id' };
    await service.expectCall(201, 'POST', '/v1/keys', { body, headers: { 'x-request-id': key } });
    const [event] = await service.events();
    expect(String(Object(event?.origin).request_id)).not.toContain('wdr_');
  });

  it('as an address counts only from a proxy that is trusted', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.1, ::1%eth0, 10.0.0.1' };
    await service.expectCall(201, 'POST', '/v1/keys', { body: {}, headers });
    const [event] = await service.events();
    expect(Object(event?.origin).address).toBe('127.0.0.1');
  });
});

it('a key in a place where none belongs is nowhere given back: not in an error, not in the log', async () => {
  const { key: secret } = await service.createKey();
  const wrong: [string, string, object][] = [
    ['POST', '/v1/keys', { [secret]: 1 }],
    ['POST', '/v1/keys', { scopes: [`${secret} `] }],
    ['POST', '/v1/keys', { kind: secret }],
    ['POST', '/v1/keys', { permissions: [secret] }],
    ['POST', '/v1/keys', { expires_at: secret, allowed_cidrs: [secret] }],
    ['POST', '/v1/keys', { metadata: { [secret]: Number.MAX_VALUE } }],
    ['GET', `/v1/keys?${secret}=1`, {}],
    ['GET', `/v1/keys?status=${secret}`, {}],
    ['GET', `/v1/keys?a=1&${secret}&${secret}`, {}],
    ['GET', `/v1/keys/${secret}`, {}],
    ['GET', `/v1/owners/${secret}`, {}],
    ['POST', `/v1/${secret}`, {}],
    ['POST', '/v1/keys/verify', { key: secret, query: secret.repeat(2), ip: secret }],
    ['POST', '/v1/workspaces', { name: 'a', slug: secret }],
    ['POST', '/v1/workspaces', { name: 'a', settings: { known_scopes: [`${secret} `] } }],
  ];
  // The kit looks for the secret in each reply, and at the end in the log.
  for (const [method, path, body] of wrong) {
    const { status } = await service.call(method, path, { body });
    expect(`${path} ${status}`).toMatch(/ 4\d\d$/);
  }
});

it('no reply was a 5xx, and no line of the log an error', () => {
  expect([...service.contract.seen].filter((one) => / 5\d\d$/.test(one))).toEqual([]);
  expect(service.log.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
});
