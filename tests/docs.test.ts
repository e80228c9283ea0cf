// The commands on the pages about keeping an installation safe, done as they stand there. Litestream is
// not installed here: what it would restore is stood in for by a bare copy of a stopped database.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { dialectsOf, PRODUCTS } from '../packages/server/src/products.ts';
import { newInstallation, startIn } from './fixtures/installation.ts';
import { newFolder, PROGRAM, start, startAny } from './fixtures/program.ts';

// Each of these starts several processes, one after the other.
vi.setConfig({ testTimeout: 240_000 });

const page = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../docs/${name}`, import.meta.url)), 'utf8');

/** The shell blocks below a heading. */
function blocks(name: string, heading: string): string[] {
  const [, section = ''] = page(name).split(`## ${heading}\n`);
  const [body = ''] = section.split(/^## /m);
  return Array.from(body.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block);
}

/** The shell blocks before the first heading of a section. */
function intro(name: string): string[] {
  const [body = ''] = page(name).split(/^## /m);
  return Array.from(body.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block);
}

async function paste(text: string, cwd: string, url = ''): Promise<string> {
  const warder = [process.execPath, ...PROGRAM].map((word) => `'${word}'`).join(' ');
  const script = `set -eo pipefail\nwarder() { ${warder} "$@"; }\n${text}`;
  const env = url === '' ? {} : { WARDER_URL: url };
  const { code, stdout, stderr } = await startAny('bash', ['-c', script], { cwd, env }).ended;
  expect(code, `${text}\n${stderr}`).toBe(0);
  return stdout + stderr;
}

test('the page about backups: a backup, the events, a restore that revives nothing', async () => {
  const { cwd, service } = await newInstallation();
  const { id, key } = await service.create('leaked');
  for (const block of blocks('backup.md', 'A backup')) await paste(block, cwd, service.url);
  expect(existsSync(join(cwd, 'backup.gz'))).toBe(true);
  await service.ask('POST', `/v1/keys/${id}/revoke`);
  for (const block of blocks('backup.md', 'What a restore revives')) {
    await paste(block, cwd, service.url);
  }
  await service.stop();
  const [again = '', accepting = ''] = blocks('backup.md', 'A restore');
  expect(await paste(again, cwd)).toContain(id);
  const restored = await startIn(cwd);
  expect(await restored.codeOf(key)).toBe('revoked');
  await restored.stop();
  expect(await paste(accepting, cwd)).toContain('WARNING: every revoke, ');
  for (const block of blocks('backup.md', 'Before a migration')) await paste(block, cwd);
});

test('the page about backups: a bare copy, as Litestream restores one, revives nothing either', async () => {
  const { cwd, service } = await newInstallation();
  const { id, key } = await service.create('leaked');
  await service.stop();
  copyFileSync(join(cwd, 'data/warder.db'), join(cwd, 'restored.db'));
  const going = await startIn(cwd);
  await going.ask('POST', `/v1/keys/${id}/revoke`);
  await going.exportTo('events.jsonl');
  await going.stop();
  const [line = ''] = /^ {4}warder restore .*$/m.exec(page('backup.md')) ?? [];
  const here = line.replace('/tmp/restored.db', 'restored.db').replace('/var/lib/warder', 'data');
  expect(await paste(here, cwd)).toContain(id);
  const restored = await startIn(cwd);
  expect(await restored.codeOf(key)).toBe('revoked');
});

test('the page about usage: figures of all and of an owner, and why a key is refused', async () => {
  const { cwd, service } = await newInstallation();
  const { id, key } = await service.create('counted', { owner_id: 'acme' });
  expect(await service.codeOf(key)).toBe('valid');
  const [figures = ''] = blocks('usage.md', 'How often keys were verified');
  await expect
    .poll(() => paste(figures, cwd, service.url), { timeout: 60_000 })
    .toMatch(/^all +1 +1 +-$/m);
  const [explain = ''] = blocks('usage.md', 'Why a key is refused');
  const told = await paste(explain.replace('KEY_ID', id), cwd, service.url);
  expect(told).toMatch(/^verdict +insufficient_scope$/m);
  expect(told).toMatch(/^insufficient_scope +NO +It lacks files:read\.$/m);
  await service.stop();
});

test('the page about moving: on one machine, and to another', async () => {
  const { cwd, service } = await newInstallation();
  const { key } = await service.create('moved');
  await service.stop();
  const [move = ''] = blocks('moving.md', 'On the same machine');
  expect(await paste(move, cwd)).toContain('The database is sound.');
  for (const block of blocks('moving.md', 'To another machine')) await paste(block, cwd);
  mkdirSync(join(cwd, 'other'));
  await paste('mv there/warder-data other/data', cwd);
  const moved = await startIn(join(cwd, 'other'));
  expect(await moved.codeOf(key)).toBe('valid');
});

test('the page about dialects: a client of a product, shared credentials, a setting', async () => {
  const { cwd, service } = await newInstallation();
  const [client = ''] = intro('dialects.md');
  expect(await paste(client, cwd, service.url)).toMatch(/"name": "from Phaseo".*\bfrom Phaseo\b/s);
  const { data } = await service.ask('GET', '/v1/workspaces');
  const [{ id } = { id: '' }] = data as { id: string }[];
  for (const block of blocks('dialects.md', 'Ordinary keys that manage')) {
    await paste(`WORKSPACE=${id}\n${block}`, cwd, service.url);
  }
  const workspace = await service.ask('GET', `/v1/workspaces/${id}`);
  expect(workspace.settings).toMatchObject({ ordinary_keys_manage: false });
  const [make = ''] = blocks('dialects.md', 'Shared credentials');
  const said = await paste(make, cwd);
  expect(said).toMatch(/^ok +shared credentials +1 are set/m);
  const [row] = JSON.parse(readFileSync(join(cwd, 'shared.json'), 'utf8'));
  expect(row.secret).toHaveLength(128);
  expect(said).not.toContain(row.secret);
});

test('the page about dialects: every way to start it shows starts', async () => {
  const cwd = newFolder();
  const all = [
    ...blocks('dialects.md', 'Settings'),
    ...blocks('dialects.md', 'Shared credentials'),
  ];
  const starts = all.flatMap((block) => block.match(/^warder serve .*$/gm) ?? []);
  expect(starts).toHaveLength(6);
  const row = { surface: 'phaseo', label: 'a', secret: 'x'.repeat(128), workspaces: ['default'] };
  writeFileSync(join(cwd, 'shared.json'), JSON.stringify([row]));
  for (const line of starts) {
    const words = line.replace(':7710', ':0').split(' ').slice(1);
    const running = start(words, { cwd, env: { WARDER_LISTEN: '127.0.0.1:0' } });
    await running.shows(/ready at/);
    running.child.kill('SIGTERM');
    await running.ended;
  }
});

test('the page about dialects has the bases and the rules that there are', () => {
  for (const kind of PRODUCTS) {
    const [{ base, originalBase } = expect.unreachable()] = dialectsOf([kind.name]);
    expect(page('dialects.md')).toContain(
      `| \`${kind.name}\` | \`${base}\` | \`${originalBase}\` |`,
    );
    if (kind.sharedCredential === undefined) continue;
    const { leastLength, workspaces } = kind.sharedCredential;
    const many = { one: 'exactly one', many: 'one or more' }[workspaces];
    const row = new RegExp(`^\\| \`${kind.name}\` \\| .* \\| ${leastLength} \\| ${many} \\|$`, 'm');
    expect(page('dialects.md')).toMatch(row);
  }
});

test('the page about credits: a balance, a top-up, an owner that shares one', async () => {
  const { cwd, service } = await newInstallation();
  const [given = ''] = blocks('credits.md', 'A balance and its refill');
  expect(await paste(given, cwd, service.url)).toMatch(/^credits +2\nrefill_at +\d{4}-/m);
  for (const block of blocks('credits.md', 'Topping up')) await paste(block, cwd, service.url);
  const [{ credits } = expect.unreachable()] = (await service.ask('GET', '/v1/keys')).data as {
    credits: unknown;
  }[];
  expect(credits).toEqual({ remaining: 100, refill_at: null, refill: null });
  const [shared = ''] = blocks('credits.md', 'Of an owner');
  expect(await paste(shared, cwd, service.url)).toMatch(/^credits +14999$/m);
});

test('the page about limits: a key, shared windows, another limit for a time, no key', async () => {
  const { cwd, service } = await newInstallation();
  const shown: string[] = [];
  for (const heading of [
    ...['A key with limits', 'Whose windows', 'Another limit for a time', 'Without a key'],
  ]) {
    const { id } = await service.create(heading);
    for (const block of blocks('limits.md', heading)) {
      shown.push(await paste(block.replaceAll('KEY_ID', id), cwd, service.url));
    }
  }
  const [own = ''] = shown;
  expect(own.match(/^limit minute +\d of 3 left/gm)).toEqual([
    expect.stringContaining('2 of 3'),
    expect.stringContaining('0 of 3'),
    expect.stringContaining('0 of 3'),
  ]);
  expect(own).toMatch(/^code +rate_limited$/m);
  expect(shown.at(-1)).toMatch(/^allowed +yes\nlimit +5\nremaining +4$/m);
  await service.stop();
});

test('every page that these pages and the README link is there', () => {
  const pages = [
    'backup',
    'credits',
    'dialects',
    'embedding',
    'limits',
    'moving',
    'sign-in',
    'usage',
  ];
  for (const name of pages.map((page) => `${page}.md`)) {
    const links = Array.from(
      page(name).matchAll(/\]\((?!https?:|#)([^)]+)\)/g),
      ([, to = '']) => to,
    );
    for (const to of links) expect(() => page(to)).not.toThrow();
  }
});
