// The client against a `fetch` that is handed in: what it sends, what it makes of answers, and
// that no error ever holds its key. Against a real service it runs in tests/cli*.test.ts.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { WarderApiError, WarderConnectionError } from './error.ts';
import type { Page } from './page.ts';
import { etagOf } from './request.ts';

const KEY = 'wdr_live_canary';

function clientOf(
  answer: (request: Request) => Response | Promise<Response>,
  more: { baseUrl?: string; timeoutMilliseconds?: number } = {},
) {
  const seen: Request[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init);
    seen.push(request.clone());
    return await answer(request);
  };
  const client = createClient({ baseUrl: 'http://warder.test/base/', key: KEY, fetch, ...more });
  return { client, seen };
}

const json = (body: unknown, init: ResponseInit = {}) => Response.json(body, init);

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => expect.unreachable('the call should have failed'),
    (error: unknown) => error,
  );
}

test('a call carries the key as a bearer, its body as JSON and its conditions as headers', async () => {
  const { client, seen } = clientOf(() => json({ id: '1' }));
  await client.keys.create({ name: 'one' }, { idempotencyKey: 'once' });
  await client.keys.disable('a/b', { ifMatch: '"3"' });
  const [create, disable] = seen;
  expect(create?.url).toBe('http://warder.test/base/v1/keys');
  expect(create?.headers.get('authorization')).toBe(`Bearer ${KEY}`);
  expect(create?.headers.get('idempotency-key')).toBe('once');
  expect(await create?.json()).toEqual({ name: 'one' });
  expect(disable?.url).toBe('http://warder.test/base/v1/keys/a%2Fb/disable');
  expect(disable?.headers.get('if-match')).toBe('"3"');
  expect(disable?.headers.get('content-type')).toBe(null);
});

test('an owner id of any text is one segment, and one that an address cannot hold is refused', async () => {
  const { client, seen } = clientOf(() => json({}));
  await client.owners.get('a b/ü?#%', { workspace_id: 'w' });
  expect(seen[0]?.url).toBe(
    'http://warder.test/base/v1/owners/a%20b%2F%C3%BC%3F%23%25?workspace_id=w',
  );
  for (const id of ['', '.', '..']) {
    expect(await rejection(client.owners.get(id))).toBeInstanceOf(TypeError);
  }
  expect(seen.length).toBe(1);
});

test('a list is a page to await and every item to iterate', async () => {
  const pages: Record<string, Page<unknown>> = {
    '': { data: [{ id: '1' }, { id: '2' }], next: 'c2', prev: null },
    c2: { data: [{ id: '3' }], next: 'c3', prev: 'c2' },
    c3: { data: [], next: null, prev: 'c3' },
  };
  const { client, seen } = clientOf(({ url }) =>
    json(pages[new URL(url).searchParams.get('after') ?? '']),
  );
  expect((await client.keys.list({ limit: 2, include: 'total' })).next).toBe('c2');
  const ids: string[] = [];
  for await (const key of client.keys.list({ limit: 2, include_deleted: true })) ids.push(key.id);
  expect(ids).toEqual(['1', '2', '3']);
  expect(seen[3]?.url).toContain('?limit=2&include_deleted=true&after=c3');
});

test('the ETag of an answer is known to etagOf and stands nowhere in the answer', async () => {
  const { client } = clientOf(() => json({ id: '1' }, { headers: { etag: '"7"' } }));
  const key = await client.keys.get('1');
  expect(etagOf(key)).toBe('"7"');
  expect(etagOf({ ...key })).toBe(undefined);
  expect(JSON.stringify(key)).toBe('{"id":"1"}');
});

test('a verdict is told apart by `valid`', async () => {
  const { client } = clientOf(() => json({ valid: false, code: 'revoked', message: 'Revoked.' }));
  const verdict = await client.keys.verify({ key: 'anything' });
  // Compiles only while the type is a union on `valid`.
  expect(verdict.valid ? verdict.scopes : verdict.message).toBe('Revoked.');
});

test('a problem document becomes an error with its members', async () => {
  const errors = [{ pointer: '/name', message: 'is too long' }];
  const { client } = clientOf(() =>
    json(
      { code: 'invalid', detail: 'name is too long.', request_id: 'r1', errors },
      { status: 422 },
    ),
  );
  const error = await rejection(client.keys.create({ name: 'x' }));
  expect(error).toBeInstanceOf(WarderApiError);
  expect(error).toMatchObject({
    status: 422,
    code: 'invalid',
    detail: 'name is too long.',
    message: 'name is too long.',
    requestId: 'r1',
    errors,
  });
});

