// The service mounted in real frameworks over real HTTP: its API as on its own listener,
// whatever the app does with bodies, headers and paths around it.

import { createServer } from 'node:http';
import { createTestWarder, type TestWarder } from '@warder/server/testing';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { get, honoListening, type Listening, listening } from './frameworks.ts';

const BASE = '/internal/keys';

const APPS: Readonly<Record<string, (warder: TestWarder) => Promise<Listening>>> = {
  'node:http': (warder) => listening(createServer(warder.node)),
  express: (warder) => listening(createServer(express().use(BASE, warder.node))),
  'express after a parser of bodies': (warder) =>
    listening(
      createServer(
        express()
          .use(express.json({ limit: '1mb' }))
          .use(BASE, warder.node),
      ),
    ),
  'express after a parser that keeps bytes': (warder) =>
    listening(
      createServer(
        express()
          .use(express.raw({ type: () => true, limit: '1mb' }))
          .use(BASE, warder.node),
      ),
    ),
  'express in routers': (warder) =>
    listening(createServer(express().use('/internal', express.Router().use('/keys', warder.node)))),
  async fastify(warder) {
    const app = fastify();
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      scope.all(`${BASE}/*`, (request, reply) => {
        reply.hijack();
        warder.node(request.raw, reply.raw);
      });
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return { url, close: async () => void (await app.close()) };
  },
  hono(warder) {
    const app = new Hono();
    app.all(`${BASE}/*`, (c) => warder.fetch(c.req.raw));
    return honoListening(app.fetch);
  },
};

describe.each(Object.keys(APPS))('%s', (name) => {
  let warder: TestWarder;
  let app: Listening;
  beforeAll(async () => {
    warder = await createTestWarder({ basePath: BASE });
    app = (await APPS[name]?.(warder)) ?? expect.unreachable();
  });
  afterAll(async () => {
    await app.close();
    await warder.close();
  });

  const manage = () => ['authorization', `Bearer ${warder.managementKey}`];
  const ask = (path: string, body?: string, headers = manage(), method?: string) =>
    get(
      `${app.url}${BASE}${path}`,
      [
        ...headers,
        ...(body === undefined
          ? []
          : ['content-type', 'application/json', 'content-length', `${Buffer.byteLength(body)}`]),
      ],
      method ?? (body === undefined ? 'GET' : 'POST'),
      body,
    );

  it('a key is made, verified, listed and revoked, and the verdict obeys at once', async () => {
    const made = await ask('/v1/keys', '{"name":"CI 🔑","scopes":["files:read"]}');
    expect(made.status).toBe(201);
    expect(made.headers.location).toBe(`${BASE}/v1/keys/${made.body.id}`);
    const asked = JSON.stringify({ key: made.body.key, scopes: ['files:read'] });
    const verdict = await ask('/v1/keys/verify', asked);
    expect(verdict.body).toMatchObject({ valid: true, name: 'CI 🔑' });
    const listed = await ask('/v1/keys?search=CI%20%F0%9F%94%91&include=total');
    expect(listed.body).toMatchObject({ total: 1 });
    expect((await ask(`/v1/keys/${made.body.id}/revoke`, '{}')).status).toBe(200);
    expect((await ask('/v1/keys/verify', asked)).body).toMatchObject({ code: 'revoked' });
  });

  it('a call without a body, and one that needs none, are answered', async () => {
    const made = await ask('/v1/keys', '{}');
    const disabled = await ask(`/v1/keys/${made.body.id}/disable`, '', manage(), 'POST');
    expect([disabled.status, disabled.body.status]).toEqual([200, 'disabled']);
    const head = await ask('/livez', undefined, manage(), 'HEAD');
    expect([head.status, head.text]).toEqual([405, '']);
  });

  it('what is too large, no JSON, or sent with two keys is refused', async () => {
    const big = await ask('/v1/keys', JSON.stringify({ name: 'x'.repeat(300_000) }));
    expect([big.status, big.body.code]).toEqual([413, 'too_large']);
    const key = warder.managementKey;
    for (const headers of [
      [...manage(), ...manage()],
      [...manage(), 'x-api-key', key],
      ['x-api-key', key, 'x-api-key', key],
    ]) {
      const { status, body } = await ask('/v1/keys', undefined, headers);
      expect([status, body.code]).toEqual([400, 'bad_request']);
    }
    expect((await ask('/v1/keys', undefined, [])).status).toBe(401);
    expect((await ask('/v1/nothing')).status).toBe(404);
  });

  it('an export comes whole', async () => {
    const { status, text } = await ask('/v1/events/export');
    expect(status).toBe(200);
    const types = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    expect(types).toEqual(expect.arrayContaining(['installation.created', 'key.revoked']));
  });
});

it('a body that something read and threw away is told as that, and no call hangs', async () => {
  const warder = await createTestWarder();
  const app = await listening(
    createServer((request, response) => {
      request.resume().on('end', () => warder.node(request, response));
    }),
  );
  const headers = ['authorization', `Bearer ${warder.managementKey}`];
  const sent = [...headers, 'content-type', 'application/json'];
  const post = await get(`${app.url}/v1/keys`, sent, 'POST', '{}');
  expect(post.status).toBe(500);
  expect(post.body.detail).toContain('mount Warder before');
  expect((await get(`${app.url}/v1/keys`, headers)).status).toBe(200);
  await app.close();
  await warder.close();
});
