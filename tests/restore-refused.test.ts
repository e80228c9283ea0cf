// Backups that `warder restore` does not take: damaged, forged, of another installation or a later version.

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { createHost, sealBackup, unsealBackup } from '../packages/server/src/index.ts';
import { done, expectRefused, newInstallation } from './fixtures/installation.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

const inData = (cwd: string, name = 'warder.db') => join(cwd, 'data', name);

test('a backup cut anywhere, or with any bit flipped, is refused', async () => {
  const { cwd, service } = await newInstallation();
  await service.create('one', { owner_id: 'acme', metadata: { plan: 'pro' } });
  await done(cwd, 'backup', '--out', 'made');
  await service.stop();
  const secret = Buffer.from(readFileSync(inData(cwd, 'secret'), 'utf8').trim(), 'hex');
  const host = createHost({ secret });
  const bytes = readFileSync(join(cwd, 'made'));
  const look = async (changed: Uint8Array) => {
    const file = join(cwd, 'changed');
    writeFileSync(file, changed);
    return await unsealBackup(file, 'changed', host, () => {}).then(
      () => 'whole',
      (error: unknown) => String(error),
    );
  };
  const refusal =
    'FileRefused: changed is no whole backup: it is cut short or damaged, or was not made by `warder backup`.';
  expect(await look(bytes)).toBe('whole');
  const line = bytes.lastIndexOf('\nwarder-backup ');
  const cuts = [
    0,
    1,
    15,
    16,
    99,
    100,
    4095,
    4096,
    4097,
    line - 1,
    line,
    line + 1,
    bytes.length - 1,
  ];
  for (let at = 5_000; at < bytes.length; at += 2_111) cuts.push(at);
  for (const at of cuts) expect(await look(bytes.subarray(0, at)), `cut at ${at}`).toBe(refusal);
  const flips = [0, 18, 19, 28, 31, 100, line, line + 15, line + 17, bytes.length - 1];
  for (let at = 7; at < bytes.length; at += 1_999) flips.push(at);
  for (let at = line; at < bytes.length; at += 13) flips.push(at);
  for (const at of flips) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    expect(await look(flipped), `flipped at ${at}`).toBe(refusal);
  }
  expect(await look(Buffer.concat([bytes, Buffer.from('x')]))).toBe(refusal);

  // And as a command, with the folder as it was.
  const restore = (name: string) => ['restore', name, '--replace', '--accept-revivals'];
  for (const at of [0, 4096, line, bytes.length - 1]) {
    writeFileSync(join(cwd, 'cut'), bytes.subarray(0, at));
    await expectRefused(cwd, /^cut is no whole backup: it is cut short/, ...restore('cut'));
  }
  await expectRefused(cwd, /^none cannot be used: there is no such file/, ...restore('none'));
});

test('a backup of another installation, of a later version, or of no installation is refused', async () => {
  const { cwd, service } = await newInstallation();
  await service.create('one', { owner_id: 'acme' });
  await done(cwd, 'backup', '--out', 'made');
  await service.stop();
  const restore = (name: string) => ['restore', name, '--replace', '--accept-revivals'];
  const other = await newInstallation();
  await done(other.cwd, 'backup', '--out', 'made');
  await other.service.stop();
  copyFileSync(join(other.cwd, 'made'), join(cwd, 'foreign'));
  const foreign = /^\w+ is a backup of another installation: it was made under another secret/;
  await expectRefused(cwd, foreign, ...restore('foreign'));
  copyFileSync(inData(other.cwd), join(cwd, 'bare'));
  await expectRefused(cwd, foreign, ...restore('bare'), '--plain');

  const secret = Buffer.from(readFileSync(inData(cwd, 'secret'), 'utf8').trim(), 'hex');
  const host = createHost({ secret });
  const changed = async (name: string, sql: string) => {
    const file = join(cwd, name);
    copyFileSync(join(cwd, 'made'), file);
    await unsealBackup(file, name, host, () => {});
    const database = new Database(file);
    database.pragma('foreign_keys = OFF');
    database.exec(sql);
    database.close();
    await sealBackup(file, { madeAt: 0, schema: 1, lastEvent: null }, host);
  };
  await changed('newer', "INSERT INTO migrations VALUES (99, 'later', 'x', 99)");
  const later = /^newer was made by a later version of Warder: restore it with that version\.$/m;
  await expectRefused(cwd, later, ...restore('newer'));
  await changed('edited', "UPDATE migrations SET checksum = 'x'");
  await expectRefused(cwd, /^Migration 1 .* is not the one/, ...restore('edited'));
  await changed('empty', 'DELETE FROM installation');
  await expectRefused(cwd, /^empty is the database of no installation/, ...restore('empty'));
  await changed('strange', 'DROP TABLE migrations');
  await expectRefused(cwd, /^strange is no database of Warder/, ...restore('strange'));
  await changed('loose', "UPDATE owners SET workspace_id = 'none'; DELETE FROM workspaces");
  await expectRefused(cwd, /^loose is damaged: a row of/, ...restore('loose'));

  // A line of a later format, whole in itself.
  const bytes = readFileSync(join(cwd, 'made'));
  const line = bytes.lastIndexOf('\nwarder-backup ');
  const start = Buffer.concat([
    bytes.subarray(0, line),
    Buffer.from(bytes.subarray(line, -65).toString().replace('backup 1 ', 'backup 2 ')),
  ]);
  const { createHash } = await import('node:crypto');
  const sum = createHash('sha256').update(start).digest('hex');
  writeFileSync(join(cwd, 'newer'), Buffer.concat([start, Buffer.from(`${sum}\n`)]));
  await expectRefused(cwd, later, ...restore('newer'));
});

test('a seal from one backup does not make another of a changed database', async () => {
  const { cwd, service } = await newInstallation();
  await done(cwd, 'backup', '--out', 'made');
  await service.stop();
  const bytes = readFileSync(join(cwd, 'made'));
  const line = bytes.lastIndexOf('\nwarder-backup ');
  const { createHash } = await import('node:crypto');
  const changed = Buffer.from(bytes.subarray(0, -65));
  changed[line - 100] = (changed[line - 100] ?? 0) ^ 1;
  const sum = createHash('sha256').update(changed).digest('hex');
  writeFileSync(join(cwd, 'forged'), Buffer.concat([changed, Buffer.from(`${sum}\n`)]));
  const args = ['restore', 'forged', '--replace', '--accept-revivals'];
  await expectRefused(cwd, /^forged is not the database that its seal was made for/, ...args);
});
