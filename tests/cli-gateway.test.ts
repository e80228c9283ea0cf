// What an operator sets about a gateway, on the command line of the real program: the
// plan, the listener of its own, the secret, and how a start refuses what does not fit.

import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call, newFolder, run, serve } from './fixtures/program.ts';
import { PLAN } from './kit/gateway.ts';

const SECRET = 'canary-of-the-gateway-0123456789';
const firstKey = (cwd: string) => readFileSync(join(cwd, 'data/first-key'), 'utf8').trim();

function folderWith(plan: unknown = PLAN): string {
  const cwd = newFolder();
  writeFileSync(join(cwd, 'plan.json'), JSON.stringify(plan));
  writeFileSync(join(cwd, 'secret'), `${SECRET}\n`);
  writeFileSync(join(cwd, 'short'), 'short\n');
  return cwd;
}

/** Asks as a forward-auth gateway does, over TCP or a Unix socket. */
async function ask(
  at: { port: string } | { socketPath: string },
  key: string,
  more: Readonly<Record<string, string>> = {},
): Promise<[number | undefined, unknown]> {
  const told = { 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/v1/me' };
  const headers = { ...told, authorization: `Bearer ${key}`, ...more };
  const asked = request({ ...at, host: '127.0.0.1', path: '/', headers, agent: false }).end();
  const [reply] = await once(asked, 'response');
  reply.resume();
  return [reply.statusCode, reply.headers['x-warder-reason']];
}

async function keyOf(url: string, cwd: string): Promise<string> {
  const { body } = await call(url, firstKey(cwd), 'POST', '/v1/keys', { name: 'caller' });
  return String(body.key);
}

test.each([
  [['--gateway', 'plan.json'], /^--gateway and --gateway-listen belong together/, 2],
  [['--gateway-listen', 'unix:/tmp/x'], /^--gateway and --gateway-listen belong together/, 2],
  [['--gateway', 'none', '--gateway-listen', '127.0.0.1:0'], /^The gateway file none cannot be/, 1],
  [['--gateway', 'secret', '--gateway-listen', '127.0.0.1:0'], /secret: must hold a JSON obj/, 1],
  [['--gateway-listen', 'unix:relative'], /^--gateway-listen must be unix:\/PATH of 103 bytes/, 2],
  [['--gateway-listen', `unix:/${'x'.repeat(103)}`], /^--gateway-listen must be unix:\/PATH of/, 2],
  [['--gateway-listen', 'here'], /^--gateway-listen must be unix:\/PATH of 103 bytes at most/, 2],
  [
    ['--gateway', 'plan.json', '--gateway-listen', '0.0.0.0:0'],
    /^--gateway-listen names an address that other machines can reach, .* --gateway-secret-file/,
    2,
  ],
  [['--gateway-secret-file', 'short'], /^short must hold 32 to 512 printable characters/, 1],
] as const)('%j is refused in one sentence, with nothing made', async (args, sentence, code) => {
  const cwd = folderWith();
  const ended = await run(['serve', ...args], { cwd });
  expect(ended.stderr).toMatch(sentence);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(existsSync(join(cwd, 'data'))).toBe(false);
});

test('a plan that breaks a rule is refused by its field, at a start and by `warder config`', async () => {
  const cwd = folderWith({ ...PLAN, environment: 'prod' });
  const args = ['--gateway', 'plan.json', '--gateway-listen', '127.0.0.1:0'];
  const sentence = 'The gateway file plan.json: environment must be live, test or *.';
  expect((await run(['serve', ...args], { cwd })).stderr.trim()).toBe(sentence);
  const config = await run(['config', ...args], { cwd });
  expect(config.code).toBe(1);
  expect(config.stdout).toContain(sentence);
});

test('a plan for a workspace that there is not stops a start', async () => {
  const cwd = folderWith({ ...PLAN, workspace: 'nowhere' });
  const args = ['--gateway', 'plan.json', '--gateway-listen', '127.0.0.1:0'];
  const ended = await run(['serve', '--listen', '127.0.0.1:0', ...args], { cwd });
  expect(ended.stderr).toMatch(/^The gateway file plan\.json: workspace must be one that there is/);
  expect(ended).toMatchObject({ code: 1, stdout: '' });
});

test('a gateway is answered on its own listener and nothing else is, and never on the main one', async () => {
  const cwd = folderWith();
  const args = ['--gateway', 'plan.json', '--gateway-listen', '127.0.0.1:0'];
  const running = await serve(cwd, args);
  const shown = await running.shows(/^The gateway \(forward-auth\) is answered at (\S+:(\d+))\.$/m);
  const [, url = '', port = ''] = shown;
  const key = await keyOf(running.url, cwd);
  expect(await ask({ port }, key)).toEqual([200, undefined]);
  expect(await ask({ port: new URL(running.url).port }, key)).toEqual([404, undefined]);
  for (const path of ['/v1/keys', '/readyz', '/openapi.json', '/']) {
    const reply = await fetch(url + path, {
      headers: { authorization: `Bearer ${firstKey(cwd)}` },
    });
    expect(reply.headers.get('x-warder-reason')).toBe('not_from_a_gateway');
  }
});

test('a Unix socket is for its owner and group, ends with the service, and replaces one that was left', async () => {
  const cwd = folderWith();
  const socketPath = join(cwd, 'gateway.sock');
  const args = ['--gateway', 'plan.json', '--gateway-listen', `unix:${socketPath}`];
  const killed = await serve(cwd, args);
  expect(killed.stdout()).toContain(`is answered at unix:${socketPath}.`);
  expect(statSync(socketPath).mode & 0o7777).toBe(0o660);
  const key = await keyOf(killed.url, cwd);
  killed.child.kill('SIGKILL');
  await killed.ended;
  expect(existsSync(socketPath)).toBe(true);

  const running = await serve(cwd, args);
  expect(await ask({ socketPath }, key)).toEqual([200, undefined]);
  const second = await run(['serve', '--listen', '127.0.0.1:0', ...args], { cwd });
  expect(second.stderr).toMatch(/gateway\.sock cannot be listened on: another program does/);
  expect(await ask({ socketPath }, key)).toEqual([200, undefined]);
  running.child.kill('SIGTERM');
  expect((await running.ended).code).toBe(0);
  expect(existsSync(socketPath)).toBe(false);
});

test('what is no socket is never replaced, and a folder that there is not is said', async () => {
  const cwd = folderWith();
  const at = (path: string) => ['--gateway', 'plan.json', '--gateway-listen', `unix:${path}`];
  const args = ['serve', '--listen', '127.0.0.1:0'];
  const taken = await run([...args, ...at(join(cwd, 'secret'))], { cwd });
  expect(taken.stderr).toMatch(/secret cannot be listened on: another program does already/);
  expect(readFileSync(join(cwd, 'secret'), 'utf8')).toBe(`${SECRET}\n`);
  const missing = await run([...args, ...at(join(cwd, 'no/gateway.sock'))], { cwd });
  expect(missing.stderr).toMatch(/cannot be listened on: there is no such folder \(ENOENT\)\.$/m);
});

test('an address that other machines can reach is answered to whoever sends the secret alone', async () => {
  const cwd = folderWith();
  const args = ['--gateway', 'plan.json', '--gateway-listen', '0.0.0.0:0'];
  const running = await serve(cwd, [...args, '--gateway-secret-file', 'secret']);
  const [, port = ''] = await running.shows(/is answered at http:\/\/0\.0\.0\.0:(\d+)\.$/m);
  expect(running.stdout()).toContain('Warning: other machines can reach this address');
  const key = await keyOf(running.url, cwd);
  expect(await ask({ port }, key)).toEqual([403, 'wrong_gateway_secret']);
  expect(await ask({ port }, key, { 'x-warder-gateway-secret': SECRET })).toEqual([200, undefined]);
  expect(running.stdout() + running.stderr()).not.toContain('canary');
});

test('an address that is taken closes what was opened', async () => {
  const cwd = folderWith();
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = Object(taken.address());
  const args = ['--gateway', 'plan.json', '--gateway-listen', `127.0.0.1:${port}`];
  const ended = await run(['serve', '--listen', '127.0.0.1:0', ...args], { cwd });
  taken.close();
  expect(ended.stderr).toContain(`127.0.0.1:${port} cannot be listened on: another program does`);
  expect(ended.stderr).toContain('--gateway-listen names another address');
  expect(ended.code).toBe(1);
});
