// Rate windows in Redis, or Valkey, for processes on many machines: each use is one
// script, which charges all of its windows or none. Redis's clock counts, since it is
// the one clock that all processes share.

import { WarderError, type WindowsTaken } from '@warder/core';
import { beganAt, type SharedLimitStore, takingOf, type Window } from '../limits.ts';
import { connectRedis, type RedisAddress, type RedisClient } from '../redis-connection.ts';
import { GIVE_BACK, TAKE } from './redis/scripts.ts';

export type { RedisAddress } from '../redis-connection.ts';

export interface RedisLimitOptions {
  /** Several are nodes of one cluster. */
  readonly addresses: readonly RedisAddress[];
  /** How long the opening waits for Redis before it goes on without; 2,000 unless given. */
  readonly patienceMilliseconds?: number | undefined;
  /** Counts by the clock that each use brings, not by that of Redis. */
  readonly clock?: 'given' | undefined;
}

/** The scripts as the client has them: how many keys, the keys, the arguments. */
interface Scripts {
  warderTake(keys: number, ...rest: readonly (string | number)[]): Promise<readonly number[]>;
  warderGiveBack(keys: number, ...rest: readonly (string | number)[]): Promise<unknown>;
}

const PATIENCE_MILLISECONDS = 2_000;
/** Asks Redis to look at its own clock. */
const ITS_OWN = -1;

/** Resolves once Redis is there, or patience is at its end: until it is, uses fail at once. */
export async function openRedisLimits(options: RedisLimitOptions): Promise<SharedLimitStore> {
  const { addresses, patienceMilliseconds = PATIENCE_MILLISECONDS, clock } = options;
  const client = connectRedis(addresses);
  let lastError: unknown = null;
  client.on('error', (error: unknown) => {
    lastError = error;
  });
  client.on('ready', () => {
    lastError = null;
  });
  client.defineCommand('warderTake', { lua: TAKE });
  client.defineCommand('warderGiveBack', { lua: GIVE_BACK });
  // Defined by their names just now, which its type cannot know.
  const scripts = client as unknown as Scripts;
  await readyOr(client, patienceMilliseconds);

  const told = (error: unknown) => {
    // While it is not connected, what it could not send says less than why it is not.
    const cause = client.status === 'ready' ? error : (lastError ?? 'not connected');
    return new WarderError('unavailable', 'Limits cannot be counted now.', {
      internal: `Redis: ${withoutSecrets(wordsOf(cause), addresses)}`,
      retryAfterSeconds: 1,
    });
  };

  return {
    name: 'Redis',
    price: 'a call of it',
    takeNow: () => null,
    async take(windows, { cost, spend }, at) {
      const keys = windows.map(keyOf);
      const now = clock === 'given' ? at : ITS_OWN;
      const asked = windows.flatMap(({ limit, windowSeconds, override }) => [
        windowSeconds * 1000,
        limit,
        override?.limit ?? limit,
        override?.until ?? 0,
      ]);
      const head = [now, cost, spend ? 1 : 0];
      const answer = await scripts
        .warderTake(keys.length, ...keys, ...head, ...asked)
        .catch((error: unknown) => {
          throw told(error);
        });
      return takingOf(windows, cost, takenOf(answer));
    },
    giveBack(windows, figures, cost) {
      const began = figures.map(beganAt);
      const keys = windows.map(keyOf);
      // Where it cannot be given back it stays taken: that errs on the strict side.
      scripts.warderGiveBack(keys.length, ...keys, cost, ...began).catch(() => {});
    },
    async close() {
      client.disconnect();
    },
  };
}

/** All windows of one use are in one slot of a cluster, by what is in braces. */
function keyOf({ id, workspaceId }: Window): string {
  return `warder:{${workspaceId || '-'}}:${id}`;
}

function takenOf([admitted, now = 0, ...rest]: readonly number[]): WindowsTaken {
  const windows = Array.from({ length: rest.length / 2 }, (_, i) => ({
    startedAt: rest[2 * i] ?? now,
    taken: rest[2 * i + 1] ?? 0,
  }));
  return { admitted: admitted === 1, now, windows };
}

function readyOr(client: RedisClient, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    client.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return error.message || code || error.name;
}

/** Redis quotes what it did not understand, which may be a password. */
function withoutSecrets(text: string, addresses: readonly RedisAddress[]): string {
  const secrets = addresses.flatMap(({ password }) => password || []);
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '********'), text);
}
