// Limits as their users meet them, wherever windows are counted: in the process, in
// Redis, and in the database.

import { afterAll, beforeAll, describe } from 'vitest';
import { openRedisLimits } from '../../packages/server/src/limits/redis.ts';
import { createStoredLimits } from '../../packages/server/src/limits/stored.ts';
import { isInstalled } from '../kit/real-gateway.ts';
import { type RedisServer, startRedis } from '../kit/redis.ts';
import { limitedService } from './service.ts';
import { takeGuarantees } from './take.ts';
import { verificationGuarantees } from './verification.ts';

describe('counted in the process:', () => {
  const of = limitedService();
  verificationGuarantees(of);
  takeGuarantees(of);
});

describe.runIf(isInstalled('redis-server'))('counted in Redis:', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());
  const of = limitedService(async () => ({
    store: await openRedisLimits({ addresses: [redis.address], clock: 'given' }),
    fallback: 'refuse',
    deadlineMilliseconds: 10_000,
  }));
  verificationGuarantees(of);
  takeGuarantees(of);
});

describe('counted in the database:', () => {
  const of = limitedService(async (storage) => ({
    store: createStoredLimits(storage, { clock: 'given' }),
    fallback: 'refuse',
    deadlineMilliseconds: 10_000,
  }));
  verificationGuarantees(of);
  takeGuarantees(of);
});
