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

test('every page that these pages and the README link is there', () => {
  for (const name of ['backup.md', 'moving.md', 'dialects.md', 'sign-in.md', 'embedding.md']) {
    const links = Array.from(
      page(name).matchAll(/\]\((?!https?:|#)([^)]+)\)/g),
      ([, to = '']) => to,
    );
    for (const to of links) expect(() => page(to)).not.toThrow();
  }
});
