// `warder restore` killed at any of its steps leaves the old database or the new one.

import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { killedAt, untilDone } from './fixtures/file-steps.ts';
import { done, hashOf, newInstallation, startIn } from './fixtures/installation.ts';
import { newFolder } from './fixtures/program.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

const inData = (cwd: string, name = 'warder.db') => join(cwd, 'data', name);

test('a restore that is killed at any step leaves the old database or the new one whole', async () => {
  const { cwd, service } = await newInstallation();
  const { id, key } = await service.create('revoked');
  await done(cwd, 'backup', '--out', 'made');
  await service.ask('POST', `/v1/keys/${id}/revoke`);
  const { key: later } = await service.create('later');
  await service.exportTo('events');
  // Killed, so that the last changes are in the log alone.
  service.child.kill('SIGKILL');
  await service.ended;
  const before = hashOf(join(cwd, 'data'));
  const found = new Set<string>();
  const steps = await untilDone(async (step) => {
    const there = newFolder();
    for (const name of ['made', 'events']) copyFileSync(join(cwd, name), join(there, name));
    mkdirSync(join(there, 'data'));
    for (const name of readdirSync(join(cwd, 'data'))) {
      copyFileSync(inData(cwd, name), inData(there, name));
    }
    const args = ['restore', 'made', '--events', 'events', '--replace'];
    const ended = await killedAt(step, args, there);
    expect(existsSync(inData(there))).toBe(true);
    const database = new Database(inData(there));
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    const names = database.prepare('SELECT name FROM keys WHERE revoked_at IS NULL').pluck();
    const state = names.all().sort().join(', ');
    database.close();
    if (ended.code === 0) expect(state).toBe('First key');
    // A service finds the same: tried once for each.
    if (!found.has(state)) {
      found.add(state);
      const restored = await startIn(there);
      expect(await restored.codeOf(key)).toBe('revoked');
      const isNew = state === 'First key';
      expect(await restored.codeOf(later)).toBe(isNew ? 'not_found' : 'valid');
      await restored.stop();
    }
    return ended;
  });
  expect(steps).toBeGreaterThan(20);
  expect([...found].sort()).toEqual(['First key', 'First key, later']);
  expect(hashOf(join(cwd, 'data'))).toBe(before);
});

test('what a killed restore left is swept away by the next', async () => {
  const { cwd, service } = await newInstallation();
  await done(cwd, 'backup', '--out', 'made');
  await service.stop();
  mkdirSync(join(cwd, 'data/.restore-abcdef'));
  writeFileSync(join(cwd, 'data/.restore-abcdef/warder.db'), 'half');
  await done(cwd, 'restore', 'made', '--replace', '--accept-revivals');
  expect(readdirSync(join(cwd, 'data')).filter((name) => name.startsWith('.'))).toEqual([]);
});
