// The files that Warder is run from, held to the program: every setting and flag they name
// is one, and whatever a machine can say of them without a container is asked here.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAll } from 'js-yaml';
import { expect, test } from 'vitest';
import { build } from '../packages/cli/build.mjs';
import { SETTINGS, type Setting } from '../packages/cli/src/settings.ts';
import { pathOf } from '../scripts/tools.mjs';
import { newFolder, startAny } from './fixtures/program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const text = (file: string) => readFileSync(join(root, file), 'utf8');
const settings: readonly Setting[] = Object.values(SETTINGS);

const MANIFESTS = readdirSync(join(root, 'deploy/kubernetes')).map(
  (name) => `deploy/kubernetes/${name}`,
);
const YAML = ['deploy/compose.yaml', ...MANIFESTS];
const ALL = [...YAML, 'Dockerfile', 'deploy/systemd/warder.service', 'deploy/nginx/nginx.conf'];

/** An object whose members are read by name. */
interface Tree {
  readonly [name: string]: unknown;
}
const objects = (file: string) => loadAll(text(file)).map(merged) as readonly Tree[];
/** Merge keys (`<<`) followed, as Compose does. */
function merged(tree: unknown): unknown {
  if (typeof tree !== 'object' || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map(merged);
  const { '<<': base, ...own } = tree as Tree;
  const all = { ...(merged(base) as Tree | undefined), ...own };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, merged(value)]));
}
/** What stands at a path of names and numbers. */
const at = (tree: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((part, name) => (part as Tree | undefined)?.[name], tree);

test('every variable that the files give Warder is a setting, and every flag is one', () => {
  const variables = settings.flatMap(({ variable, secret }) =>
    secret ? [variable, `${variable}_FILE`] : [variable],
  );
  const flags = settings.flatMap(({ flag }) => (flag === undefined ? [] : [flag.split(' ')[0]]));
  const named = new Set<string>();
  for (const file of ALL) {
    for (const [variable] of text(file).matchAll(
      /\b(?:WARDER|OTEL)_[A-Z_]+\b|\b(?:REDIS|DATABASE)_URL\b/g,
    )) {
      if (/^WARDER_$/.test(variable)) continue;
      named.add(variable);
      expect([file, variables.includes(variable) ? '' : variable]).toEqual([file, '']);
    }
  }
  expect(named.size).toBeGreaterThan(4);
  const [, command = ''] = /^ExecStart=(.*)$/m.exec(text('deploy/systemd/warder.service')) ?? [];
  const given = command.match(/--[a-z-]+/g) ?? [];
  expect(given.length).toBeGreaterThan(0);
  expect(given.filter((flag) => !flags.includes(flag))).toEqual([]);
});

test('each manifest is of a kind that Kubernetes has, about the same pods', () => {
  const kinds = MANIFESTS.flatMap(objects).map(({ apiVersion, kind }) => `${apiVersion} ${kind}`);
  expect(kinds.sort()).toEqual([
    'apps/v1 Deployment',
    'autoscaling/v2 HorizontalPodAutoscaler',
    'networking.k8s.io/v1 NetworkPolicy',
    'policy/v1 PodDisruptionBudget',
    'v1 Service',
  ]);
  const [deployment] = objects('deploy/kubernetes/deployment.yaml');
  const pods = { 'app.kubernetes.io/name': 'warder' };
  expect(at(deployment, 'spec.template.metadata.labels')).toEqual(pods);
  for (const [file, path] of [
    ['deployment', 'spec.selector.matchLabels'],
    ['service', 'spec.selector'],
    ['disruption-budget', 'spec.selector.matchLabels'],
    ['network-policy', 'spec.podSelector.matchLabels'],
  ]) {
    expect(at(objects(`deploy/kubernetes/${file}.yaml`)[0], path ?? '')).toEqual(pods);
  }
  const [scaler] = objects('deploy/kubernetes/autoscaler.yaml');
  expect(at(scaler, 'spec.minReplicas')).toBe(at(deployment, 'spec.replicas'));
});

test('a pod is probed where probes are served, runs as nobody in particular, and writes nowhere but in its volume', () => {
  const [deployment] = objects('deploy/kubernetes/deployment.yaml');
  const container = at(deployment, 'spec.template.spec.containers.0');
  for (const [probe, path] of [
    ['startupProbe', '/readyz'],
    ['readinessProbe', '/readyz'],
    ['livenessProbe', '/livez'],
  ]) {
    expect(at(container, `${probe}.httpGet`)).toEqual({ path, port: 'ops' });
  }
  const env = at(container, 'env') as readonly { name: string; value?: string }[];
  const ports = at(container, 'ports') as readonly { name: string; containerPort: number }[];
  for (const [variable, port] of [
    ['WARDER_LISTEN', 'http'],
    ['WARDER_OPS_LISTEN', 'ops'],
  ]) {
    const address = env.find(({ name }) => name === variable)?.value ?? '';
    expect(address).toBe(`0.0.0.0:${ports.find(({ name }) => name === port)?.containerPort}`);
  }
  expect(at(container, 'securityContext')).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  expect(at(deployment, 'spec.template.spec.securityContext')).toMatchObject({
    runAsNonRoot: true,
    runAsUser: 65532,
  });
  expect(text('Dockerfile')).toContain('\nUSER 65532:65532\n');
});

test('the compose file has two processes, a database that waits for its standby, and files that are there', () => {
  const [compose] = objects('deploy/compose.yaml');
  const services = at(compose, 'services') as Readonly<Record<string, Tree>>;
  expect(Object.keys(services)).toEqual([
    ...['warder-1', 'warder-2', 'nginx', 'postgres', 'postgres-standby', 'valkey'],
  ]);
  for (const [name, service] of Object.entries(services)) {
    for (const other of Object.keys((service.depends_on ?? {}) as object)) {
      expect([name, other in services]).toEqual([name, true]);
    }
    for (const volume of (service.volumes ?? []) as readonly string[]) {
      const [from = ''] = volume.split(':');
      const there = from.startsWith('./')
        ? existsSync(join(root, 'deploy', from))
        : from in (at(compose, 'volumes') as object);
      expect([volume, there]).toEqual([volume, true]);
    }
  }
  expect(text('deploy/postgres/replication.sh')).toContain("'FIRST 1 (standby)'");
  expect(text('deploy/postgres/standby.sh')).toContain('application_name=standby');
  for (const name of ['warder-1', 'warder-2']) {
    expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(text('deploy/nginx/nginx.conf')).toContain(`server ${name}:7700 `);
  }
});

const nginx = pathOf('nginx');
test.skipIf(nginx === null && !process.env.CI)('nginx takes its configuration', () => {
  const folder = newFolder();
  // Names of the compose file's network mean nothing here, and whoever tests may be nobody special.
  const here = text('deploy/nginx/nginx.conf')
    .replace(/warder-(\d):7700/g, '127.0.0.$1:7700')
    .replace('http {', `pid ${folder}/pid;\nhttp {`);
  writeFileSync(join(folder, 'nginx.conf'), here);
  const { status, stderr } = spawnSync(
    String(nginx),
    ['-t', '-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')],
    { encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  expect(stderr).not.toMatch(/\[(warn|error|emerg)\]/);
});

const analyze = pathOf('systemd-analyze');
test.skipIf(analyze === null && !process.env.CI)(
  'systemd takes the unit, and calls it well confined',
  () => {
    const folder = newFolder();
    const unit = join(folder, 'warder.service');
    writeFileSync(
      unit,
      text('deploy/systemd/warder.service').replace('/usr/bin/node', process.execPath),
    );
    const verified = spawnSync(String(analyze), ['verify', '--man=no', unit], { encoding: 'utf8' });
    const about = verified.stderr.split('\n').filter((line) => line.includes('warder.service'));
    expect(about).toEqual([]);
    const { stdout } = spawnSync(
      String(analyze),
      ['security', '--offline=true', '--no-pager', unit],
      { encoding: 'utf8' },
    );
    const [, exposure = '10'] =
      /Overall exposure level for warder\.service: ([\d.]+)/.exec(stdout) ?? [];
    expect(Number(exposure), stdout).toBeLessThan(2.5);
  },
);

test('the scripts of the standby are what bash can read', () => {
  for (const name of ['replication.sh', 'standby.sh']) {
    const { status, stderr } = spawnSync('bash', ['-n', join(root, 'deploy/postgres', name)]);
    expect(status, String(stderr)).toBe(0);
  }
});

/** The image as its file says it is made, in a folder: what it copies, and what its last stage sets. */
async function imageIn(folder: string): Promise<Readonly<Record<string, string>>> {
  const dockerfile = text('Dockerfile');
  const app = join(folder, 'app');
  const [, stage = ''] = dockerfile.split(/^FROM .* AS modules$/m);
  const [modules = '', last = ''] = stage.split(/^FROM .*$/m);
  for (const [, from = '', to = ''] of modules.matchAll(/^COPY (.+) (\S+)$/gm)) {
    for (const one of from.split(' ')) {
      const target = join(app, to.endsWith('/') ? join(to, one.split('/').at(-1) ?? '') : to);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(root, one), target);
    }
  }
  const [, run = ''] = /^RUN ((?:.*\\\n)*.*)$/m.exec(modules) ?? [];
  const [install = '', remove = ''] = run.replace(/\\\n/g, ' ').split('&&');
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:npm_|INIT_CWD$|NODE_ENV$)/.test(name)),
  ) as Record<string, string>;
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  for (const command of [`${install} --prefer-offline --no-audit --no-fund`, remove]) {
    const done = startAny('sh', ['-c', command], { cwd: app, env: { ...env, PATH } });
    const { code, stdout, stderr } = await done.ended;
    expect(code, `${command}\n${stdout}${stderr}`).toBe(0);
  }
  await build(join(app, 'dist'));
  cpSync(join(root, 'packages/cli/package.json'), join(app, 'package.json'));
  const [, variables = ''] = /^ENV ((?:.*\\\n)*.*)$/m.exec(last) ?? [];
  return Object.fromEntries(
    Array.from(variables.matchAll(/(\w+)=(\S+)/g), ([, name, value]) => [name, value]),
  );
}

