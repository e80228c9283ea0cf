// Windows that processes share, whatever clock each of them has.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../../tests/kit/servers.ts';
import { openPostgres } from '../postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
});
afterAll(() => server?.stop());

test('a process whose clock is five minutes ahead ends no window that still counts', async () => {
  const { storage } = await openPostgres({ url: server.url });
  const window = {
    id: 'key a minute',
    name: 'minute',
    limit: 1,
    windowSeconds: 60,
    override: null,
  };
  const take = { windows: [window], cost: 1, spend: true, now: null };
  const admitted = async () => (await storage.takeWindows([take], []))[0]?.admitted;
  expect(await admitted()).toBe(true);
  // It was removed, and the window began anew.
  expect(await storage.pruneWindows(Date.now() + 300_000, 100)).toBe(0);
  expect(await admitted()).toBe(false);
  await storage.close();
});
