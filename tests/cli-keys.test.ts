// The commands about keys against a real service: what each does, what it shows to people and to
// scripts, and that no key appears where none was asked for.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Key } from '@warder/sdk';
import { expect, test } from 'vitest';
import { commandsOnService, TOKEN } from './fixtures/commands.ts';
import { PROGRAM, startAny } from './fixtures/program.ts';

const { cwd, made, words, json, url, warder, create } = commandsOnService();

test('a new key stands alone on standard output, and what is known of it beside it', async () => {
  const { code, stdout, stderr } = await warder(
    'keys create --name CI --owner acme --scopes a:b,c',
  );
  made.push(stdout.trim());
  expect(code).toBe(0);
  expect(stdout).toMatch(/^wdr_live_[0-9A-Za-z]{46}\n$/);
  expect(stderr).toMatch(/^name +CI$/m);
  expect(stderr).toMatch(/^scopes +a:b, c$/m);
  expect(stderr).not.toMatch(TOKEN);
});

test('a key is verified from standard input and from a file, and the exit code is the verdict', async () => {
  const { key } = await create('--name v --scopes files:read');
  const good = await warder('keys verify --scopes files:read', `${key}\n`);
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(good.stdout).toMatch(/^valid +yes$/m);
  writeFileSync(join(cwd, 'judged'), key);
  const bad = await warder('keys verify --from-file judged --scopes files:write --json');
  expect(bad).toMatchObject({ code: 1, stderr: '' });
  expect(JSON.parse(bad.stdout)).toMatchObject({
    valid: false,
    code: 'insufficient_scope',
    missing_scopes: ['files:write'],
  });
  for (const input of ['', 'two words', `${key}\n${key}\n`]) {
    const refused = await warder('keys verify', input);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe('Standard input must hold one key and nothing else.\n');
  }
});

test('a key is asked for on a terminal without being shown', async () => {
  const { key } = await create('--name hidden');
  const command = [process.execPath, ...PROGRAM, 'keys', 'verify'].map((word) => `'${word}'`);
  const file = join(cwd, 'typed');
  writeFileSync(file, `x\u007f${key}\r`);
  // The terminal that `script` makes is typed on only once the question stands there.
  const asked = startAny(
    'sh',
    [
      '-c',
      `(while ! grep -q judge seen 2>/dev/null; do sleep 0.1; done; cat typed) | script -qefc "${command.join(' ')}" seen`,
    ],
    { cwd, env: { WARDER_URL: url() } },
  );
  const { code, stdout } = await asked.ended;
  expect(stdout).toMatch(/^valid +yes\r?$/m);
  expect(stdout).not.toContain(key);
  expect(code).toBe(0);
});

test('every member of a key has a flag', async () => {
  const { components } = JSON.parse(
    readFileSync(new URL('../docs/openapi.json', import.meta.url), 'utf8'),
  );
  const standard = await create([
    ...['--name', 'all', '--owner', 'acme', '--scopes', 'a:*', '--scopes', 'b,c'],
    ...['--environment', 'test', '--allowed-cidrs', '10.0.0.0/8,::1', '--allow-self-revoke'],
    ...['--metadata', 'plan=pro', '--metadata', '{"seats": 5, "x": {"y": null}}'],
    ...['--limit', 'minute=10/60', '--limit', 'day=50/1d,90@2027-01-31T00:00:00Z'],
    ...['--not-before', '2026-01-01T00:00:00Z', '--expires-at', '2099-01-01T00:00:00Z'],
    ...['--credits', '5', '--refill', '1000/month'],
  ]);
  expect(standard).toMatchObject({
    name: 'all',
    owner_id: 'acme',
    kind: 'standard',
    scopes: ['a:*', 'b', 'c'],
    environment: 'test',
    allowed_cidrs: ['10.0.0.0/8', '::1'],
    allow_self_revoke: true,
    metadata: { plan: 'pro', seats: 5 },
    limits: [
      { name: 'minute', limit: 10, window_seconds: 60, override: null },
      {
        name: 'day',
        limit: 50,
        window_seconds: 86_400,
        override: { limit: 90, until: '2027-01-31T00:00:00.000Z' },
      },
    ],
    not_before: '2026-01-01T00:00:00.000Z',
    expires_at: '2099-01-01T00:00:00.000Z',
    credits: { remaining: 5, refill: { amount: 1_000, interval: 'month' } },
  });
  const management = await create([
    ...['--kind', 'management', '--instance', '--permissions', 'keys:read,keys:write'],
    ...['--grant-scopes', 'files:*', '--grant-environments', 'test', '--grant-max-life', '30d'],
    ...['--expires-in', '12h'],
  ]);
  expect(management).toMatchObject({
    workspace_id: null,
    permissions: ['keys:read', 'keys:write'],
    grants: { scopes: ['files:*'], environments: ['test'], max_life_seconds: 30 * 86_400 },
  });
  const life = Date.parse(management.expires_at ?? '') - Date.parse(management.created_at);
  expect(Math.abs(life - 12 * 3600 * 1000)).toBeLessThan(60_000);
  const viewer = await create(
    `--kind management --permissions viewer --workspace ${standard.workspace_id}`,
  );
  expect(viewer.permissions).toContain('events:read');

  const { stdout: help } = await warder('keys create --help');
  const flagOf: Record<string, string> = {
    owner_id: 'owner',
    workspace_id: 'workspace',
    grants: 'grant-scopes',
    limits: 'limit',
  };
  for (const member of Object.keys(components.schemas.KeyCreate.properties)) {
    expect(help).toContain(`--${flagOf[member] ?? member.replaceAll('_', '-')} `);
  }
});

