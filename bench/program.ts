// The built program as whoever installs it runs it: started, asked, stopped; how long a
// start takes and how much memory a process has.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { exchange } from './exchange.ts';

export const PROGRAM = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));

export interface Place {
  /** Its data folder. */
  readonly folder: string;
  /** Whom it is asked as. Called once it serves, since the first start makes the first key. */
  readonly key: () => string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For Node itself. */
  readonly node?: readonly string[];
}

export interface Program {
  readonly child: ChildProcess;
  /** When it was started, as `performance.now` says it. */
  readonly began: number;
  readonly url: string;
  /** Answers the body. @throws for a status of 400 and more */
  call(method: string, path: string, body?: unknown): Promise<string>;
  /** @throws unless the key is good */
  verify(key: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startProgram({ folder, key, flags = [], env, node = [] }: Place) {
  const began = performance.now();
  const serve = ['serve', '--listen', '127.0.0.1:0', '--data', folder, '--log-level', 'error'];
  const child = spawn(process.execPath, [...node, PROGRAM, ...serve, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  child.stderr.resume();
  const url = (await shown(child, 'stdout', /ready at (\S+?),/)) ?? '';
  const agent = new Agent({ keepAlive: true });
  const first = key();
  const call = (method: string, path: string, body?: unknown) =>
    exchange(agent, method, url + path, first, body);
  const program: Program = {
    child,
    began,
    url,
    call,
    async verify(secret) {
      const verdict = await call('POST', '/v1/keys/verify', { key: secret });
      if (!verdict.includes('"valid":true')) throw new Error(verdict);
    },
    async stop() {
      agent.destroy();
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await closed;
    },
  };
  return program;
}

/** What it says that matches, once it does. */
export function shown(
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
      child[name]?.off('data', look).resume();
      resolve(found[1]);
    };
    child[name]?.on('data', look);
    child.once('close', () => reject(new Error(`the service ended: ${text}`)));
  });
}

/** Milliseconds from the start of a bare Node to its first word. */
export async function bareStart(): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up")'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const took = performance.now() - began;
  await new Promise((resolve) => child.once('close', resolve));
  return took;
}

export function residentMegabytes({ pid }: ChildProcess): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
