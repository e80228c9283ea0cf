// PostgreSQL and Redis with their defaults, each an instance of its own in a temporary
// folder that listens on a Unix socket there and nowhere else.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathOf } from '../../scripts/tools.mjs';
import { startPostgres } from '../../tests/kit/servers.ts';

/** Answers the folder of its socket. It ends with this process. */
export async function beginPostgres(): Promise<string> {
  const { home } = await startPostgres({ port: 5432, listen_addresses: '' });
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

/** It says that it is ready to accept connections. */
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
