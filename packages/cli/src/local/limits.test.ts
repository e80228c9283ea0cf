import { afterEach, expect, test, vi } from 'vitest';
import { redisIn } from './limits.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a password of Redis is never taken from the command line, and not quoted', () => {
  const flags = { redis: 'redis://:pass-word@redis.test' };
  try {
    redisIn(flags);
    expect.unreachable('it should have been refused');
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining('REDIS_URL') });
    expect(String(error)).not.toContain('pass-word');
  }
  vi.stubEnv('REDIS_URL', flags.redis);
  expect(redisIn({})).toMatchObject([{ host: 'redis.test', password: 'pass-word' }]);
  expect(redisIn({ redis: 'redis://redis.test' })).toMatchObject([{ password: undefined }]);
});
