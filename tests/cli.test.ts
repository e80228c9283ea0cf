// Every command of the program against a real service: what it does, what it shows to people and
// to scripts, its exit codes, and that no key appears where none was asked for.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Key, Member } from '@warder/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Ended,
  newFolder,
  PROGRAM,
  printed,
  type Running,
  run,
  serve,
  start,
  startAny,
} from './fixtures/program.ts';

const TOKEN = /\b[a-z][a-z0-9]{0,10}_(live|test)_[0-9A-Za-z]{30,}/;
const UNKNOWN_ID = '01920000-0000-7000-8000-000000000000';

let cwd: string;
let service: Running & { url: string };
let firstKey: string;
/** Keys that commands made and showed. */
const made: string[] = [];

beforeAll(async () => {
  cwd = newFolder();
  service = await serve(cwd);
  firstKey = readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();
});

const warder = (args: string, input?: string): Promise<Ended> => words(args.split(' '), input);

function words(args: readonly string[], input?: string): Promise<Ended> {
  const env = { WARDER_URL: service.url };
  return run(args, { cwd, env, ...(input === undefined ? {} : { input }) });
}

async function json<Value = Record<string, unknown>>(args: string | string[], input?: string) {
  const ended = await words(
    [...(typeof args === 'string' ? args.split(' ') : args), '--json'],
    input,
  );
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return JSON.parse(ended.stdout) as Value;
}

async function create(args: string | string[]): Promise<Key & { key: string }> {
  const list = typeof args === 'string' ? args.split(' ') : args;
  const created = await json<Key & { key: string }>(['keys', 'create', ...list]);
  made.push(created.key);
  return created;
}

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
    { cwd, env: { WARDER_URL: service.url } },
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

test('a workspace is made, changed, suspended, resumed and deleted', async () => {
  const { id } = await json<{ id: string }>([
    ...['workspaces', 'create', '--name', 'Shop', '--slug', 'shop', '--token-prefix', 'shop'],
    ...[
      '--default-life',
      '90d',
      '--max-life',
      '52w',
      '--max-keys',
      '10',
      '--max-keys-per-owner',
      '2',
    ],
    ...['--known-scopes', 'a,b:*', '--metadata-filters', 'plan'],
  ]);
  expect(await json(`workspaces get ${id}`)).toMatchObject({
    slug: 'shop',
    settings: {
      token_prefix: 'shop',
      default_life_seconds: 90 * 86_400,
      max_life_seconds: 364 * 86_400,
      max_keys: 10,
      max_keys_per_owner: 2,
      known_scopes: ['a', 'b:*'],
      metadata_filters: ['plan'],
    },
  });
  const updated = await json(`workspaces update ${id} --name Store --clear max-keys,known-scopes`);
  expect(updated).toMatchObject({
    name: 'Store',
    settings: { max_keys: null, max_keys_per_owner: 2 },
  });
  const manage = async (flag: string) =>
    (await json<{ settings: object }>(`workspaces update ${id} ${flag}`)).settings;
  expect(await manage('--no-ordinary-keys-manage')).toMatchObject({ ordinary_keys_manage: false });
  expect(await manage('--ordinary-keys-manage')).toMatchObject({ ordinary_keys_manage: true });
  expect(await json('workspaces create --name Closed --no-ordinary-keys-manage')).toMatchObject({
    settings: { ordinary_keys_manage: false },
  });
  expect((await warder('workspaces list')).stdout).toMatch(new RegExp(`^${id} +shop +Store`, 'm'));

  const { key } = await create(`--workspace ${id} --name in-shop`);
  expect(key).toMatch(/^shop_live_/);
  expect((await json(`workspaces suspend ${id}`)).suspended_at).not.toBe(null);
  expect((await warder('keys verify', key)).stdout).toMatch(/^code +suspended$/m);
  expect((await json(`workspaces resume ${id}`)).suspended_at).toBe(null);
  expect(await warder(`workspaces delete ${id}`)).toMatchObject({ code: 1 });
  expect((await json(`workspaces delete ${id} --revoke-keys`)).deleted_at).not.toBe(null);
  expect(await warder('keys verify', key)).toMatchObject({ code: 1 });
});

