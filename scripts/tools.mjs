/**
 * Programs that tests and benches start and npm does not bring. As root on Debian they are installed;
 * elsewhere it is said what is missing and which tests that leaves out. Under CI those tests run and
 * fail, as a bench does anywhere.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Each program, or a module of Python's, with its Debian package and the tests and benches it is for.
 * @type {readonly { program: string, module?: string, package: string, tests: readonly string[], benches?: readonly string[] }[]} */
export const tools = [
  {
    program: 'bash',
    package: 'bash',
    tests: [
      'tests/completion.test.ts',
      'tests/deploy.test.ts',
      'tests/docs.test.ts',
      'tests/help.test.ts',
      'tests/readme.test.ts',
    ],
  },
  {
    program: 'curl',
    package: 'curl',
    tests: ['tests/cli-serve.test.ts', 'tests/docs.test.ts', 'tests/readme.test.ts'],
  },
  {
    program: 'script',
    package: 'bsdutils',
    tests: ['tests/cli-serve.test.ts', 'tests/watch.test.ts'],
  },
  {
    program: 'python3',
    module: 'requests',
    package: 'python3-requests',
    tests: ['tests/seed-pages.test.ts'],
  },
  { program: 'systemd-analyze', package: 'systemd', tests: ['tests/deploy.test.ts'] },
  { program: 'tar', package: 'tar', tests: ['tests/pack.test.ts'] },
  { program: 'zsh', package: 'zsh', tests: ['tests/completion.test.ts'] },
  { program: 'fish', package: 'fish', tests: ['tests/completion.test.ts'] },
  {
    program: 'nginx',
    package: 'nginx',
    tests: ['tests/gateways/nginx.test.ts', 'tests/gateways/docs.test.ts', 'tests/deploy.test.ts'],
    benches: ['gateway'],
  },
  {
    program: 'caddy',
    package: 'caddy',
    tests: ['tests/gateways/caddy.test.ts', 'tests/gateways/docs.test.ts'],
  },
  {
    program: 'haproxy',
    package: 'haproxy',
    tests: ['tests/gateways/haproxy.test.ts', 'tests/gateways/docs.test.ts'],
  },
  {
    program: 'postgres',
    package: 'postgresql',
    tests: [
      'packages/server/src/storage/postgres',
      'tests/cli-postgres.test.ts',
      'tests/copy.test.ts',
      'tests/faults.test.ts',
      'tests/feed.test.ts',
      'tests/help.test.ts',
      'tests/limits/stored-postgres.test.ts',
      'tests/pooler.test.ts',
      'tests/workers/postgres.test.ts',
    ],
    benches: ['rivals', 'lookups', 'creates', 'usage', 'feed', 'revocation', 'million'],
  },
  {
    program: 'redis-server',
    package: 'redis-server',
    tests: [
      'packages/server/src/limits/redis.test.ts',
      'packages/server/src/redis-feed.test.ts',
      'tests/faults.test.ts',
      'tests/limits/redis-faults.test.ts',
      'tests/limits/several.test.ts',
      'tests/limits/verification.test.ts',
    ],
    benches: ['rivals'],
  },
  {
    program: 'pgbouncer',
    package: 'pgbouncer',
    tests: ['tests/faults.test.ts', 'tests/pooler.test.ts'],
  },
  { program: 'faketime', package: 'faketime', tests: ['tests/faults.test.ts'] },
];

/** Installs what a run of tests lacks, or says so. @param {readonly string[]} args as vitest gets them */
export function provideTools(args) {
  const filters = args.filter((arg) => !arg.startsWith('-'));
  const isAsked = (/** @type {string} */ test) =>
    filters.length === 0 || filters.some((filter) => test.includes(filter.replace(/^\.\//, '')));
  const outcome = process.env.CI ? 'these tests will fail' : 'left out, where they use it';
  provide(({ tests }) => tests.filter(isAsked), outcome);
}

/** The same for benches. @param {readonly string[]} names of those that run, or none for all */
export function provideBenchTools(names) {
  const isAsked = (/** @type {string} */ bench) => names.length === 0 || names.includes(bench);
  provide(({ benches = [] }) => benches.filter(isAsked), 'these benches will fail');
}

/** @param {(tool: typeof tools[number]) => readonly string[]} usersOf those that run now
 * @param {string} outcome for them, where a program is missing */
function provide(usersOf, outcome) {
  const wanted = () => tools.filter((tool) => usersOf(tool).length > 0 && !has(tool));
  const lacking = wanted();
  if (lacking.length > 0 && process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    install(lacking.map((tool) => tool.package));
  }
  for (const tool of wanted()) {
    const { program, module = '', package: name } = tool;
    console.error(
      `${`${program} ${module}`.trim()} is missing (Debian has it as ${name}); ${outcome}: ${usersOf(tool).join(', ')}`,
    );
  }
}

/** @param {string[]} packages */
function install(packages) {
  console.error(`Installing ${packages.join(' ')} (once)...`);
  // What a package serves by default is not to be started here.
  const env = {
    ...process.env,
    DEBIAN_FRONTEND: 'noninteractive',
    SYSTEMD_OFFLINE: '1',
    RUNLEVEL: '1',
  };
  const apt = (/** @type {string[]} */ ...args) =>
    spawnSync('apt-get', [...args, '-qq'], { env, encoding: 'utf8' });
  apt('update');
  const { status, stderr } = apt('install', '-y', '--no-install-recommends', ...packages);
  if (status !== 0) console.error(stderr);
}

/** @param {(typeof tools)[number]} tool */
function has({ program, module }) {
  if (pathOf(program) === null) return false;
  return module === undefined || spawnSync(program, ['-c', `import ${module}`]).status === 0;
}

/** Also where the shell of an ordinary user does not look, and where Debian keeps PostgreSQL.
 * @param {string} program @returns {string | null} */
export function pathOf(program) {
  const versions = '/usr/lib/postgresql';
  const postgres = existsSync(versions)
    ? readdirSync(versions).map((version) => join(versions, version, 'bin'))
    : [];
  const folders = [...postgres, ...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const paths = folders.map((folder) => join(folder, program));
  return paths.find(isProgram) ?? null;
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
