// Real Redis servers for tests, each an instance of its own in a temporary folder, alone
// or as the nodes of a cluster; and what stands between and swallows what is sent.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { RedisAddress } from '../../packages/server/src/limits/redis.ts';
import { pathOf } from '../../scripts/tools.mjs';
import { freePort } from './servers.ts';

export interface RedisServer {
  readonly address: RedisAddress;
  /** `redis://127.0.0.1:<port>`. */
  readonly url: string;
  /** Runs one command on a connection of its own. */
  ask(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
  signal(name: NodeJS.Signals): void;
  /** Kills it, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again after it was killed: with nothing that it knew before. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Ends its child once its own input ends, which happens however the one who started it ended. */
const GUARD = `folder=$1; shift; "$@" </dev/null & child=$!
read word; kill -CONT $child; kill -KILL $child; wait $child; [ "$word" = keep ] || rm -rf "$folder"`;

/** @param settings as its own file names them */
export async function startRedis(settings: Readonly<Record<string, string>> = {}) {
  const program = pathOf('redis-server');
  if (program === null) throw new Error('redis-server is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'warder-redis-'));
  const port = await freePort();
  const pidfile = join(folder, 'pid');
  const all = { port, bind: '127.0.0.1', dir: folder, save: '', pidfile, ...settings };
  const words = Object.entries(all).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const launch = async (): Promise<ChildProcess> => {
    const guard = spawn('sh', ['-c', GUARD, 'sh', folder, program, ...words], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      guard.stdout.on('data', (chunk: Buffer) => {
        said += said.length < 100_000 ? chunk : '';
        if (/ready to accept connections/i.test(said)) resolve();
      });
      guard.on('error', reject);
      guard.stdout.on('end', () => reject(new Error(`redis-server ended:\n${said}`)));
    });
    return guard;
  };
  const end = async (word: string) => {
    guard.stdin?.end(word);
    if (guard.exitCode === null) await once(guard, 'close');
  };
  const { requirepass: password } = settings;
  let guard = await launch();
  const address = addressOf(port, password);
  return {
    address,
    url: `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
    async ask(command, ...args) {
      const client = new Redis({ port, password: password ?? '', protocol: 2 });
      try {
        return await client.call(command, ...args);
      } finally {
        client.disconnect();
      }
    },
    signal: (name) => void process.kill(Number(readFileSync(pidfile, 'utf8')), name),
    kill: () => end('keep\n'),
    async start() {
      guard = await launch();
    },
    stop: () => end('\n'),
  } satisfies RedisServer;
}

/** Three nodes that share the slots. */
export async function startRedisCluster(): Promise<readonly RedisServer[]> {
  const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000' };
  const nodes = await Promise.all([1, 2, 3].map(() => startRedis(settings)));
  const ranges = [
    [0, 5_460],
    [5_461, 10_922],
    [10_923, 16_383],
  ];
  for (const [i, node] of nodes.entries()) {
    await node.ask('CLUSTER', 'ADDSLOTSRANGE', ...(ranges[i] ?? []));
    await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    if (i > 0) await nodes[0]?.ask('CLUSTER', 'MEET', '127.0.0.1', node.address.port);
  }
  for (const node of nodes) {
    while (!/cluster_state:ok/.test(String(await node.ask('CLUSTER', 'INFO')))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return nodes;
}

export interface Between {
  readonly address: RedisAddress;
  /** From now on everything that is sent disappears, on connections that there are and new ones. */
  swallow(): void;
  /** From now on answers come so much later. */
  slow(milliseconds: number): void;
  /** As at first; connections that bytes were swallowed of are cut. */
  heal(): void;
  stop(): Promise<void>;
}

/** Stands between a client and a server. */
export async function standBetween(port: number): Promise<Between> {
  let swallowing = false;
  let delay = 0;
  const damaged = new Set<Socket>();
  const all = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = createConnection(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      all.add(socket);
      socket.on('error', () => {}).on('close', () => all.delete(socket));
    }
    const hand = (from: Socket, to: Socket) => {
      from.on('data', (bytes) => {
        if (swallowing) damaged.add(client).add(upstream);
        else if (delay === 0) to.write(bytes);
        else setTimeout(() => to.writable && to.write(bytes), delay);
      });
      from.on('close', () => swallowing || to.destroy());
    };
    hand(client, upstream);
    hand(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    address: addressOf(own, undefined),
    swallow() {
      swallowing = true;
    },
    slow(milliseconds) {
      delay = milliseconds;
    },
    heal() {
      swallowing = false;
      delay = 0;
      for (const socket of damaged) socket.destroy();
      damaged.clear();
    },
    async stop() {
      for (const socket of all) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function addressOf(port: number, password: string | undefined): RedisAddress {
  return { host: '127.0.0.1', port, tls: false, username: undefined, password, database: 0 };
}
