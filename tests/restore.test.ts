// `warder restore` on real files: nothing that ended comes back unsaid, nothing is touched before all
// is known to be good, and whoever dies on the way leaves the old database or the new one.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import { done, expectRefused, newInstallation, startIn } from './fixtures/installation.ts';
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
