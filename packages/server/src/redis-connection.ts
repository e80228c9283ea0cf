// The connection to Redis, or to the nodes of one cluster: it never queues while it is
// down, gives up a socket that says nothing, and comes back by itself.

import { Cluster, Redis, type RedisOptions } from 'ioredis';

/** Where a Redis is, and who calls. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** A socket that owes an answer for so long is given up, and so is a connection that is not made in that time. */
const SILENCE_MILLISECONDS = 1_000;
const LONGEST_RETRY_MILLISECONDS = 1_000;

export type RedisClient = Redis | Cluster;

/** @param addresses several are nodes of one cluster */
export function connectRedis(addresses: readonly RedisAddress[]): RedisClient {
  const [first] = addresses;
  if (first === undefined) throw new TypeError('Redis needs an address.');
  if (addresses.length === 1) return new Redis({ ...optionsOf(first), retryStrategy: retry });
  const nodes = addresses.map(({ host, port }) => ({ host, port }));
  return new Cluster(nodes, clusterOptionsOf(first));
}

function optionsOf({ host, port, tls, username, password, database }: RedisAddress) {
  return {
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: { servername: host } } : {}),
    db: database,
    // The older protocol says all that is needed, and every server speaks it.
    protocol: 2,
    disableClientInfo: true,
    connectTimeout: SILENCE_MILLISECONDS,
    socketTimeout: SILENCE_MILLISECONDS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // One that was the primary until a failover: what it is now is asked anew.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions;
}

function clusterOptionsOf(address: RedisAddress) {
  const { host: _, port: __, db: ___, enableOfflineQueue, ...redisOptions } = optionsOf(address);
  return { redisOptions, enableOfflineQueue, clusterRetryStrategy: retry };
}

function retry(times: number): number {
  return Math.min(50 * 2 ** Math.min(times - 1, 10), LONGEST_RETRY_MILLISECONDS);
}