test('an owner is put, changed, listed, suspended and resumed, whatever its id', async () => {
  const id = 'a b/ü?#';
  const put = await json([
    'owners',
    'put',
    id,
    '--type',
    'team',
    '--name',
    'A',
    '--metadata',
    'x=y',
  ]);
  expect(put).toMatchObject({ owner_id: id, type: 'team', name: 'A', metadata: { x: 'y' } });
  const updated = await json(['owners', 'update', id, '--name', 'B', '--clear', 'type']);
  expect(updated).toMatchObject({ type: null, name: 'B', metadata: { x: 'y' } });
  expect((await words(['owners', 'list'])).stdout).toContain(`${id}  B`);
  const { key } = await create(['--owner', id]);
  expect((await json(['owners', 'suspend', id])).suspended_at).not.toBe(null);
  expect((await json(['owners', 'resume', id])).suspended_at).toBe(null);
  expect(await json(['owners', 'get', id])).toMatchObject({ owner_id: id });
  expect(await json('keys verify', key)).toMatchObject({ valid: true, owner: { name: 'B' } });
  expect(await words(['owners', 'get', '..'])).toMatchObject({ code: 2 });
});

test('a member is added, shown, edited, listed and removed, with the keys it owns', async () => {
  const issuer = 'https://login.example.com/';
  const add = ['members', 'add', '--issuer', issuer, '--subject', 'auth0|ä 1'];
  const member = await json<Member>([...add, '--role', 'editor', '--name', 'Ann']);
  const { id } = member;
  expect(member).toMatchObject({ issuer, subject: 'auth0|ä 1', role: 'editor', source: 'api' });
  expect((await words(['members', 'show', id])).stdout).toMatch(/^subject +auth0\|ä 1$/m);
  const edited = await json(['members', 'edit', id, '--role', 'owner', '--clear', 'name']);
  expect(edited).toMatchObject({ role: 'owner', name: null });
  expect((await words(['members', 'list', '--role', 'owner'])).stdout).toContain(id);
  expect((await words(['members', 'list', '--role', 'admin'])).stdout).not.toContain(id);
  expect(await words([...add, '--role', 'chief'])).toMatchObject({ code: 2 });
  expect(await words([...add, '--role', 'viewer'])).toMatchObject({ code: 1 });
  expect(await words(add)).toMatchObject({ code: 1 });
  expect((await words(['members', 'remove', id])).stderr).toMatch(/last owner/);

  await json([...add.slice(0, 4), '--subject', 'next', '--role', 'owner']);
  await json(['members', 'edit', id, '--role', 'viewer']);
  const [kept, ended] = [await create(['--owner', id]), await create(['--owner', id])];
  const unknown = await words(['members', 'remove', id, '--keep-keys', `${kept.id},${id}`]);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining(`names ${id}`) });
  const removed = await json(['members', 'remove', id, '--keep-keys', kept.id]);
  expect(removed.removed_at).not.toBe(null);
  expect(await json('keys verify', kept.key)).toMatchObject({ valid: true });
  expect((await warder('keys verify', ended.key)).stdout).toMatch(/^code +disabled$/m);
  expect(await words(['members', 'show', id])).toMatchObject({ code: 1 });
});

