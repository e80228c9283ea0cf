// The pages for whoever keeps the service up, held to the program: its figures, its tables'
// lives, its settings, and the commands as they stand there.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DEFAULT_RETENTION, livesOfTables } from '../packages/server/src/retention.ts';
import { newFolder, serve } from './fixtures/program.ts';

const page = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../docs/${name}`, import.meta.url)), 'utf8');

/** The rows of the table below a heading, as their first two cells. */
function rowsBelow(heading: string, head: string): string[] {
  const [, section = ''] = page('running.md').split(`## ${heading}\n`);
  const [, table = ''] = section.split(`| ${head} |`);
  return Array.from(
    table.split('\n\n')[0]?.matchAll(/^\| (`.*) \|$/gm) ?? [],
    ([, row = '']) => row,
  );
}

test('the page about running it has every figure, in the words of the figures themselves', async () => {
  const { url, stdout, child, ended } = await serve(newFolder(), ['--ops-listen', '127.0.0.1:0']);
  const [, ops = ''] = /Metrics and probes are at (\S+)\.$/m.exec(stdout()) ?? [];
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  const text = await (await fetch(`${ops}/metrics`)).text();
  const told = Array.from(
    text.matchAll(/^# HELP (warder_\S+) (.*)$/gm),
    ([, name, help]) => `\`${name}\` | ${help}`,
  );
  expect(told.length).toBeGreaterThan(15);
  expect(rowsBelow('Metrics', 'Metric | What it is')).toEqual(told);
  child.kill('SIGTERM');
  await ended;
});

test('the page about running it has every table with its life', () => {
  const lives = Object.entries(livesOfTables(DEFAULT_RETENTION));
  expect(rowsBelow('What is kept, and for how long', 'Table | Kept')).toEqual(
    lives.map(([table, life]) => `\`${table}\` | ${life}`),
  );
});

test('what the pages name of the repository is there, and so is each flag', () => {
  const settings = page('settings.md');
  for (const name of ['running.md', 'upgrading.md', 'settings.md']) {
    for (const [, to = ''] of page(name).matchAll(/\]\((?!https?:|#)([^)]+)\)/g)) {
      expect(() =>
        readFileSync(fileURLToPath(new URL(`../docs/${to}`, import.meta.url))),
      ).not.toThrow('ENOENT');
    }
    for (const [flag] of page(name).matchAll(/`--[a-z][a-z-]+(?=[` ])/g)) {
      expect([name, settings.includes(flag)]).toEqual([name, true]);
    }
  }
});
