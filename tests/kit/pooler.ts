// A real PgBouncer before a database, in transaction mode: what one client asks for goes over
// whichever connection to the server is free.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf } from '../../scripts/tools.mjs';
import { freePort, unprivileged } from './servers.ts';

export interface Pooler {
  readonly port: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Kills its child once its own input ends, which happens however the one who started it ended. */
const GUARD = '"$@" </dev/null & child=$!; read word; kill -KILL $child; wait $child';
const START_MILLISECONDS = 30_000;

/** @param target the port of the server. @throws where it is not installed */
export async function startPooler(target: number, database: string, user: string): Promise<Pooler> {
  const program = pathOf('pgbouncer');
  if (program === null) throw new Error('pgbouncer is not installed');
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'warder-pooler-'));
  const file = join(folder, 'settings');
  const settings = `[databases]
${database} = host=127.0.0.1 port=${target} dbname=${database} user=${user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
server_login_retry = 1
query_wait_timeout = 5
`;
  writeFileSync(file, settings);
  // It refuses root, and reads its settings before it would change to another user.
  const identity = unprivileged();
  if (identity !== null) {
    for (const path of [folder, file]) chownSync(path, identity.uid, identity.gid);
  }
  let child: ChildProcess | null = null;
  const pooler: Pooler = {
    port,
    async kill() {
      const ending = child;
      child = null;
      if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
      ending.stdin?.end();
      await once(ending, 'close');
    },
    async stop() {
      await pooler.kill();
      rmSync(folder, { recursive: true, force: true });
    },
    async start() {
      const words = ['-c', GUARD, 'sh', program, '-q', file];
      child = spawn('sh', words, {
        ...identity,
        cwd: folder,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      const giveUpAt = performance.now() + START_MILLISECONDS;
      while (!(await listens(port))) {
        if (performance.now() > giveUpAt) throw new Error('pgbouncer does not listen');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
  await pooler.start();
  return pooler;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.on('connect', () => end(true)).on('error', () => end(false));
  });
}
