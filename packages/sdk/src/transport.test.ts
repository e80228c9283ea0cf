// The client over each way to call, against a real server: what travels, what ends a
// call, and what becomes of a connection that was closed meanwhile. What a client makes
// of answers is in client.test.ts.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { transport as chosen } from '#transport';
import { createClient } from './client.ts';
import { transport as overNode } from './node.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let answer: Answer = () => {};
const sockets = new Set<Socket>();
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (piece: string) => {
    body += piece;
  });
  request.on('end', () => answer(request, response, body));
});
server.on('connection', (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});
let baseUrl = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const json = (response: ServerResponse, body: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => expect.unreachable('the call should have failed'),
    (error: unknown) => error,
  );
}

it('on Node a client calls by node:http unless it is given a fetch', () => {
  expect(chosen).toBe(overNode);
});

const WAYS: Readonly<Record<string, { readonly fetch?: typeof fetch }>> = {
  'node:http': {},
  fetch: { fetch: (...call) => fetch(...call) },
};

describe.each(Object.entries(WAYS))('over %s', (_, way) => {
  const clientOf = (timeoutMilliseconds = 5_000, to = baseUrl) =>
    createClient({ baseUrl: to, key: 'wdr_live_canary', timeoutMilliseconds, ...way });

  it('a call arrives as it was meant, and its answer comes back', async () => {
    let seen: unknown;
    answer = ({ method, url, headers }, response, body) => {
      seen = {
        method,
        url,
        authorization: headers.authorization,
        type: headers['content-type'],
        body,
      };
      response.setHeader('etag', '"3"');
      json(response, { id: 'ü🔑' }, 201);
    };
    const made = await clientOf().keys.create({ name: 'ü🔑' });
    expect(made.id).toBe('ü🔑');
    expect(seen).toEqual({
      method: 'POST',
      url: '/base/v1/keys',
      authorization: 'Bearer wdr_live_canary',
      type: 'application/json',
      body: '{"name":"ü🔑"}',
    });
  });

  it('a redirect is not followed, and no key goes elsewhere', async () => {
    let calls = 0;
    answer = (_, response) => {
      calls++;
      response.writeHead(307, { location: `${baseUrl}/elsewhere` }).end();
    };
    const error = await rejection(clientOf().keys.create({}));
    expect(error).toMatchObject({ code: 'unexpected_reply', status: 307 });
    expect(calls).toBe(1);
  });

  it('a problem document becomes an error, with the id of the request', async () => {
    answer = (_, response) => {
      response.setHeader('x-request-id', 'r1');
      json(response, { code: 'invalid', detail: 'name is too long.' }, 422);
    };
    const error = await rejection(clientOf().keys.create({ name: 'x' }));
    expect(error).toMatchObject({ status: 422, code: 'invalid', requestId: 'r1' });
  });

  it('a call ends at its time, before the head of its answer and in the middle of it', async () => {
    answer = () => {};
    expect(await rejection(clientOf(30).whoami())).toMatchObject({ code: 'TIMEOUT' });
    answer = (_, response) => response.writeHead(200).write('{"id":');
    expect(await rejection(clientOf(30).whoami())).toMatchObject({ code: 'TIMEOUT' });
  });

  it('a call ends with its signal, before it began and while it is under way', async () => {
    const reason = new Error('enough');
    let calls = 0;
    const ending = new AbortController();
    answer = () => {
      calls++;
      ending.abort(reason);
    };
    expect(await rejection(clientOf().whoami({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(calls).toBe(0);
    expect(await rejection(clientOf().whoami({ signal: ending.signal }))).toBe(reason);
    expect(calls).toBe(1);
  });

  it('where nobody listens it says so, by the name the system has for it', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const error = await rejection(clientOf(5_000, `http://127.0.0.1:${port}`).whoami());
    expect(error).toMatchObject({ name: 'WarderConnectionError', code: 'ECONNREFUSED' });
    expect(String(error)).not.toContain('canary');
  });

  it('an answer that breaks off is none', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"id":');
      setImmediate(() => request.socket.destroy());
    };
    expect(await rejection(clientOf().whoami())).toMatchObject({ name: 'WarderConnectionError' });
  });

  it('lines come as they are taken, whole across pieces, and what is not taken ends the call', async () => {
    const lines = ['{"id":"ü"}', '{"id":"🔑"}', '{"id":"3"}'];
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    let closed = 0;
    answer = (_, response) => {
      response.on('close', () => closed++);
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      // In the middle of a character.
      response.write(bytes.subarray(0, 8));
      setImmediate(() => response.end(bytes.subarray(8)));
    };
    const ids: string[] = [];
    for await (const { id } of clientOf().events.export()) ids.push(id);
    expect(ids).toEqual(['ü', '🔑', '3']);
    answer = (_, response) => {
      response.on('close', () => closed++);
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(bytes);
    };
    for await (const { id } of clientOf().events.export()) {
      expect(id).toBe('ü');
      break;
    }
    await expect.poll(() => closed).toBe(2);
  });

  it('lines that break off, or that are late, are an error', async () => {
    const begun: Answer = (_, response) =>
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write('{"id":"1"}\n{"id');
    const all = async () => {
      for await (const _ of clientOf(50).events.export());
    };
    answer = begun;
    expect(await rejection(all())).toMatchObject({ code: 'TIMEOUT' });
    answer = (request, response, body) => {
      begun(request, response, body);
      setImmediate(() => request.socket.destroy());
    };
    expect(await rejection(all())).toMatchObject({ name: 'WarderConnectionError' });
  });
});

it('over node:http connections are kept: calls one after the other take one', async () => {
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => sockets.size).toBe(0);
  const seen = new Set<Socket>();
  answer = ({ socket }, response) => {
    seen.add(socket);
    json(response, {});
  };
  const client = createClient({ baseUrl, key: 'k' });
  for (let i = 0; i < 10; i++) await client.whoami();
  expect(seen.size).toBe(1);
});

describe('over node:http, a connection that was closed meanwhile', () => {
  /** How often each path was asked for; the socket of the first call after a warm one is cut. */
  let asked: string[] = [];
  const send = (method: string, repeatable: boolean) =>
    overNode({
      method,
      url: `${baseUrl}/x`,
      headers: {},
      body: method === 'GET' ? null : '{}',
      ending: { ended: false, signal: new AbortController().signal, onEnd: null },
      repeatable,
    }).then((response) => response.text());

  beforeEach(async () => {
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => sockets.size).toBe(0);
    asked = [];
    answer = ({ method, socket }, response) => {
      asked.push(`${method}`);
      if (asked.length === 2) socket.destroy();
      else json(response, {});
    };
    await send('GET', true);
  });

  it('is tried again on another where that changes nothing', async () => {
    expect(await send('POST', true)).toBe('{}');
    expect(asked).toEqual(['GET', 'POST', 'POST']);
  });

  it('is an error where it might do something twice', async () => {
    expect(await rejection(send('POST', false))).toMatchObject({ code: 'ECONNRESET' });
    expect(asked).toEqual(['GET', 'POST']);
  });
});
