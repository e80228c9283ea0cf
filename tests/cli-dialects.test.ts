// What an operator sets around dialects, on the command line and in the environment of
// the real program, and how a start refuses what does not fit.

import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PRODUCTS } from '../packages/server/src/products.ts';
import { call, newFolder, run, serve, start } from './fixtures/program.ts';
import { CERTIFICATE, CERTIFICATE_KEY } from './kit/crash-certificate.ts';

const SECRET = 'canary-'.repeat(20);

test.each([
  [['--dialects', 'pine'], /^--dialects names pine, which is no dialect: there are /, 2],
  [['--dialects', 'Pine Tree'], /^--dialects must be names separated by commas, or none\.$/m, 2],
  [
    ['--dialects', 'none', '--dialect-listen', 'pine=127.0.0.1:0'],
    /^--dialect-listen names pine, which is not served: served are none\.$/m,
    2,
  ],
  [['--dialect-listen', '127.0.0.1:0'], /^--dialect-listen must be NAME=HOST:PORT, /, 2],
  [['--dialect-options', 'pine.a=b'], /^--dialect-options names pine, which is no dialect/, 2],
  [['--dialect-options', 'pine'], /^--dialect-options must be NAME\.OPTION=VALUE, /, 2],
  [['--shared-credentials', 'missing'], /^The file missing, which --shared-credentials names, /, 1],
] as const)('%j is refused in one sentence, with nothing made', async (args, sentence, code) => {
  const cwd = newFolder();
  const ended = await run(['serve', ...args], { cwd });
  expect(ended.stderr).toMatch(sentence);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect((await run(['doctor'], { cwd })).stderr).toMatch(/^There is no database/);
});

test('a shared credential that cannot be used stops a start, and is never shown', async () => {
  const cwd = newFolder();
  const row = { surface: 'pine', label: 'a', secret: SECRET, workspaces: ['default'] };
  writeFileSync(join(cwd, 'shared'), JSON.stringify([row]));
  const args = ['--shared-credentials', 'shared'];
  const ended = await run(['serve', ...args], { cwd });
  expect(ended.stderr).toMatch(
    /^shared row 1: its surface must be one that takes such credentials/,
  );
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).not.toContain('canary');
  for (const json of [[], ['--json']]) {
    const config = await run(['config', ...args, ...json], { cwd });
    expect(config.code).toBe(1);
    expect(config.stdout + config.stderr).toContain('shared row 1: its surface must be one');
    expect(config.stdout + config.stderr).not.toContain('canary');
  }
});

test('with no dialects the service speaks its own API alone, and says nothing of dialects', async () => {
  const { url, stdout } = await serve(newFolder(), ['--dialects', 'none', '--dialect-cors']);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  for (const { name } of PRODUCTS) {
    expect([name, (await fetch(`${url}/${name}/openapi.json`)).status]).toEqual([name, 404]);
  }
  expect(stdout()).not.toMatch(/for itself|dialect/);
});

test('every setting is shown with where it came from, and what is secret is masked', async () => {
  const cwd = newFolder();
  writeFileSync(join(cwd, 'shared'), '[]');
  chmodSync(join(cwd, 'shared'), 0o600);
  const env = { WARDER_DIALECT_CORS: 'true', WARDER_SHARED_CREDENTIALS_FILE: 'shared' };
  const { code, stdout } = await run(['config', '--json', '--dialects', 'none'], { cwd, env });
  expect(code).toBe(0);
  const rows = JSON.parse(stdout) as { setting: string; meaning: string }[];
  const of = (name: string) => rows.find(({ setting }) => setting === name);
  expect(of('dialects')).toMatchObject({ value: 'none', source: 'flag', where: '--dialects' });
  expect(of('dialect-cors')).toMatchObject({ value: 'true', source: 'variable' });
  expect(of('dialect-listen')).toMatchObject({ value: null, source: null });
  expect(of('shared-credentials')).toMatchObject({
    value: '********',
    source: 'file',
    where: 'shared',
  });
  for (const { name, options } of PRODUCTS) {
    for (const [option, { default: value, meaning }] of Object.entries(options)) {
      expect(of(`${name}.${option}`)).toMatchObject({ value, meaning, source: 'default' });
    }
  }
  expect(of('dialect-cors')?.meaning).toMatch(/browsers/);
});

