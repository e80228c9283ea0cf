// An Express app with API keys of its own: Warder's API below /warder, and a route that
// takes a key. One process, one file for the database.
//
//   npm install
//   node app.mjs

import { mkdirSync, writeFileSync } from 'node:fs';
import { createMiddleware } from '@warder/sdk/express';
import { createWarder } from '@warder/server';
import express from 'express';

mkdirSync('data', { recursive: true, mode: 0o700 });
const warder = await createWarder({ database: 'data/warder.db', basePath: '/warder' });
const requireKey = createMiddleware({ verify: warder.verify });

// Who manages keys over HTTP needs a management key. The app itself needs none.
const { items } = await warder.operations.listKeys({ kind: 'management', limit: 1 });
if (items.length === 0) {
  const rights = { kind: 'management', workspaceId: null, permissions: ['*'] };
  const { secret } = await warder.operations.createKey({ name: 'First key', ...rights });
  writeFileSync('data/first-key', `${secret}\n`, { mode: 0o600, flag: 'wx' });
}

const app = express();
app.use('/warder', warder.node);
app.get('/files', requireKey({ scopes: ['files:read'] }), (request, response) => {
  response.json({ files: [], of: requireKey.keyOf(request).owner_id });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening at http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', () => server.close(() => void warder.close()));
