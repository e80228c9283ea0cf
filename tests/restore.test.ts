// `warder restore` on real files: nothing that ended comes back unsaid, nothing is touched before all
// is known to be good, and whoever dies on the way leaves the old database or the new one.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { createHost, sealBackup, unsealBackup } from '../packages/server/src/index.ts';
import { killedAt, untilDone } from './fixtures/file-steps.ts';
import { done, expectRefused, hashOf, newInstallation, startIn } from './fixtures/installation.ts';
import { newFolder, run } from './fixtures/program.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

const inData = (cwd: string, name = 'warder.db') => join(cwd, 'data', name);
const kept = (cwd: string) =>
  readdirSync(join(cwd, 'data')).filter((name) => name.includes('.before-restore-'));

test('what was ended since the backup ends again, and what was given since is told as lost', async () => {
  const { cwd, service } = await newInstallation();
  const { ask, create } = service;
  const one = (name: string) =>
    create(name, { owner_id: 'steady', scopes: ['files:*', 'mail:send'] });
  const keys = {
    revoked: await one('revoked'),
    disabled: await one('disabled'),
    thereAndBack: await one('there and back'),
    erased: await one('erased'),
    shortened: await one('shortened'),
    narrowed: await one('narrowed'),
    untouched: await one('untouched'),
    toppedUp: await create('topped up', { credits: { remaining: 5 } }),
    enabled: await one('enabled'),
    ofSuspended: await create('of suspended', { owner_id: 'suspended' }),
    ofResumed: await create('of resumed', { owner_id: 'resumed' }),
    ofErased: await create('of erased', { owner_id: 'erased' }),
  };
  await ask('PATCH', '/v1/owners/erased', { name: 'A. Person' });
  await ask('POST', `/v1/keys/${keys.enabled.id}/disable`);
  const paused = await ask('POST', '/v1/workspaces', { name: 'Paused' });
  const gone = await ask('POST', '/v1/workspaces', { name: 'Gone' });
  const inPaused = await create('in paused', { workspace_id: paused.id });
  const inGone = await create('in gone', { workspace_id: gone.id });
  await done(cwd, 'backup', '--out', 'made');

  await ask('POST', `/v1/keys/${keys.revoked.id}/revoke`, { reason: 'leaked' });
  await ask('POST', `/v1/keys/${keys.disabled.id}/disable`);
  await ask('POST', `/v1/keys/${keys.thereAndBack.id}/disable`);
  await ask('POST', `/v1/keys/${keys.thereAndBack.id}/enable`);
  await ask('DELETE', `/v1/keys/${keys.erased.id}`);
  const end = new Date(Date.now() + 3_600_000).toISOString();
  await ask('PATCH', `/v1/keys/${keys.shortened.id}`, { expires_at: end });
  await ask('PATCH', `/v1/keys/${keys.narrowed.id}`, { scopes: ['files:read', 'admin'] });
  await ask('POST', `/v1/keys/${keys.enabled.id}/enable`);
  const topUp = `/v1/keys/${keys.toppedUp.id}/credits`;
  await ask('POST', topUp, { add: 7 });
  await ask('POST', topUp, { add: 7 });
  await ask('POST', '/v1/owners/suspended/suspend');
  await ask('POST', '/v1/owners/resumed/suspend');
  await ask('POST', '/v1/owners/resumed/resume');
  await ask('POST', '/v1/owners/erased/erase?keys=erase');
  await ask('POST', `/v1/workspaces/${paused.id}/suspend`);
  await ask('DELETE', `/v1/workspaces/${gone.id}?keys=revoke`);
  const later = await create('made later');
  const [{ subject: erasedOwner }] = (await ask('GET', '/v1/events?type=owner.erased')).data as [
    { subject: { id: string } },
  ];
  const revokedAt = (await ask('GET', `/v1/keys/${keys.revoked.id}`)).revoked_at;
  await service.exportTo('events');
  await service.stop();

  const { stdout } = await done(
    cwd,
    'restore',
    'made',
    '--events',
    'events',
    '--replace',
    '--json',
  );
  const told = JSON.parse(stdout);
  const named = (events: { type: string; subject: { id: string } }[]) =>
    events.map(({ type, subject }) => `${type} ${subject.id}`).sort();
  const ownerId = (name: string) => {
    const database = new Database(inData(cwd), { readonly: true });
    const id = database.prepare('SELECT id FROM owners WHERE external_id = ?').pluck().get(name);
    database.close();
    return String(id);
  };
  const again = [
    `key.revoked ${keys.revoked.id}`,
    `key.disabled ${keys.disabled.id}`,
    `key.erased ${keys.erased.id}`,
    `key.updated ${keys.shortened.id}`,
    `key.updated ${keys.narrowed.id}`,
    `owner.suspended ${ownerId('suspended')}`,
    `owner.erased ${erasedOwner.id}`,
    `workspace.suspended ${paused.id}`,
    `workspace.deleted ${gone.id}`,
  ];
  // The keys of what was deleted whole are erased one by one, as far as that had come.
  const inSteps = [inGone.id, keys.ofErased.id];
  const atOnce = named(told.reapplied).filter((name) => !inSteps.some((id) => name.endsWith(id)));
  expect(atOnce).toEqual(again.sort());
  expect(named(told.lost)).toEqual(
    [
      `key.created ${later.id}`,
      // Somebody paid for each.
      `key.credits_added ${keys.toppedUp.id}`,
      `key.credits_added ${keys.toppedUp.id}`,
      `key.enabled ${keys.enabled.id}`,
      // It gave a scope besides.
      `key.updated ${keys.narrowed.id}`,
    ].sort(),
  );
  expect(told.revivals).toBe(null);

  const restored = await startIn(cwd);
  const codes = Object.fromEntries(
    await Promise.all(
      Object.entries({ ...keys, inPaused, inGone, later }).map(async ([name, { key }]) => [
        name,
        await restored.codeOf(key),
      ]),
    ),
  );
  expect(codes).toEqual({
    revoked: 'revoked',
    disabled: 'disabled',
    thereAndBack: 'valid',
    erased: 'revoked',
    shortened: 'valid',
    narrowed: 'valid',
    untouched: 'valid',
    toppedUp: 'valid',
    enabled: 'disabled',
    ofSuspended: 'suspended',
    ofResumed: 'valid',
    ofErased: expect.stringMatching(/^(revoked|suspended)$/),
    inPaused: 'suspended',
    inGone: expect.stringMatching(/^(revoked|suspended)$/),
    later: 'not_found',
  });
  expect(await restored.ask('GET', `/v1/keys/${keys.revoked.id}`)).toMatchObject({
    revoked_at: revokedAt,
    revoked_reason: 'leaked',
  });
  expect(await restored.ask('GET', `/v1/keys/${keys.shortened.id}`)).toMatchObject({
    expires_at: end,
  });
  expect(await restored.ask('GET', `/v1/keys/${keys.narrowed.id}`)).toMatchObject({
    scopes: ['files:read'],
  });
  const { data } = await restored.ask('GET', '/v1/events?limit=200');
  const events = data as { type: string; actor: object; after: object; subject: { id: string } }[];
  expect(events.find(({ type }) => type === 'installation.restored')).toMatchObject({
    actor: { type: 'system', id: 'restore' },
    after: {
      revivals_accepted: false,
      reapplied: { 'key.revoked': 1 },
      lost: { 'key.created': 1 },
    },
  });
  expect(
    events.filter(({ type, subject }) => type === 'key.revoked' && subject.id === keys.revoked.id),
  ).toMatchObject([{ actor: { type: 'system', id: 'restore' } }]);
  // Nothing of the person comes back with the backup, and the chains go on.
  await restored.untilErased(erasedOwner.id);
  await restored.stop();
  const database = new Database(inData(cwd), { readonly: true });
  const text = JSON.stringify(database.prepare('SELECT "before", "after" FROM events').all());
  database.close();
  expect(text).not.toContain('A. Person');
  expect((await done(cwd, 'events', 'verify')).stdout).toMatch(/hold\.$/m);
});