test('a key is listed, shown, changed, disabled, enabled, revoked and erased', async () => {
  const { id } = await create('--name life --owner life --scopes a');
  const { stdout } = await warder('keys list --owner life --total');
  expect(stdout).toMatch(/^ID +NAME +KIND/);
  expect(stdout).toContain(`${id}  life`);

  const changed = await json([
    'keys',
    'update',
    id,
    '--name',
    'other',
    '--scopes',
    'b',
    '--metadata',
    'x=1',
    '--expires-in',
    '1d',
  ]);
  expect(changed).toMatchObject({ name: 'other', scopes: ['b'], metadata: { x: '1' } });
  const cleared = await json([
    'keys',
    'update',
    id,
    '--clear',
    'name,expires-at,scopes',
    '--metadata',
    '{"x":null}',
  ]);
  expect(cleared).toMatchObject({ name: null, scopes: [], metadata: {}, expires_at: null });
  expect(await json(`keys update ${id} --allow-self-revoke`)).toMatchObject({
    allow_self_revoke: true,
  });
  expect(await json(`keys update ${id} --no-allow-self-revoke`)).toMatchObject({
    allow_self_revoke: false,
  });

  const [, etag = ''] = /^etag +(\S+)$/m.exec((await warder(`keys get ${id}`)).stdout) ?? [];
  expect(await json(`keys disable ${id} --if-match ${etag}`)).toMatchObject({ status: 'disabled' });
  expect(await warder(`keys enable ${id} --if-match ${etag} --json`)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"code":"precondition_failed"'),
  });
  expect(await json(`keys enable ${id}`)).toMatchObject({ status: 'active' });
  const revoked = await json(['keys', 'revoke', id, '--reason', 'seen in a log']);
  expect(revoked).toMatchObject({ status: 'revoked', revoked_reason: 'seen in a log' });
  const page = await json<{ data: Key[]; total: number }>(
    'keys list --status revoked --owner life --total',
  );
  expect(page).toMatchObject({ total: 1, data: [{ id }] });
  expect(await json(`keys delete ${id}`)).toMatchObject({ status: 'deleted', owner_id: null });
  expect(await warder(`keys get ${id}`)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'There is no such key.\n',
  });
});

test('limits are set, shown, taken from and cleared', async () => {
  const { id, key } = await create('--name metered --limit minute=1/60s --limit day=0/1d');
  expect((await warder(`keys get ${id}`)).stdout).toMatch(/^limits +minute=1\/60s day=0\/86400s$/m);
  const refused = await warder('keys verify', key);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stdout).toMatch(/^code +rate_limited$/m);
  expect(refused.stdout).toMatch(/^limit day +0 of 0 left until 20/m);
  expect(await json(`keys update ${id} --limit minute=2/60s`)).toMatchObject({
    limits: [{ name: 'minute', limit: 2 }],
  });
  const left = async (flags: string) =>
    (await json<{ limits: { remaining: number }[] }>(`keys verify ${flags}`, key)).limits;
  expect(await left('--dry-run')).toMatchObject([{ remaining: 2 }]);
  expect(await left('--cost 2')).toMatchObject([{ remaining: 0 }]);
  expect(await json(`keys update ${id} --clear limit`)).toMatchObject({ limits: null });

  const shop = 'workspaces create --name Metered --key-limit a=1/1m --owner-limit b=2/1h';
  const workspace = await json<{ id: string }>(`${shop} --workspace-limit c=3/1d`);
  expect((await warder(`workspaces get ${workspace.id}`)).stdout).toMatch(
    /^key_limits +a=1\/60s\nowner_limits +b=2\/3600s\nworkspace_limits +c=3\/86400s$/m,
  );
  expect(await json(`workspaces update ${workspace.id} --clear key-limit`)).toMatchObject({
    settings: { key_limits: [], owner_limits: [{ name: 'b' }] },
  });
  expect(await json('owners put metered --limit x=1/1s')).toMatchObject({
    limits: [{ name: 'x', limit: 1, window_seconds: 1 }],
  });
  expect((await warder('owners get metered')).stdout).toMatch(/^limits +x=1\/1s$/m);

  const take = 'limits take logins ip:192.0.2.9 --limit 1 --window 15m';
  expect(await warder(`${take} --dry-run`)).toMatchObject({ code: 0 });
  expect((await warder(take)).stdout).toMatch(/^allowed +yes\nlimit +1\nremaining +0$/m);
  expect(await warder(take)).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^allowed +no$/m),
  });
  for (const bad of ['a', 'a=1', 'a=1/0s', 'a=x/1s', 'a=1/1y', 'a=1/1s,2']) {
    expect(await warder(`keys create --limit ${bad}`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--limit must be NAME=LIMIT/WINDOW'),
    });
  }
});

