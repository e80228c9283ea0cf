// The service as `warder serve` puts it together, in one file and with nothing
// else: what the disaster tests start, kill, starve and stop.

import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drawFirstToken, readToken } from '@warder/core';
import { createHost, createLog, createWarder, listen, openInstallation } from '@warder/server';
import { openEmbedded } from '../../packages/server/src/storage/embedded.ts';

const { values } = parseArgs({ options: { data: { type: 'string', default: 'data' } } });
const { data } = values;
mkdirSync(data, { recursive: true, mode: 0o700 });

/** The text of a file, written by whichever process comes first and whole for all of them. */
function once(name: string, draw: () => string): string {
  const path = join(data, name);
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, draw(), { mode: 0o600 });
  try {
    linkSync(mine, path);
  } catch {
    // Another one was first.
  }
  rmSync(mine);
  return readFileSync(path, 'utf8').trim();
}

const drawn = createHost({ secret: new Uint8Array(32) });
const secret = once('secret', () => Buffer.from(drawn.random(32)).toString('hex'));
const host = createHost({ secret: Buffer.from(secret, 'hex') });
const log = createLog('warn');
const { storage, lookup } = openEmbedded({ file: join(data, 'warder.db') });
const installation = await openInstallation(storage, host, async () => {
  const token = readToken(once('first-key', () => drawFirstToken(host).secret));
  if (token === null) throw new Error('first-key holds no key');
  return token;
});
const warder = createWarder({
  storage,
  lookup,
  host,
  installation,
  publicUrl: null,
  version: '0.0.0',
  log,
});
const listener = await listen({
  handle: warder.handle,
  host: '127.0.0.1',
  port: 0,
  newRequestId: () => host.newId(host.now()),
});

let stops = 0;
process.on('SIGTERM', () => {
  if (++stops > 1) process.exit(1);
  warder.drain();
  void listener
    .close()
    .then(() => warder.close())
    .then(() => process.exit(0));
});
console.log(`Warder is at ${listener.url}`);
