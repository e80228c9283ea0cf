/**
 * Checks the import rules of .dependency-cruiser.mjs. A cruiser that lacks its parser sees little
 * or nothing and passes, so this fails without the parser, when it did not look at every source
 * file, or saw no import in one that has some.
 */
import { globSync, readFileSync } from 'node:fs';
import '@swc/core';
import { cruise } from 'dependency-cruiser';
import { forbidden, options } from '../.dependency-cruiser.mjs';

const rooms = ['packages/*/src', 'tests', 'bench', 'scripts'];
const importing = /^import\b|^(export\b.*|\}) from '/m;
const files = globSync(
  rooms.map((room) => `${room}/**/*.{ts,tsx,mjs}`),
  { exclude: ['**/node_modules'] },
).map((file) => file.replaceAll('\\', '/'));

const { output } = await cruise(files, { ...options, validate: true, ruleSet: { forbidden } });
if (typeof output === 'string') throw new Error('expected a result, not a report');

const looked = new Map(output.modules.map((module) => [module.source, module.dependencies.length]));
const overlooked = files.filter(
  (file) =>
    !looked.has(file) || (looked.get(file) === 0 && importing.test(readFileSync(file, 'utf8'))),
);
const why = new Map(forbidden.map((rule) => [rule.name, rule.comment]));

for (const { from, to, rule, cycle } of output.summary.violations) {
  console.error(`${from} -> ${cycle?.map(({ name }) => name).join(' -> ') ?? to}`);
  console.error(`  ${rule.name}: ${why.get(rule.name)}`);
}
for (const file of overlooked) console.error(`${file} was not looked at, or not understood.`);

console.log(`${files.length} files`);
if (output.summary.violations.length + overlooked.length > 0) process.exitCode = 1;
