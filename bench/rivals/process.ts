// A process of its own that serves one rival, named by its first argument, and is
// measured from outside. The others are where its keys are kept and how many it has.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Serving } from '../served-process.ts';
import { betterAuth } from './better-auth.ts';
import { expressPostgres } from './express-postgres.ts';
import { redis } from './redis.ts';
import type { Rival } from './route.ts';

const RIVALS: Readonly<Record<string, Rival>> = {
  'better-auth': betterAuth,
  'express-postgres': expressPostgres,
  redis,
};

process.once('SIGTERM', () => process.exit(0));
const [name = '', where = '', count = '0'] = process.argv.slice(2);
const rival = RIVALS[name];
if (rival === undefined) throw new Error(`there is no rival ${name}: ${Object.keys(RIVALS)}`);
const { secrets, listener } = await rival(where, Number(count));
const server = createServer(listener);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
const serving: Serving = { url: `http://127.0.0.1:${port}`, first: '', secrets };
process.stdout.write(`${JSON.stringify(serving)}\n`);
