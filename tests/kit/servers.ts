// Real servers for tests and benches, each an instance of its own in a temporary folder.
// They end, and their folder goes, with whoever started them, also when that was killed.

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { pathOf } from '../../scripts/tools.mjs';

export interface PostgresServer {
  /** Over its Unix socket. */
  readonly url: string;
  /** Over the loopback, for what stands between. */
  readonly tcpUrl: string;
  readonly port: number;
  /** The folder of its socket; its files are in `data`. */
  readonly home: string;
  /** Sends its first process a signal: SIGINT ends it in order, SIGKILL without a word. */
  signal(name: NodeJS.Signals): void;
  /** All of its processes stand still, or go on. */
  freeze(): void;
  thaw(): void;
  /** Resolves once none of its processes is left, of itself or after a signal. */
  ended(): Promise<void>;
  /** Starts it again after it has ended, on the same files. */
  start(): Promise<void>;
  /** Runs statements as its superuser, in the database of `url` or the first one; answers what was found, a line a row. */
  execute(sql: string, url?: string): Promise<string>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** As PostgreSQL's own file of settings names them. */
export type PostgresSettings = Readonly<Record<string, string | number>>;

export interface PostgresOrigin {
  /** Whose standby it is: it begins as a copy of that and follows it. */
  readonly standbyOf?: PostgresServer;
  /** The folder that its own is made in, which anybody may write. */
  readonly within?: string;
}

/** Starts PostgreSQL with its defaults but for these settings. @throws where it is not installed */
export async function startPostgres(
  settings: PostgresSettings = {},
  { standbyOf, within = tmpdir() }: PostgresOrigin = {},
): Promise<PostgresServer> {
  const postgres = programOf('postgres');
  const home = mkdtempSync(join(within, 'warder-pg-'));
  const data = join(home, 'data');
  const user = unprivileged();
  if (user) chownSync(home, user.uid, user.gid);
  const options = { ...user, cwd: home };
  const create = (program: string, ...args: string[]) =>
    promisify(execFile)(join(dirname(postgres), program), ['-D', data, '--no-sync', ...args], {
      ...options,
    });
  if (standbyOf === undefined) {
    await create('initdb', '-U', 'postgres', '-A', 'trust', '-E', 'UTF8');
  } else {
    const from = ['-h', standbyOf.home, '-p', `${standbyOf.port}`, '-U', 'postgres'];
    await create('pg_basebackup', ...from, '-R', '-X', 'stream', '-c', 'fast');
  }
  const port = Number(settings.port ?? (await freePort()));
  const all = { port, listen_addresses: '127.0.0.1', unix_socket_directories: home, ...settings };
  const args = ['-D', data];
  for (const [name, value] of Object.entries(all)) args.push('-c', `${name}=${value}`);

  const launch = async () => {
    const begun = guarded(home, postgres, args, options);
    await said(begun, /ready to accept (?:read-only )?connections/);
    return begun;
  };
  let guard = await launch();
  const ended = async () => {
    if (guard.stderr?.readableEnded === false) await once(guard.stderr, 'end');
  };
  const first = () => Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const url = `postgres://postgres@/postgres?host=${encodeURIComponent(home)}&port=${port}`;
  return {
    url,
    async execute(sql, at = url) {
      const psql = join(dirname(postgres), 'psql');
      const words = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', at, '-c', sql];
      const { stdout } = await promisify(execFile)(psql, words);
      return stdout.trimEnd();
    },
    tcpUrl: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    home,
    ended,
    signal: (name) => void process.kill(first(), name),
    freeze() {
      // The first one first: it starts no others then.
      for (const pid of [first(), ...childrenOf(first())]) process.kill(pid, 'SIGSTOP');
    },
    thaw() {
      for (const pid of [...childrenOf(first()), first()]) process.kill(pid, 'SIGCONT');
    },
    async start() {
      guard.stdin?.end('keep\n');
      await once(guard, 'close');
      guard = await launch();
    },
    async stop() {
      guard.stdin?.end();
      if (guard.exitCode === null) await once(guard, 'close');
    },
  };
}

/** A port of the loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Ends its child once its own input does, which happens however the one who holds the other end
 * of that pipe ended, and removes the folder unless told to keep it.
 */
const GUARD = `folder=$1; shift; "$@" </dev/null & child=$!; exec 2>/dev/null
read word; kill -INT $child; wait $child; [ "$word" = keep ] || rm -rf "$folder"`;

/** What the program says on stderr is the guard's, until none of its processes is left. */
function guarded(
  folder: string,
  program: string,
  args: readonly string[],
  options: { readonly uid?: number; readonly gid?: number; readonly cwd: string },
): ChildProcess {
  const words = ['-c', GUARD, 'sh', folder, program, ...args];
  return spawn('sh', words, { ...options, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** Resolves once a server has said so. */
function said(guard: ChildProcess, what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let all = '';
    guard.stderr?.on('data', (chunk: Buffer) => {
      if (all.length < 100_000) all += chunk;
      if (what.test(all)) resolve();
    });
    guard.on('error', reject);
    guard.stderr?.on('end', () => reject(new Error(`the server ended:\n${all}`)));
  });
}

/** As the system (Linux: /proc) knows them. */
function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

function programOf(name: string): string {
  const path = pathOf(name);
  if (path === null) throw new Error(`${name} is not installed`);
  return path;
}

/** Who runs what refuses root; null where nobody else has to. */
export function unprivileged(): { readonly uid: number; readonly gid: number } | null {
  return process.getuid?.() === 0 ? userOf('postgres') : null;
}

function userOf(name: string): { readonly uid: number; readonly gid: number } {
  const id = (of: string) => Number(execFileSync('id', [of, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