test('whoami tells of the key from each place that one can come from', async () => {
  const { key, id } = await create('--kind management --permissions viewer --name me');
  writeFileSync(join(cwd, 'mine'), `${key}\n`);
  const elsewhere = newFolder();
  const url = ['--url', service.url];
  const ways = [
    run(['whoami', '--json', '--key-file', join(cwd, 'mine'), ...url], { cwd: elsewhere }),
    run(['whoami', '--json', ...url], { cwd: elsewhere, env: { WARDER_KEY: key } }),
    run(['whoami', '--json', ...url], {
      cwd: elsewhere,
      env: { WARDER_KEY_FILE: join(cwd, 'mine') },
    }),
  ];
  for (const { stdout } of await Promise.all(ways)) {
    expect(JSON.parse(stdout)).toMatchObject({ identity: { type: 'key', id }, instance: false });
  }
  expect((await warder('whoami')).stdout).toMatch(/^workspace +all of the instance$/m);
  const none = await run(['whoami', ...url], { cwd: elsewhere });
  expect(none).toMatchObject({ code: 2, stdout: '' });
  expect(none.stderr).toMatch(/^No key to call with: give one by --key-file FILE, WARDER_KEY/);
});

test('config shows each setting, where it came from, and no secret', async () => {
  const env = {
    WARDER_URL: service.url,
    WARDER_KEY: firstKey,
    WARDER_PEPPER: `1:${'ab'.repeat(32)}`,
  };
  const { stdout, code } = await run(['config', '--listen', '[::1]:1'], { cwd, env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^listen +WARDER_LISTEN +\[::1\]:1 +flag --listen$/m);
  expect(stdout).toMatch(/^url .* variable WARDER_URL$/m);
  expect(stdout).toMatch(/^key +WARDER_KEY +\*+ +variable WARDER_KEY$/m);
  expect(stdout).toMatch(/^secret +WARDER_SECRET +\*+ +file data\/secret$/m);
  expect(stdout).toMatch(/^pepper +WARDER_PEPPER +\*+ +variable WARDER_PEPPER$/m);
  expect(stdout).toMatch(/^log-level +WARDER_LOG_LEVEL +info +default$/m);
  const secret = readFileSync(join(cwd, 'data/secret'), 'utf8').trim();
  const broken = { WARDER_SECRET: `${secret}0`, WARDER_LISTEN: firstKey };
  const wrong = await run(['config', '--json'], { cwd, env: broken });
  expect(wrong.code).toBe(1);
  for (const text of [stdout, wrong.stdout, wrong.stderr]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain('abab');
    expect(text).not.toMatch(TOKEN);
  }
  const rows = JSON.parse(wrong.stdout) as { setting: string; error: string | null }[];
  expect(rows.filter(({ error }) => error !== null).map(({ setting }) => setting)).toEqual([
    'listen',
    'secret',
  ]);
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

test('mistakes say what to do, with 2, and refusals of the service with 1', async () => {
  const cases: [string, number, RegExp][] = [
    ['', 2, /warder --help/],
    ['kes', 2, /^Unknown command 'kes'.*Did you mean keys\?.*`warder --help`/],
    ['keys lst', 2, /^Unknown command 'lst'.*Did you mean list\?.*`warder keys --help`/],
    ['keys list --ownr x', 2, /^Unknown option '--ownr'.*Did you mean --owner\?/],
    ['keys get', 2, /^Missing required argument 'id'.*`warder keys get --help`/],
    ['keys list --kind gone', 2, /Allowed choices are standard, management/],
    ['keys list --status gone', 1, /status/],
    ['keys list --limit ten', 2, /^--limit must be a whole number\.$/m],
    [
      'keys create --expires-in soon',
      2,
      /^--expires-in must be a whole number and s, m, h, d or w/,
    ],
    ['keys create --expires-in 1d --expires-at x', 2, /^--expires-in and --expires-at cannot/],
    [
      'keys create --refill 1000',
      2,
      /^--refill must be a whole number and day, week, month or year/,
    ],
    ['keys create --credits -1', 2, /^--credits must be a whole number/],
    [`keys credits ${UNKNOWN_ID}`, 1, /either `add` or `set`/],
    ['keys create --metadata x', 2, /^--metadata must be name=value or a JSON object/],
    [`keys update ${UNKNOWN_ID}`, 2, /^Nothing to change/],
    [`keys update ${UNKNOWN_ID} --clear kind`, 2, /^--clear does not know "kind"/],
    ['whoami --url localhost', 2, /^--url must be an http/],
    ['whoami --key-file missing', 1, /^The file missing, which --key-file names, cannot be read/],
    [`keys get ${UNKNOWN_ID}`, 1, /^There is no such key\.$/m],
    ['keys create --allowed-cidrs here', 1, /^allowed_cidrs/],
    ['whoami --url http://127.0.0.1:9', 1, /^Warder cannot be reached at http:\/\/127\.0\.0\.1:9/],
  ];
  for (const [args, code, message] of cases) {
    const plain = await words(args === '' ? [] : args.split(' '));
    expect([args, plain.code]).toEqual([args, code]);
    expect(plain.stderr).toMatch(message);
    expect(plain.stdout).toBe('');
  }
  const { stderr, stdout, code } = await warder('keys create --allowed-cidrs here --json');
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
  expect(JSON.parse(stderr)).toMatchObject({
    error: { code: 'invalid', message: expect.any(String), errors: [expect.any(Object)] },
  });
  expect(JSON.parse((await warder('keys lst --json')).stderr)).toMatchObject({
    error: { code: 'usage' },
  });
});

test('an interrupted command exits with 130', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  // A server on a port has an address of this kind.
  const { port } = silent.address() as { port: number };
  const waiting = start(['whoami', '--url', `http://127.0.0.1:${port}`], { cwd });
  await once(silent, 'connection');
  waiting.child.kill('SIGINT');
  silent.close();
  expect(await waiting.ended).toMatchObject({ code: 130, signal: null });
});

test('each command has a help that ends with 0 and needs no service', async () => {
  const commands = [
    ...['serve', 'recover', 'whoami', 'config', 'keys', 'workspaces', 'owners', 'members'],
    ...'create list get update disable enable revoke delete verify'
      .split(' ')
      .map((name) => `keys ${name}`),
    ...'list create get update suspend resume delete'
      .split(' ')
      .map((name) => `workspaces ${name}`),
    ...'get put update list suspend resume'.split(' ').map((name) => `owners ${name}`),
    ...'list add show edit remove'.split(' ').map((name) => `members ${name}`),
  ];
  for (const some of [commands.slice(0, 12), commands.slice(12)]) {
    const helps = some.map((name) => run([...name.split(' '), '--help'], { cwd }));
    for (const [i, { code, stdout, stderr }] of (await Promise.all(helps)).entries()) {
      expect([some[i], code, stderr]).toEqual([some[i], 0, '']);
      expect(stdout).toContain(`Usage: warder ${some[i]}`);
      expect(stdout).toMatch(/--json/);
    }
  }
});

test('an id that only resembles a key is taken and given back as it is', async () => {
  const id = 'cus_live_0123456789abcdefghijABCDEFGHIJ';
  expect(await json(['owners', 'put', id, '--name', 'like'])).toMatchObject({ owner_id: id });
  expect((await words(['owners', 'get', id])).stdout).toContain(id);
});

test('text from elsewhere cannot steer the terminal', async () => {
  const name = 'evil\u001b[2J\u202egnp';
  await create(['--name', name, '--owner', 'evil']);
  const { stdout } = await warder('keys list --owner evil');
  expect(stdout).toContain('evil\\u{1b}[2J\\u{202e}gnp');
  expect(await json('keys list --owner evil')).toMatchObject({ data: [{ name }] });
});

afterAll(() => {
  // What commands made stands in their output once each time they were asked to make it.
  const all = printed.join('');
  expect(all).not.toContain(firstKey);
  for (const key of new Set(made)) {
    const asked = made.filter((one) => one === key).length;
    expect(all.split(key).length - 1).toBe(asked);
  }
});
