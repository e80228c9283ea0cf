// `warder backup` on real files: whole under load and after a kill, verified, alone, and told of.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { killedAt, untilDone } from './fixtures/file-steps.ts';
import { done, expectRefused, newInstallation, startIn } from './fixtures/installation.ts';
import { newFolder, PROGRAM, run, startAny } from './fixtures/program.ts';
import { canMount, mountDisk } from './kit/crash-disk.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

const PEPPER = 'cd'.repeat(32);

/** Puts a backup into a folder of its own, with the secret of the one it came from. */
async function restoredFrom(cwd: string, backup: string) {
  const other = newFolder();
  const secret = readFileSync(join(cwd, 'data/secret'));
  const env = { WARDER_SECRET: secret.toString().trim() };
  const args = ['restore', join(cwd, backup), '--accept-revivals', '--json'];
  expect(await run(args, { cwd: other, env })).toMatchObject({ code: 0 });
  for (const file of ['secret', 'first-key']) {
    writeFileSync(join(other, 'data', file), readFileSync(join(cwd, 'data', file)), {
      mode: 0o600,
    });
  }
  return other;
}

/** The rows of every table that a backup is to hold, without those that tell of it. */
function rowsIn(file: string) {
  const database = new Database(file, { readonly: true });
  const names = ['keys', 'owners', 'workspaces', 'installation', 'secret_checks', 'migrations'];
  const rows = names.map((name) => database.prepare(`SELECT * FROM ${name}`).all());
  const events = database
    .prepare(
      "SELECT * FROM events WHERE type NOT IN ('installation.backed_up', 'installation.restored')",
    )
    .all();
  const integrity = database.pragma('integrity_check');
  database.close();
  return { rows, events: events.length, integrity };
}

test('backups made while keys are written hold all that was acknowledged before, and no halves', async () => {
  const { cwd, service } = await newInstallation();
  const made: { key: string; at: number }[] = [];
  let writing = true;
  const write = async (writer: number) => {
    for (let n = 0; writing; n++) {
      const { key } = await service.create('key', { owner_id: `owner ${writer} ${n}` });
      made.push({ key, at: performance.now() });
    }
  };
  const writers = [1, 2, 3, 4].map(write);
  const begun: number[] = [];
  for (const name of ['one', 'two', 'three']) {
    begun.push(performance.now());
    await done(cwd, 'backup', '--out', name);
  }
  writing = false;
  await Promise.all(writers);
  await service.stop();
  for (const [i, name] of ['one', 'two', 'three'].entries()) {
    const other = await restoredFrom(cwd, name);
    const restored = await startIn(other);
    const before = made.filter(({ at }) => at < (begun[i] ?? 0));
    if (i > 0) expect(before.length).toBeGreaterThan(0);
    const { key } = before.at(-1) ?? { key: service.firstKey };
    expect(await restored.codeOf(key)).toBe(i > 0 ? 'valid' : 'wrong_kind');
    const database = new Database(join(other, 'data/warder.db'), { readonly: true });
    const count = (sql: string) => Number(database.prepare(sql).pluck().get());
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(count('SELECT count(*) FROM keys')).toBeGreaterThan(before.length);
    // Each key with its event, each with its owner: a commit is there or it is not.
    expect(count("SELECT count(*) FROM events WHERE type = 'key.created'")).toBe(
      count('SELECT count(*) FROM keys'),
    );
    expect(count('SELECT count(*) FROM owners')).toBe(count('SELECT count(*) FROM keys') - 1);
    database.close();
    await restored.stop();
  }
});

