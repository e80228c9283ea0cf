// Traces and figures as a collector gets them from the program, and what it never gets.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newFolder, serve } from './fixtures/program.ts';
import { startCollector } from './kit/collector.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
let collector: Awaited<ReturnType<typeof startCollector>>;
/** What was sent to the service, and must not have been sent on. */
const secrets: string[] = [];
let log = '';

/** One life of the service, with a few calls, all of one trace but the last. */
beforeAll(async () => {
  collector = await startCollector();
  const cwd = newFolder();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  };
  const { url, child, ended } = await serve(cwd, [], { env });
  const firstKey = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const call = async (method: string, path: string, body?: object, more: object = {}) => {
    const reply = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${firstKey}`,
        traceparent: `00-${TRACE}-${PARENT}-01`,
        ...(body && { 'content-type': 'application/json' }),
        ...more,
      },
      body: body ? JSON.stringify(body) : null,
    });
    return (await reply.json()) as Record<string, string>;
  };
  const { key = '', id = '' } = await call('POST', '/v1/keys', {
    name: 'secretive',
    owner_id: 'acme',
  });
  secrets.push(firstKey, key, id, 'secretive', 'acme');
  await call('GET', `/v1/keys/${id}`);
  await call('GET', `/nowhere/${key}`);
  await call('POST', '/v1/keys/verify', { key });
  await call('POST', '/v1/keys/verify', { key });
  await call('GET', '/livez', undefined, { traceparent: 'nonsense' });
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  expect(code, stderr).toBe(0);
  log = stderr;
}, 60_000);
afterAll(() => collector.close());

const spansOf = (name: string) => collector.spans.filter((span) => span.name === name);

test('each request is a server span named by its route, a child of whoever called', () => {
  const names = ['POST /v1/keys', 'GET /v1/keys/{id}', 'GET', 'POST /v1/keys/verify'];
  for (const name of names) {
    const found = spansOf(name);
    expect([name, found.length]).toEqual([name, name.endsWith('verify') ? 2 : 1]);
    for (const { traceId, parentSpanId, kind } of found) {
      expect({ traceId, parentSpanId, kind }).toEqual({
        traceId: TRACE,
        parentSpanId: PARENT,
        kind: 2,
      });
    }
  }
  expect(spansOf('POST /v1/keys')[0]?.attributes).toEqual({
    'http.request.method': 'POST',
    'http.response.status_code': 201,
    'http.route': '/v1/keys',
    'url.path': '/v1/keys',
    'url.scheme': 'http',
  });
  expect(spansOf('GET')[0]?.attributes).toEqual({
    'http.request.method': 'GET',
    'http.response.status_code': 404,
    'url.scheme': 'http',
  });
});

test('a traceparent that is none begins a trace', () => {
  const [live = expect.unreachable()] = spansOf('GET /livez');
  expect(live.traceId).not.toBe(TRACE);
  expect(live.parentSpanId ?? '').toBe('');
});

test('calls of the store are children of the request that made them, and no trace of their own', () => {
  const [created = expect.unreachable()] = spansOf('POST /v1/keys');
  const [commit = expect.unreachable()] = spansOf('store commit');
  expect(commit).toMatchObject({ traceId: TRACE, parentSpanId: created.spanId, kind: 3 });
  const requests = new Set(
    collector.spans.filter(({ kind }) => kind === 2).map((span) => span.spanId),
  );
  for (const span of collector.spans.filter(({ name }) => name.startsWith('store '))) {
    expect([span.name, requests.has(span.parentSpanId ?? '')]).toEqual([span.name, true]);
  }
});

test('figures are sent in the conventions of HTTP, and those of the service by their names', () => {
  const [verified = expect.unreachable()] = collector.points.filter(
    ({ metric, attributes }) =>
      metric === 'http.server.request.duration' && attributes['http.route'] === '/v1/keys/verify',
  );
  expect(verified).toMatchObject({ unit: 's', value: 2 });
  expect(verified.attributes).toEqual({
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'http.route': '/v1/keys/verify',
    'url.scheme': 'http',
  });
  const valid = collector.points.filter(
    ({ metric, attributes }) => metric === 'warder.verifications' && attributes.code === 'valid',
  );
  expect(valid.at(-1)?.value).toBe(2);
});

test('the resource is the service with its version, and what the operator said of it', () => {
  expect(collector.resources[0]).toMatchObject({
    'service.name': 'warder',
    'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
    'deployment.environment.name': 'test',
  });
});

test('a line of the log names the trace that it is of', () => {
  const lines = log.split('\n').filter((line) => line.includes('"code":"not_found"'));
  expect(lines.map((line) => JSON.parse(line).trace_id)).toEqual([TRACE]);
});

test('no key, no id, no name and no path that was sent is sent on', () => {
  const all = collector.texts.join('\n');
  expect(all).toContain('http.route');
  for (const secret of secrets) expect(all).not.toContain(secret);
  expect(all).not.toContain('nowhere');
});

test('nothing is sent where that is switched off', async () => {
  const before = collector.texts.length;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SDK_DISABLED: 'true' };
  const { url, child, ended } = await serve(newFolder(), [], { env });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(collector.texts.length).toBe(before);
});

test('a collector that is away does not keep a service from starting, serving or ending', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  const { url, child, ended } = await serve(newFolder(), [], { env });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const began = performance.now();
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(performance.now() - began).toBeLessThan(7_000);
});
