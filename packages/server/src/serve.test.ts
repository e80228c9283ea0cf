// What a dialect may choose of the interpreter, on an invented one that chooses all of it
// otherwise than the native API: over real sockets.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { acorn, oak } from '../../../tests/fixtures/dialect.ts';
import {
  type DialectService,
  startDialectService,
} from '../../../tests/fixtures/dialect-service.ts';
import { type Dialect, openRoute } from './dialect.ts';
import { listen } from './listen.ts';

const ACORN = '/acorn/v1';
const OAK = '/acorn/v1/oak';

let service: DialectService;
/** The same with CORS switched on, and a public address. */
let open: DialectService;
beforeAll(async () => {
  service = await startDialectService();
  open = await startDialectService({
    dialectCors: true,
    publicUrl: 'https://keys.example.com/warder',
  });
});
afterAll(async () => {
  await service.close();
  await open.close();
});

const make = (base: string, more: object = {}) =>
  service.ask('POST', `${base}/nuts`, { body: { name: 'n' }, ...more });

describe('CORS', () => {
  const cors = ['access-control-allow-origin', 'access-control-allow-headers'];
  const shown = (headers: object) => Object.keys(headers).filter((name) => cors.includes(name));

  it('is off unless it is switched on: no header of it, and OPTIONS is a method there is not', async () => {
    const replies = await Promise.all([
      service.ask('GET', `${ACORN}/nuts`),
      service.ask('GET', `${ACORN}/nuts`, { key: null }),
      service.ask('OPTIONS', `${ACORN}/nuts`),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 401, 405]);
    for (const { headers } of replies) expect(shown(headers)).toEqual([]);
  });

  it('where it is on, stands on every reply of a dialect that knows it, errors too', async () => {
    const replies = await Promise.all([
      open.ask('GET', `${ACORN}/nuts`),
      open.ask('GET', `${ACORN}/nuts`, { key: null }),
      open.ask('GET', `${ACORN}/weather`, { key: null }),
      open.ask('GET', `${ACORN}/nothing`),
      open.ask('POST', `${ACORN}/nuts`, { raw: '{' }),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 401, 200, 404, 400]);
    for (const { headers } of replies) expect(shown(headers).toSorted()).toEqual(cors.toSorted());
  });

  it('answers a browser that asks first, on any path and without a credential', async () => {
    for (const path of ['/nuts', '/nuts/x', '/nothing', '']) {
      const { status, headers, text } = await open.ask('OPTIONS', ACORN + path, { key: null });
      expect([status, text]).toEqual([204, '']);
      expect(shown(headers).toSorted()).toEqual(cors.toSorted());
      // RFC 9110, 8.6: a 204 has none.
      expect(headers).not.toHaveProperty('content-length');
    }
  });

  it('is never for a dialect that does not know it, nor for the native API', async () => {
    for (const path of [`${OAK}/nuts`, '/v1/keys']) {
      const [get, options] = [await open.ask('GET', path), await open.ask('OPTIONS', path)];
      expect([get.status, options.status]).toEqual([200, 405]);
      for (const { headers } of [get, options]) expect(shown(headers)).toEqual([]);
    }
  });
});

