// Connections to a server that is going away.

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { addressOf } from './address.ts';
import { connect } from './connection.ts';
import { isLost } from './failure.ts';

test('a server that resets a connection as soon as it is made is one that cannot be reached', async () => {
  const server = createServer((socket) => setImmediate(() => socket.resetAndDestroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // A server on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const host = { host: '127.0.0.1', port };
  const setting = {
    address: addressOf(`postgres://warder@127.0.0.1:${port}/warder?sslmode=disable`),
    connectMilliseconds: 3_000,
    statementMilliseconds: 3_000,
    prepare: true,
  };
  const began = performance.now();
  for (let tries = 0; tries < 50; tries++) {
    // Nobody listened to the socket yet, so its error ended the process.
    const error = await connect(setting, host).catch((error: unknown) => error);
    expect(isLost(error)).toBe(true);
  }
  // None of them waited for an answer.
  expect(performance.now() - began).toBeLessThan(3_000);
});
