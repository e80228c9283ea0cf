// Where the windows of limits are counted when several processes share them: in Redis,
// which is loaded and connected here and only where it is configured, or in PostgreSQL.

import { openRedisLimits, type SharedLimitSetting } from '@warder/server';
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

/**
 * Redis where it is configured, else the database where several processes share one, else undefined.
 * Waits a moment for Redis: without it the service starts all the same.
 */
export async function sharedLimitsIn(
  flags: Flags,
  redis: readonly RedisAddress[] | undefined,
): Promise<SharedLimitSetting | undefined> {
  const fallback = readSetting('limitsFallback', flags);
  if (redis !== undefined) {
    return { store: await openRedisLimits({ addresses: redis }), fallback };
  }
  return readSetting('database', flags) === undefined ? undefined : { store: 'database', fallback };
}
