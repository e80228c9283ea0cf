// The built program on a million keys: how long it takes to the first verdict, how
// long its loop is held while everything that lists, writes and copies goes on
// beside verifications, and how much memory it has in the end.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HALF, WORDS } from './load.ts';
import { median, type Row } from './measure.ts';
import type { Store } from './store.ts';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const PROGRAM = path('../packages/cli/dist/main.js');
const SECONDS = 10;
const ROUNDS = 7;

export async function benchService(store: Store): Promise<Row[]> {
  const [secret = ''] = store.secrets;
  const starts: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const service = await start(store);
    await service.verify(secret);
    starts.push(performance.now() - service.began - (await bareStart()));
    await service.stop();
  }

  const service = await start(store, ['--import', path('loop-probe.mjs')]);
  const verifications = () => latencies(() => service.verify(pick(store.secrets)));
  await verifications();
  const alone = await verifications();
  await service.held();
  const [big = '', medium = ''] = store.workspaces;
  const over = { yes: false };
  const going = [
    ...LISTS.map((query) =>
      until(over, () => service.get(`/v1/keys?workspace_id=${big}&limit=200&${query}`)),
    ),
    until(over, () => service.get('/v1/events/export')),
    until(over, () => backup(store)),
    paced(over, 5, () =>
      service.post('/v1/keys', {
        workspace_id: medium,
        name: 'made meanwhile',
        owner_id: 'acme',
        scopes: ['files:read'],
      }),
    ),
  ];
  const beside = await verifications();
  over.yes = true;
  const held = await service.held();
  await Promise.all(going);
  const memory = residentMegabytes(service.child);
  await service.stop();

  return [
    {
      what: 'process start to the first correct verdict, in milliseconds beyond a bare Node start',
      measured: median(starts),
      most: 250,
    },
    {
      what: `longest hold of the verifying loop in ${SECONDS} s of lists, totals, searches, export, backup and 200 creates a second, in milliseconds`,
      measured: held,
      most: 10,
    },
    {
      what: 'p99 of a verification beside all that against its p99 alone',
      measured: p99(beside) / p99(alone),
      most: 1.5,
    },
    { what: 'resident memory after that, in MB', measured: memory, most: 200 },
  ];
}

const LISTS = [
  'status=active&include=total',
  `owner_id=${HALF.owner}&include=total`,
  `search=${WORDS.half}&include=total`,
  'scope=files:read',
  'environment=test',
  `metadata.plan=${HALF.plan}`,
  'never_used=true',
  'expires_before=2030-01-01T00:00:00Z',
  'sort=name',
  'sort=-last_used_at',
];

async function start({ folder, firstKey }: Store, node: readonly string[] = []) {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...node,
      PROGRAM,
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--data',
      folder,
      '--log-level',
      'error',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const url = (await shown(child, 'stdout', /ready at (\S+?),/)) ?? '';
  const agent = new Agent({ keepAlive: true });
  const call = (method: string, at: string, body?: unknown) =>
    exchange(agent, method, url + at, firstKey, body);
  return {
    child,
    began,
    get: (at: string) => call('GET', at),
    post: (at: string, body: unknown) => call('POST', at, body),
    async verify(key: string) {
      const verdict = await call('POST', '/v1/keys/verify', { key });
      if (!verdict.includes('"valid":true')) throw new Error(verdict);
    },
    async held() {
      const told = shown(child, 'stderr', /held ([\d.]+)/);
      child.kill('SIGUSR2');
      return Number(await told);
    },
    async stop() {
      agent.destroy();
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await closed;
    },
  };
}

function shown(
  child: ChildProcess,
  name: 'stdout' | 'stderr',
  pattern: RegExp,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    const look = (chunk: Buffer) => {
      text += chunk;
      const found = pattern.exec(text);
      if (!found) return;
      child[name]?.off('data', look);
      resolve(found[1]);
    };
    child[name]?.on('data', look);
    child.once('close', () => reject(new Error(`the service ended: ${text}`)));
  });
}

function exchange(
  agent: Agent,
  method: string,
  url: string,
  key: string,
  body?: unknown,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const call = request(url, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${url}: ${text}`));
        else resolve(text);
      });
    });
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function bareStart(): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up")'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const took = performance.now() - began;
  await new Promise((resolve) => child.once('close', resolve));
  return took;
}

async function backup({ folder }: Store): Promise<void> {
  const out = join(folder, 'bench-backup.db');
  const child = spawn(process.execPath, [PROGRAM, 'backup', '--data', folder, '--out', out], {
    stdio: 'ignore',
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  rmSync(out, { force: true });
  if (code !== 0) throw new Error(`warder backup ended with ${code}`);
}

/** A verification every five milliseconds. Answers what each took, in milliseconds. */
async function latencies(verify: () => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  const over = { yes: false };
  setTimeout(() => {
    over.yes = true;
  }, SECONDS * 1000);
  await paced(over, 5, async () => {
    const began = performance.now();
    await verify();
    taken.push(performance.now() - began);
  });
  return taken;
}

async function paced(
  over: { yes: boolean },
  milliseconds: number,
  run: () => Promise<unknown>,
): Promise<void> {
  while (!over.yes) {
    const pause = new Promise((resolve) => setTimeout(resolve, milliseconds));
    await run();
    await pause;
  }
}

async function until(over: { yes: boolean }, run: () => Promise<unknown>): Promise<void> {
  while (!over.yes) await run();
}

function p99(taken: readonly number[]): number {
  return taken.toSorted((a, b) => a - b)[Math.floor(taken.length * 0.99)] ?? Number.NaN;
}

function pick(secrets: readonly string[]): string {
  return secrets[Math.floor(Math.random() * secrets.length)] ?? '';
}

function residentMegabytes({ pid }: ChildProcess): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
