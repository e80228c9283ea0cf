// What the README says, done word for word against the real program: its first
// minute as a shell runs it, its commands, the examples it links, and its links.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { newFolder, PROGRAM, serve, startAny } from './fixtures/program.ts';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const readme = readFileSync(at('README.md'), 'utf8');
const warder = [process.execPath, ...PROGRAM].join(' ');

/** The shell blocks below a heading, with the address of a running service and the program as it is. */
function shell(heading: string, url: string): string {
  const [, section = ''] = readme.split(`## ${heading}\n`);
  const [body = ''] = section.split(/^## /m);
  return Array.from(body.matchAll(/^```sh\n(.*?)^```$/gms), ([, block = '']) => block)
    .join('')
    .replaceAll('http://127.0.0.1:7700', url)
    .replaceAll('npm run -s warder --', warder);
}

const script = (text: string, cwd: string, url: string) =>
  startAny('bash', ['--norc', '-ec', text], { cwd, env: { WARDER_URL: url } }).ended;

test('the first minute does what it says when it is pasted', async () => {
  const cwd = newFolder();
  const { url } = await serve(cwd);
  const { code, stdout, stderr } = await script(shell('The first minute', url), cwd, url);
  expect([code, stderr]).toEqual([0, '']);
  const replies = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  expect(replies).toMatchObject([
    { name: 'CI pipeline', owner_id: 'acme', key: expect.stringMatching(/^wdr_live_/) },
    { valid: true, code: 'valid' },
    { valid: false, code: 'insufficient_scope', missing_scopes: ['files:write'] },
    { total: 1, total_is_exact: true, data: [{ name: 'CI pipeline', status: 'active' }] },
    { data: [{ name: 'CI pipeline' }] },
    { status: 'revoked', revoked_reason: 'seen in a log' },
    { valid: false, code: 'revoked' },
    { data: [{ type: 'key.revoked' }, { type: 'owner.created' }] },
  ]);
});

test('the same by command works', async () => {
  const cwd = newFolder();
  const { url } = await serve(cwd);
  const { code, stdout } = await script(shell('The same by command', url), cwd, url);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^wdr_live_\w{46}\nID .*CI pipeline.*acme.*Usage: warder/s);
});

test('the keys of the seed pages live as their pages show, over HTTP and by command', async () => {
  const cwd = newFolder();
  const { url } = await serve(cwd);
  const env = { WARDER_URL: url, WARDER: warder };
  const overHttp = await startAny(process.execPath, [at('examples/seed-pages/http.mjs')], {
    cwd,
    env,
  }).ended;
  expect([overHttp.code, overHttp.stderr]).toEqual([0, '']);
  const states = [
    /"Analytics Service Key" is active/,
    /"Updated key name" is disabled/,
    /"<string>" is revoked/,
    /"example" is active/,
    /"Production API Key" is revoked/,
  ];
  for (const state of states) expect(overHttp.stdout).toMatch(state);
  const byCommand = await startAny('sh', [at('examples/seed-pages/cli.sh')], { cwd, env }).ended;
  expect([byCommand.code, byCommand.stderr]).toEqual([0, '']);
  expect(byCommand.stdout).toMatch(/Updated key name +standard +disabled/);
});

test.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'])(
  'every file that %s links is there',
  (page) => {
    const links = Array.from(
      readFileSync(at(page), 'utf8').matchAll(/\]\((?!https?:|#)([^)]+)\)/g),
      ([, link = '']) => link,
    );
    expect(links.filter((link) => !existsSync(at(link)))).toEqual([]);
  },
);
