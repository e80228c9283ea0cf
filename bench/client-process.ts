// A process of its own that serves verifications to the bench of the client: a service
// with some keys, on a socket that node:http opens.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTestWarder } from '@warder/server/testing';

const [keys = '0'] = process.argv.slice(2);
const warder = await createTestWarder();
const secrets: string[] = [];
for (let made = 0; made < Number(keys); made++) {
  const { secret } = await warder.operations.createKey({ scopes: ['files:read'] });
  secrets.push(secret);
}
const server = createServer(warder.node);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
process.stdout.write(`${JSON.stringify({ url, key: warder.managementKey, secrets })}\n`);
process.once('SIGTERM', () => process.exit(0));
