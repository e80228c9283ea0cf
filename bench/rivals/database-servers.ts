// PostgreSQL and Redis with their defaults, each an instance of its own in a temporary
// folder that listens on a Unix socket there and nowhere else.

import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathOf } from '../../scripts/tools.mjs';

/** Answers the folder of its socket. As root it is started as the user postgres, since it refuses root. */
export async function beginPostgres(children: ChildProcess[], folder: string): Promise<string> {
  const postgres = programOf('postgres');
  const home = join(folder, 'postgres');
  mkdirSync(home);
  const user = process.getuid?.() === 0 ? userOf('postgres') : null;
  if (user) {
    chmodSync(folder, 0o711);
    chownSync(home, user.uid, user.gid);
  }
  const data = join(home, 'data');
  const options = { ...user, cwd: home };
  const created = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
  execFileSync(join(dirname(postgres), 'initdb'), created, { ...options, stdio: 'pipe' });
  const args = ['-D', data, '-k', home, '-c', 'listen_addresses='];
  await begun(children, postgres, args, options);
  return home;
}

/** Answers its socket. */
export async function beginRedis(children: ChildProcess[], folder: string): Promise<string> {
  const socket = join(folder, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', folder, '--save', ''];
  await begun(children, programOf('redis-server'), args, {});
  return socket;
}

function programOf(name: string): string {
  const path = pathOf(name);
  if (path === null) throw new Error(`${name} is not installed`);
  return path;
}

function userOf(name: string): { readonly uid: number; readonly gid: number } {
  const id = (of: string) => Number(execFileSync('id', [of, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Both say that they are ready to accept connections, PostgreSQL on stderr. */
function begun(
  children: ChildProcess[],
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<void> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer) => {
      said += chunk;
      if (/ready to accept connections/i.test(said)) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('error', reject);
    child.on('close', () => reject(new Error(`${program} ended:\n${said}`)));
  });
}
