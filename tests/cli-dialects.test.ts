// What an operator sets around dialects, on the command line and in the environment of
// the real program, and how a start refuses what does not fit.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PRODUCTS } from '../packages/server/src/products.ts';
import { newFolder, run, serve } from './fixtures/program.ts';

const SECRET = 'canary-'.repeat(20);

test.each([
  [['--dialects', 'pine'], /^--dialects names pine, which is no dialect: there are /, 2],
  [['--dialects', 'Pine Tree'], /^--dialects must be names separated by commas, or none\.$/m, 2],
  [
    ['--dialects', 'none', '--dialect-listen', 'pine=127.0.0.1:0'],
    /^--dialect-listen names pine, which is not served: served are none\.$/m,
    2,
  ],
  [['--dialect-listen', '127.0.0.1:0'], /^--dialect-listen must be NAME=HOST:PORT, /, 2],
  [['--dialect-options', 'pine.a=b'], /^--dialect-options names pine, which is no dialect/, 2],
  [['--dialect-options', 'pine'], /^--dialect-options must be NAME\.OPTION=VALUE, /, 2],
  [['--shared-credentials', 'missing'], /^The file missing, which --shared-credentials names, /, 1],
] as const)('%j is refused in one sentence, with nothing made', async (args, sentence, code) => {
  const cwd = newFolder();
  const ended = await run(['serve', ...args], { cwd });
  expect(ended.stderr).toMatch(sentence);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect((await run(['doctor'], { cwd })).stderr).toMatch(/^There is no database/);
});

test('a shared credential that cannot be used stops a start, and is never shown', async () => {
  const cwd = newFolder();
  const row = { surface: 'pine', label: 'a', secret: SECRET, workspaces: ['default'] };
  writeFileSync(join(cwd, 'shared'), JSON.stringify([row]));
  const args = ['--shared-credentials', 'shared'];
  const ended = await run(['serve', ...args], { cwd });
  expect(ended.stderr).toMatch(
    /^shared row 1: its surface must be one that takes such credentials/,
  );
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).not.toContain('canary');
  for (const json of [[], ['--json']]) {
    const config = await run(['config', ...args, ...json], { cwd });
    expect(config.code).toBe(1);
    expect(config.stdout + config.stderr).toContain('shared row 1: its surface must be one');
    expect(config.stdout + config.stderr).not.toContain('canary');
  }
});

test('with no dialects the service speaks its own API alone, and says nothing of dialects', async () => {
  const { url, stdout } = await serve(newFolder(), ['--dialects', 'none', '--dialect-cors']);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  for (const { name } of PRODUCTS) {
    expect([name, (await fetch(`${url}/${name}/openapi.json`)).status]).toEqual([name, 404]);
  }
  expect(stdout()).not.toMatch(/for itself|dialect/);
});

test('every setting is shown with where it came from, and what is secret is masked', async () => {
  const cwd = newFolder();
  writeFileSync(join(cwd, 'shared'), '[]');
  chmodSync(join(cwd, 'shared'), 0o600);
  const env = { WARDER_DIALECT_CORS: 'true', WARDER_SHARED_CREDENTIALS_FILE: 'shared' };
  const { code, stdout } = await run(['config', '--json', '--dialects', 'none'], { cwd, env });
  expect(code).toBe(0);
  const rows = JSON.parse(stdout) as { setting: string; meaning: string }[];
  const of = (name: string) => rows.find(({ setting }) => setting === name);
  expect(of('dialects')).toMatchObject({ value: 'none', source: 'flag', where: '--dialects' });
  expect(of('dialect-cors')).toMatchObject({ value: 'true', source: 'variable' });
  expect(of('dialect-listen')).toMatchObject({ value: null, source: null });
  expect(of('shared-credentials')).toMatchObject({
    value: '********',
    source: 'file',
    where: 'shared',
  });
  for (const { name, options } of PRODUCTS) {
    for (const [option, { default: value, meaning }] of Object.entries(options)) {
      expect(of(`${name}.${option}`)).toMatchObject({ value, meaning, source: 'default' });
    }
  }
  expect(of('dialect-cors')?.meaning).toMatch(/browsers/);
});