test('without events a restore names what it would revive and refuses; with leave it says so aloud', async () => {
  const { cwd, service } = await newInstallation();
  const { id, key } = await service.create('revoked later');
  await done(cwd, 'backup', '--out', 'made');
  await service.ask('POST', `/v1/keys/${id}/revoke`);
  await service.stop();
  const named =
    /would undo every revoke, disable, delete, .* between the backup of 20\S+Z \(its last event is key\.created \S+ of 20\S+\) and now/;
  await expectRefused(cwd, named, 'restore', 'made', '--replace');
  const { stderr } = await done(cwd, 'restore', 'made', '--replace', '--accept-revivals');
  expect(stderr).toMatch(
    /^WARNING: every revoke, .* is undone: what was ended then is good again\.$/m,
  );
  const restored = await startIn(cwd);
  expect(await restored.codeOf(key)).toBe('valid');
  const { data } = await restored.ask('GET', '/v1/events?limit=1');
  expect(data).toMatchObject([{ after: { revivals_accepted: true } }]);
});

test('events that begin after the backup, leave some out or are none, are refused', async () => {
  const { cwd, service } = await newInstallation();
  const { id } = await service.create('one');
  await done(cwd, 'backup', '--out', 'made');
  await service.exportTo('reaching');
  const before = readFileSync(join(cwd, 'reaching'), 'utf8');
  await service.ask('POST', `/v1/keys/${id}/revoke`);
  await service.exportTo('events');
  await service.stop();
  const all = readFileSync(join(cwd, 'events'), 'utf8');
  const late = all.split('\n').filter((line) => line !== '' && !before.includes(line));
  writeFileSync(join(cwd, 'late'), late.join('\n'));
  const restore = (file: string) => ['restore', 'made', '--replace', '--events', file];
  await expectRefused(cwd, /^late does not reach back to the backup/, ...restore('late'));
  writeFileSync(join(cwd, 'torn'), all.slice(0, -20));
  await expectRefused(cwd, /^Line \d+ of torn is no event/, ...restore('torn'));
  writeFileSync(join(cwd, 'other'), '{"hello": 1}\n');
  await expectRefused(cwd, /^Line 1 of other is no event/, ...restore('other'));
  await expectRefused(cwd, /^missing cannot be used: there is no such file/, ...restore('missing'));
  const numbered = all
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const chain = numbered
    .reverse()
    .map((event, i) => ({ ...event, workspace_id: null, number: i + 1 }))
    .filter((event) => event.type !== 'installation.backed_up');
  writeFileSync(join(cwd, 'holes'), chain.map((event) => JSON.stringify(event)).join('\n'));
  await expectRefused(cwd, /^holes leaves events out: number \d+ of instance/, ...restore('holes'));
  await done(cwd, ...restore('events'));
});

