// The commands that work on the installation itself, where it is in PostgreSQL: what each does
// there, and what one that cannot says instead.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startIn } from './fixtures/installation.ts';
import { newFolder, run } from './fixtures/program.ts';
import { type PostgresServer, startPostgres } from './kit/servers.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

let server: PostgresServer;
let databases = 0;
beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
});
afterAll(() => server?.stop());

/** A service over a new database, its folder, and a way to run commands on it. */
async function newInstallation() {
  const name = `local_${++databases}`;
  await server.execute(`CREATE DATABASE ${name}`);
  const url = server.tcpUrl.replace(/\/postgres$/, `/${name}`);
  const cwd = newFolder();
  mkdirSync(join(cwd, 'data'));
  const env = { DATABASE_URL: url };
  const service = await startIn(cwd, env);
  return { cwd, url, env, service, local: (...args: string[]) => run(args, { cwd, env }) };
}

test('the chains of events are checked where they stand, and what was changed there is found', async () => {
  const { url, service, local } = await newInstallation();
  const { id } = await service.create('one', { owner_id: 'acme' });
  await service.ask('POST', `/v1/keys/${id}/revoke`, {});
  await service.untilSealed();
  const head = await local('events', 'head');
  expect(head.stdout).toMatch(/^instance \d+ [\w-]{43}$/m);
  expect(await local('events', 'verify')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/events in \d+ chains? hold/),
  });
  await server.execute(
    `UPDATE warder.events SET actor_id = 'nobody' WHERE type = 'key.revoked'`,
    url,
  );
  const broken = await local('events', 'verify');
  expect(broken.code).toBe(1);
  expect(broken.stdout + broken.stderr).toMatch(/Chain .*, event \d+: /);
});

test('the events of a database that is empty, or of another secret, are not called good', async () => {
  await server.execute('CREATE DATABASE empty');
  const cwd = newFolder();
  const env = {
    DATABASE_URL: server.tcpUrl.replace(/\/postgres$/, '/empty'),
    WARDER_SECRET: 'ab'.repeat(32),
  };
  const { code, stderr } = await run(['events', 'verify'], { cwd, env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^The database lacks migration 1/);
  expect(
    await server.execute(
      "SELECT count(*) FROM pg_tables WHERE schemaname = 'warder'",
      env.DATABASE_URL,
    ),
  ).toBe('0');

  const { cwd: other, env: given } = await newInstallation();
  const wrong = await run(['events', 'verify'], {
    cwd: other,
    env: { ...given, WARDER_SECRET: 'ab'.repeat(32) },
  });
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toMatch(/^The installation secret is not the one/);
});

test('the doctor looks at the database: what it is, what a failover may forget, what there is in it', async () => {
  const { url, cwd, env, service, local } = await newInstallation();
  await service.create('one');
  const examined = async (more: Record<string, string> = {}) => {
    const { stdout, code } = await run(['doctor', '--json'], { cwd, env: { ...env, ...more } });
    const { healthy, checks, tables } = JSON.parse(stdout) as {
      healthy: boolean;
      checks: { name: string; level: string; found: string }[];
      tables: { table: string; rows: number; rows_last_day: number | null; kept: string }[];
    };
    expect(healthy).toBe(code === 0);
    const of = (name: string) => {
      const check = checks.find((one) => one.name === name);
      return `${check?.level}: ${check?.found}`;
    };
    return { healthy, of, tables };
  };
  const well = await examined();
  expect(well.of('database')).toMatch(/^ok: PostgreSQL \d+/);
  expect(well.of('schema')).toMatch(/^ok/);
  expect(well.of('replication')).toMatch(/^warn: .*a failover may forget what was acknowledged/);
  expect(well.of('clock')).toMatch(/^ok/);
  expect(well.of('secret and peppers')).toMatch(/^ok/);
  expect(well.of('events')).toMatch(/^ok: \d+ sealed events hold/);
  expect(well.healthy).toBe(true);
  expect(well.tables.find(({ table }) => table === 'keys')).toMatchObject({ rows_last_day: 2 });
  expect(well.tables.filter(({ kept }) => kept === 'not known')).toEqual([]);
  expect((await local('doctor')).stdout).toMatch(/TABLE +ROWS +SIZE/);

  expect((await examined({ WARDER_SECRET: 'ab'.repeat(32) })).of('secret and peppers')).toMatch(
    /^fail: The installation secret is not the one/,
  );
  await service.stop();
  await server.execute("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (one)'; ", url);
  await server.execute('SELECT pg_reload_conf()', url);
  await expect
    .poll(async () => (await examined()).of('replication'), { timeout: 20_000 })
    .toMatch(/^ok: A commit waits for standbys: FIRST 1 \(one\)/);
  await server.execute('ALTER SYSTEM RESET synchronous_standby_names', url);
  await server.execute('SELECT pg_reload_conf()', url);
});

test('a database that is not there is a finding without its password', async () => {
  const { code, stdout, stderr } = await run(['doctor'], {
    cwd: newFolder(),
    env: { DATABASE_URL: 'postgres://warder:hunter2@127.0.0.1:1/warder' },
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^fail +database/m);
  expect(stdout + stderr).not.toContain('hunter2');
});
