/**
 * The one place that makes the committed generated files, each from its single source.
 * Without arguments it writes them; with --check it fails when one differs from its source.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeApi, dialectsOf, native, PRODUCTS } from '@warder/server';
import { SETTINGS } from '../packages/cli/src/settings.ts';
import { sdkTypes } from './sdk-types.mjs';
import { settingsPage } from './settings-page.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}packages/cli/package.json`, 'utf8'));
const api = describeApi(native, version, null);
const products = dialectsOf(PRODUCTS.map(({ name }) => name));

/** Path from the root of the repository, and what its whole text must be.
 * @type {{ file: string, how: () => string | Promise<string> }[]} */
const generated = [
  { file: 'docs/openapi.json', how: () => JSON.stringify(api) },
  ...products.map((dialect) => ({
    file: `docs/openapi/${dialect.name}.json`,
    how: () => JSON.stringify(describeApi(dialect, version, null)),
  })),
  { file: 'docs/settings.md', how: () => settingsPage(SETTINGS) },
  { file: 'packages/sdk/src/schema.gen.ts', how: () => sdkTypes(api) },
];

const checking = process.argv.includes('--check');
for (const { file, how } of generated) {
  const path = `${root}${file}`;
  const text = formatted(file, await how());
  if (!checking) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${file} differs from its source: run \`npm run generate\` and commit it.`);
    process.exitCode = 1;
  }
}

/** As the formatter would leave it, so that the two checks agree. @param {string} file @param {string} text */
function formatted(file, text) {
  if (file.endsWith('.md')) return text;
  const args = ['node_modules/@biomejs/biome/bin/biome', 'format', `--stdin-file-path=${file}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    input: text,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${file} cannot be formatted: ${stderr}`);
  return stdout;
}
