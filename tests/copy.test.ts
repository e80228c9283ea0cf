// `warder copy` from a file to PostgreSQL: whole, beside a service that is written to, begun
// again wherever it was killed, and with no two services that both take changes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runs } from './fixtures/domain.ts';
import { newInstallation, type Service } from './fixtures/installation.ts';
import { call, newFolder, run, serve, start } from './fixtures/program.ts';
import { type PostgresServer, startPostgres } from './kit/servers.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

let server: PostgresServer;
let databases = 0;
beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
});
afterAll(() => server?.stop());

/** The URL of a new, empty database. */
async function newDatabase(): Promise<string> {
  const name = `copy_${++databases}`;
  await server.execute(`CREATE DATABASE ${name}`);
  return server.tcpUrl.replace(/\/postgres$/, `/${name}`);
}

/** A service on a database with the secret of the installation in that folder. */
async function serveFrom(cwd: string, url: string) {
  const secret = readFileSync(join(cwd, 'data/secret'), 'utf8').trim();
  const running = await serve(newFolder(), [], {
    env: { DATABASE_URL: url, WARDER_SECRET: secret },
  });
  const key = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
  return {
    ...running,
    ask: (method: string, path: string, body?: unknown) =>
      call(running.url, key, method, path, body),
    codeOf: async (secret: string) =>
      (await call(running.url, key, 'POST', '/v1/keys/verify', { key: secret })).body.code,
  };
}

/** Some of everything. */
async function fill(
  service: Service,
): Promise<{ good: string; revoked: string; workspaceId: string }> {
  const { id: workspace_id } = await service.ask('POST', '/v1/workspaces', {
    name: 'Acme “東京” \\u0041',
    settings: { metadata_filters: ['tier'] },
  });
  const good = await service.create('good “東京”', {
    workspace_id,
    owner_id: 'owner',
    metadata: { tier: 'gold', note: 'a\nb "c"' },
    credits: { remaining: 100 },
  });
  const revoked = await service.create('revoked');
  await service.ask('POST', `/v1/keys/${revoked.id}/revoke`, {});
  await service.codeOf(good.key);
  return { good: good.key, revoked: revoked.key, workspaceId: String(workspace_id) };
}

test('an installation is copied whole beside its service, which then takes no change; keys are good throughout', async () => {
  const { cwd, service } = await newInstallation();
  const { good, revoked, workspaceId } = await fill(service);
  const url = await newDatabase();
  const { code, stdout } = await run(['copy', '--from', 'data', '--to', url, '--json'], { cwd });
  expect(code).toBe(0);
  const { tables } = JSON.parse(stdout) as { tables: { table: string; rows: number }[] };
  expect(tables.find(({ table }) => table === 'keys')?.rows).toBe(3);

  // The old one: says who is good, takes nothing, and does not start again.
  expect(await service.codeOf(revoked)).toBe('revoked');
  const refused = await call(service.url, service.firstKey, 'POST', '/v1/keys', { name: 'late' });
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  await service.stop();
  const again = await run(['serve', '--listen', '127.0.0.1:0'], { cwd });
  expect(again).toMatchObject({ code: 1, stdout: '' });
  expect(again.stderr).toMatch(/was moved to another database by `warder copy` at .* --database/);

  // As one that was killed when the old one was given up and the new one not yet free.
  await server.execute(
    `CREATE TABLE warder.copying AS SELECT 1 AS id, default_workspace_id AS installation FROM warder.installation`,
    url,
  );
  const last = await run(['copy', '--from', 'data', '--to', url], { cwd });
  expect(last).toMatchObject({ code: 0, stdout: expect.stringContaining('hold the same') });

  const target = await serveFrom(cwd, url);
  expect(await target.codeOf(good)).toBe('valid');
  expect(await target.codeOf(revoked)).toBe('revoked');
  const gold = await target.ask('GET', `/v1/keys?metadata.tier=gold&workspace_id=${workspaceId}`);
  expect(gold.body).toMatchObject({ data: [{ name: 'good “東京”' }] });
  const found = await target.ask('GET', '/v1/keys?search=good');
  expect(found.body).toMatchObject({ data: [{ name: 'good “東京”' }] });

  const twice = await run(['copy', '--from', 'data', '--to', url], { cwd });
  expect(twice).toMatchObject({ code: 0, stdout: expect.stringContaining('copied before') });
});

