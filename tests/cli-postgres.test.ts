// `warder` over PostgreSQL: the same service, whose processes share one database.

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawFirstToken } from '@warder/core';
import { createLog } from '@warder/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openExisting, openOrMake } from '../packages/cli/src/local/installation.ts';
import { call, newFolder, run, serve } from './fixtures/program.ts';
import { type PostgresServer, startPostgres } from './kit/servers.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

/** The URL of a new, empty database. */
async function newDatabase(name: string): Promise<string> {
  await server.execute(`CREATE DATABASE ${name}`);
  return server.tcpUrl.replace(/\/postgres$/, `/${name}`);
}

test('the first start makes the first key, another one beside it verifies by it, and a restart finds all of it', async () => {
  const url = await newDatabase('first');
  const cwd = newFolder();
  const first = await serve(cwd, ['--database', url]);
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const made = await call(first.url, key, 'POST', '/v1/keys', { name: 'one' });
  expect(made.status).toBe(201);
  const verify = (at: string) =>
    call(at, key, 'POST', '/v1/keys/verify', { key: made.body.key }).then(({ body }) => body);
  expect(await verify(first.url)).toMatchObject({ valid: true });

  // Another machine has the secret and nothing else.
  const secret = readFileSync(join(cwd, 'data/secret'), 'utf8').trim();
  const env = { DATABASE_URL: url, WARDER_SECRET: secret };
  const second = await serve(newFolder(), [], { env });
  expect(await verify(second.url)).toMatchObject({ valid: true });
  const { id } = made.body.id ? made.body : (made.body.data as { id: string });
  expect((await call(second.url, key, 'POST', `/v1/keys/${id}/revoke`, {})).status).toBe(200);
  for (const { url: at } of [first, second]) {
    await expect.poll(() => verify(at)).toMatchObject({ valid: false, code: 'revoked' });
  }

  for (const one of [first, second]) {
    one.child.kill('SIGTERM');
    expect(await one.ended).toMatchObject({ code: 0 });
    expect(one.stderr()).not.toMatch(/"level":(50|"error")/);
  }
  const again = await serve(cwd, ['--database', url]);
  expect(await verify(again.url)).toMatchObject({ valid: false, code: 'revoked' });
});

test('recovery makes a key of an installation in PostgreSQL, and of no empty database', async () => {
  const url = await newDatabase('lost');
  const cwd = newFolder();
  mkdirSync(join(cwd, 'data'));
  const env = { DATABASE_URL: url };
  const none = await run(['recover'], { cwd, env });
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expect(none.stderr).toBe('The database is empty: start the service first.\n');

  const { url: at } = await serve(cwd, [], { env });
  const { stdout } = await run(['recover'], { cwd, env });
  expect((await call(at, stdout.trim(), 'GET', '/v1/whoami')).status).toBe(200);
});

test('a database that is not there, or is given as nobody can read it, is refused in a sentence without its password', async () => {
  const cwd = newFolder();
  const words = 'hunter2';
  const refusals = await Promise.all(
    [
      `postgres://warder:${words}@127.0.0.1:1/warder`,
      `postgres://warder:${words}@127.0.0.1/warder?sslmode=sometimes`,
      `postgres://warder:${words}%@127.0.0.1/warder`,
      `mysql://warder:${words}@127.0.0.1/warder`,
    ].map((url) => run(['serve', '--database', url], { cwd })),
  );
  for (const { code, stdout, stderr } of refusals) {
    expect({ code: code === 0, stdout }).toEqual({ code: false, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain(words);
  }
  const shown = await run(['config'], {
    cwd,
    env: { DATABASE_URL: `postgres://warder:${words}@127.0.0.1/warder` },
  });
  expect(shown.stdout).toContain('DATABASE_URL');
  expect(shown.stdout + shown.stderr).not.toContain(words);
});

test('what works on a file alone says so of a database in PostgreSQL, and does nothing', async () => {
  const cwd = newFolder();
  const env = { DATABASE_URL: server.url };
  for (const args of [['backup'], ['doctor'], ['restore', 'x.backup']]) {
    const { code, stdout, stderr } = await run(args, { cwd, env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^This works on a database in a file/);
  }
});

test('a migration is run by `warder migrate` alone, and asked for where it is pending', async () => {
  const url = await newDatabase('old');
  const cwd = newFolder();
  const env = { DATABASE_URL: url };
  const check = () => run(['migrate', '--check', '--json'], { cwd, env });
  const pending = await check();
  expect(pending.code).toBe(1);
  expect(JSON.parse(pending.stdout).pending).toMatchObject([{ number: 1 }]);
  expect((await run(['migrate'], { cwd, env })).code).toBe(0);
  expect(JSON.parse((await check()).stdout)).toEqual({ pending: [], copy: null });

  // As a database of an earlier version would be: a later program has more of them.
  await server.execute('UPDATE warder.migrations SET number = 0', url);
  const refused = await run(['serve'], { cwd, env });
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/lacks migration 1 .*run `warder migrate` first/);
});

test('two roles with the grants that are printed are enough: one migrates, the other serves and changes no table', async () => {
  const url = await newDatabase('roles');
  const cwd = newFolder();
  await server.execute('CREATE ROLE warder_migrate LOGIN; CREATE ROLE warder_serve LOGIN', url);
  const { stdout } = await run(['migrate', '--print-grants'], { cwd });
  const [before = '', after = ''] = stdout.split('-- What the service may do');
  await server.execute(before, url);
  const as = (role: string) => url.replace('//postgres@', `//${role}@`);
  const migrated = await run(['migrate'], { cwd, env: { DATABASE_URL: as('warder_migrate') } });
  expect(migrated.code).toBe(0);
  await server.execute(`--${after}`, as('warder_migrate'));

  const env = { DATABASE_URL: as('warder_serve') };
  const { url: at, stderr } = await serve(cwd, [], { env });
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  const made = await call(at, key, 'POST', '/v1/keys', { name: 'one' });
  expect(made.status).toBe(201);
  const secret = { key: made.body.key };
  const { body } = await call(at, key, 'POST', '/v1/keys/verify', secret);
  expect(body).toMatchObject({ valid: true });
  expect(stderr()).not.toMatch(/permission denied/);
  const dropping = server.execute('DROP TABLE warder.keys', as('warder_serve'));
  await expect(dropping).rejects.toThrow(/must be owner/);
});

test('a worker says that it cannot hear of changes', async () => {
  const flags = { data: join(newFolder(), 'data'), database: await newDatabase('unheard') };
  const made = await openOrMake(flags, drawFirstToken);
  await made.storage.close();
  const said: string[] = [];
  const log = createLog('info', (line) => said.push(line));
  const { storage } = await openExisting(flags, 'refuse', undefined, log);
  storage.watch(() => {});
  server.signal('SIGKILL');
  await server.ended();
  await expect.poll(() => said.join(''), { timeout: 20_000 }).toContain('changes cannot be heard');
  await server.start();
  await storage.close();
});
