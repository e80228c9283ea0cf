// An installation as it is meant to run, of real servers: PostgreSQL with a synchronous
// standby, Redis, and processes of Warder over both, one of them through PgBouncer; each
// connection through a proxy that can be told to fail.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf } from '../../scripts/tools.mjs';
import type { Disk } from './crash-disk.ts';
import { type ServeProcess, startProcess } from './fault-process.ts';
import { movedClock } from './moved-clock.ts';
import { type Pooler, startPooler } from './pooler.ts';
import { startProxy, type TcpProxy } from './proxy.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { freePort, type PostgresServer, startPostgres } from './servers.ts';

export interface FaultRig {
  readonly processes: readonly ServeProcess[];
  readonly redis: RedisServer;
  /** Between each process and both database servers. */
  readonly links: readonly Link[];
  /** Between the processes and Redis. */
  readonly counting: TcpProxy;
  primary(): PostgresServer;
  standby(): PostgresServer;
  /** What the primary's files are on; null where it cannot be filled. */
  disk(): Disk | null;
  /** The processes of PgBouncer, one before each database server; none where it is not installed. */
  readonly poolers: readonly Pooler[];
  /** Moves the clock of the last process from where it should be; null where that takes a program that is missing. */
  readonly moveClock: ((milliseconds: number) => void) | null;
  /** The standby becomes the primary; the one before is left as it is. */
  promote(): Promise<void>;
  /** What was the primary before is made anew, as the standby of the one there is, which waits for it from then on. */
  replace(): Promise<void>;
  stop(): Promise<void>;
}

/** For what a process asks, and for what it hears. */
export interface Link {
  readonly asking: readonly TcpProxy[];
  readonly hearing: readonly TcpProxy[];
}

export interface RigOptions {
  readonly processes: number;
  /** What the two database servers have their files on; the usual one unless given. */
  readonly disks?: readonly [Disk, Disk] | null;
  /** Whether what a process asks and hears passes no proxy: for measuring. */
  readonly direct?: boolean;
}

const DATABASE = 'service';
const SETTINGS = {
  max_connections: 200,
  // A standby that is cut off is no longer waited for by whoever stops.
  wal_sender_timeout: 5_000,
  // A standby that lost its primary looks for it again after five seconds otherwise, and changes wait for it.
  wal_retrieve_retry_interval: '200ms',
  // What a standby has not got yet is kept for it, also over a restart.
  wal_keep_size: '256MB',
  max_wal_size: '64MB',
  min_wal_size: '32MB',
};

export async function startRig(options: RigOptions): Promise<FaultRig> {
  const folder = mkdtempSync(join(tmpdir(), 'warder-faults-'));
  const ending: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const end of ending.reverse()) await end();
  };
  try {
    return await assemble(options, folder, ending, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(
  { processes: count, disks = null, direct = false }: RigOptions,
  folder: string,
  ending: (() => unknown)[],
  stop: () => Promise<void>,
): Promise<FaultRig> {
  const ports = [await freePort(), await freePort()] as const;
  const settings = (index: number) => ({ ...SETTINGS, port: ports[index] ?? 0 });
  let primary = 0;
  const servers: PostgresServer[] = [];
  ending.push(() => Promise.all(servers.map((server) => server.stop())));
  const within = (index: number) => disks?.[index]?.folder ?? tmpdir();
  const serverAt = (index: number): PostgresServer => {
    const server = servers[index];
    if (server === undefined) throw new RangeError('there are two');
    return server;
  };
  const addStandby = async (index: number) => {
    const origin = { standbyOf: serverAt(1 - index), within: within(index) };
    servers[index] = await startPostgres(settings(index), origin);
    const names = `ALTER SYSTEM SET synchronous_standby_names = '*'`;
    await origin.standbyOf.execute(names);
    await origin.standbyOf.execute('SELECT pg_reload_conf()');
    const follows = `SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'`;
    while ((await origin.standbyOf.execute(follows)) !== '1') await pause();
  };
  servers[0] = await startPostgres(settings(0), { within: within(0) });
  await servers[0].execute('CREATE ROLE warder LOGIN');
  await servers[0].execute(`CREATE DATABASE ${DATABASE} OWNER warder`);
  await addStandby(1);

  const redis = await startRedis({ appendonly: 'yes', appendfsync: 'always' });
  ending.push(() => redis.stop());
  const counting = await startProxy(redis.address.port);
  ending.push(() => counting.close());
  const links: Link[] = [];
  for (let number = 0; number < count; number++) {
    const asking = await Promise.all(ports.map(startProxy));
    const hearing = await Promise.all(ports.map(startProxy));
    ending.push(() => Promise.all([...asking, ...hearing].map((one) => one.close())));
    links.push({ asking, hearing });
  }

  const urlOver = (between: readonly { readonly port: number }[]) => {
    const hosts = between.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return `postgres://warder@${hosts}/${DATABASE}?sslmode=disable`;
  };
  const poolers = direct ? [] : await startPoolers(links[1]?.asking ?? []);
  ending.push(() => Promise.all(poolers.map((one) => one.stop())));
  const clock = direct ? null : movedClock(folder);
  const plain = ports.map((port) => ({ port }));
  const shared = [
    ...['--redis', direct ? redis.url : `redis://127.0.0.1:${counting.port}`],
    // Then the limit is exact, whatever becomes of Redis.
    ...['--limits-fallback', 'refuse', '--log-level', 'warn'],
  ];
  const flagsOf = (number: number) => {
    const { asking, hearing } = (direct ? null : links[number]) ?? {
      asking: plain,
      hearing: plain,
    };
    const flags = ['--database-direct', urlOver(hearing), ...shared];
    if (number !== 1 || poolers.length === 0) return ['--database', urlOver(asking), ...flags];
    return ['--database', urlOver(poolers), '--database-prepare', 'off', ...flags];
  };
  const processes: ServeProcess[] = [];
  ending.push(() => Promise.all(processes.map((one) => one.kill())));
  for (let number = 0; number < count; number++) {
    const data = join(folder, `${number}`);
    const [first] = processes;
    const secret = first && {
      WARDER_SECRET: readFileSync(join(folder, '0', 'secret'), 'utf8').trim(),
    };
    const env = { ...(number === count - 1 ? clock?.env : {}), ...secret };
    const place = { data, port: await freePort(), flags: flagsOf(number), env };
    processes.push(await startProcess(`process ${number + 1}`, place, first?.key));
  }

  return {
    processes,
    redis,
    links,
    counting,
    poolers,
    moveClock: clock?.move ?? null,
    disk: () => disks?.[primary] ?? null,
    primary: () => serverAt(primary),
    standby: () => serverAt(1 - primary),
    async promote() {
      const isDone = await serverAt(1 - primary).execute('SELECT pg_promote()');
      if (isDone !== 't') throw new Error('the standby was not promoted');
      primary = 1 - primary;
    },
    async replace() {
      await serverAt(1 - primary).stop();
      await addStandby(1 - primary);
    },
    stop,
  };
}

async function startPoolers(before: readonly TcpProxy[]): Promise<readonly Pooler[]> {
  if (pathOf('pgbouncer') === null && !process.env.CI) return [];
  return Promise.all(before.map(({ port }) => startPooler(port, DATABASE, 'warder')));
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
