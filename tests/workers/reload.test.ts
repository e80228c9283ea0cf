// A SIGHUP puts a new worker in the place of each, and nobody notices: no request
// fails, on connections that are kept and on new ones, with TLS and on a Unix socket.

import { once } from 'node:events';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runs } from '../fixtures/domain.ts';
import { newFolder } from '../fixtures/program.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from '../kit/crash-certificate.ts';
import { killServices, type Service, startService, stopService } from '../kit/crash-child.ts';
import { PLAN } from '../kit/gateway.ts';
import { connectionToEach, openConnection, until, workersOf } from '../kit/workers.ts';

const WORKERS = 2;
const timeout = runs(300_000, 900_000);
afterEach(killServices);

const flags = ['--workers', `${WORKERS}`, '--log-level', 'info'];
const reloads = (service: Service) => service.said().match(/"all workers are new"/g)?.length ?? 0;

async function reload(service: Service): Promise<void> {
  const before = reloads(service);
  service.child.kill('SIGHUP');
  await until(() => reloads(service) > before, 'all workers are new');
}

test('a reload under load fails no request, and afterwards every worker is another', {
  timeout,
}, async () => {
  const service = startService(join(newFolder(), 'data'), null, flags);
  await service.url;
  const each = await connectionToEach(service, WORKERS);
  const made = await each[0]?.ask('POST', '/v1/keys', {});
  const key = String(made?.body.key);
  let over = false;
  let answered = 0;
  const failures: unknown[] = [];
  const call = async (connection: (typeof each)[number]) => {
    const code = await connection.verify(key).catch((error: unknown) => error);
    answered++;
    if (code !== 'valid') failures.push(code);
  };
  const kept = [...each, await openConnection(service), await openConnection(service)];
  const load = [
    ...kept.map(async (connection) => {
      while (!over) await call(connection);
    }),
    // One that connects anew for each of its calls.
    (async () => {
      while (!over) {
        const connection = await openConnection(service);
        await call(connection);
        connection.close();
      }
    })(),
  ];
  for (let i = 0; i < runs(2, 20); i++) {
    const before = workersOf(service);
    await reload(service);
    expect(workersOf(service).filter((pid) => before.includes(pid))).toEqual([]);
    expect(workersOf(service).length).toBe(WORKERS);
  }
  over = true;
  await Promise.all(load);
  for (const connection of kept) connection.close();
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThan(100);
  expect(await stopService(service)).toEqual({ code: 0, signal: null });
  console.log(`workers: 0 of ${answered} requests failed over ${reloads(service)} reloads`);
});

test('each listener is shared, and a reload takes a new certificate and opens the log of events anew', {
  timeout,
}, async () => {
  const cwd = newFolder();
  const file = (name: string) => join(cwd, name);
  writeFileSync(file('cert.pem'), CERTIFICATE);
  writeFileSync(file('key.pem'), CERTIFICATE_KEY);
  writeFileSync(file('plan.json'), JSON.stringify(PLAN));
  const service = startService(file('data'), null, [
    ...flags,
    ...['--tls-cert', file('cert.pem'), '--tls-key', file('key.pem')],
    ...['--gateway', file('plan.json'), '--gateway-listen', `unix:${file('gateway.sock')}`],
    ...['--dialect-listen', 'onepin=127.0.0.1:0', '--events-log', file('events')],
  ]);
  const url = await service.url;
  await until(() => service.said().includes('All requests'), 'it says where it is');
  const onepin = /onepin has (https:\S+) for itself/.exec(service.said())?.[1];
  const authorization = `Bearer ${service.firstKey()}`;

  const statusOf = async (target: string): Promise<number | undefined> => {
    const options = { ca: CERTIFICATE, headers: { authorization }, agent: false } as const;
    const [reply] = await once(secureRequest(target, options).end(), 'response');
    reply.resume();
    return reply.statusCode;
  };
  const reasonOf = async (): Promise<unknown> => {
    const headers = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/v1/me', authorization };
    const options = { socketPath: file('gateway.sock'), path: '/', headers, agent: false };
    const [reply] = await once(request(options).end(), 'response');
    reply.resume();
    return [reply.statusCode, reply.headers['x-warder-reason']];
  };
  const everyWorker = async () => {
    for (let i = 0; i < 2 * WORKERS; i++) {
      expect(await statusOf(`${url}/v1/whoami`)).toBe(200);
      expect(await statusOf(`${onepin}/nothing`)).toBe(404);
      expect(await reasonOf()).toEqual(await reasonOf());
    }
  };
  await everyWorker();
  expect(statSync(file('gateway.sock')).mode & 0o777).toBe(0o660);
  await until(() => existsSync(file('events')), 'events are told');
  renameSync(file('events'), file('events.1'));
  await reload(service);
  await everyWorker();

  // A certificate that cannot be used: the workers that there are stay.
  writeFileSync(file('cert.pem'), 'not a certificate');
  const before = workersOf(service);
  service.child.kill('SIGHUP');
  await until(() => service.said().includes('the reload was given up'), 'it says so');
  expect(workersOf(service)).toEqual(before);
  await everyWorker();
  expect(await stopService(service)).toEqual({ code: 0, signal: null });
  expect(existsSync(file('gateway.sock'))).toBe(false);
});
