// The service calls nobody: every outgoing connection, datagram and name look-up of its process
// is recorded through a tour of the API, and there is none.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { call, newFolder, run, serve } from './fixtures/program.ts';

const preload = fileURLToPath(new URL('fixtures/outgoing.mjs', import.meta.url));

function recording(cwd: string) {
  const file = join(cwd, 'outgoing');
  writeFileSync(file, '');
  const options = { node: ['--import', preload], env: { OUTGOING: file } };
  return { options, lines: () => readFileSync(file, 'utf8').trim().split('\n') };
}

test('the service begins no connection and looks up no name', async () => {
  const cwd = newFolder();
  const { options, lines } = recording(cwd);
  const { url, child, ended } = await serve(cwd, [], options);
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();

  const { body: made } = await call(url, key, 'POST', '/v1/keys', {
    owner_id: 'acme',
    scopes: ['a'],
  });
  const { body: verdict } = await call(url, key, 'POST', '/v1/keys/verify', { key: made.key });
  expect(verdict).toMatchObject({ valid: true });
  const { body: workspace } = await call(url, key, 'POST', '/v1/workspaces', { name: 'Other' });
  for (const path of ['keys', 'owners', 'workspaces', 'events', `keys/${made.id}`]) {
    expect((await call(url, key, 'GET', `/v1/${path}`)).status).toBe(200);
  }
  expect((await call(url, key, 'POST', `/v1/keys/${made.id}/revoke`)).status).toBe(200);
  expect((await call(url, key, 'DELETE', `/v1/workspaces/${workspace.id}`)).status).toBe(200);
  expect((await call(url, 'wrong', 'GET', '/v1/keys')).status).toBe(401);
  for (const path of ['/livez', '/readyz', '/openapi.json', '/reference']) {
    expect((await fetch(url + path)).status).toBe(200);
  }
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0 });
  // Once for the process, and once for each thread: the one that reads lists, the one that writes.
  expect(lines()).toEqual(['watching', 'watching', 'watching']);
});

test('what records them does record: a command that calls a service by its name is seen', async () => {
  const cwd = newFolder();
  const { options, lines } = recording(cwd);
  const env = { ...options.env, WARDER_KEY: 'any' };
  const mute = createServer((socket) => socket.destroy()).listen(0, 'localhost');
  await once(mute, 'listening');
  // A server on a port has an address of this kind.
  const { port } = mute.address() as { port: number };
  const url = `http://localhost:${port}`;
  expect(await run(['whoami', '--url', url], { cwd, ...options, env })).toMatchObject({ code: 1 });
  mute.close();
  expect(lines()).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^connect .*"localhost"/),
      expect.stringMatching(/^dns\.lookup "localhost"/),
    ]),
  );
});
