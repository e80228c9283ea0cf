// Gateways that could not be installed: the requests that Traefik and Envoy are documented
// to send are answered as they need it, and the examples name what Warder answers.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { IDENTITY_HEADERS } from '../../packages/server/src/identity-headers.ts';
import { bearer, openGateway, reasonOf } from '../kit/gateway.ts';
import { exampleAt } from '../kit/real-gateway.ts';
import { type Body, type Service, startService } from '../kit/service.ts';

let service: Service;
let reader: Body;
beforeAll(async () => {
  service = await startService();
  reader = await service.createKey({ scopes: ['files:read'] });
});
afterAll(() => service.close());

const textOf = (example: string, file: string) =>
  readFileSync(join(exampleAt(example), file), 'utf8');

const opened = async (example: string) => {
  const gateway = await openGateway(service, JSON.parse(textOf(example, 'plan.json')));
  onTestFinished(() => gateway.close());
  return gateway;
};

/** The items of each list in YAML below that name. */
function listsIn(yaml: string, name: string): string[][] {
  const blocks = yaml.matchAll(new RegExp(`^( *)${name}:\\n((?:\\1 +.*\\n)+)`, 'gm'));
  return Array.from(blocks, ([, , block = '']) =>
    Array.from(block.matchAll(/- (?:exact: |remove: )?([\w-]+)$/gm), ([, item = '']) => item),
  );
}

it('Traefik asks with what it adds to the headers of the client, by GET, and is answered', async () => {
  const { send } = await opened('gateway-traefik');
  // Without trustForwardHeader it sets each of these itself, over what a client sent.
  const asTraefik = (method: string, uri: string, headers: Record<string, string>) =>
    send('GET', '/', {
      ...headers,
      'accept-encoding': 'gzip',
      'user-agent': 'curl/8',
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-host': 'api.example.com',
      'x-forwarded-method': method,
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
      'x-forwarded-server': 'edge',
      'x-forwarded-uri': uri,
      'x-real-ip': '192.0.2.7',
    });
  expect((await asTraefik('GET', '/v1/files/a?b', bearer(reader.key))).status).toBe(200);
  const refused = await asTraefik('PUT', '/v1/files/a', { 'x-api-key': reader.key });
  expect([refused.status, reasonOf(refused)]).toEqual([403, 'insufficient_scope']);
  expect((await asTraefik('GET', '/v1/files/a', {})).status).toBe(401);
});

it('Traefik replaces or removes every header that says who calls', () => {
  const yaml = textOf('gateway-traefik', 'dynamic.yml');
  expect(listsIn(yaml, 'authResponseHeaders')).toEqual([
    [...IDENTITY_HEADERS, 'Warder-Key-Expires'],
  ]);
  expect(yaml).toContain('trustForwardHeader: false');
});

it.each(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'])(
  'Envoy asks by the %s of the client with its path, and is answered',
  async (method) => {
    const { send } = await opened('gateway-envoy');
    const asEnvoy = (path: string, headers: Record<string, string>) =>
      send(method, path, { host: 'api.example.com', 'content-length': '0', ...headers });
    const allowed = method === 'GET' || method === 'HEAD';
    const own = { ...bearer(reader.key), 'x-forwarded-for': '192.0.2.7' };
    expect((await asEnvoy('/v1/files/a?b=c', own)).status).toBe(allowed ? 200 : 403);
    expect((await asEnvoy('/v1/files/../admin', own)).status).toBe(400);
    expect((await asEnvoy('/v1/files/a', {})).status).toBe(401);
  },
);

it('Envoy removes what a client sent, sends what is judged, and hands on all that is answered', () => {
  const yaml = textOf('gateway-envoy', 'envoy.yaml');
  const names = IDENTITY_HEADERS.map((name) => name.toLowerCase());
  const [stripped, withoutKey] = listsIn(yaml, 'request_mutations');
  expect(stripped).toEqual([...names, 'x-warder-gateway-secret']);
  expect(withoutKey).toEqual(['authorization', 'x-api-key']);
  expect(listsIn(yaml, 'allowed_upstream_headers')).toEqual([names]);
  expect(listsIn(yaml, 'allowed_headers')).toEqual([['x-api-key', 'x-forwarded-for']]);
  expect(yaml).toContain('failure_mode_allow: false');
});