it('JSON is indented as the dialect says, in replies and errors', async () => {
  const { text } = await service.ask('GET', `${ACORN}/weather`);
  expect(text).toBe('{\n  "fine": true\n}');
  expect((await service.ask('GET', `${ACORN}/x`)).text).toMatch(/^\{\n {2}"acorn": "no",\n/);
  expect((await service.ask('GET', `${OAK}/weather`)).text).toBe('{"fine":true}');
});

describe('a retry', () => {
  it('is answered with the status the dialect has for it, or with the first one', async () => {
    const headers = { 'idempotency-key': 'retried' };
    const first = await make(ACORN, { headers });
    const again = await make(ACORN, { headers });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const other = { 'idempotency-key': 'of-the-other' };
    const statuses = [await make(OAK, { headers: other }), await make(OAK, { headers: other })];
    expect(statuses.map(({ status }) => status)).toEqual([201, 201]);
  });

  it('is one of the same dialect: another below the same path never gives its reply', async () => {
    const twin: Dialect = { ...oak, originalBase: acorn.originalBase };
    const both = await startDialectService({ dialects: [acorn, twin] });
    const listeners = ['acorn', 'oak'].map((name) => {
      const handle = both.warder.handleOnly(name);
      return handle === null ? expect.unreachable('it is served') : { ...both.common, handle };
    });
    const opened = await Promise.all(listeners.map(listen));
    const asked = { body: { name: 'n' }, headers: { 'idempotency-key': 'shared' } };
    const replies = [];
    for (const { url } of opened)
      replies.push(await both.ask('POST', '/v1/nuts', { ...asked, url }));
    expect(replies.map(({ status }) => status)).toEqual([201, 422]);
    expect(replies[1]?.body).toEqual({ oak: 'invalid' });
    await Promise.all(opened.map((one) => one.close()));
    await both.close();
  });
});

describe('what nobody asked for', () => {
  it('is overlooked where the dialect is not strict', async () => {
    const query = await service.ask('GET', `${ACORN}/nuts?limit=1&limit=2&other=3`);
    expect(query.status).toBe(200);
    expect((query.body.nuts as unknown[]).length).toBe(1);
    expect((await service.ask('GET', `${ACORN}/me?x=1`, { key: null })).status).toBe(401);
    const plain = { 'content-type': 'text/plain' };
    const raw = '{"name": "n", "other": 1}';
    const body = await service.ask('POST', `${ACORN}/nuts`, { raw, headers: plain });
    expect(body.status).toBe(201);
    expect((await service.ask('POST', `${ACORN}/nuts`, { raw })).status).toBe(201);
    const dropped = { raw: 'not JSON', headers: plain };
    const path = `${ACORN}/nuts/${body.body.id}`;
    expect((await service.ask('DELETE', path, dropped)).status).toBe(200);
  });

  it('is refused where it is', async () => {
    const statuses = [
      await service.ask('GET', `${OAK}/nuts?limit=1&limit=2`),
      await service.ask('DELETE', `${OAK}/nuts/x?other=3`),
      await service.ask('POST', `${OAK}/nuts`, { raw: '{"name": "n"}' }),
      await service.ask('DELETE', `${OAK}/nuts/x`, { raw: 'not JSON' }),
    ].map(({ status, body }) => [status, body]);
    expect(statuses).toEqual([
      [400, { oak: 'bad_request' }],
      [422, { oak: 'invalid' }],
      [415, { oak: 'unsupported_media_type' }],
      [415, { oak: 'unsupported_media_type' }],
    ]);
  });

  it('is refused by both where it is compressed', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    for (const base of [ACORN, OAK]) {
      const { status } = await service.ask('POST', `${base}/nuts`, {
        raw: '{"name":"n"}',
        headers,
      });
      expect([base, status]).toEqual([base, 415]);
    }
  });
});

describe('versions', () => {
  it('are not spoken of where the dialect has none: no ETag, and If-Match is not read', async () => {
    const { headers, body } = await make(ACORN);
    expect(headers).not.toHaveProperty('etag');
    for (const match of ['"99"', 'nonsense']) {
      const changed = await service.ask('PATCH', `${ACORN}/nuts/${body.id}`, {
        body: { name: match },
        headers: { 'if-match': match },
      });
      expect([changed.status, changed.body.name]).toEqual([200, match]);
      expect(changed.headers).not.toHaveProperty('etag');
    }
  });

  it('hold where it has them', async () => {
    const { headers, body } = await make(OAK);
    expect(headers.etag).toBe('"1"');
    const change = (match: string) =>
      service.ask('PATCH', `${OAK}/nuts/${body.id}`, {
        body: { name: match },
        headers: { 'if-match': match },
      });
    expect((await change('"99"')).status).toBe(412);
    expect((await change('nonsense')).status).toBe(412);
    const changed = await change('"1"');
    expect([changed.status, changed.headers.etag]).toEqual([200, '"2"']);
  });
});

describe('links', () => {
  it('are absolute where the dialect makes them so: to the public address, or the one that was called', async () => {
    const { body, headers } = await make(ACORN);
    expect(body.url).toBe(`${service.url}${ACORN}/nuts/${body.id}`);
    expect(headers.location).toBe(`${ACORN}/nuts/${body.id}`);
    const proxied = await make(ACORN, { headers: { host: 'keys.example.org' } });
    expect(proxied.body.url).toBe(`http://keys.example.org${ACORN}/nuts/${proxied.body.id}`);
    const known = await open.ask('POST', `${ACORN}/nuts`, {
      body: { name: 'n' },
      headers: { host: 'attacker.example' },
    });
    const url = `https://keys.example.com/warder${ACORN}/nuts/${known.body.id}`;
    expect([known.body.url, known.headers.location]).toEqual([url, url]);
  });

  it('in headers lead to the very call, below the base', async () => {
    const { headers } = await service.ask('GET', `${OAK}/nuts?limit=5`);
    expect(headers.link).toBe(`<${OAK}/nuts?limit=1>; rel="next"`);
  });
});

it('a reply that its schema does not declare is a fault of ours, told in the shape of the dialect', async () => {
  const broken: Dialect = {
    ...oak,
    routes: [
      openRoute({
        method: 'GET',
        path: '/weather',
        operationId: 'getWeather',
        summary: 'Broken',
        replies: { 200: z.object({ fine: z.boolean() }) },
        answer: async () => ({ status: 200, body: { fine: 'secret' } }),
      }),
    ],
  };
  const faulty = await startDialectService({ dialects: [broken] });
  const { status, body, text } = await faulty.ask('GET', `${OAK}/weather`);
  expect([status, body]).toEqual([500, { oak: 'internal' }]);
  expect(text).not.toContain('secret');
  await faulty.close();
});
