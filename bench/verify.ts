// What a verification and a creation cost, against the bare parts they cannot do
// without, in one run.

import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawFirstToken } from '@warder/core';
import {
  assembleWarder,
  createHost,
  createLog,
  listen,
  openEmbedded,
  openInstallation,
} from '@warder/server';
import Database from 'better-sqlite3';
import { compare, type Measured, print, type Row } from './measure.ts';

const KEYS = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'warder-bench-'));
const host = createHost({ secret: Buffer.alloc(32, 7) });
const { storage, lookup } = openEmbedded({ file: join(folder, 'warder.db') });
let first = '';
const installation = await openInstallation(storage, host, async () => {
  const token = drawFirstToken(host);
  first = token.secret;
  return token;
});
const log = createLog('silent');
const warder = assembleWarder({
  storage,
  lookup,
  host,
  installation,
  publicUrl: null,
  version: 'bench',
  log,
});
const listener = await listen({
  handle: warder.handle,
  host: '127.0.0.1',
  port: 0,
  newRequestId: () => 'bench-request',
});
const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** The table of results gains these; they have no target yet. */
export const rows: Row[] = [];
function show(title: string, measured: readonly Measured[]): void {
  print(title, measured);
  const [baseline] = measured;
  const last = measured.at(-1);
  if (baseline && last)
    rows.push({ what: `${title}, against ${baseline.name}`, measured: last.ratio });
}

const secrets: string[] = [];
for (let made = 0; made < KEYS; made += 32) {
  const created = await Promise.all(
    Array.from({ length: Math.min(32, KEYS - made) }, () =>
      post(listener.url, '/v1/keys', { scopes: ['files:read'] }),
    ),
  );
  secrets.push(...created.map((body) => String(body.key)));
}

const bare = new Database(join(folder, 'warder.db'), { readonly: true });
const find = bare.prepare('SELECT * FROM keys WHERE digest = ?');
const ask = { within: null, environment: null, kind: 'standard', scopes: ['files:read'] } as const;
show(
  'a verification in process',
  await compare([
    {
      name: 'SHA-256 and one prepared SELECT',
      run: () => each((secret) => find.get(hash('sha256', secret, 'buffer'))),
    },
    { name: 'SHA-256 alone', run: () => each((secret) => hash('sha256', secret, 'hex')) },
    {
      name: 'verifier.verify',
      run: async () => await eachAsync((secret) => warder.verifier.verify(secret, ask)),
    },
  ]),
);

const durable = new Database(join(folder, 'bare.db'));
durable.pragma('journal_mode = WAL');
durable.pragma('synchronous = FULL');
durable.exec('CREATE TABLE keys (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE)');
const insert = durable.prepare('INSERT INTO keys VALUES (?, ?)');
const echo = createServer((incoming, response) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  });
});
await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
const echoUrl = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`;

show(
  'a creation, 200 one after the other',
  await compare([
    {
      name: 'one durable insert of id and digest',
      run: () => times(200, () => insert.run(host.newId(Date.now()), host.random(32))),
    },
    {
      name: 'POST /v1/keys',
      run: () => inTurn(200, () => post(listener.url, '/v1/keys', { scopes: ['files:read'] })),
    },
  ]),
);
show(
  'a verification over HTTP, 32 in flight',
  await compare([
    {
      name: 'a bare node:http server that parses and answers the body',
      run: () => inFlight((key) => post(echoUrl, '/', { key })),
    },
    {
      name: 'POST /v1/keys/verify',
      run: () => inFlight((key) => post(listener.url, '/v1/keys/verify', { key })),
    },
  ]),
);

agent.destroy();
echo.close();
bare.close();
durable.close();
await listener.close();
await warder.close();
rmSync(folder, { recursive: true });

function each(run: (secret: string) => unknown): number {
  for (const secret of secrets) run(secret);
  return secrets.length;
}

async function eachAsync(run: (secret: string) => Promise<unknown>): Promise<number> {
  for (const secret of secrets) await run(secret);
  return secrets.length;
}

function times(count: number, run: () => unknown): number {
  for (let i = 0; i < count; i++) run();
  return count;
}

async function inTurn(count: number, run: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < count; i++) await run();
  return count;
}

async function inFlight(run: (secret: string) => Promise<unknown>): Promise<number> {
  const some = secrets.slice(0, 2_000);
  const next = some.values();
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (const secret of next) await run(secret);
    }),
  );
  return some.length;
}

function post(url: string, path: string, body: unknown): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${first}`, 'content-type': 'application/json' };
    const call = request(`${url}${path}`, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
    });
    call.on('error', reject).end(JSON.stringify(body));
  });
}
