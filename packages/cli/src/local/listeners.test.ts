// Sockets of a service that open together or not at all.

import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type DialectService,
  startDialectService,
} from '../../../../tests/fixtures/dialect-service.ts';
import { openListeners } from './listeners.ts';

let service: DialectService;
beforeAll(async () => {
  service = await startDialectService();
});
afterAll(() => service.close());

const HERE = { host: '127.0.0.1', port: 0 };
const common = () => ({ newRequestId: service.common.newRequestId });

/** A socket that listens, of somebody else. */
async function listening() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((resolve) => server.close(resolve)) };
}

it('a dialect with a listener of its own answers there alone, below the path of its product', async () => {
  const named = [
    { name: 'oak', ...HERE },
    { name: 'acorn', ...HERE },
  ];
  const { url, ofDialects, close } = await openListeners(service.warder, HERE, named, common());
  const [oak, acorn] = ofDialects;
  expect(ofDialects.map(({ name }) => name)).toEqual(['oak', 'acorn']);
  const statusAt = async (at: string | undefined, path: string) =>
    (await service.ask('GET', path, { url: String(at) })).status;
  expect(await statusAt(acorn?.url, '/v1/nuts')).toBe(200);
  expect(await statusAt(oak?.url, '/api/nuts')).toBe(200);
  for (const path of ['/acorn/v1/nuts', '/v1/keys', '/api/nuts', '/openapi.json']) {
    const { status, body } = await service.ask('GET', path, { url: String(acorn?.url) });
    expect([path, status, body]).toEqual([path, 404, { acorn: 'no', why: 'not_found' }]);
  }
  expect(await statusAt(url, '/acorn/v1/nuts')).toBe(200);
  expect(await statusAt(url, '/v1/keys')).toBe(200);
  expect(await statusAt(url, '/v1/nuts')).toBe(404);
  await close();
  for (const at of [url, ...ofDialects.map((one) => one.url)]) {
    await expect(fetch(`${at}/livez`)).rejects.toThrow();
  }
});

it('links of such a listener lead to itself', async () => {
  const named = [{ name: 'acorn', ...HERE }];
  const { ofDialects, close } = await openListeners(service.warder, HERE, named, common());
  const url = String(ofDialects[0]?.url);
  const { body } = await service.ask('POST', '/v1/nuts', { url, body: { name: 'here' } });
  expect(body.url).toBe(`${url}/v1/nuts/${body.id}`);
  await close();
});

it('an address that is taken closes what was opened, and is named with the flag for another', async () => {
  const taken = await listening();
  const free = await listening();
  await free.close();
  const named = [
    { name: 'oak', ...HERE },
    { name: 'acorn', host: '127.0.0.1', port: taken.port },
  ];
  const own = { host: '127.0.0.1', port: free.port };
  await expect(openListeners(service.warder, own, named, common())).rejects.toMatchObject({
    code: 'start_refused',
    message: `127.0.0.1:${taken.port} cannot be listened on: another program does already (EADDRINUSE); --dialect-listen acorn=HOST:PORT names another address.`,
  });
  await expect(fetch(`http://127.0.0.1:${own.port}/livez`)).rejects.toThrow();
  await taken.close();
});

it('a close waits for what is in flight on any of them, and refuses what is new on all', async () => {
  const named = [{ name: 'acorn', ...HERE }];
  const { url, ofDialects, close } = await openListeners(service.warder, HERE, named, common());
  const begun = request(`${ofDialects[0]?.url}/v1/nuts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.firstKey}`, expect: '100-continue' },
  });
  begun.flushHeaders();
  await once(begun, 'continue');
  const closed = close();
  for (const at of [url, String(ofDialects[0]?.url)]) {
    await expect(fetch(`${at}/livez`)).rejects.toThrow();
  }
  begun.end('{"name": "in flight"}');
  const [{ statusCode }] = await once(begun, 'response');
  expect(statusCode).toBe(201);
  await closed;
});
