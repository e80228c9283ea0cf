/**
 * `npm run check`: everything a machine can say about the sources without running them. The
 * steps run side by side; one line each with its time, and the output of those that failed.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const tsc = 'node_modules/typescript/bin/tsc';
const projects = ['core', 'server', 'sdk', 'cli', 'dashboard']
  .map((name) => `packages/${name}`)
  .filter((folder) => existsSync(`${folder}/tsconfig.json`));

/** What each step runs under this Node.
 * @type {Record<string, string[]>} */
const steps = {
  'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  'floating promises': ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
  'import rules': ['scripts/imports.mjs'],
  'generated files fresh': ['--conditions=warder-source', 'scripts/generate.mjs', '--check'],
  'types of the tests': [tsc, '-p', 'tsconfig.json'],
  ...Object.fromEntries(projects.map((folder) => [`types of ${folder}`, [tsc, '-p', folder]])),
};

/** @param {string} name @param {string[]} args */
async function step(name, args) {
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const passed = await new Promise((resolve) => child.on('close', (code) => resolve(code === 0)));
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(5);
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${seconds} s  ${name}`);
  if (passed) return;
  process.exitCode = 1;
  console.log(output.trimEnd());
}

const queue = Object.entries(steps);
await Promise.all(
  Array.from({ length: Math.max(2, availableParallelism()) }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await step(...next);
  }),
);
