// Processes that serve and are measured from outside: where there are two cores, what
// serves has one and what asks has the other.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Serving } from './served-process.ts';

export const REQUESTS = 40_000;
const CONNECTIONS = 64;
/** What `getconf CLK_TCK` is on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;
const PROGRAM = fileURLToPath(new URL('served-process.ts', import.meta.url));

export interface Served extends Serving {
  readonly child: ChildProcess;
  readonly port: number;
}

/** A folder and the processes in it, all of which end with what is run. */
export async function withProcesses<Result>(
  run: (folder: string, children: ChildProcess[]) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'warder-bench-'));
  const children: ChildProcess[] = [];
  try {
    return await run(folder, children);
  } finally {
    const alive = children.filter((child) => child.exitCode === null && child.signalCode === null);
    const ends = alive.map((child) => once(child, 'close'));
    for (const child of alive) child.kill('SIGTERM');
    await Promise.all(ends);
    rmSync(folder, { recursive: true });
  }
}

/** Starts one, as `served-process.ts` takes its arguments, or another program that says the same. */
export async function begin(
  children: ChildProcess[],
  args: readonly string[],
  program = PROGRAM,
): Promise<Served> {
  const node = [process.execPath, '--conditions=warder-source', program];
  const pinned = availableParallelism() > 1 ? ['taskset', '-c', '0', ...node] : node;
  const [command = '', ...rest] = pinned;
  const child = spawn(command, [...rest, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let said = '';
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.endsWith('\n')) break;
  }
  const serving: Serving = JSON.parse(said);
  return { child, ...serving, port: Number(new URL(serving.url).port) };
}

/** Keeps this process, and what it starts otherwise, off the core of those that serve. */
export async function offTheirCore<Result>(run: () => Promise<Result>): Promise<Result> {
  if (availableParallelism() < 2) return await run();
  const cores = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  const pin = (list: string) => execFileSync('taskset', ['-acp', list, String(process.pid)]);
  pin('1');
  try {
    return await run();
  } finally {
    pin(cores?.[1] ?? '0,1');
  }
}

/** What one alternative took in one round, in microseconds a request. */
export interface Taken {
  readonly cpu: number;
  readonly time: number;
}

/** Sends the requests to a process, one after the other on each connection. */
export async function taken(
  { child, port }: Served,
  requests: readonly string[],
  count = REQUESTS,
): Promise<Taken> {
  const before = cpuMilliseconds(child);
  const time = await load(port, requests, count);
  const cpu = cpuMilliseconds(child) - before;
  return { cpu: (cpu * 1000) / count, time: (time * 1000) / count };
}

/** User and system time of a process, from /proc. */
export function cpuMilliseconds({ pid }: Pick<ChildProcess, 'pid'>): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
}

/** Sends so many requests, one after the other on each connection. Answers the milliseconds it took. */
export async function load(
  port: number,
  requests: readonly string[],
  count = REQUESTS,
): Promise<number> {
  const start = performance.now();
  let sent = 0;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true).setEncoding('latin1');
      const next = () => {
        if (sent === count) return void socket.end();
        socket.write(requests[sent++ % requests.length] ?? '');
      };
      socket.on('connect', next);
      let left = 0;
      socket.on('data', (chunk: unknown) => {
        const text = String(chunk);
        if (left === 0 && !text.startsWith('HTTP/1.1 200 ')) {
          reject(new Error(`answered ${text.slice(0, 200)}`));
          return;
        }
        left = left === 0 ? lengthOf(text) : left;
        left -= text.length;
        if (left === 0) next();
      });
      socket.on('error', reject).on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return performance.now() - start;
}

/** Of a whole answer, of which this is the beginning: its head comes in one piece. */
function lengthOf(text: string): number {
  const length = /^content-length: (\d+)/im.exec(text)?.[1];
  return text.indexOf('\r\n\r\n') + 4 + Number(length);
}
