// The commands on the pages about keeping an installation safe, done as they stand there. Litestream is
// not installed here: what it would restore is stood in for by a bare copy of a stopped database.

import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { newInstallation, startIn } from './fixtures/installation.ts';
import { PROGRAM, startAny } from './fixtures/program.ts';

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

test('every page that these pages and the README link is there', () => {
  for (const name of ['backup.md', 'moving.md', 'sign-in.md']) {
    const links = Array.from(
      page(name).matchAll(/\]\((?!https?:|#)([^)]+)\)/g),
      ([, to = '']) => to,
    );
    for (const to of links) expect(() => page(to)).not.toThrow();
  }
});