test('an answer that is not of Warder is said to be none, also a redirect, which is not followed', async () => {
  const answers = [
    new Response('<h1>Bad gateway</h1>', { status: 502 }),
    new Response('hello', { status: 200 }),
    new Response(null, { status: 307, headers: { location: 'http://elsewhere.test/' } }),
  ];
  const { client, seen } = clientOf(() => answers.shift() ?? new Response());
  for (const status of [502, 200, 307]) {
    const error = await rejection(client.whoami());
    expect(error).toMatchObject({ name: 'WarderApiError', code: 'unexpected_reply', status });
  }
  expect(seen.every(({ redirect }) => redirect === 'manual')).toBe(true);
});

test('no error holds the key, whatever the runtime says', async () => {
  const cause = Object.assign(new Error(`secret ${KEY}`), { code: 'ECONNREFUSED' });
  const { client } = clientOf(() => {
    throw new TypeError(`fetch failed with ${KEY}`, { cause });
  });
  const error = await rejection(client.whoami());
  expect(error).toBeInstanceOf(WarderConnectionError);
  expect(error).toMatchObject({
    code: 'ECONNREFUSED',
    message:
      'Warder cannot be reached at http://warder.test/base (ECONNREFUSED): is it running there?',
  });
  for (const key of ['', `${KEY}\n`, `${KEY} ${KEY}`, `${KEY}ü`]) {
    expect(() => createClient({ baseUrl: 'http://warder.test', key })).toThrow(
      new TypeError('The key must be printable ASCII.'),
    );
  }
  for (const baseUrl of ['', 'warder.test', 'ftp://a', `http://me:${KEY}@warder.test`]) {
    expect(() => createClient({ baseUrl, key: KEY })).toThrow(/^baseUrl must be like[^_]*$/);
  }
});

test('a call ends with its signal, and at its time', async () => {
  const never = (request: Request) =>
    new Promise<Response>((_, reject) => {
      const end = () => reject(request.signal.reason);
      request.signal.addEventListener('abort', end);
      if (request.signal.aborted) end();
    });
  const { client } = clientOf(never, { timeoutMilliseconds: 20 });
  const reason = new Error('enough');
  expect(await rejection(client.whoami({ signal: AbortSignal.abort(reason) }))).toBe(reason);
  expect(await rejection(client.whoami())).toMatchObject({ code: 'TIMEOUT' });
});

/** Reads what is streamed, and minds no answer that is none. */
async function exported(stream: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of stream);
  } catch {}
}

test('every call of the document that takes a key has a method', async () => {
  const { client, seen } = clientOf(() => json({ data: [], next: null, prev: null }));
  const { keys, workspaces, owners, members, events, limits } = client;
  const who = { issuer: 'i', subject: 's', role: 'viewer' } as const;
  await Promise.all([
    ...[keys.create({}), keys.list(), keys.get('id'), keys.update('id', {}), keys.delete('id')],
    ...[keys.disable('id'), keys.enable('id'), keys.revoke('id'), keys.verify({ key: 'k' })],
    keys.verifyBatch([{ key: 'k' }]),
    ...[keys.credit('id', { add: 1 }), owners.credit('owner_id', { set: 1 })],
    ...[workspaces.create({ name: 'w' }), workspaces.list(), workspaces.get('id')],
    ...[workspaces.update('id', {}), workspaces.delete('id')],
    ...[workspaces.suspend('id'), workspaces.resume('id')],
    ...[owners.get('owner_id'), owners.put('owner_id'), owners.update('owner_id', {})],
    ...[owners.list(), owners.suspend('owner_id'), owners.resume('owner_id')],
    ...[owners.erase('owner_id'), exported(events.export())],
    ...[members.add(who), members.list(), members.get('id'), members.update('id', {})],
    ...[members.remove('id'), events.list(), client.whoami()],
    ...[client.usage.get(), keys.usage('id'), keys.explain('id')],
    limits.take('name', { identifier: 'i', limit: 1, window_seconds: 60 }),
  ]);
  const called = seen.map(({ method, url }) => {
    const path = new URL(url).pathname.replace('/base', '');
    return `${method} ${path.replace(/\/(id|owner_id|name)(?=\/|$)/, '/{$1}')}`;
  });
  const text = readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8');
  const paths: Record<string, Record<string, { security: unknown[] }>> = JSON.parse(text).paths;
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      // Figures are for Prometheus, not for clients.
      .filter(([, { security }]) => security.length > 0 && path !== '/metrics')
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  expect(called.sort()).toEqual(documented.sort());
});
