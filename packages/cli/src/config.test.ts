// Where settings come from, and what stands where they are refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { settingFlags } from './command.ts';
import { type Flags, findSetting, readSetting } from './config.ts';
import { SETTINGS, type SettingName } from './settings.ts';

const HEX = 'ab'.repeat(32);
let folder: string;

beforeEach(() => {
  for (const { variable } of Object.values(SETTINGS)) {
    vi.stubEnv(variable, undefined);
    vi.stubEnv(`${variable}_FILE`, undefined);
  }
  folder = mkdtempSync(join(tmpdir(), 'warder-config-'));
  vi.stubEnv('WARDER_DATA', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function refusal(name: SettingName, flags: Flags = {}): unknown {
  try {
    readSetting(name, flags);
  } catch (error) {
    return error;
  }
  return expect.unreachable('the setting should have been refused');
}

test('a flag counts before a variable, a variable before the default', () => {
  expect(findSetting('listen', {})).toMatchObject({ source: 'default' });
  expect(readSetting('listen', {})).toEqual({ host: '127.0.0.1', port: 7700 });
  vi.stubEnv('WARDER_LISTEN', '[::1]:0');
  expect(findSetting('listen', {})).toMatchObject({ source: 'variable', where: 'WARDER_LISTEN' });
  expect(readSetting('listen', {})).toEqual({ host: '::1', port: 0 });
  const flags = { listen: 'localhost:1' };
  expect(findSetting('listen', flags)).toMatchObject({ source: 'flag', where: '--listen' });
  expect(readSetting('listen', flags)).toEqual({ host: 'localhost', port: 1 });
});

test('the bound of the cache is a size within its range, and 64 MiB unless given', () => {
  expect(readSetting('cacheBytes', {})).toBe(64 * 1024 ** 2);
  const sizes = {
    '1048576': 1024 ** 2,
    '2048k': 2 * 1024 ** 2,
    '64M': 64 * 1024 ** 2,
    '4g': 4 * 1024 ** 3,
  };
  for (const [text, bytes] of Object.entries(sizes)) {
    expect(readSetting('cacheBytes', { cacheBytes: text })).toBe(bytes);
  }
  for (const text of ['0', '1023k', '5g', '1.5g', '64mb', '-1m', '1e9', 'm', ' 64m']) {
    expect(refusal('cacheBytes', { cacheBytes: text })).toMatchObject({
      message: expect.stringMatching(/^--cache-bytes must be a size from 1m to 4g/),
    });
  }
});

test('an empty variable counts as none', () => {
  vi.stubEnv('WARDER_LISTEN', '');
  vi.stubEnv('WARDER_SECRET', '');
  vi.stubEnv('WARDER_SECRET_FILE', '');
  expect(findSetting('listen', {})).toMatchObject({ source: 'default' });
  expect(readSetting('secret', {})).toBe(undefined);
});

test('a secret is read from its flag, its variable, the file that one names, and the data folder, in this order', () => {
  expect(findSetting('key', {})).toBe(null);
  const kept = file('first-key', 'kept\n');
  expect(findSetting('key', {})).toMatchObject({ source: 'file', where: kept });
  const named = file('named', 'named\r\n');
  vi.stubEnv('WARDER_KEY_FILE', named);
  expect(findSetting('key', {})).toMatchObject({ source: 'file', where: named });
  expect(readSetting('key', {})).toBe('named');
  vi.stubEnv('WARDER_KEY_FILE', undefined);
  vi.stubEnv('WARDER_KEY', 'given');
  expect(findSetting('key', {})).toMatchObject({ source: 'variable', where: 'WARDER_KEY' });
  const flagged = file('flagged', 'flagged');
  expect(readSetting('key', { key: flagged })).toBe('flagged');
});

test('a variable and its file at once are refused', () => {
  vi.stubEnv('WARDER_SECRET', HEX);
  vi.stubEnv('WARDER_SECRET_FILE', file('other', HEX));
  expect(refusal('secret')).toMatchObject({
    message: 'WARDER_SECRET and WARDER_SECRET_FILE are both set: keep one of them.',
    exitCode: 2,
  });
});

test('a file that cannot be read is named, with what names it', () => {
  vi.stubEnv('WARDER_PEPPER_FILE', join(folder, 'missing'));
  expect(refusal('pepper')).toMatchObject({
    message: `The file ${folder}/missing, which WARDER_PEPPER_FILE names, cannot be read (ENOENT).`,
    exitCode: 1,
  });
});

test.each([HEX, `${HEX}\n`, `${HEX}\r\n`, HEX.toUpperCase()])(
  'a secret is 64 hexadecimal digits and at most one newline: %j',
  (text) => {
    vi.stubEnv('WARDER_SECRET_FILE', file('any', text));
    expect(Buffer.from(readSetting('secret', {}) ?? []).toString('hex')).toBe(HEX);
  },
);

test.each([' ', 'not hex', HEX.slice(1), `${HEX}\n\n`, ` ${HEX}`, `${HEX}0`, `0x${HEX}`])(
  'anything else is refused by its place and never quoted: %j',
  (text) => {
    const path = file('any', text);
    vi.stubEnv('WARDER_SECRET_FILE', path);
    expect(refusal('secret')).toMatchObject({
      message: `${path} must hold 64 hexadecimal digits and nothing else.`,
      exitCode: 1,
    });
  },
);

test('peppers are one line each, in any order, and no version twice', () => {
  vi.stubEnv('WARDER_PEPPER', `2:${HEX}\n\n1:${'00'.repeat(32)}\n`);
  expect(readSetting('pepper', {})?.map(({ version }) => version)).toEqual([2, 1]);
  for (const text of ['\n', HEX, `0:${HEX}`, `1:${HEX.slice(2)}`, `1:${HEX}\n1:${HEX}`]) {
    vi.stubEnv('WARDER_PEPPER', text);
    const { message } = refusal('pepper') as Error;
    expect(message).toMatch(/^WARDER_PEPPER must hold one line/);
    expect(message).not.toContain('abab');
  }
});

test.each<[SettingName, string]>([
  ['listen', '7700'],
  ['listen', '127.0.0.1:65536'],
  ['listen', '::1:80'],
  ['listen', 'http://localhost:80'],
  ['url', 'localhost:7700'],
  ['url', 'http://me:pass@localhost'],
  ['publicUrl', 'https://a.test/?q'],
  ['logLevel', 'loud'],
  ['workers', '0'],
  ['workers', '65'],
  ['workers', '-1'],
  ['workers', '1.5'],
  ['workers', '2pass'],
  ['workers', 'Auto'],
  ['workers', ''],
  ['data', '\0'],
  ['dialects', ''],
  ['dialects', 'Acorn'],
  ['dialects', 'acorn oak'],
  ['dialectListen', ''],
  ['dialectListen', 'acorn'],
  ['dialectListen', '127.0.0.1:1'],
  ['dialectListen', 'acorn=7710'],
  ['dialectListen', '=127.0.0.1:7710'],
  ['dialectListen', 'acorn=127.0.0.1:1,acorn=127.0.0.1:2'],
  ['dialectCors', 'yes'],
  ['dialectOptions', ''],
  ['dialectOptions', 'acorn=pass'],
  ['dialectOptions', 'acorn.shell'],
  ['dialectOptions', 'acorn.shell=pass,acorn.shell=pass'],
  ['limitsFallback', 'forget'],
])('a value that breaks a rule of %s is refused, named and not quoted: %j', (name, text) => {
  const error = refusal(name, { [name]: text }) as Error;
  expect(error).toMatchObject({ exitCode: 2 });
  expect(error.message).toMatch(/^--[a-z-]+ must be /);
  expect(error.message).not.toContain('pass');
});

test('workers are a number, one unless given, or as many as there are cores', () => {
  expect(readSetting('workers', {})).toBe(1);
  expect(readSetting('workers', { workers: '64' })).toBe(64);
  expect(readSetting('workers', { workers: 'auto' })).toBe('auto');
});

test('dialects are named with commas between, or are none', () => {
  expect(readSetting('dialects', {})).toBe(undefined);
  expect(readSetting('dialects', { dialects: ' acorn, oak ' })).toEqual(['acorn', 'oak']);
  expect(readSetting('dialects', { dialects: 'none' })).toEqual([]);
});

test('a flag without a value and its variable say the same', () => {
  expect(readSetting('dialectCors', {})).toBe(false);
  expect(settingFlags({ dialectCors: true })).toEqual({ dialectCors: 'true' });
  expect(readSetting('dialectCors', { dialectCors: 'true' })).toBe(true);
  vi.stubEnv('WARDER_DIALECT_CORS', 'true');
  expect(readSetting('dialectCors', {})).toBe(true);
});

test('addresses and options of dialects are read as they stand', () => {
  const flags = { dialectListen: 'a=127.0.0.1:0,b-c=[::1]:7', dialectOptions: 'a.x_y=k=v,b.z=' };
  expect(readSetting('dialectListen', flags)).toEqual([
    { name: 'a', host: '127.0.0.1', port: 0 },
    { name: 'b-c', host: '::1', port: 7 },
  ]);
  expect(readSetting('dialectOptions', flags)).toEqual([
    { dialect: 'a', option: 'x_y', value: 'k=v' },
    { dialect: 'b', option: 'z', value: '' },
  ]);
});

test('where Redis is, is read with who calls it, and with the nodes of a cluster', () => {
  const plain = { host: 'r.test', port: 6379, tls: false, username: undefined, database: 0 };
  const read = (redis: string) => readSetting('redis', { redis });
  expect(read('redis://r.test')).toEqual([{ ...plain, password: undefined }]);
  expect(read('rediss://me:p%40ss@[::1]:7/3')).toEqual([
    { host: '::1', port: 7, tls: true, username: 'me', password: 'p@ss', database: 3 },
  ]);
  vi.stubEnv('REDIS_URL_FILE', file('redis', 'redis://:pass@r.test/\n'));
  expect(readSetting('redis', {})).toEqual([{ ...plain, password: 'pass' }]);
  expect(read('redis://r.test,redis://s.test:7')).toMatchObject([
    { host: 'r.test', port: 6379 },
    { host: 's.test', port: 7 },
  ]);
});

test.each([
  '',
  'r.test:6379',
  'http://r.test',
  'redis://',
  'redis://:pass@',
  'redis://:pass@r.test/a',
  'redis://:pass@r.test/1/2',
  'redis://:pass@r.test?family=6',
  'redis://:%pass@r.test',
  'redis://:pass@r.test,redis://s.test',
  'redis://:pass@r.test/1,redis://:pass@s.test/1',
])('anything else is no address of Redis, and never quoted: %j', (text) => {
  const error = refusal('redis', { redis: text }) as Error;
  expect(error).toMatchObject({ code: 'bad_secret', exitCode: 1 });
  expect(error.message).toMatch(/^--redis must be redis:\/\//);
  expect(error.message).not.toMatch(/pass@|test/);
});

const CREDENTIAL = { surface: 'oak', label: 'a', secret: 'pass-word', workspaces: ['default'] };

test('shared credentials are read from the file that a flag or a variable names', () => {
  const path = file('shared', JSON.stringify([CREDENTIAL]));
  expect(readSetting('sharedCredentials', { sharedCredentials: path })).toEqual([CREDENTIAL]);
  vi.stubEnv('WARDER_SHARED_CREDENTIALS_FILE', path);
  expect(readSetting('sharedCredentials', {})).toEqual([CREDENTIAL]);
  vi.stubEnv('WARDER_SHARED_CREDENTIALS_FILE', file('none', '[]'));
  expect(readSetting('sharedCredentials', {})).toEqual([]);
});

test.each<[unknown, string]>([
  [{ ...CREDENTIAL, label: '' }, 'its label must be 1 to 64 of'],
  [{ ...CREDENTIAL, label: 'x'.repeat(65) }, 'its label must be 1 to 64 of'],
  [{ ...CREDENTIAL, label: 'pass word' }, 'its label must be 1 to 64 of'],
  [{ ...CREDENTIAL, secret: 'pass word' }, 'its secret must be printable ASCII without spaces'],
  [{ ...CREDENTIAL, secret: 'passwörd' }, 'its secret must be printable ASCII without spaces'],
  [{ ...CREDENTIAL, secret: 7 }, 'its secret must be printable ASCII without spaces'],
  [{ ...CREDENTIAL, surface: 'pass word' }, 'its surface must be a name'],
  [{ ...CREDENTIAL, workspaces: 'default' }, 'its workspaces must be a list of one id or slug'],
  [{ ...CREDENTIAL, workspaces: [] }, 'its workspaces must be a list of one id or slug'],
  [{ ...CREDENTIAL, workspaces: [null] }, 'its workspaces must be ids or slugs'],
  [{ ...CREDENTIAL, more: 1 }, 'must be an object of surface, label, secret and workspaces'],
  [{ surface: 'oak' }, 'must be an object of surface, label, secret and workspaces'],
  [null, 'must be an object of surface, label, secret and workspaces'],
  ['pass-word', 'must be an object of surface, label, secret and workspaces'],
])(
  'a shared credential that breaks a rule is refused by its row, and never quoted: %j',
  (row, rule) => {
    const good = { ...CREDENTIAL, label: 'b' };
    const path = file('shared', JSON.stringify([good, row]));
    const error = refusal('sharedCredentials', { sharedCredentials: path }) as Error;
    expect(error).toMatchObject({ code: 'bad_secret', exitCode: 1 });
    expect(error.message.startsWith(`${path} row 2: ${rule}`), error.message).toBe(true);
    expect(error.message).not.toContain('pass');
  },
);

test('labels of shared credentials are different within a surface', () => {
  const read = (...rows: object[]) => {
    const path = file('shared', JSON.stringify(rows));
    return refusal('sharedCredentials', { sharedCredentials: path });
  };
  expect(read(CREDENTIAL, CREDENTIAL)).toMatchObject({
    message: expect.stringMatching(/row 2: its label is taken by another of its surface\.$/),
  });
  const other = file('other', JSON.stringify([CREDENTIAL, { ...CREDENTIAL, surface: 'elm' }]));
  expect(readSetting('sharedCredentials', { sharedCredentials: other })).toHaveLength(2);
});

test.each(['', '{}', 'pass-word', '[', 'null'])(
  'anything but a list of shared credentials is refused and never quoted: %j',
  (text) => {
    const path = file('shared', text);
    expect(refusal('sharedCredentials', { sharedCredentials: path })).toMatchObject({
      message: `${path} must hold a JSON list of {"surface", "label", "secret", "workspaces"}.`,
    });
  },
);
