// A process of its own that serves one thing and is measured from outside: Warder's
// answers (`gateway`, `verify`), or the least that node:http can do in their place
// (`bare-gateway`, `bare-verify`).

import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { drawFirstToken } from '@warder/core';
import {
  assembleWarder,
  createHost,
  createLog,
  listen,
  listenToHeads,
  openEmbedded,
  openInstallation,
  parseGatewayPlan,
} from '@warder/server';
import { caller } from './store.ts';

const [what = '', folder = '', keys = '0', plan = ''] = process.argv.slice(2);

/** What the process tells of itself once it serves. */
export interface Serving {
  readonly url: string;
  /** Of the caller, then of the keys that are asked for. */
  readonly first: string;
  readonly secrets: readonly string[];
}

const ID = '01900000-0000-7000-8000-00000000000a';

/** As long as the verdict on one of Warder's own keys. */
const VERDICT = {
  valid: true,
  code: 'valid',
  key_id: ID,
  workspace_id: ID,
  owner_id: 'acme',
  name: null,
  environment: 'live',
  scopes: ['files:read'],
  created_at: '2026-11-20T14:00:00.000Z',
  not_before: null,
  expires_at: null,
  owner: { id: ID, owner_id: 'acme', type: null, name: null },
};

const IDENTITY = ['Content-Length', '0', 'Cache-Control', 'no-store'];
for (const name of ['Key-Id', 'Workspace-Id', 'Owner-Id', 'Scopes', 'Environment']) {
  IDENTITY.push(`X-Warder-${name}`, ID);
}

let read = 0;
process.once('exit', () => read);

const BARE: Readonly<Record<string, RequestListener>> = {
  'bare-gateway'(request, response) {
    read += request.headers.authorization?.length ?? 0;
    response.writeHead(200, IDENTITY);
    response.end();
  },
  'bare-verify'(request, response) {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { key }: { key: string } = JSON.parse(Buffer.concat(chunks).toString());
      read += key.length;
      const body = JSON.stringify(VERDICT);
      const length = Buffer.byteLength(body);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
      response.end(body);
    });
  },
};

async function bare(listener: RequestListener): Promise<Serving> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, first: '', secrets: [] };
}

async function warder(): Promise<Serving> {
  const host = createHost({ secret: Buffer.alloc(32, 7) });
  const store = openEmbedded({ file: join(folder, 'warder.db') });
  let first = '';
  const installation = await openInstallation(store.storage, host, async () => {
    const token = drawFirstToken(host);
    first = token.secret;
    return token;
  });
  const log = createLog('silent');
  const parts = { ...store, host, installation, publicUrl: null, version: 'bench', log };
  const service = assembleWarder(parts);
  const maker = service.operations.as(caller);
  const secrets: string[] = [];
  for (let made = 0; made < Number(keys); made++) {
    const created = await maker.createKey({ scopes: ['files:read'], ownerId: 'acme' });
    secrets.push(created.secret);
  }
  if (what === 'verify') {
    const at = { host: '127.0.0.1', port: 0, newRequestId: () => randomUUID() };
    const { url } = await listen({ handle: service.handle, ...at });
    return { url, first, secrets };
  }
  const answer = await service.gateway(parseGatewayPlan(plan), null);
  if (answer === null) throw new Error('there is no such workspace');
  const { url } = await listenToHeads({ answer, at: { host: '127.0.0.1', port: 0 } });
  return { url, first, secrets };
}

const listener = BARE[what];
process.stdout.write(`${JSON.stringify(await (listener ? bare(listener) : warder()))}\n`);
