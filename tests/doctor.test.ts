// `warder doctor`: each fault is made for real and must be found, with what to do about it; what is
// well is called so, beside a running service too, and nothing is changed by looking.

import {
  chmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { done, newInstallation, startIn } from './fixtures/installation.ts';
import { newFolder, run } from './fixtures/program.ts';
import { canMount, mountDisk } from './kit/crash-disk.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

const DAY = 86_400_000;

interface Finding {
  readonly name: string;
  readonly level: string;
  readonly found: string;
  readonly advice: string | null;
}

interface Options {
  readonly env?: Record<string, string>;
  readonly node?: readonly string[];
  readonly data?: string;
}

/** What the doctor finds, and the exit code. */
async function examined(cwd: string, { env = {}, node = [], data }: Options = {}) {
  const args = ['doctor', '--json', ...(data === undefined ? [] : ['--data', data])];
  const { code, stdout, stderr } = await run(args, { cwd, env, node });
  expect(stderr).toBe('');
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Finding[] };
  expect(healthy).toBe(code === 0);
  for (const { level, advice } of checks) expect(advice === null).toBe(level === 'ok');
  const of = (name: string) => {
    const finding = checks.find((check) => check.name === name);
    return `${finding?.level}: ${finding?.found}`;
  };
  return { code, checks, of };
}

/** A stopped installation, with one key more than its first. */
async function stopped() {
  const { cwd, service } = await newInstallation();
  const { id } = await service.create('one', {
    owner_id: 'acme',
    expires_at: '2099-01-01T00:00:00Z',
  });
  await service.stop();
  const change = (sql: string) => {
    const database = new Database(join(cwd, 'data/warder.db'));
    database.pragma('foreign_keys = OFF');
    database.exec(sql);
    database.close();
  };
  return { cwd, id, change };
}

