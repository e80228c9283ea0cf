// What users install: the packages packed, installed into empty folders from the tarballs, and
// run there as built JavaScript. The program stands alone; the libraries are used together.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { call, newFolder, startAny } from './fixtures/program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = ['core', 'sdk', 'server', 'cli'];
// What this machine's npm needs to reach its registry, less what the npm that runs the tests has
// said to itself; the Node that runs the tests stands for one that the packages support.
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || /^(?:npm_|INIT_CWD$|WARDER_|NODE_ENV$)/.test(name)
        ? []
        : [[name, value]],
    ),
  ),
  PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
};

async function done(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await startAny(file, args, { cwd, env }).ended;
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

/** An app that embeds the service and asks it: in process, by its middleware, and by a client over HTTP. */
const EMBEDDED = `
  import { createServer } from 'node:http';
  import { createClient } from '@warder/sdk';
  import { createMiddleware } from '@warder/sdk/web';
  import { createTestWarder } from '@warder/server/testing';
  const warder = await createTestWarder();
  const { secret } = await warder.operations.createKey({});
  const handle = createMiddleware({ verify: warder.verify })({}, () => new Response());
  const ask = async (key) =>
    (await handle(new Request('http://app.test/', { headers: { 'x-api-key': key } }))).status;
  const statuses = [await ask(secret), await ask('wdr_live_none')];
  const server = createServer(warder.node).listen(0, '127.0.0.1', async () => {
    const baseUrl = 'http://127.0.0.1:' + server.address().port;
    const client = createClient({ baseUrl, key: warder.managementKey });
    console.log(...statuses, (await client.keys.verify({ key: secret })).valid);
    server.close();
    server.closeAllConnections();
    await warder.close();
  });
`;

/** Installs tarballs into a folder of their own. */
async function installed(tarballs: readonly string[]): Promise<string> {
  const cwd = newFolder();
  const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await done('npm', [...install, ...tarballs], cwd);
  return cwd;
}

test('the packed program serves and verifies a key in an empty folder, the libraries an app in another', {
  timeout: 240_000,
}, async () => {
  const folder = newFolder();
  const workspaces = packages.map((name) => `--workspace=packages/${name}`);
  await done('npm', ['pack', '--silent', `--pack-destination=${folder}`, ...workspaces], root);
  const tarballs = readdirSync(folder).map((name) => join(folder, name));
  expect(tarballs.length).toBe(packages.length);
  const isProgram = (file: string) => /\/warder-\d[^/]*$/.test(file);
  for (const file of tarballs) {
    const listed = await done('tar', ['-tzf', file], folder);
    expect(listed).toMatch(/^package\/dist\//m);
    expect(listed).not.toMatch(/\.test\.|tsbuildinfo|\/src\//);
    // What was put into the program keeps its licences.
    expect(listed.includes('THIRD-PARTY-LICENSES')).toBe(isProgram(file));
  }

  const libraries = await installed(tarballs.filter((file) => !isProgram(file)));
  writeFileSync(join(libraries, 'embedded.mjs'), EMBEDDED);
  expect(await done(process.execPath, ['embedded.mjs'], libraries)).toBe('200 401 true\n');

  const cwd = await installed(tarballs.filter(isProgram));
  expect(readdirSync(join(cwd, 'node_modules'))).not.toContain('@warder');
  const help = await done('npx', ['warder', '--help'], cwd);
  expect(help).toContain('Usage: warder [options] [command]');

  const service = startAny('npx', ['warder', 'serve', '--listen', '127.0.0.1:0'], {
    cwd,
    env,
    group: true,
  });
  const [, url = ''] = await service.shows(/ready at (\S+?),/);
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const { body: made } = await call(url, key, 'POST', '/v1/keys', {
    name: 'packed',
    scopes: ['a'],
  });
  const { body } = await call(url, key, 'POST', '/v1/keys/verify', {
    key: made.key,
    scopes: ['a'],
  });
  expect(body).toMatchObject({ valid: true, name: 'packed' });
  const { body: page } = await call(url, key, 'GET', '/v1/keys?include=total');
  expect(page).toMatchObject({ total: 2 });
  const list = await done('npx', ['warder', 'keys', 'list', '--url', url], cwd);
  expect(list).toContain('packed');
  service.kill('SIGTERM');
  await service.ended;
});
