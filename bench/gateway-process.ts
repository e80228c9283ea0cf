// A process of its own that serves one thing and is measured from outside: `warder` the
// gateway's answers, `bare` the least that node:http can do with the same headers.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { drawFirstToken } from '@warder/core';
import {
  assembleWarder,
  createHost,
  createLog,
  listenToHeads,
  openEmbedded,
  openInstallation,
  parseGatewayPlan,
} from '@warder/server';
import { caller } from './store.ts';

const [what = '', folder = '', keys = '0', plan = ''] = process.argv.slice(2);

async function bare(): Promise<{ url: string; secrets: string[] }> {
  const headers = ['Content-Length', '0', 'Cache-Control', 'no-store'];
  for (const name of ['Key-Id', 'Workspace-Id', 'Owner-Id', 'Scopes', 'Environment']) {
    headers.push(`X-Warder-${name}`, '01900000-0000-7000-8000-00000000000a');
  }
  let read = 0;
  const server = createServer((request, response) => {
    read += request.headers.authorization?.length ?? 0;
    response.writeHead(200, headers);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.once('exit', () => read);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, secrets: [] };
}

async function warder(): Promise<{ url: string; secrets: string[] }> {
  const host = createHost({ secret: Buffer.alloc(32, 7) });
  const store = openEmbedded({ file: join(folder, 'warder.db') });
  const installation = await openInstallation(store.storage, host, async () =>
    drawFirstToken(host),
  );
  const log = createLog('silent');
  const parts = { ...store, host, installation, publicUrl: null, version: 'bench', log };
  const service = assembleWarder(parts);
  const maker = service.operations.as(caller);
  const secrets: string[] = [];
  for (let made = 0; made < Number(keys); made++) {
    const created = await maker.createKey({ scopes: ['files:read'], ownerId: 'acme' });
    secrets.push(created.secret);
  }
  const answer = await service.gateway(parseGatewayPlan(plan), null);
  if (answer === null) throw new Error('there is no such workspace');
  const { url } = await listenToHeads({ answer, at: { host: '127.0.0.1', port: 0 } });
  return { url, secrets };
}

process.stdout.write(`${JSON.stringify(await (what === 'bare' ? bare() : warder()))}\n`);
