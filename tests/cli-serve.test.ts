// `warder serve` as a process: what a first start makes and says, what later ones do, whom it
// refuses, and how it ends.

import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  call,
  type Ended,
  newFolder,
  PROGRAM,
  run,
  serve,
  start,
  startAny,
} from './fixtures/program.ts';

const TOKEN = /wdr_live_[0-9A-Za-z]{46}/;
const HEX = 'ab'.repeat(32);
const OTHER_HEX = 'cd'.repeat(32);

const read = (...path: string[]) => readFileSync(join(...path), 'utf8');
const mode = (...path: string[]) => statSync(join(...path)).mode & 0o777;
const firstKey = (cwd: string) => read(cwd, 'data/first-key').trim();
const whoami = (url: string, key: string) => call(url, key, 'GET', '/v1/whoami');

/** One sentence on standard error, nothing on standard output, and the exit code of a failure. */
function expectRefusal(ended: Ended, sentence: RegExp, code = 1): void {
  expect(ended.stderr).toMatch(sentence);
  expect(ended.stderr.trim().split('\n').length).toBe(1);
  expect(ended.stderr).not.toMatch(/\bat .*\.ts:/);
  expect(ended).toMatchObject({ code, stdout: '' });
}

/** A creation whose body is still to come, once the service has begun to answer it. */
async function begin(url: string, key: string): Promise<ClientRequest> {
  const begun = request(`${url}/v1/keys`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      expect: '100-continue',
    },
  });
  begun.flushHeaders();
  await once(begun, 'continue');
  return begun;
}

test('a first start makes folder, secret and first key for their owner alone, and a second makes none', async () => {
  const cwd = newFolder();
  const first = await serve(cwd);
  const key = firstKey(cwd);
  expect(mode(cwd, 'data')).toBe(0o700);
  for (const file of readdirSync(join(cwd, 'data')))
    expect([file, mode(cwd, 'data', file)]).toEqual([file, 0o600]);
  expect(read(cwd, 'data/secret')).toMatch(/^[0-9a-f]{64}\n$/);
  expect((await whoami(first.url, key)).body).toMatchObject({ instance: true, permissions: ['*'] });
  expect(first.stdout()).toContain('The first management key is in data/first-key.');
  first.child.kill('SIGTERM');
  await first.ended;

  const before = ['secret', 'first-key'].map((file) => read(cwd, 'data', file));
  const second = await serve(cwd);
  expect(['secret', 'first-key'].map((file) => read(cwd, 'data', file))).toEqual(before);
  expect(second.stdout()).not.toContain('first management key');
  const { body } = await call(second.url, key, 'GET', '/v1/keys?include=total');
  expect(body).toMatchObject({ total: 1 });
  expect(readdirSync(join(cwd, 'data')).sort()).toEqual(
    [
      'first-key',
      'secret',
      ...['', '-lock', '-shm', '-wal'].map((end) => `warder.db${end}`),
    ].sort(),
  );
});

test('the first request that a start shows works when pasted, and names no key', async () => {
  const cwd = newFolder();
  const { stdout } = await serve(cwd);
  const line = /^ {2}(printf .*)$/m.exec(stdout())?.[1] ?? '';
  expect(line).not.toMatch(TOKEN);
  const pasted = await startAny('sh', ['-c', line], { cwd }).ended;
  expect(JSON.parse(pasted.stdout)).toMatchObject({ kind: 'management', instance: true });
});

test('a first key is shown on a terminal, and never in a pipe', async () => {
  const cwd = newFolder();
  const words = [process.execPath, ...PROGRAM, 'serve', '--listen', '127.0.0.1:0'];
  const command = words.map((word) => `'${word}'`).join(' ');
  const shown = startAny('script', ['-qec', command, '/dev/null'], { cwd });
  const [, key] = await shown.shows(/shown this once: (\S+)/);
  expect(key).toBe(firstKey(cwd));

  const piped = newFolder();
  const { stdout, stderr } = await serve(piped);
  expect(existsSync(join(piped, 'data/first-key'))).toBe(true);
  expect(stdout() + stderr()).not.toMatch(TOKEN);
});

test('four processes that start on one empty folder make one secret and one first key', async () => {
  const cwd = newFolder();
  const services = await Promise.all([1, 2, 3, 4].map(() => serve(cwd)));
  const key = firstKey(cwd);
  for (const { url } of services) expect((await whoami(url, key)).status).toBe(200);
  const [{ url } = { url: '' }] = services;
  expect((await call(url, key, 'GET', '/v1/keys?include=total')).body).toMatchObject({ total: 1 });
  const { body } = await call(url, key, 'GET', '/v1/workspaces?include=total');
  expect(body).toMatchObject({ total: 1 });
  expect(readdirSync(join(cwd, 'data')).filter((file) => file.endsWith('.new'))).toEqual([]);
});