test('a backup is for its owner alone, holds no secret, no pepper and no kept reply, and leaves an event', async () => {
  const { cwd, service } = await newInstallation({ WARDER_PEPPER: `1:${PEPPER}` });
  const headers = {
    authorization: `Bearer ${service.firstKey}`,
    'content-type': 'application/json',
    'idempotency-key': 'again',
  };
  const body = JSON.stringify({ name: 'kept' });
  const reply = await fetch(`${service.url}/v1/keys`, { method: 'POST', headers, body });
  expect(reply.status).toBe(201);
  const env = { WARDER_PEPPER: `1:${PEPPER}` };
  const { stdout, stderr } = await run(['backup', '--out', 'made', '--json'], { cwd, env });
  expect(stderr).toBe('');
  const about = JSON.parse(stdout);
  expect(about).toMatchObject({ file: 'made', keys: 2, bytes: statSync(join(cwd, 'made')).size });
  expect(statSync(join(cwd, 'made')).mode & 0o777).toBe(0o600);
  expect(readdirSync(cwd).sort()).toEqual(['data', 'made']);

  const bytes = readFileSync(join(cwd, 'made'));
  const secret = readFileSync(join(cwd, 'data/secret'), 'utf8').trim();
  for (const hex of [secret, PEPPER]) {
    for (const form of [hex, Buffer.from(hex, 'hex'), Buffer.from(hex, 'hex').toString('base64')]) {
      expect(bytes.includes(form)).toBe(false);
    }
  }
  const copy = new Database(join(cwd, 'made'), { readonly: true });
  expect(copy.prepare('SELECT count(*) FROM replies').pluck().get()).toBe(0);
  copy.close();
  const live = new Database(join(cwd, 'data/warder.db'), { readonly: true });
  const sealed = String(live.prepare('SELECT sealed FROM replies').pluck().get());
  live.close();
  expect(bytes.includes(sealed.slice(0, 40))).toBe(false);

  const { data } = await service.ask('GET', '/v1/events?limit=1');
  expect(data).toMatchObject([
    {
      type: 'installation.backed_up',
      actor: { type: 'system', id: 'backup' },
      after: { to: 'made', sha256: about.sha256, bytes: about.bytes, last_event: about.last_event },
    },
  ]);
});

test('a backup says to people where it is and what it lacks', async () => {
  const { cwd } = await newInstallation();
  const { stdout } = await done(cwd, 'backup');
  const [name = ''] = /warder-\d{8}T\d{6}Z\.backup/.exec(stdout) ?? [];
  expect(existsSync(join(cwd, name))).toBe(true);
  expect(stdout).toContain('neither the secret nor a pepper: keep DATA/secret apart');
});

test('a backup through a pipe is the same as one in a file, and one whose pipe broke is refused', async () => {
  const { cwd, service } = await newInstallation();
  await service.create('one', { owner_id: 'acme' });
  // A last use that is written between the two would be a difference that is none.
  await service.stop();
  await done(cwd, 'backup', '--out', 'file');
  const warder = [process.execPath, ...PROGRAM].join(' ');
  const script = `${warder} backup --out - > pipe; ${warder} backup --out - | head -c 20000 > broken`;
  const { stderr } = await startAny('bash', ['-c', script], { cwd }).ended;
  expect(stderr).toMatch(/^Written to standard output/);
  const file = rowsIn(join(await restoredFrom(cwd, 'file'), 'data/warder.db'));
  const pipe = rowsIn(join(await restoredFrom(cwd, 'pipe'), 'data/warder.db'));
  expect(pipe).toEqual(file);
  expect(readdirSync(join(cwd, 'data')).filter((name) => name.endsWith('.new'))).toEqual([]);
  await expectRefused(
    cwd,
    /^broken is no whole backup/,
    'restore',
    'broken',
    '--replace',
    '--accept-revivals',
  );
});

test('a backup that is killed at any step leaves the one before, or the new one whole', async () => {
  const { cwd, service } = await newInstallation();
  await done(cwd, 'backup', '--out', 'first');
  const first = readFileSync(join(cwd, 'first'));
  await service.create('later');
  let whole = 0;
  const steps = await untilDone(async (step) => {
    const name = `kept-${step}`;
    writeFileSync(join(cwd, name), first, { mode: 0o600 });
    const ended = await killedAt(step, ['backup', '--out', name], cwd);
    if (readFileSync(join(cwd, name)).equals(first)) return ended;
    // The name was given to another file: that one must be whole.
    const database = new Database(join(await restoredFrom(cwd, name), 'data/warder.db'));
    expect(database.prepare('SELECT count(*) FROM keys').pluck().get()).toBe(2);
    database.close();
    whole++;
    return ended;
  });
  expect(steps).toBeGreaterThan(10);
  expect(whole).toBeGreaterThan(0);
  await service.stop();
});

test.runIf(canMount())(
  'a backup without room fails in one sentence and leaves nothing',
  async () => {
    const disk = mountDisk(1);
    try {
      const { cwd } = await newInstallation();
      disk.fill();
      const ended = await run(['backup', '--out', join(disk.folder, 'made')], { cwd });
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toMatch(/disk is full|SQLITE_FULL/);
      expect(ended.stderr.trim().split('\n')).toHaveLength(1);
      expect(readdirSync(disk.folder)).toEqual(['filler']);
    } finally {
      disk.unmount();
    }
  },
);
