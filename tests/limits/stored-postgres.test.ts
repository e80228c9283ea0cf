// Windows in a PostgreSQL database that several processes share, without Redis.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStoredLimits } from '../../packages/server/src/limits/stored.ts';
import { type SharedLimitStore, windowOf } from '../../packages/server/src/limits.ts';
import { openPostgres } from '../../packages/server/src/storage/postgres.ts';
import { pathOf } from '../../scripts/tools.mjs';
import { NOW } from '../fixtures/domain.ts';
import { type PostgresServer, startPostgres } from '../kit/servers.ts';
import { limitContract } from './contract.ts';

const ONE = { cost: 1, spend: true };
const CALLERS = 100;
const CALLS = 50;

describe.runIf(process.env.CI || pathOf('postgres'))('in PostgreSQL', () => {
  let server: PostgresServer;
  let stores: Awaited<ReturnType<typeof openPostgres>>[] = [];
  let counting: SharedLimitStore;
  beforeAll(async () => {
    server = await startPostgres({ fsync: 'off' });
    const open = () => openPostgres({ url: server.url, connections: 3 });
    stores = [await open(), await open(), await open()];
    const [first] = stores;
    if (first === undefined) throw new Error('three were opened');
    counting = createStoredLimits(first.storage, { clock: 'given' });
  });
  afterAll(async () => {
    for (const { storage } of stores) await storage.close();
    await server?.stop();
  });

  limitContract('in PostgreSQL', async () => ({ store: counting, close: async () => {} }));

  it('three processes together admit exactly the limits of a hundred callers with fifty calls each', async () => {
    const processes = stores.map(({ storage }) => createStoredLimits(storage));
    const limitOf = (name: string, limit: number) => ({
      name,
      limit,
      windowSeconds: 3_600,
      override: null,
    });
    let admitted = 0;
    const own = new Map<number, number>();
    const caller = async (_: unknown, i: number) => {
      const key = i % 10;
      const windows = [
        windowOf('key', `key-${key}`, limitOf('own', 200)),
        windowOf('workspace', 'all', limitOf('all', 1_234)),
      ];
      // Some ask in one order, some in the other: none waits for another for ever.
      if (i % 2 === 0) windows.reverse();
      for (let call = 0; call < CALLS; call++) {
        const taking = await processes[(i + call) % 3]?.take(windows, ONE, NOW);
        if (!taking?.admitted) continue;
        admitted++;
        own.set(key, (own.get(key) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    expect(admitted).toBe(1_234);
    for (const count of own.values()) expect(count).toBeLessThanOrEqual(200);
  });
});
