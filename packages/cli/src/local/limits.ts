// Where the windows of limits are counted when several processes share them: in Redis,
// which is loaded and connected here, and only where it is configured.

import type { Storage } from '@warder/core';
import {
  createStoredLimits,
  type Log,
  openRedisLimits,
  type SharedLimitSetting,
} from '@warder/server';
import { type Flags, findSetting, readSetting } from '../config.ts';
import { usage } from '../failure.ts';
import type { RedisAddress } from '../redis-address.ts';

/** @throws Failure for a password on the command line, which every user of the machine can read */
export function redisIn(flags: Flags): readonly RedisAddress[] | undefined {
  const addresses = readSetting('redis', flags);
  const flagged = findSetting('redis', flags)?.source === 'flag';
  if (flagged && addresses?.some(({ password }) => password !== undefined)) {
    throw usage(
      '--redis must be without a password, since others can read the command line: give it by REDIS_URL or REDIS_URL_FILE.',
    );
  }
  return addresses;
}

/** Waits a moment for Redis: without it the service starts all the same. */
export async function limitsInRedis(
  addresses: readonly RedisAddress[],
  flags: Flags,
  log: Log,
): Promise<SharedLimitSetting> {
  const store = await openRedisLimits({ addresses });
  log.info({ store: store.name }, 'limits are shared');
  return { store, fallback: readSetting('limitsFallback', flags) };
}

/** Windows in the database, where several processes may share it; undefined for a file. */
export function limitsInDatabase(
  storage: Storage,
  flags: Flags,
  log: Log,
): SharedLimitSetting | undefined {
  if (readSetting('database', flags) === undefined) return undefined;
  log.info(
    'limits are counted in the database: each use of a key with limits is a write, which --redis makes cheaper',
  );
  const store = createStoredLimits(storage);
  return { store, fallback: readSetting('limitsFallback', flags) };
}