test('a reply that was kept for a retry does not show its key again after a restore', async () => {
  const { cwd, service } = await newInstallation();
  const make = async (url: string) => {
    const headers = {
      authorization: `Bearer ${service.firstKey}`,
      'content-type': 'application/json',
      'idempotency-key': 'once',
    };
    const reply = await fetch(`${url}/v1/keys`, { method: 'POST', headers, body: '{"name":"k"}' });
    return String(Object(await reply.json()).key);
  };
  const key = await make(service.url);
  expect(await make(service.url)).toBe(key);
  await service.stop();
  // A bare copy of the database, as Litestream restores one.
  copyFileSync(inData(cwd), join(cwd, 'bare'));
  await expectRefused(
    cwd,
    /^bare is no whole backup/,
    'restore',
    'bare',
    '--replace',
    '--accept-revivals',
  );
  await done(cwd, 'restore', 'bare', '--plain', '--replace', '--accept-revivals');
  const restored = await startIn(cwd);
  expect(await make(restored.url)).not.toBe(key);
  expect(await restored.codeOf(key)).toBe('valid');
});

test('a restore to a new folder needs the secret there, and makes the folder', async () => {
  const { cwd, service } = await newInstallation();
  const { key } = await service.create('one');
  await done(cwd, 'backup', '--out', 'made');
  const secret = readFileSync(inData(cwd, 'secret'), 'utf8');
  const there = newFolder();
  const args = ['restore', join(cwd, 'made'), '--accept-revivals'];
  const without = await run(args, { cwd: there });
  expect(without).toMatchObject({ code: 1, stdout: '' });
  expect(without.stderr).toMatch(
    /^The installation secret is missing: put the one that the backup/,
  );
  const other = await run(args, { cwd: there, env: { WARDER_SECRET: 'ab'.repeat(32) } });
  expect(other).toMatchObject({ code: 1, stdout: '' });
  expect(other.stderr).toMatch(
    /is a backup of another installation: it was made under another secret/,
  );
  expect(readdirSync(there)).toEqual([]);
  mkdirSync(join(there, 'data'));
  writeFileSync(join(there, 'data/secret'), secret, { mode: 0o600 });
  expect(await run(args, { cwd: there })).toMatchObject({ code: 0 });
  writeFileSync(join(there, 'data/first-key'), service.firstKey);
  const restored = await startIn(there);
  expect(await restored.codeOf(key)).toBe('valid');
});

