/**
 * Checks the import rules of .dependency-cruiser.mjs. A cruiser that lacks a parser sees no
 * modules and passes, so this also fails unless it saw every source file and imports in them.
 */
import { globSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import { forbidden, options } from '../.dependency-cruiser.mjs';

const rooms = ['packages/*/src', 'tests', 'bench', 'scripts'];
const files = globSync(rooms.map((room) => `${room}/**/*.{ts,tsx,mjs}`)).map((file) =>
  file.replaceAll('\\', '/'),
);

const { output } = await cruise(files, { ...options, validate: true, ruleSet: { forbidden } });
if (typeof output === 'string') throw new Error('expected a result, not a report');

const looked = new Map(output.modules.map((module) => [module.source, module.dependencies.length]));
const missed = files.filter((file) => !looked.has(file));
const imports = [...looked.values()].reduce((sum, count) => sum + count, 0);
const why = new Map(forbidden.map((rule) => [rule.name, rule.comment]));

for (const { from, to, rule, cycle } of output.summary.violations) {
  console.error(`${from} -> ${cycle?.map(({ name }) => name).join(' -> ') ?? to}`);
  console.error(`  ${rule.name}: ${why.get(rule.name)}`);
}
for (const file of missed) console.error(`${file} was not looked at`);
if (imports === 0) console.error('no import was seen in any file: is @swc/core installed?');

console.log(`${files.length} files, ${imports} imports`);
if (output.summary.violations.length + missed.length > 0 || imports === 0) process.exitCode = 1;
