// `warder recover`: the way back in with the database and the secret, and nothing less.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call, newFolder, run, serve } from './fixtures/program.ts';

const HOUR = 3_600_000;

test('recovery makes an instance key that lives an hour, beside a running service, and leaves an event', async () => {
  const cwd = newFolder();
  const { url, stderr } = await serve(cwd);
  const recovered = await run(['recover'], { cwd });
  const key = recovered.stdout.trim();
  expect(recovered.code).toBe(0);
  expect(recovered.stdout).toMatch(/^wdr_live_[0-9A-Za-z]{46}\n$/);
  expect(recovered.stderr).toMatch(/^This is a management key of the whole instance, good until /);
  expect(recovered.stderr).not.toContain(key);

  const { body } = await call(url, key, 'GET', '/v1/whoami');
  const about = body.key as { id: string; expires_at: string; created_at: string };
  expect(body).toMatchObject({ instance: true, permissions: ['*'] });
  expect(Date.parse(about.expires_at) - Date.parse(about.created_at)).toBe(HOUR);
  const { body: events } = await call(url, key, 'GET', '/v1/events?limit=2');
  expect(events.data).toMatchObject([
    { type: 'installation.recovered', after: { key_id: about.id } },
    { type: 'key.created', subject: { id: about.id }, actor: { type: 'system', id: 'recover' } },
  ]);
  expect(JSON.stringify(events) + stderr()).not.toContain(key);
});

test('a key of recovery cannot make one that outlives it', async () => {
  const cwd = newFolder();
  const { url } = await serve(cwd);
  const { stdout } = await run(['recover', '--json'], { cwd });
  const { key, expires_at } = JSON.parse(stdout) as { key: string; expires_at: string };
  const { body } = await call(url, key, 'POST', '/v1/keys', {
    kind: 'management',
    workspace_id: null,
    permissions: ['*'],
  });
  expect(body).toMatchObject({ expires_at });
});

test('recovery where nothing is, is refused and makes nothing', async () => {
  const cwd = newFolder();
  mkdirSync(join(cwd, 'data'));
  const { code, stdout, stderr } = await run(['recover'], { cwd });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe('There is no database data/warder.db: name the folder it is in by --data.\n');
  expect(readdirSync(join(cwd, 'data'))).toEqual([]);
  const missing = await run(['recover', '--data', 'elsewhere', '--json'], { cwd });
  expect(JSON.parse(missing.stderr)).toMatchObject({ error: { code: 'start_refused' } });
  expect(readdirSync(cwd)).toEqual(['data']);
});

test('recovery by a copy of the database alone is refused', async () => {
  const cwd = newFolder();
  const { child, ended } = await serve(cwd);
  child.kill('SIGTERM');
  await ended;
  const env = { WARDER_SECRET: 'ab'.repeat(32) };
  const { code, stdout, stderr } = await run(['recover'], { cwd, env });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^The installation secret is not the one this database was made with/);
  expect(stderr).not.toContain(readFileSync(join(cwd, 'data/secret'), 'utf8').trim());
});
