// The other commands of the program against a real service: what each does, what it shows to people
// and to scripts, its exit codes, and what becomes of mistakes.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Member } from '@warder/sdk';
import { expect, test } from 'vitest';
import { commandsOnService, TOKEN } from './fixtures/commands.ts';
import { newFolder, run, start } from './fixtures/program.ts';

const UNKNOWN_ID = '01920000-0000-7000-8000-000000000000';
const { cwd, words, json, url, firstKey, warder, create } = commandsOnService();

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
  const there = ['--url', url()];
  const ways = [
    run(['whoami', '--json', '--key-file', join(cwd, 'mine'), ...there], { cwd: elsewhere }),
    run(['whoami', '--json', ...there], { cwd: elsewhere, env: { WARDER_KEY: key } }),
    run(['whoami', '--json', ...there], {
      cwd: elsewhere,
      env: { WARDER_KEY_FILE: join(cwd, 'mine') },
    }),
  ];
  for (const { stdout } of await Promise.all(ways)) {
    expect(JSON.parse(stdout)).toMatchObject({ identity: { type: 'key', id }, instance: false });
  }
  expect((await warder('whoami')).stdout).toMatch(/^workspace +all of the instance$/m);
  const none = await run(['whoami', ...there], { cwd: elsewhere });
  expect(none).toMatchObject({ code: 2, stdout: '' });
  expect(none.stderr).toMatch(/^No key to call with: give one by --key-file FILE, WARDER_KEY/);
});

test('config shows each setting, where it came from, and no secret', async () => {
  const env = {
    WARDER_URL: url(),
    WARDER_KEY: firstKey(),
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
  const broken = { WARDER_SECRET: `${secret}0`, WARDER_LISTEN: firstKey() };
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

test('text from elsewhere cannot steer the terminal', async () => {
  const name = 'evil\u001b[2J\u202egnp';
  await create(['--name', name, '--owner', 'evil']);
  const { stdout } = await warder('keys list --owner evil');
  expect(stdout).toContain('evil\\u{1b}[2J\\u{202e}gnp');
  expect(await json('keys list --owner evil')).toMatchObject({ data: [{ name }] });
});