test('a list goes on where it is told to', async () => {
  for (const name of ['one', 'two', 'three']) await create(`--name ${name} --owner pages`);
  const first = await warder('keys list --owner pages --limit 2');
  expect(first.stdout).not.toContain('one');
  const [, cursor = ''] = /^More follow: --after ([^,]+),/m.exec(first.stderr) ?? [];
  expect((await warder(`keys list --owner pages --limit 2 --after ${cursor}`)).stdout).toContain(
    'one',
  );
});

test('a retried creation with one idempotency key makes one key', async () => {
  const args = '--name once --owner once --idempotency-key abc';
  expect((await create(args)).key).toBe((await create(args)).key);
});

test('a key on the command line is refused before anything, and not repeated', async () => {
  const { key } = await create('--name argv');
  const lines = [
    ['keys', 'verify', key],
    ['keys', 'get', key],
    ['keys', 'create', '--name', `my ${key}`],
    [`--key=${key}`, 'whoami', '--json'],
    [key],
  ];
  for (const ended of await Promise.all(lines.map((line) => words(line)))) {
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('on standard input or by --from-file FILE');
    expect(ended.stderr).not.toContain(key.slice(0, 20));
  }
  const foreign = await words(['keys', 'verify', 'sk_some_foreign_key']);
  expect(foreign).toMatchObject({ code: 2, stderr: expect.not.stringContaining('foreign') });
});

test('credits are given, spent, changed, shown and taken away, of keys and of owners', async () => {
  const { id, key } = await create('--name metered --credits 2 --refill 10/day');
  const remaining = async () => JSON.parse((await warder(`keys get ${id} --json`)).stdout).credits;
  const good = await warder('keys verify', `${key}\n`);
  expect(good.stdout).toMatch(/^credits +1$/m);
  const asked = await warder('keys verify --cost 1 --dry-run', `${key}\n`);
  expect(asked.stdout).toMatch(/^credits +1$/m);
  await warder('keys verify --cost 1', `${key}\n`);
  const bad = await warder('keys verify', `${key}\n`);
  expect(bad.code).toBe(1);
  expect(bad.stdout).toMatch(/^code +insufficient_credits$/m);
  expect(bad.stdout).toMatch(/^credits +0$/m);
  const added = await warder(`keys credits ${id} --add 7`);
  expect(added.stdout).toMatch(/^credits +7\nrefill +10\/day\nrefill_at +\d{4}-/m);
  await warder(`keys credits ${id} --set 3`);
  expect(await remaining()).toMatchObject({ remaining: 3, refill: { amount: 10 } });
  await warder(`keys update ${id} --clear refill`);
  expect(await remaining()).toEqual({ remaining: 3, refill_at: null, refill: null });
  await warder(`keys update ${id} --clear credits`);
  expect(await remaining()).toBeNull();

  await warder('owners put payer --credits 100');
  const topped = await warder('owners credits payer --add 50');
  expect(topped.stdout).toMatch(/^credits +150$/m);
  await warder('owners update payer --clear credits');
  expect((await warder('owners get payer')).stdout).not.toMatch(/^credits/m);
});

test('an id that only resembles a key is taken and given back as it is', async () => {
  const id = 'cus_live_0123456789abcdefghijABCDEFGHIJ';
  expect(await json(['owners', 'put', id, '--name', 'like'])).toMatchObject({ owner_id: id });
  expect((await words(['owners', 'get', id])).stdout).toContain(id);
});