test('a backup with a pepper is refused without it', async () => {
  const pepper = { WARDER_PEPPER: `1:${'cd'.repeat(32)}` };
  const { cwd, service } = await newInstallation(pepper);
  expect(await run(['backup', '--out', 'made'], { cwd, env: pepper })).toMatchObject({ code: 0 });
  await service.stop();
  await expectRefused(
    cwd,
    /^The pepper 1 is missing/,
    'restore',
    'made',
    '--replace',
    '--accept-revivals',
  );
});

test('a restore is refused while a service or another program has the database open, and not after a kill', async () => {
  const { cwd, service } = await newInstallation();
  await done(cwd, 'backup', '--out', 'made');
  const args = ['restore', 'made', '--accept-revivals'];
  const { code, stderr } = await run([...args, '--replace'], { cwd });
  expect([code, stderr]).toEqual([
    1,
    'The database data/warder.db is in use, by a running service or another command: stop it first.\n',
  ]);
  expect(await service.codeOf(service.firstKey)).toBe('wrong_kind');
  service.child.kill('SIGKILL');
  await service.ended;
  await expectRefused(
    cwd,
    /^\.\/data has a database already: name another folder by --data/,
    ...args,
  );
  const litestream = new Database(inData(cwd));
  litestream.exec('BEGIN; SELECT 1 FROM keys');
  const open = await run([...args, '--replace'], { cwd });
  expect(open).toMatchObject({ code: 1, stdout: '' });
  expect(open.stderr).toMatch(/^Another program has data\/warder\.db open, as Litestream does/);
  expect(kept(cwd)).toEqual([]);
  litestream.close();
  await done(cwd, ...args, '--replace');
  expect(kept(cwd)).toHaveLength(1);
});

test('a database too damaged to be opened is kept beside the one that replaces it', async () => {
  const { cwd, service } = await newInstallation();
  await done(cwd, 'backup', '--out', 'made');
  await service.stop();
  const damaged = Buffer.from('no database any more '.repeat(500));
  writeFileSync(inData(cwd), damaged);
  await done(cwd, 'restore', 'made', '--accept-revivals', '--replace');
  expect(readFileSync(inData(cwd, kept(cwd)[0])).equals(damaged)).toBe(true);
  const restored = await startIn(cwd);
  expect(await restored.codeOf(service.firstKey)).toBe('wrong_kind');
});

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
