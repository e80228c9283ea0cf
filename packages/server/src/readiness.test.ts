import { expect, it } from 'vitest';
import { createReadiness } from './readiness.ts';

function setUp() {
  const state = { age: Number.POSITIVE_INFINITY, readable: true, draining: false, now: 1_000 };
  const { ready } = createReadiness({
    storage: {
      check: async () => {
        if (!state.readable) throw new Error('gone');
      },
    },
    watch: { age: () => state.age, trusted: 2_000 },
    staleLimitMilliseconds: 5_000,
    isDraining: () => state.draining,
    now: () => state.now,
  });
  return { state, ready };
}

it('a process that hears of changes is ready, one that only starts too, and one that does not is degraded', async () => {
  const { state, ready } = setUp();
  expect(await ready()).toMatchObject({ status: 'ready', promise: { ageMilliseconds: null } });
  state.now += 10_000;
  expect((await ready()).status).toBe('degraded');
  state.age = 2_000;
  expect(await ready()).toEqual({
    status: 'ready',
    reason: null,
    promise: { boundMilliseconds: 5_000, feed: 'up', ageMilliseconds: 2_000 },
  });
  state.age = 2_001;
  expect(await ready()).toMatchObject({ status: 'degraded', promise: { feed: 'down' } });
});

it('a process that cannot read the store or ends is not ready', async () => {
  const { state, ready } = setUp();
  state.age = 0;
  state.readable = false;
  expect(await ready()).toMatchObject({ status: 'not ready', reason: 'The store cannot be read.' });
  state.readable = true;
  state.draining = true;
  expect((await ready()).status).toBe('not ready');
});
