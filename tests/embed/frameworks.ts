// Every framework that there is a middleware for, really listening, with one route that
// takes a key with the scope `files:read` and answers whose it is.

import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { MiddlewareOptions } from '@warder/sdk';
import { createMiddleware as forExpress } from '@warder/sdk/express';
import { createMiddleware as forFastify } from '@warder/sdk/fastify';
import { createMiddleware as forHono } from '@warder/sdk/hono';
import { createMiddleware as forNode } from '@warder/sdk/node';
import { createMiddleware as forWeb } from '@warder/sdk/web';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';

export type Scope = 'files:read' | 'files:write';

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** @param passed called by the handler behind the middleware */
type Start = (options: MiddlewareOptions, passed: (keyId: string) => void) => Promise<Listening>;

const NEEDS = { scopes: ['files:read'] as const };

export const FRAMEWORKS: Readonly<Record<string, Start>> = {
  async express(options, passed) {
    const requireKey = forExpress<Scope>(options);
    const app = express();
    app.get('/files', requireKey(NEEDS), (request, response) => {
      const { key_id } = requireKey.keyOf(request);
      passed(key_id);
      response.json({ key_id });
    });
    return listening(createServer(app));
  },
  async fastify(options, passed) {
    const requireKey = forFastify<Scope>(options);
    const app = fastify();
    app.get('/files', { onRequest: requireKey(NEEDS) }, async (request) => {
      const { key_id } = requireKey.keyOf(request);
      passed(key_id);
      return { key_id };
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return { url, close: async () => void (await app.close()) };
  },
  async hono(options, passed) {
    const requireKey = forHono<Scope>(options);
    const app = new Hono();
    app.get('/files', requireKey(NEEDS), (c) => {
      const { key_id } = requireKey.keyOf(c);
      passed(key_id);
      return c.json({ key_id });
    });
    return honoListening(app.fetch);
  },
  async 'hono with a response of its own'(options, passed) {
    const requireKey = forHono<Scope>(options);
    const app = new Hono();
    app.get('/files', requireKey(NEEDS), (c) => {
      const { key_id } = requireKey.keyOf(c);
      passed(key_id);
      return Response.json({ key_id });
    });
    return honoListening(app.fetch);
  },
  async 'web standard'(options, passed) {
    const requireKey = forWeb<Scope>(options);
    const handle = requireKey(NEEDS, (_, { key_id }) => {
      passed(key_id);
      return Response.json({ key_id });
    });
    return honoListening((request) => handle(request));
  },
  async 'node:http'(options, passed) {
    const requireKey = forNode<Scope>(options);
    return listening(
      createServer(
        requireKey(NEEDS, (_, response, { key_id }) => {
          passed(key_id);
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ key_id }));
        }),
      ),
    );
  },
};

export async function listening(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function honoListening(
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<Listening> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({
        url: `http://127.0.0.1:${port}`,
        close: () => new Promise((closed) => server.close(() => closed())),
      }),
    );
  });
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** @param headers names and values in turn, sent as they are; `host` is added */
export function get(
  url: string,
  headers: readonly string[],
  method = 'GET',
  sent = '',
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(url);
    const call = request(
      url,
      { method, agent: false, headers: ['host', host, 'connection', 'close', ...headers] },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = /[/+]json/.test(String(response.headers['content-type']));
          const body = json && text !== '' ? JSON.parse(text) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
        });
      },
    );
    call.on('error', reject).end(sent);
  });
}
