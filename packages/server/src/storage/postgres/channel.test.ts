// Connections that many share, as those find them who ask while they are being made.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openChannel } from './channel.ts';
import type { Connection } from './connection.ts';
import { openFenced } from './fenced.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const QUERY = { sql: 'SELECT 1', parameters: [] };

/** One that answers after a moment, or is given up where it has less time than that, as a real one is. */
function connectionOf(failure?: Error): Connection {
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
  let alive = true;
  const destroy = () => {
    alive = false;
    lose();
  };
  return {
    async run(_, milliseconds = 1_000) {
      if (failure !== undefined) throw failure;
      await new Promise((resolve) => setTimeout(resolve, Math.min(5, milliseconds)));
      if (milliseconds < 5) destroy();
      if (!alive) throw Object.assign(new Error('late'), { code: 'OVERDUE' });
      return { rows: [], count: 0, command: 'SELECT' };
    },
    script: async () => {},
    get alive() {
      return alive;
    },
    destroy,
    lost,
  };
}

test('a connection that took longer than a read waits is there for the next read', async () => {
  const connection = connectionOf();
  const open = vi.fn(async () => {
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    return connection;
  });
  const channel = openChannel(open, 5_000);
  const late = channel.read(QUERY).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(6_100);
  expect(await late).toMatchObject({ code: 'unavailable' });
  // Its last millisecond ended the connection, so every read after it waited as long in vain.
  expect(connection.alive).toBe(true);
  const next = channel.read(QUERY);
  await vi.advanceTimersByTimeAsync(100);
  expect(await next).toMatchObject({ count: 0 });
  expect(open).toHaveBeenCalledTimes(1);
});

test('a connection whose first statement the server refuses is given up', async () => {
  const refusal = Object.assign(new Error('canceling'), { code: '57014', severity: 'ERROR' });
  const connection = connectionOf(refusal);
  const fenced = openFenced(async () => connection, 'fence', 1_000);
  await expect(fenced.read(QUERY)).rejects.toMatchObject({ code: 'unavailable' });
  // Nobody had it any more, and it stayed open.
  expect(connection.alive).toBe(false);
});