describe('a dialect with a listener of its own', () => {
  const LISTEN = ['--dialect-listen', 'phaseo=127.0.0.1:0'];
  const firstKey = (cwd: string) => readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const alone = async (running: Awaited<ReturnType<typeof serve>>) => {
    const [, url = ''] = await running.shows(/^phaseo has (\S+) for itself\.$/m);
    return url;
  };

  test('is announced in a line, and answers there below the path of its product', async () => {
    const cwd = newFolder();
    const running = await serve(cwd, LISTEN);
    const url = await alone(running);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    const key = firstKey(cwd);
    const made = await call(url, key, 'POST', '/keys', { name: 'hard-coded' });
    expect(made.status).toBe(201);
    const { id } = Object(made.body.data);
    const beside = await call(running.url, key, 'GET', `/phaseo/v1/keys/${id}`);
    expect([beside.status, Object(beside.body.data).name]).toEqual([200, 'hard-coded']);
    expect((await call(running.url, key, 'GET', `/v1/keys/${id}`)).body.name).toBe('hard-coded');
    expect((await fetch(url.replace('/v1', '/readyz'))).status).toBe(404);
    const fresh = newFolder();
    const json = start(['serve', '--listen', '127.0.0.1:0', '--json', ...LISTEN], { cwd: fresh });
    await json.shows(/^\}\n$/m);
    expect(JSON.parse(json.stdout()).dialect_listeners).toEqual([
      { name: 'phaseo', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1$/) },
    ]);
  });

  test('has the TLS of the service', async () => {
    const cwd = newFolder();
    writeFileSync(join(cwd, 'cert'), CERTIFICATE);
    writeFileSync(join(cwd, 'key'), CERTIFICATE_KEY);
    const running = await serve(cwd, [...LISTEN, '--tls-cert', 'cert', '--tls-key', 'key']);
    expect(await alone(running)).toMatch(/^https:/);
  });

  test('drains with the others on a signal, each finishing what it has begun', async () => {
    const cwd = newFolder();
    const running = await serve(cwd, LISTEN);
    const url = await alone(running);
    const begun = request(`${url}/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${firstKey(cwd)}`, expect: '100-continue' },
    });
    begun.flushHeaders();
    await once(begun, 'continue');
    running.child.kill('SIGTERM');
    await running.shows(/"msg":"stopping"/);
    for (const at of [url, running.url]) await expect(fetch(`${at}/keys`)).rejects.toThrow();
    begun.end('{"name": "in flight"}');
    const [{ statusCode }] = await once(begun, 'response');
    expect(statusCode).toBe(201);
    expect(await running.ended).toMatchObject({ code: 0, signal: null });
  });

  test('on an address that is taken ends the start in one sentence', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    // A server on a port has an address of this kind.
    const { port } = taken.address() as AddressInfo;
    const args = [
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--dialect-listen',
      `phaseo=127.0.0.1:${port}`,
    ];
    const { code, stdout, stderr } = await run(args, { cwd: newFolder() });
    taken.close();
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      `127.0.0.1:${port} cannot be listened on: another program does already (EADDRINUSE); --dialect-listen phaseo=HOST:PORT names another address.\n`,
    ]);
  });

  test('that others can reach is warned about, without TLS', async () => {
    const open = start(
      ['serve', '--listen', '127.0.0.1:0', '--dialect-listen', 'phaseo=0.0.0.0:0'],
      { cwd: newFolder() },
    );
    await open.shows(/^Warning: other machines can reach/m);
  });
});

test('what is set for dialects reaches them: CORS, options and shared credentials', async () => {
  const cwd = newFolder();
  const row = { surface: 'phaseo', label: 'control', secret: SECRET, workspaces: ['acme'] };
  writeFileSync(join(cwd, 'shared'), JSON.stringify([row]), { mode: 0o600 });
  const { url, stdout, stderr } = await serve(cwd, [
    ...['--dialect-cors', '--shared-credentials', 'shared'],
    ...['--dialect-options', 'phaseo.token_prefix=acme_sk_,phaseo.scopes=array'],
  ]);
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const asked = await fetch(`${url}/phaseo/v1/keys`, { method: 'OPTIONS' });
  expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  const made = await call(url, key, 'POST', '/phaseo/v1/keys', { name: 'x', scopes: ['a'] });
  expect(made.body.data).toMatchObject({ key: expect.stringMatching(/^acme_sk_/), scopes: ['a'] });
  const { body: acme } = await call(url, key, 'POST', '/v1/workspaces', {
    name: 'A',
    slug: 'acme',
  });
  const elsewhere = (headers: Record<string, string>) =>
    fetch(`${url}/phaseo/v1/keys?workspace_id=${acme.id}`, {
      headers: { authorization: `Bearer ${key}`, ...headers },
    });
  expect((await elsewhere({})).status).toBe(403);
  expect((await elsewhere({ 'x-internal-token': SECRET })).status).toBe(200);
  expect(stdout() + stderr()).not.toContain('canary');
});
