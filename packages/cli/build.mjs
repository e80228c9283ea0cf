/**
 * Builds the program as a few files: what it imports is put into them, so that a start reads five
 * files in place of five hundred. Native code and the logger stay packages of their own. The
 * licences of what was put in go beside it.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** @param {string} file */
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
/** The threads are started by the name of their file, from the folder they are all in. */
const storage = here('../server/src/storage/embedded');
const { dependencies } = JSON.parse(readFileSync(here('package.json'), 'utf8'));

/** @param {string} folder where the program is written, whatever was there before it */
export async function build(folder = here('dist')) {
  const bundle = await rolldown({
    input: {
      main: here('src/main.ts'),
      'serve-worker': here('src/local/serve-worker.ts'),
      'read-worker': join(storage, 'read-worker.ts'),
      'write-worker': join(storage, 'write-worker.ts'),
    },
    platform: 'node',
    external: Object.keys(dependencies),
    resolve: { conditionNames: ['warder-source', 'node', 'import', 'default'] },
  });
  rmSync(folder, { recursive: true, force: true });
  const { output } = await bundle.write({ dir: folder, chunkFileNames: '[name]-[hash].js' });
  await bundle.close();
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), licencesOf(modules));
}

/** @param {readonly string[]} modules */
function licencesOf(modules) {
  const folders = new Set(modules.map(packageOf).filter((folder) => folder !== null));
  return [...folders].sort().map(licenceOf).join('\n');
}

/** The folder of the package that a module is from; null for one of our own. @param {string} module */
function packageOf(module) {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(module)?.[0] ?? null;
}

/** @param {string} folder */
function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = ['LICENSE', 'LICENSE.md', 'license', 'license.md', 'LICENCE'].find((one) =>
    existsSync(join(folder, one)),
  );
  // It is no licence but a waiver, and asks for nothing to be kept.
  if (file === undefined && license === 'Unlicense') {
    return `${name} ${version}\n\nIn the public domain by the Unlicense (https://unlicense.org).\n`;
  }
  if (file === undefined) throw new Error(`${name} comes without its licence (${license}).`);
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
