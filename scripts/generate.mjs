/**
 * The one place that makes the committed generated files, each from its single source.
 * Without arguments it writes them; with --check it fails when one differs from its source.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** Path from the root of the repository, and what its whole text must be.
 * @type {{ file: string, how: () => string | Promise<string> }[]} */
const generated = [];

const checking = process.argv.includes('--check');
for (const { file, how } of generated) {
  const path = new URL(`../${file}`, import.meta.url);
  const text = await how();
  if (!checking) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${file} differs from its source: run \`npm run generate\` and commit it.`);
    process.exitCode = 1;
  }
}