test('what the service acknowledges while it is copied is in the copy', async () => {
  const { cwd, service } = await newInstallation();
  await fill(service);
  const url = await newDatabase();
  const made: { id: string; key: string }[] = [];
  const revoked = new Set<string>();
  let ended = false;
  const write = async (writer: number) => {
    for (let n = 0; !ended; n++) {
      const { status, body } = await call(service.url, service.firstKey, 'POST', '/v1/keys', {
        name: `key ${writer} ${n}`,
        owner_id: `owner ${n % 7}`,
      });
      if (status !== 201) continue;
      made.push({ id: String(body.id), key: String(body.key) });
      const one = made[Math.floor(made.length / 2)];
      if (n % 2 === 0 || one === undefined) continue;
      const path = `/v1/keys/${one.id}/revoke`;
      const done = await call(service.url, service.firstKey, 'POST', path, {});
      if (done.status === 200) revoked.add(one.key);
    }
  };
  let verdicts = 0;
  const [{ key: known } = { key: '' }] = [await service.create('known')];
  const verify = async () => {
    while (!ended) {
      expect(await service.codeOf(known)).toBe('valid');
      verdicts++;
    }
  };
  const writers = [1, 2, 3].map(write);
  const copying = run(['copy', '--from', 'data', '--to', url], { cwd }).finally(() => {
    ended = true;
  });
  await Promise.all([copying, verify(), ...writers]);
  expect(await copying).toMatchObject({ code: 0 });
  expect(made.length).toBeGreaterThan(20);
  expect(revoked.size).toBeGreaterThan(5);
  expect(verdicts).toBeGreaterThan(5);
  await service.stop();

  const target = await serveFrom(cwd, url);
  const codes = await Promise.all(made.map(({ key }) => target.codeOf(key)));
  expect(codes).toEqual(made.map(({ key }) => (revoked.has(key) ? 'revoked' : 'valid')));
});

test('a copy that is killed anywhere goes on when it is begun again, and doubles nothing', async () => {
  const { cwd, service } = await newInstallation();
  const { good } = await fill(service);
  for (let n = 0; n < 60; n++) await service.create(`key ${n}`);
  const url = await newDatabase();
  let killed = 0;
  for (let round = 0; round < runs(5, 40); round++) {
    await service.create(`round ${round}`);
    const copying = start(['copy', '--from', 'data', '--to', url], { cwd });
    // From before the first connection to behind the last row.
    setTimeout(() => copying.kill('SIGKILL'), 300 + ((round * 379) % 900));
    const { signal } = await copying.ended;
    if (signal === null) break;
    killed++;
    expect(await service.codeOf(good)).toBe('valid');
  }
  expect(killed).toBeGreaterThan(0);
  const last = await run(['copy', '--from', 'data', '--to', url], { cwd });
  expect(last).toMatchObject({ code: 0 });
  await service.stop();
  const source = new Database(join(cwd, 'data/warder.db'), { readonly: true });
  for (const table of ['keys', 'events', 'owners', 'workspaces', 'chains']) {
    const rows = source.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
    expect(await server.execute(`SELECT count(*) FROM warder.${table}`, url)).toBe(String(rows));
  }
  source.close();
  const target = await serveFrom(cwd, url);
  expect(await target.codeOf(good)).toBe('valid');
});

test('a database that has another installation is refused, and no service starts on a copy that is not finished', async () => {
  const { cwd } = await newInstallation();
  const url = await newDatabase();
  const other = newFolder();
  const running = await serve(other, [], { env: { DATABASE_URL: url } });
  running.child.kill('SIGTERM');
  await running.ended;
  const taken = await run(['copy', '--from', 'data', '--to', url], { cwd });
  expect(taken).toMatchObject({ code: 1, stdout: '' });
  expect(taken.stderr).toMatch(/^The database has an installation already/);

  const begun = await newDatabase();
  expect((await run(['migrate'], { cwd, env: { DATABASE_URL: begun } })).code).toBe(0);
  await server.execute('CREATE TABLE warder.copying (id int, installation text)', begun);
  const early = await run(['serve'], { cwd, env: { DATABASE_URL: begun } });
  expect(early).toMatchObject({ code: 1, stdout: '' });
  expect(early.stderr).toMatch(/^A copy into this database is not finished/);
});

test('a source or a target that is none is refused in one sentence', async () => {
  const cwd = newFolder();
  for (const [args, sentence] of [
    [['--from', 'nowhere', '--to', server.tcpUrl], /^There is no nowhere/],
    [['--from', '.', '--to', server.tcpUrl], /^There is no database .*warder\.db/],
    [['--from', server.tcpUrl, '--to', server.tcpUrl], /^Copies are made from a file alone/],
    [['--from', '.'], /^There is no database/],
  ] as const) {
    const { code, stdout, stderr } = await run(['copy', ...args], { cwd });
    expect({ failed: code !== 0, stdout }).toEqual({ failed: true, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }
});
