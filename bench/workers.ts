// What a second worker adds: verifications a second of `--workers 1` and of 2, and what
// one costs the processes that serve. Then reloads under load, of which no request may
// fail.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inFlight } from './exchange.ts';
import { post } from './hot.ts';
import { startLoad } from './load-process.ts';
import { compare, median, print, type Row } from './measure.ts';
import { type Program, shown, startProgram } from './program.ts';
import { cpuMilliseconds, load } from './served.ts';

const KEYS = 1_000;
const REQUESTS = 20_000;
const RELOADS = 5;
const LOAD = { aSecond: 1_000, connections: 32 };

export async function benchWorkers(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'warder-bench-'));
  try {
    const [one, two] = [await start(folder, 1), await start(folder, 2)];
    const rows = await compareWorkers(one, two);
    await one.program.stop();
    const reloading = await reload(two);
    await two.program.stop();
    return [...rows, ...reloading];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Serving {
  readonly program: Program;
  readonly key: string;
  readonly secrets: readonly string[];
}

async function start(folder: string, workers: number): Promise<Serving> {
  const data = join(folder, `${workers}`);
  const key = () => readFileSync(join(data, 'first-key'), 'utf8').trim();
  const flags = ['--workers', `${workers}`, '--log-level', 'info'];
  const program = await startProgram({ folder: data, key, flags });
  const secrets: string[] = [];
  await inFlight(32, KEYS, async () => {
    const made = await program.call('POST', '/v1/keys', {
      scopes: ['files:read'],
      owner_id: 'acme',
    });
    const { key: secret }: { key: string } = JSON.parse(made);
    secrets.push(secret);
  });
  return { program, key: key(), secrets };
}

async function compareWorkers(one: Serving, two: Serving): Promise<Row[]> {
  const cpus = new Map<Serving, number[]>([
    [one, []],
    [two, []],
  ]);
  const contender = (name: string, serving: Serving) => {
    const { program, key, secrets } = serving;
    const requests = secrets.map((secret) => post(key, '/v1/keys/verify', { key: secret }));
    const port = Number(new URL(program.url).port);
    return {
      name,
      async run() {
        const before = cpuOf(program.child);
        await load(port, requests, REQUESTS);
        const cpu = ((cpuOf(program.child) - before) * 1000) / REQUESTS;
        cpus.get(serving)?.push(cpu);
        return REQUESTS;
      },
    };
  };
  const measured = await compare([contender('--workers 1', one), contender('--workers 2', two)]);
  print(`POST /v1/keys/verify, 64 connections, ${availableParallelism()} cores`, measured);
  const [cpuOfOne = Number.NaN, cpuOfTwo = Number.NaN] = [one, two].map((serving) =>
    median(cpus.get(serving) ?? []),
  );
  console.log(`  CPU of a request: ${cpuOfOne.toFixed(1)} us, ${cpuOfTwo.toFixed(1)} us`);
  const rate = (at: number) => 1e6 / (measured[at]?.microseconds ?? Number.NaN);
  const where = `${availableParallelism()} cores, of which the load takes one`;
  return [
    { what: `verifications a second over HTTP, --workers 1 (${where})`, measured: rate(0) },
    { what: `verifications a second over HTTP, --workers 2 (${where})`, measured: rate(1) },
    {
      what: 'verifications a second of 2 workers in x of 1',
      measured: 1 / (measured[1]?.ratio ?? Number.NaN),
    },
    { what: 'CPU of a verification with 2 workers in x of 1', measured: cpuOfTwo / cpuOfOne },
  ];
}

/** Of a process and of those that it started, in milliseconds. */
function cpuOf(child: ChildProcess): number {
  const { pid = 0 } = child;
  const listed = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const pids = [pid, ...listed.split(' ').filter(Boolean).map(Number)];
  return pids.reduce((sum, one) => sum + cpuMilliseconds({ pid: one }), 0);
}

async function reload({ program, key, secrets }: Serving): Promise<Row[]> {
  const loading = startLoad({ urls: [program.url], key, secrets, ...LOAD });
  const taken: number[] = [];
  for (let i = 0; i < RELOADS; i++) {
    const began = performance.now();
    const renewed = shown(program.child, 'stderr', /"(all workers are new)"/);
    program.child.kill('SIGHUP');
    await renewed;
    taken.push(performance.now() - began);
  }
  const { answered, failed, failure } = await loading.stop();
  if (failure !== null) console.log(`  the first that failed: ${failure}`);
  console.log(
    `\n${RELOADS} reloads of 2 workers: ${answered} requests answered, ${failed} failed, median ${median(taken).toFixed(0)} ms a reload`,
  );
  return [
    {
      what: `requests that failed of ${answered + failed} during ${RELOADS} reloads of 2 workers`,
      measured: failed,
      most: 0,
    },
  ];
}
