// One `warder serve` of several over the same database, started and ended again as an
// operator or a fault does it, always on the same port; and calls to it over connections
// that are kept.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url));
/** After which a call is given up: what became of it is not known then. */
const CALL_MILLISECONDS = 20_000;

export interface ProcessPlace {
  /** Its folder: the secret, and the first key where it made that. */
  readonly data: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface ServeProcess {
  readonly name: string;
  /** Of the installation; the same for all of its processes. */
  readonly key: string;
  /** Rejects where there is none, or none in time. */
  call(method: string, path: string, body?: object): Promise<Answer>;
  signal(name: NodeJS.Signals): void;
  /** Kills it and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again; resolves once it listens. */
  start(): Promise<void>;
  /** All that it printed since it was first started. */
  said(): string;
}

/** Starts the process. @param key of the installation; the one that the process makes unless given */
export async function startProcess(
  name: string,
  { data, port, flags, env = {} }: ProcessPlace,
  key?: string,
): Promise<ServeProcess> {
  const agent = new Agent({ keepAlive: true });
  let said = '';
  let child: ChildProcess;
  const launch = async () => {
    const args = ['serve', '--listen', `127.0.0.1:${port}`, '--data', data, ...flags];
    const words = ['--conditions=warder-source', MAIN, ...args];
    const { PATH = '', HOME = '' } = process.env;
    const begun = spawn(process.execPath, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH, HOME, ...env },
    });
    child = begun;
    let since = '';
    await new Promise<void>((resolve, reject) => {
      const listen = (text: string) => {
        said += text;
        since += text;
        if (since.includes(`127.0.0.1:${port}`)) resolve();
      };
      begun.stdout.setEncoding('utf8').on('data', listen);
      begun.stderr.setEncoding('utf8').on('data', listen);
      begun.once('close', (code, signal) =>
        reject(new Error(`${name} ended (${signal ?? code}) before it listened:\n${since}`)),
      );
    });
  };
  await launch();
  const authorization = `Bearer ${key ?? readFileSync(join(data, 'first-key'), 'utf8').trim()}`;
  return {
    name,
    key: authorization.slice('Bearer '.length),
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? '' : JSON.stringify(body);
        const headers = {
          authorization,
          ...(text === ''
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        };
        const asking = request({ host: '127.0.0.1', port, method, path, agent, headers });
        asking.setTimeout(CALL_MILLISECONDS, () => asking.destroy(new Error('no answer')));
        asking.on('error', reject);
        asking.on('response', (response) => {
          let answer = '';
          response.setEncoding('utf8').on('data', (more) => {
            answer += more;
          });
          response.on('error', reject);
          response.on('end', () => {
            const body = answer === '' ? {} : JSON.parse(answer);
            resolve({ status: response.statusCode ?? 0, body });
          });
        });
        asking.end(text === '' ? undefined : text);
      }),
    signal: (signal) => void child.kill(signal),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    },
    start: launch,
    said: () => said,
  };
}