test('beside a running service all is well, and looking changes nothing', async () => {
  const { cwd, service } = await newInstallation();
  await service.create('one', { expires_at: '2099-01-01T00:00:00Z' });
  await done(cwd, 'backup', '--out', 'made');
  renameSync(join(cwd, 'data/first-key'), join(cwd, 'first-key'));
  const state = async () => [
    readdirSync(join(cwd, 'data')),
    (await service.ask('GET', '/v1/events?include=total')).total,
  ];
  const before = await state();
  const { code, checks } = await examined(cwd);
  expect(checks.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(code).toBe(0);
  const { stdout } = await done(cwd, 'doctor');
  expect(stdout).toMatch(/^ +CHECK +FOUND\nok +integrity +The database is sound\./);
  expect(await state()).toEqual(before);
});

test('a damaged database is found, and what can still be told is told', async () => {
  const { cwd } = await stopped();
  const file = openSync(join(cwd, 'data/warder.db'), 'r+');
  for (let page = 8; page < 14; page++)
    writeSync(file, Buffer.alloc(200, 0xa5), 0, 200, page * 4096);
  const { code, of, checks } = await examined(cwd);
  expect(of('integrity')).toMatch(/^fail: The database is damaged: /);
  expect(checks.find(({ name }) => name === 'integrity')?.advice).toContain('warder restore');
  expect(of('file modes')).toMatch(/^ok/);
  expect(code).toBe(1);
  const loose = await stopped();
  loose.change("UPDATE keys SET workspace_id = 'none' WHERE workspace_id IS NOT NULL");
  expect((await examined(loose.cwd)).of('integrity')).toMatch(/a row of keys refers to none/);
});

test('a schema that is behind, edited or ahead is found', async () => {
  const behind = await stopped();
  behind.change('DELETE FROM migrations WHERE number = (SELECT max(number) FROM migrations)');
  const { of, code } = await examined(behind.cwd);
  expect([code, of('schema')]).toEqual([
    0,
    expect.stringMatching(/^warn: Migrations are pending: \d/),
  ]);
  const edited = await stopped();
  edited.change("UPDATE migrations SET checksum = 'x'");
  expect((await examined(edited.cwd)).of('schema')).toMatch(/^fail: Migration 1 .* is not the one/);
  const ahead = await stopped();
  ahead.change("INSERT INTO migrations VALUES (99, 'later', 'x', 99)");
  expect((await examined(ahead.cwd)).of('schema')).toMatch(/^fail: This Warder is too old/);
});

test('a secret or pepper that is missing or another is found', async () => {
  const { cwd } = await stopped();
  const HEX = 'ab'.repeat(32);
  const other = await examined(cwd, { env: { WARDER_SECRET: HEX } });
  expect(other.of('secret and peppers')).toMatch(/^fail: The installation secret is not the one/);
  expect(other.code).toBe(1);
  const later = await examined(cwd, { env: { WARDER_PEPPER: `1:${HEX}` } });
  expect(later.of('secret and peppers')).toBe(
    'ok: They fit; pepper 1 will be noted at the next start.',
  );
  renameSync(join(cwd, 'data/secret'), join(cwd, 'secret'));
  expect((await examined(cwd)).of('secret and peppers')).toBe(
    'fail: The installation secret is missing.',
  );
});

test('an event that was edited is found', async () => {
  const { cwd, service } = await newInstallation();
  await service.untilSealed();
  await service.stop();
  expect((await examined(cwd)).of('events')).toMatch(/^ok: \d+ sealed events hold; \d+ are not/);
  const database = new Database(join(cwd, 'data/warder.db'));
  database.exec("UPDATE events SET actor_id = 'nobody' WHERE type = 'workspace.created'");
  database.close();
  const { code, of } = await examined(cwd);
  expect([code, of('events')]).toEqual([
    1,
    expect.stringMatching(/^fail: Chain \S+, event 1: it is not what was sealed here/),
  ]);
});

test('an event from the future, and backups that are old or were never made, are found', async () => {
  const { cwd, change } = await stopped();
  expect((await examined(cwd)).of('backup')).toBe(
    'warn: No backup was ever made by `warder backup`.',
  );
  await done(cwd, 'backup', '--out', 'made');
  expect((await examined(cwd)).of('backup')).toMatch(/^ok: The last backup is of 20/);
  const aged = Date.now() - 8 * DAY;
  change(`UPDATE events SET created_at = ${aged} WHERE type = 'installation.backed_up'`);
  expect((await examined(cwd)).of('backup')).toBe('warn: The last backup is 8 days old.');
  change(`UPDATE events SET created_at = ${Date.now() + DAY} WHERE type = 'workspace.created'`);
  expect((await examined(cwd)).of('clock')).toMatch(/^warn: The newest event is of 20/);
});

test('keys without an end, unused management keys and those that may do all are found', async () => {
  const { cwd, service } = await newInstallation();
  const manager = (name: string, permissions: string[]) =>
    service.create(name, { kind: 'management', permissions, workspace_id: null });
  await service.create('endless');
  const never = await manager('never used', ['keys:read']);
  const long = await manager('long unused', ['keys:read']);
  const recent = await manager('recently used', ['keys:read']);
  const second = await manager('second', ['*']);
  const revoked = await manager('revoked', ['*']);
  await service.ask('POST', `/v1/keys/${revoked.id}/revoke`);
  for (const { key } of [long, recent]) {
    const headers = { authorization: `Bearer ${key}` };
    await fetch(`${service.url}/v1/whoami`, { headers });
  }
  await service.stop();
  const database = new Database(join(cwd, 'data/warder.db'));
  const age = (days: number) => Date.now() - days * DAY;
  database.exec(`UPDATE keys SET created_at = ${age(31)} WHERE id = '${never.id}'`);
  database.exec(
    `UPDATE key_usage SET last_used_at = ${age(91)} WHERE rowid = (SELECT rowid FROM keys WHERE id = '${long.id}')`,
  );
  database.exec(
    `UPDATE key_usage SET last_used_at = ${age(89)} WHERE rowid = (SELECT rowid FROM keys WHERE id = '${recent.id}')`,
  );
  database.close();
  const { of, code } = await examined(cwd);
  expect(code).toBe(0);
  expect(of('keys without an end')).toBe('warn: 1 standard key never expires.');
  expect(of('unused management keys')).toBe(
    `warn: 2 not used for 90 days, or never in 30: ${never.id} (never used), ${long.id} (long unused).`,
  );
  expect(of('keys that may do everything')).toMatch(
    /^warn: 2 may do everything \("\*"\): \S+ \(First key\), /,
  );
  expect(of('keys that may do everything')).toContain(second.id);
});

test('a product whose ordinary keys may manage keys is found, until its workspace forbids that', async () => {
  const { cwd, service } = await newInstallation();
  await service.ask('POST', '/phaseo/v1/keys', { name: 'one' });
  const name = 'ordinary keys that manage';
  const { code, of, checks } = await examined(cwd);
  expect(of(name)).toMatch(
    /^warn: In \S+ \(default\) ordinary keys of the format phaseo or cobo may manage keys: whoever finds a leaked one can make and revoke others\.$/,
  );
  expect(code).toBe(0);
  const advice = checks.find((check) => check.name === name)?.advice ?? '';
  const [, command = ''] = /`warder (.*?)`/.exec(advice) ?? [];
  const { url } = service;
  expect(await run(command.split(' '), { cwd, env: { WARDER_URL: url } })).toMatchObject({
    code: 0,
  });
  expect((await examined(cwd)).of(name)).toMatch(/^ok: /);
});

test('a first key that was left lying is found: used, old, or not good any more', async () => {
  const { cwd } = await stopped();
  const fresh = newFolder();
  const service = await startIn(fresh);
  await service.stop();
  expect((await examined(fresh)).of('first key')).toBe(
    'ok: The first key is new and was not used yet.',
  );
  const old = new Date(Date.now() - 2 * DAY);
  utimesSync(join(fresh, 'data/first-key'), old, old);
  expect((await examined(fresh)).of('first key')).toMatch(
    /^warn: .* lying there for more than a day/,
  );
  expect((await examined(cwd)).of('first key')).toMatch(/^warn: .* in use and may do everything/);
  const again = await startIn(cwd);
  const { key } = await again.ask('GET', '/v1/whoami');
  const other = await again.create('other', {
    kind: 'management',
    permissions: ['*'],
    workspace_id: null,
  });
  const headers = { authorization: `Bearer ${other.key}` };
  await fetch(`${again.url}/v1/keys/${Object(key).id}/revoke`, { method: 'POST', headers });
  await again.stop();
  expect((await examined(cwd)).of('first key')).toMatch(/^warn: .* not good any more/);
});

test('loose modes are found, of the folder and of every file in it', async () => {
  const { cwd } = await stopped();
  for (const name of ['secret', 'first-key', 'warder.db', 'warder.db.before-2']) {
    const path = join(cwd, 'data', name);
    writeFileSync(path, '', { flag: 'a', mode: 0o600 });
    chmodSync(path, 0o640);
    const { code, of, checks } = await examined(cwd);
    expect(code).toBe(1);
    // SQLite gives what it puts beside the database the mode of the database.
    expect(of('file modes')).toMatch(`fail: Others than their owner may use data/${name}`);
    const advice = checks.find((check) => check.name === 'file modes')?.advice;
    expect(advice).toMatch(`Run \`chmod 600 data/${name}`);
    chmodSync(path, 0o600);
    rmSync(join(cwd, 'data/warder.db-wal'), { force: true });
    rmSync(join(cwd, 'data/warder.db-shm'), { force: true });
  }
  chmodSync(join(cwd, 'data'), 0o755);
  expect((await examined(cwd)).of('file modes')).toMatch(
    /^warn: Others than its owner may look into/,
  );
});

test.each([
  [0x6969, 'fail: The folder is on NFS.'],
  [0xfe534d42 | 0, 'fail: The folder is on SMB.'],
  [0x65735546, 'warn: The folder is on FUSE.'],
  [0x01021997, 'warn: The folder is on 9p.'],
  [0xef53, 'ok: The folder is on a local file system.'],
])(
  'a file system of type %i, as the system tells it, is known for what it is',
  async (type, said) => {
    const { cwd } = await stopped();
    const preload = join(cwd, 'preload.mjs');
    writeFileSync(
      preload,
      `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    const { statfsSync } = fs;
    fs.statfsSync = (path) => ({ ...statfsSync(path), type: ${type} });
    syncBuiltinESMExports();`,
    );
    expect((await examined(cwd, { node: ['--import', preload] })).of('file system')).toBe(said);
  },
);

test.runIf(canMount())('a disk that is nearly full is found', async () => {
  const { cwd } = await stopped();
  const disk = mountDisk(8);
  try {
    mkdirSync(join(disk.folder, 'data'), { mode: 0o700 });
    for (const name of ['warder.db', 'secret']) {
      const bytes = readFileSync(join(cwd, 'data', name));
      writeFileSync(join(disk.folder, 'data', name), bytes, { mode: 0o600 });
    }
    const { of, code } = await examined(cwd, { data: join(disk.folder, 'data') });
    expect([code, of('free space')]).toEqual([
      1,
      expect.stringMatching(/^fail: 7[.\d]* MiB are free/),
    ]);
  } finally {
    disk.unmount();
  }
});

test('a log that grew, and what killed commands left, are found', async () => {
  const { cwd } = await stopped();
  writeFileSync(join(cwd, 'data/warder.db-wal'), '', { mode: 0o600 });
  truncateSync(join(cwd, 'data/warder.db-wal'), 300 * 1024 * 1024);
  mkdirSync(join(cwd, 'data/.restore-abcdef'), { mode: 0o700 });
  writeFileSync(join(cwd, 'data/warder.db.0123.new'), '', { mode: 0o600 });
  const { of } = await examined(cwd);
  expect(of('write-ahead log')).toBe(
    'warn: The log has 300 MiB: something keeps on reading an old state.',
  );
  expect(of('leftovers')).toBe(
    'warn: A command that was killed left data/.restore-abcdef data/warder.db.0123.new.',
  );
});

test('without a database there is nothing to look at', async () => {
  const { code, stderr } = await run(['doctor'], { cwd: newFolder() });
  expect([code, stderr]).toEqual([
    1,
    'There is no database data/warder.db: name the folder it is in by --data.\n',
  ]);
});

test('each table is told with its size, its growth, and until when it keeps a row', async () => {
  const { cwd } = await stopped();
  const args = ['--usage-hours-retention', '2d', '--events-retention', '36h'];
  const { stdout } = await run(['doctor', ...args], { cwd });
  expect(stdout).toMatch(/^TABLE +ROWS +SIZE +LAST DAY +KEPT$/m);
  expect(stdout).toMatch(/^keys +2 +\d+ KiB +\+2 +for ever: what was revoked stays refused; /m);
  expect(stdout).toMatch(/^usage_hours +\d+ +\d+ KiB +\+\d+ +2 days$/m);
  expect(stdout).toMatch(/^events +\d+ +\d+ KiB +\+\d+ +1 day$/m);
  const json = JSON.parse((await run(['doctor', '--json'], { cwd })).stdout);
  const keys = json.tables.find(({ table }: { table: string }) => table === 'keys');
  expect(keys).toEqual({
    table: 'keys',
    rows: 2,
    bytes: expect.any(Number),
    rows_last_day: 2,
    kept: expect.stringMatching(/^for ever/),
  });
});
