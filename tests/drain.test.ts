// SIGTERM while requests are in flight: they get their real answers, new ones are
// refused, what was gathered is written, and nobody can hold the process up.

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { CERTIFICATE, CERTIFICATE_KEY } from './kit/crash-certificate.ts';
import { killServices, type Service, startService } from './kit/crash-child.ts';
import { dial, isRefused } from './kit/crash-socket.ts';
import { type Client, clientOf, newLedger } from './kit/kill-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-drain-'));
let folders = 0;
let service: Service;
let url: string;
let client: Client;
let keyId: string;
let secret: string;

beforeEach(async () => {
  service = startService(join(folder, `${++folders}`));
  url = await service.url;
  const ledger = newLedger();
  client = await clientOf(service, ledger);
  const created = await client.change({
    method: 'POST',
    path: '/v1/keys',
    body: { name: 'first' },
    idempotencyKey: null,
    makes: ['key.created'],
    holds: () => true,
  });
  keyId = String(created?.body.id);
  secret = ledger.secrets.get(keyId) ?? '';
});
afterEach(killServices);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const post = (path: string, body: string, more = '') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${service.firstKey()}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n`;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** A creation of which the service has read the head and half of the body. */
async function halfCreation(name: string) {
  const body = JSON.stringify({ name });
  const wire = await dial(url);
  wire.socket.write(post('/v1/keys', body, 'Expect: 100-continue\r\n'));
  await wire.hears(/100 Continue/);
  wire.socket.write(body.slice(0, 5));
  return { ...wire, rest: body.slice(5) };
}

/** A connection on which a request has begun: the service has answered one and read the start of the next. */
async function begun(text: string) {
  const wire = await dial(url);
  wire.socket.write(get('/livez') + text.slice(0, 10));
  await wire.hears(/alive/);
  return { ...wire, rest: text.slice(10) };
}

function rowIn(sql: string): unknown {
  const database = new Database(join(service.data, 'warder.db'), { readonly: true });
  try {
    return database.prepare(sql).pluck().get(keyId);
  } finally {
    database.close();
  }
}

/** Verifies over kept connections until it is refused: how often it was told so, and when it last began. */
async function verifyUntilRefused() {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = JSON.stringify({ key: secret });
  const told = { valid: 0, lastBegan: 0, unavailable: 0, cut: 0 };
  const once = () =>
    new Promise<boolean>((resolve) => {
      const began = Date.now();
      const asking = request(`${url}/v1/keys/verify`, {
        agent,
        method: 'POST',
        headers: {
          authorization: `Bearer ${service.firstKey()}`,
          'content-type': 'application/json',
          'content-length': body.length,
        },
      });
      // Before any reply: the connection was refused, or closed as idle while this was on its way.
      asking.once('error', () => resolve(false));
      asking.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more) => {
          text += more;
        });
        response.once('close', () => {
          if (!response.complete) told.cut++;
          else if (response.statusCode === 503) told.unavailable++;
          else if (JSON.parse(text).valid === true) {
            told.valid++;
            told.lastBegan = began;
          }
          resolve(response.complete && response.statusCode === 200);
        });
      });
      asking.end(body);
    });
  while (await once());
  agent.destroy();
  return told;
}

test('what is in flight gets its answer, what is new is refused, and the last use is on the disk', async () => {
  const load = Array.from({ length: 8 }, verifyUntilRefused);
  const slow = await halfCreation('slow');
  const ready = await begun(get('/readyz'));
  const late = await begun(post('/v1/keys', '{"name":"late"}'));
  for (let i = 0; i < 50; i++) expect(await client.verify(keyId)).toBe('valid');

  const start = performance.now();
  service.child.kill('SIGTERM');
  await expect.poll(() => isRefused(url), { interval: 5, timeout: 5_000 }).toBe(true);
  const told = await Promise.all(load);
  ready.socket.write(ready.rest);
  expect(await ready.hears(/HTTP\/1\.1 503[\s\S]*\}/)).toMatch(/connection: close/i);
  late.socket.write(`${late.rest}{"name":"late"}`);
  expect(await late.hears(/HTTP\/1\.1 503[\s\S]*\}/)).toMatch(/"code":"unavailable"/);
  expect(service.child.exitCode).toBeNull();
  slow.socket.write(slow.rest);
  expect(await slow.hears(/HTTP\/1\.1 201[\s\S]*\}$/)).toMatch(/"name":"slow"/);

  expect(await service.ended).toEqual({ code: 0, signal: null });
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(rowIn("SELECT count(*) FROM keys WHERE name = 'slow' AND ? <> ''")).toBe(1);
  expect(rowIn("SELECT count(*) FROM keys WHERE name = 'late' AND ? <> ''")).toBe(0);
  const sum = (of: (one: (typeof told)[0]) => number) => told.reduce((n, one) => n + of(one), 0);
  expect(sum(({ valid }) => valid)).toBeGreaterThan(50);
  expect(sum(({ cut }) => cut)).toBe(0);
  expect(
    rowIn('SELECT last_used_at FROM key_usage JOIN keys ON position = key_position WHERE id = ?'),
  ).toBeGreaterThanOrEqual(Math.max(...told.map(({ lastBegan }) => lastBegan)));
});

test('clients that are idle do not hold the exit', async () => {
  const idle = await Promise.all(Array.from({ length: 30 }, () => dial(url)));
  for (const wire of idle) wire.socket.write(get('/livez'));
  await Promise.all(idle.map((wire) => wire.hears(/alive/)));
  const silent = await Promise.all(Array.from({ length: 30 }, () => dial(url)));
  // Accepted in order: once this one is answered, the silent ones before it are known too.
  expect((await client.ask('GET', '/livez'))?.status).toBe(200);

  const start = performance.now();
  service.child.kill('SIGTERM');
  expect(await service.ended).toEqual({ code: 0, signal: null });
  expect(performance.now() - start).toBeLessThan(3_000);
  await Promise.all([...idle, ...silent].map(({ closed }) => closed));
});

test('clients that are silent on a port with TLS do not hold the exit', async () => {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.cert, CERTIFICATE);
  writeFileSync(files.key, CERTIFICATE_KEY);
  const flags = ['--tls-cert', files.cert, '--tls-key', files.key];
  const secured = startService(join(folder, 'tls'), null, flags);
  const port = Number(new URL(await secured.url).port);
  // One asks for nothing, one does not even shake hands.
  const speak = () => connect({ port, host: '127.0.0.1', ca: CERTIFICATE });
  const shaken = speak();
  await once(shaken, 'secureConnect');
  const mute = await dial(await secured.url);
  const asking = speak();
  asking.write(get('/livez'));
  expect(String(await once(asking, 'data'))).toMatch(/^HTTP\/1\.1 200/);

  const start = performance.now();
  secured.child.kill('SIGTERM');
  expect(await secured.ended).toEqual({ code: 0, signal: null });
  expect(performance.now() - start).toBeLessThan(3_000);
  await mute.closed;
  for (const socket of [shaken, asking]) socket.destroy();
});

test('clients that never finish and never read do not hold the exit past ten seconds', async () => {
  const stuck = await Promise.all(Array.from({ length: 5 }, (_, i) => halfCreation(`stuck ${i}`)));
  const headers = await Promise.all([1, 2, 3].map(() => begun(get('/livez'))));
  const deaf = await dial(url);
  deaf.socket.pause();
  for (let i = 0; i < 500; i++) deaf.socket.write(get('/openapi.json'));
  expect(await client.verify(keyId)).toBe('valid');

  const start = performance.now();
  service.child.kill('SIGTERM');
  expect(await service.ended).toEqual({ code: 0, signal: null });
  const milliseconds = performance.now() - start;
  expect(milliseconds).toBeLessThan(10_000);
  console.log(`drain: ended after ${Math.round(milliseconds)} ms against stuck clients`);
  for (const { socket } of [...stuck, ...headers, deaf]) socket.destroy();
  expect(rowIn("SELECT count(*) FROM keys WHERE name LIKE 'stuck%' AND ? <> ''")).toBe(0);
  expect(
    rowIn('SELECT count(*) FROM key_usage JOIN keys ON position = key_position WHERE id = ?'),
  ).toBe(1);
});

test('a second SIGTERM ends it at once', async () => {
  const slow = await halfCreation('slow');
  service.child.kill('SIGTERM');
  await expect.poll(() => isRefused(url), { interval: 5, timeout: 5_000 }).toBe(true);
  const start = performance.now();
  service.child.kill('SIGTERM');
  expect(await service.ended).toEqual({ code: 1, signal: null });
  expect(performance.now() - start).toBeLessThan(1_000);
  await slow.closed;
});