test('what the image holds runs as another user on a tree that nobody may write, and its health check knows', {
  timeout: 240_000,
}, async () => {
  const folder = newFolder();
  chmodSync(folder, 0o755);
  const image = await imageIn(folder);
  expect(image).toMatchObject({ WARDER_DATA: '/data', WARDER_OPS_LISTEN: '0.0.0.0:7701' });
  const installed = readdirSync(join(folder, 'app/node_modules'));
  expect(installed).toContain('better-sqlite3');
  expect(installed).not.toContain('typescript');
  expect(installed).not.toContain('warder');

  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const root = process.getuid?.() === 0;
  const nobody = 65_532;
  if (root) chownSync(data, nobody, nobody);
  const main = join(folder, 'app/dist/main.js');
  const program = root
    ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--no-new-privs']
    : ['env'];
  expect(spawnSync('chmod', ['-R', 'a-w', join(folder, 'app')]).status).toBe(0);
  const [command = '', ...before] = program;
  const service = startAny(command, [...before, process.execPath, main, 'serve'], {
    cwd: join(folder, 'app'),
    env: {
      ...image,
      WARDER_DATA: data,
      WARDER_LISTEN: '127.0.0.1:0',
      WARDER_OPS_LISTEN: '127.0.0.1:0',
    },
  });
  const [, ops = ''] = await service.shows(/Metrics and probes are at (\S+)\.$/m);

  const [, check = ''] = /^HEALTHCHECK (?:.*\\\n)*\s*CMD (\[.*\])$/m.exec(text('Dockerfile')) ?? [];
  const [, ...script] = JSON.parse(check) as string[];
  const healthy = (address: string) =>
    startAny(process.execPath, script, { cwd: folder, env: { WARDER_OPS_LISTEN: address } }).ended;
  expect((await healthy(new URL(ops).host)).code).toBe(0);
  const key = readFileSync(join(data, 'first-key'), 'utf8').trim();
  expect(key).toMatch(/^wdr_live_/);
  service.child.kill('SIGTERM');
  expect((await service.ended).code).toBe(0);
  expect((await healthy(new URL(ops).host)).code).toBe(1);
  spawnSync('chmod', ['-R', 'u+w', folder]);
});