test('a key that the file holds already becomes the first key', async () => {
  const cwd = newFolder();
  const other = newFolder();
  await serve(other);
  const key = firstKey(other);
  writeFileSync(join(cwd, 'given'), `${key}\n`);
  const { url } = await serve(cwd, ['--bootstrap-key-file', 'given']);
  expect((await whoami(url, key)).status).toBe(200);
  expect(read(cwd, 'given')).toBe(`${key}\n`);
  expect(existsSync(join(cwd, 'data/first-key'))).toBe(false);
});

test('a file that holds anything but a key is refused, and stays as it is', async () => {
  const token = `wdr_live_${'0'.repeat(46)}`;
  for (const text of ['', 'hello\n', token, `${HEX}\n`]) {
    const cwd = newFolder();
    writeFileSync(join(cwd, 'given'), text);
    const ended = await run(['serve', '--bootstrap-key-file', 'given'], { cwd });
    expectRefusal(ended, /^The file given holds something else than a key/);
    if (text) expect(ended.stderr).not.toContain(text.trim());
    expect(read(cwd, 'given')).toBe(text);
  }
});

test('a start that broke off after the file was written goes on with that key', async () => {
  const cwd = newFolder();
  const broken = await serve(cwd);
  const key = firstKey(cwd);
  broken.child.kill('SIGKILL');
  await broken.ended;
  for (const file of ['warder.db', 'warder.db-wal', 'warder.db-shm']) {
    rmSync(join(cwd, 'data', file), { force: true });
  }
  const { url } = await serve(cwd);
  expect(firstKey(cwd)).toBe(key);
  expect((await whoami(url, key)).status).toBe(200);
});

test('a missing or wrong secret refuses the start, and recovery, and makes nothing', async () => {
  const cwd = newFolder();
  const { child, ended } = await serve(cwd);
  child.kill('SIGTERM');
  await ended;
  const secret = read(cwd, 'data/secret');
  rmSync(join(cwd, 'data/secret'));
  for (const command of ['serve', 'recover']) {
    expectRefusal(await run([command], { cwd }), /^The installation secret is missing: /);
    expect(existsSync(join(cwd, 'data/secret'))).toBe(false);

    writeFileSync(join(cwd, 'data/secret'), HEX.slice(1));
    const malformed = await run([command], { cwd });
    expectRefusal(malformed, /^data\/secret must hold 64 hexadecimal digits and nothing else\.$/m);
    expect(malformed.stderr).not.toContain(HEX.slice(1));
    rmSync(join(cwd, 'data/secret'));
    const wrong = await run([command], { cwd, env: { WARDER_SECRET: HEX } });
    expectRefusal(wrong, /^The installation secret is not the one this database was made with/);
    expect(wrong.stderr).not.toContain(HEX);
  }
  writeFileSync(join(cwd, 'elsewhere'), secret.trim().toUpperCase());
  const { url } = await serve(cwd, [], { env: { WARDER_SECRET_FILE: 'elsewhere' } });
  expect((await whoami(url, firstKey(cwd))).status).toBe(200);
});

test('a pepper turned on later keeps older keys good, and its loss or change is refused', async () => {
  const cwd = newFolder();
  const plain = await serve(cwd);
  const key = firstKey(cwd);
  plain.child.kill('SIGTERM');
  await plain.ended;

  const peppered = await serve(cwd, [], { env: { WARDER_PEPPER: `1:${HEX}\n` } });
  expect((await whoami(peppered.url, key)).status).toBe(200);
  const { body } = await call(peppered.url, key, 'POST', '/v1/keys', { name: 'peppered' });
  peppered.child.kill('SIGTERM');
  await peppered.ended;

  for (const command of ['serve', 'recover']) {
    expectRefusal(await run([command], { cwd }), /^The pepper 1 is missing: /);
    const other = await run([command], { cwd, env: { WARDER_PEPPER: `1:${OTHER_HEX}` } });
    expectRefusal(other, /^The pepper 1 is not the one /);
    expect(other.stderr).not.toContain(OTHER_HEX);
    const malformed = await run([command], { cwd, env: { WARDER_PEPPER: HEX } });
    expectRefusal(malformed, /^WARDER_PEPPER must hold one line <version>:<64 hex/);
    expect(malformed.stderr).not.toContain(HEX);
  }
  writeFileSync(join(cwd, 'peppers'), `2:${OTHER_HEX}\n1:${HEX}\n`);
  const both = await serve(cwd, [], { env: { WARDER_PEPPER_FILE: 'peppers' } });
  const verdict = await call(both.url, key, 'POST', '/v1/keys/verify', { key: body.key });
  expect(verdict.body).toMatchObject({ valid: true });
});

