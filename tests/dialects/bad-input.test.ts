// What clients get wrong, at every route of every dialect: answered in the shape of
// that dialect, with a status that its own document has there, and never with a 500.

import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallRoute, Dialect } from '../../packages/server/src/dialect.ts';
import { describeApi } from '../../packages/server/src/openapi.ts';
import { dialectsOf, PRODUCTS } from '../../packages/server/src/products.ts';
import { addCast, startCastIssuer } from '../kit/cast.ts';
import { createContract } from '../kit/contract.ts';
import { exchange } from '../kit/http.ts';
import type { TestIssuer } from '../kit/issuer.ts';
import { type Service, startService } from '../kit/service.ts';

const CREDENTIAL = 'cobo-service-credential-of-the-bad-inputs';
const dialects = dialectsOf(PRODUCTS.map(({ name }) => name));
const agent = new Agent({ keepAlive: true });
let service: Service;
let issuer: TestIssuer;
let row: object;
let cast: Readonly<Record<string, string>>;
/** A key of another workspace. */
let theirs: string;
let own: string;

beforeAll(async () => {
  ({ issuer, row } = await startCastIssuer(() => service.clock.at));
  service = await startService({
    dialects,
    issuers: [row],
    sharedCredentials: [
      { surface: 'cobo', label: 'assistant', secret: CREDENTIAL, workspaces: ['default'] },
    ],
  });
  cast = await addCast(service, issuer);
  theirs = (await service.createKey({ workspace_id: cast.elsewhere_id })).id;
  const ask = async (path: string, body: object) => {
    const { text } = await send('POST', path, { 'x-assistant-service-key': CREDENTIAL }, body);
    return JSON.parse(text).result;
  };
  const principal = await ask('/cobo/api/v1/principals', {
    external_id: 'p',
    type: 'agent',
    name: 'P',
  });
  const key = await ask('/cobo/api/v1/api-keys', { principal_id: principal.id, name: 'first' });
  own = key.raw_key;
  service.canaries.add(own);
});
afterAll(async () => {
  agent.destroy();
  await service.close();
  await issuer.close();
});

/** A good credential for a route. */
function goodFor(dialect: Dialect, { admits, operationId }: CallRoute): Record<string, string> {
  const { managementKeys, members, anyone } = admits ?? dialect.admits;
  if (anyone) return {};
  if (managementKeys) return { authorization: `Bearer ${service.firstKey}` };
  if (members) return { authorization: `Bearer ${cast.token_admin}` };
  if (dialect.name !== 'cobo') return { authorization: `Bearer ${service.firstKey}` };
  return /principal/i.test(operationId)
    ? { 'x-assistant-service-key': CREDENTIAL }
    : { 'x-api-key': own };
}

function send(method: string, path: string, headers: Record<string, string>, body?: unknown) {
  const raw = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  return exchange(service.url, agent, {
    method,
    path,
    headers: { ...(raw === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: raw,
  });
}

const IDS = [
  '01900000-0000-7000-8000-0123456789ab',
  'x',
  '%20',
  '%00',
  '%C3%BC',
  '../keys',
  'a'.repeat(300),
];
const LIMITS = [
  '0',
  '-1',
  '251',
  'abc',
  '1e9',
  '1000000000',
  '1.5',
  '',
  '0x10',
  '%00',
  '1&limit=2',
];
const CURSORS = ['x', 'AAAA', 'a'.repeat(5_000), '%00', '%22;drop'];
const VALUES = [
  null,
  true,
  -1,
  1.5,
  1e300,
  '',
  'x'.repeat(300),
  '\ud800',
  [],
  [[]],
  [7],
  {},
  { a: 1 },
];
const BODIES = [
  '',
  '{',
  '[]',
  'null',
  '7',
  '"x"',
  '\ufeff{}',
  '{"a":1,"a":2}',
  '{"__proto__":{}}',
  '['.repeat(60),
  '{"name":"\\u0000"}',
  '{"n":1e999}',
];

describe.each(dialects)('$name', (dialect) => {
  const contract = createContract(describeApi(dialect, '0.0.0', null));
  const routes = dialect.routes.filter((route): route is CallRoute => 'run' in route);
  const fill = (path: string, id: string) => path.replace(/\{\w+\}/, id);

  /** Sends it, and holds the reply against the dialect's document. */
  const statusOf = async (
    { method }: CallRoute,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ) => {
    const reply = await send(method, dialect.base + path, headers, body);
    const said = `${method} ${path} ${JSON.stringify(body)} answered ${reply.status} ${reply.text}`;
    expect(reply.status, said).toBeLessThan(500);
    expect(reply.text, said).not.toContain('urn:warder');
    expect(service.canaries.findIn(reply.text), said).toBeNull();
    if (reply.status >= 400) {
      expect(dialect.errorSchema.safeParse(JSON.parse(reply.text)).success, said).toBe(true);
    }
    expect(contract.replyFault(method, path, reply), said).toBeNull();
    return reply.status;
  };

  it.each(routes)('$operationId refuses ids, limits and cursors that are none', async (route) => {
    const good = goodFor(dialect, route);
    const body = route.body === null ? undefined : {};
    for (const id of [...IDS, theirs]) {
      if (!route.path.includes('{')) break;
      expect(await statusOf(route, fill(route.path, id), good, body)).toBeGreaterThanOrEqual(400);
    }
    if (route.query === null) return;
    const names = Object.keys(route.query.shape);
    for (const name of names) {
      const values = /after|before/.test(name) ? CURSORS : LIMITS;
      for (const value of values)
        await statusOf(route, `${route.path}?${name}=${value}`, good, body);
    }
  });

  it.each(routes)(
    '$operationId refuses bodies that are none, and members of every kind',
    async (route) => {
      if (route.body === null) return;
      const good = goodFor(dialect, route);
      const path = fill(route.path, IDS[0] ?? '');
      for (const body of BODIES) await statusOf(route, path, good, body);
      const shape = 'shape' in route.body ? Object.keys(Object(route.body.shape)) : [];
      for (const name of [...shape, 'unknown']) {
        for (const value of VALUES) await statusOf(route, path, good, { name: 'x', [name]: value });
      }
    },
  );

  it.each(routes)(
    '$operationId refuses credentials that are missing, doubled or not good',
    async (route) => {
      if ((route.admits ?? dialect.admits).anyone) return;
      const path = fill(route.path, IDS[0] ?? '');
      const good = goodFor(dialect, route);
      const [[header = '', value = ''] = []] = Object.entries(good);
      const wrong: Record<string, string>[] = [
        {},
        { [header]: '' },
        { [header]: `${value}, ${value}` },
        { [header]: `${value} x` },
        { [header]: 'nonsense' },
        { authorization: 'Basic dXNlcjpwYXNz' },
        { authorization: 'Bearer' },
        { 'x-api-key': 'x'.repeat(600) },
        { authorization: `Bearer ${'x'.repeat(600)}` },
        ...['expired', 'wrong_audience', 'none', 'unsigned', 'forged', 'stranger'].map((name) => ({
          authorization: `Bearer ${cast[`token_${name}`]}`,
        })),
      ];
      for (const headers of wrong) {
        const status = await statusOf(route, path, headers, route.body === null ? undefined : {});
        expect([401, 403, 404, 400], JSON.stringify(headers)).toContain(status);
      }
    },
  );
});
