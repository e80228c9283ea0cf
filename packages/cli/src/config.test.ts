// Where settings come from, and what stands where they are refused.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Flags, findSetting, readSetting, SETTINGS, type SettingName } from './config.ts';

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
  ['data', '\0'],
])('a value that breaks a rule of %s is refused, named and not quoted: %j', (name, text) => {
  const error = refusal(name, { [name]: text }) as Error;
  expect(error).toMatchObject({ exitCode: 2 });
  expect(error.message).toMatch(/^--[a-z-]+ must be /);
  expect(error.message).not.toContain('pass');
});
