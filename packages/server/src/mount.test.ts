// Which dialect answers a path, and that it is that one whatever goes wrong.

import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DialectService,
  startDialectService,
} from '../../../tests/fixtures/dialect-service.ts';

let service: DialectService;
beforeAll(async () => {
  service = await startDialectService();
});
afterAll(() => service.close());

/** Which API a reply to a wrong call is of, by the look of its error. */
async function speaks(target: string): Promise<string> {
  const { status, body } = await service.ask('GET', target);
  expect([target, status]).toEqual([target, 404]);
  if ('acorn' in body) return 'acorn';
  return 'oak' in body ? 'oak' : String(body.type);
}

describe('the dialect that answers', () => {
  it.each([
    ['/acorn/v1', 'acorn'],
    ['/acorn/v1/', 'acorn'],
    ['/acorn/v1?x', 'acorn'],
    ['/acorn/v1/nothing', 'acorn'],
    ['/acorn/v1/v1/keys', 'acorn'],
    ['/acorn/v1/oaks', 'acorn'],
    ['/acorn/v1/oak', 'oak'],
    ['/acorn/v1/oak/', 'oak'],
    ['/acorn/v1/oak/nothing?a=/acorn/v1/nuts', 'oak'],
  ])('to %s is the one of the longest base that it is below: %s', async (target, name) => {
    expect(await speaks(target)).toBe(name);
  });

  it.each([
    '/acorn',
    '/acorn/v1x',
    '/acorn/v1x/nuts',
    '/acorn/v10/nuts',
    '/acorn/v2/nuts',
    '/ACORN/v1/nuts',
    '/acorn//v1/nuts',
    '/acorn%2Fv1/nuts',
    '/x/acorn/v1/nuts',
    '/nuts',
    '/v1/nuts',
  ])('to %s, which is below no base, is the native API', async (target) => {
    expect(await speaks(target)).toBe('urn:warder:problem:not_found');
  });

  it('serves its routes below its base, beside the native ones', async () => {
    for (const path of ['/acorn/v1/nuts', '/acorn/v1/oak/nuts', '/v1/keys', '/readyz']) {
      expect([path, (await service.ask('GET', path)).status]).toEqual([path, 200]);
    }
  });
});

describe('a request that cannot be read', () => {
  /** What comes back for bytes on a socket of their own. */
  const shout = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(service.url);
      const socket = connect(Number(port), hostname);
      let heard = '';
      socket.setEncoding('utf8').on('data', (part) => {
        heard += part;
      });
      socket.on('close', () => resolve(heard)).on('error', () => {});
      socket.end(text);
    });
  const post = (path: string, headers: string, body = '') =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n${body}`;

  const faults: [string, string, string, number][] = [
    ['two credentials', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n', '', 400],
    ['a body too large', `Content-Length: ${1024 * 1024}\r\n`, '{', 413],
  ];
  it.each(faults)('%s is refused as its own dialect says it', async (_, headers, body, status) => {
    const acorn = await shout(post('/acorn/v1/nuts', headers, body));
    expect(acorn).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(acorn).toMatch(/"acorn": "no"/);
    expect(acorn).not.toMatch(/urn:warder/);
    expect(await shout(post('/acorn/v1/oak/nuts', headers, body))).toMatch(/\{"oak":"/);
    expect(await shout(post('/v1/keys', headers, body))).toMatch(/urn:warder:problem:/);
  });

  it('of any kind has the shape, the media type and the headers of its dialect', async () => {
    const asked = await Promise.all([
      service.ask('POST', '/acorn/v1/nuts', {
        raw: '{',
        headers: { 'content-type': 'text/plain' },
      }),
      service.ask('POST', '/acorn/v1/nuts', { raw: '[]' }),
      service.ask('POST', '/acorn/v1/nuts', { body: { name: 7 } }),
      service.ask('GET', '/acorn/v1/nuts', { key: null }),
      service.ask('GET', '/acorn/v1/nuts', { key: 'wrong' }),
      service.ask('PUT', '/acorn/v1/nuts'),
      service.ask('PATCH', '/acorn/v1/nuts/none', { body: { name: 'x' } }),
    ]);
    expect(asked.map(({ status, body }) => [status, body])).toEqual([
      [400, { acorn: 'no', why: 'bad_request' }],
      [422, { acorn: 'no', why: 'invalid' }],
      [422, { acorn: 'no', why: 'invalid' }],
      [401, { acorn: 'no', why: 'unauthenticated' }],
      [401, { acorn: 'no', why: 'unauthenticated' }],
      [405, { acorn: 'no', why: 'method_not_allowed' }],
      [404, { acorn: 'no', why: 'not_found' }],
    ]);
    for (const { headers } of asked) {
      expect(headers['content-type']).toBe('application/json; charset=utf-8');
      expect(headers['cache-control']).toBe('no-store');
      expect(headers).not.toHaveProperty('www-authenticate');
    }
  });
});
