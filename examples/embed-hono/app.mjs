// A Hono app with API keys of its own: Warder's API below /warder, and a route that
// takes a key. One process, one file for the database.
//
//   npm install
//   node app.mjs

import { mkdirSync, writeFileSync } from 'node:fs';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { createMiddleware } from '@warder/sdk/hono';
import { createWarder } from '@warder/server';
import { Hono } from 'hono';

mkdirSync('data', { recursive: true, mode: 0o700 });
const warder = await createWarder({ database: 'data/warder.db', basePath: '/warder' });
const address = (c) => getConnInfo(c).remote.address;
const requireKey = createMiddleware({ verify: warder.verify, address });

// Who manages keys over HTTP needs a management key. The app itself needs none.
const { items } = await warder.operations.listKeys({ kind: 'management', limit: 1 });
if (items.length === 0) {
  const rights = { kind: 'management', workspaceId: null, permissions: ['*'] };
  const { secret } = await warder.operations.createKey({ name: 'First key', ...rights });
  writeFileSync('data/first-key', `${secret}\n`, { mode: 0o600, flag: 'wx' });
}

const app = new Hono();
app.all('/warder/*', (c) => warder.fetch(c.req.raw, { peer: address(c) }));
app.get('/files', requireKey({ scopes: ['files:read'] }), (c) =>
  c.json({ files: [], of: requireKey.keyOf(c).owner_id }),
);

const at = { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT ?? 3000) };
const server = serve(at, ({ port }) => console.log(`listening at http://127.0.0.1:${port}`));
process.once('SIGTERM', () => server.close(() => void warder.close()));