test('what stops a start is said in one sentence', async () => {
  const cwd = newFolder();
  const taken = createServer().listen(0, '127.0.0.1');
  const { port } = await new Promise<{ port: number }>((resolve) =>
    // A server on a port has an address of this kind.
    taken.on('listening', () => resolve(taken.address() as { port: number })),
  );
  const busy = await run(['serve', '--listen', `127.0.0.1:${port}`], { cwd });
  taken.close();
  expectRefusal(busy, /^127\.0\.0\.1:\d+ cannot be listened on: another program does already/);

  writeFileSync(join(cwd, 'file'), '');
  expectRefusal(await run(['serve', '--data', 'file/x'], { cwd }), /^file\/x cannot be used: /);
  mkdirSync(join(cwd, 'broken'));
  writeFileSync(
    join(cwd, 'broken/warder.db'),
    'this is no database, and long enough to be seen so',
  );
  writeFileSync(join(cwd, 'broken/secret'), HEX);
  expectRefusal(
    await run(['serve', '--data', 'broken'], { cwd }),
    /^The database broken\/warder\.db cannot be opened \(SQLITE_NOTADB\)\.$/m,
  );
  writeFileSync(join(cwd, 'cert'), 'no certificate');
  const tls = await run(['serve', '--tls-cert', 'cert', '--tls-key', 'cert'], { cwd });
  expectRefusal(tls, /^The certificate or its key cannot be used/);
  expectRefusal(
    await run(['serve', '--tls-cert', 'cert'], { cwd }),
    /^--tls-cert and --tls-key belong together/,
    2,
  );
  expectRefusal(
    await run(['serve', '--trusted-proxies', '10.0.0.0/8,ten'], { cwd }),
    /^--trusted-proxies \(WARDER_TRUSTED_PROXIES\) must be networks/,
    2,
  );
  expectRefusal(
    await run(['serve', '--listen', '7700'], { cwd }),
    /^--listen must be HOST:PORT/,
    2,
  );
});

test('a folder that cannot be written stops a start in one sentence', async () => {
  const cwd = newFolder();
  mkdirSync(join(cwd, 'closed'));
  chmodSync(join(cwd, 'closed'), 0o500);
  // Root may write anywhere but where there is no such place.
  const data = process.getuid?.() === 0 ? '/proc/warder' : 'closed/data';
  const ended = await run(['serve', '--data', data], { cwd });
  expectRefusal(ended, /^(\/proc\/warder|closed\/data) cannot be used: /);
});

test('with --json a start says where it is in one object', async () => {
  const running = start(['serve', '--listen', '127.0.0.1:0', '--json'], { cwd: newFolder() });
  await running.shows(/^\}\n$/m);
  expect(JSON.parse(running.stdout())).toEqual({
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    dialect_listeners: [],
    gateway: null,
    ops: null,
    workers: 1,
    data: './data',
    first_key_file: 'data/first-key',
    first_key_made: true,
    warning: null,
  });
});

test('an address that others can reach is warned about, without TLS', async () => {
  const open = start(['serve', '--listen', '0.0.0.0:0'], { cwd: newFolder() });
  await open.shows(/^Warning: other machines can reach this address/m);
  await open.shows(/http:\/\/127\.0\.0\.1:\d+\/v1\/whoami/);
  const { stdout } = await serve(newFolder());
  expect(stdout()).not.toContain('Warning');
});

test.each([
  ['SIGTERM', 0],
  ['SIGINT', 130],
] as const)(
  '%s finishes what is in flight, refuses what is new and exits with %i',
  async (signal, code) => {
    const cwd = newFolder();
    const { url, child, ended, shows } = await serve(cwd);
    const key = firstKey(cwd);
    const inFlight = await begin(url, key);
    child.kill(signal);
    await shows(/"msg":"stopping"/);
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
    inFlight.end('{"name": "in flight"}');
    const [{ statusCode }] = await once(inFlight, 'response');
    expect(statusCode).toBe(201);
    expect(await ended).toMatchObject({ code, signal: null });

    const again = await serve(cwd);
    const { body: page } = await call(again.url, key, 'GET', '/v1/keys?include=total');
    expect(page).toMatchObject({ total: 2, data: [{ name: 'in flight' }, {}] });
  },
);

test('a second signal ends a drain at once', async () => {
  const cwd = newFolder();
  const { url, child, ended, shows } = await serve(cwd);
  const stuck = (await begin(url, firstKey(cwd))).on('error', () => {});
  child.kill('SIGTERM');
  await shows(/"msg":"stopping"/);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 1, signal: null });
  stuck.destroy();
});

test('what nobody foresaw is logged and ends the process with 1', async () => {
  const cwd = newFolder();
  const preload = join(cwd, 'preload.mjs');
  writeFileSync(
    preload,
    "process.on('SIGUSR2', () => void Promise.reject(new Error('unforeseen')));",
  );
  const { child, ended } = await serve(cwd, [], { node: ['--import', preload] });
  child.kill('SIGUSR2');
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  const entry = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
  expect(entry).toMatchObject({ level: 'error', msg: 'crashed', err: { message: 'unforeseen' } });
});
