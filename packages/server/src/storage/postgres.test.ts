// The contract of every engine, and what only the one in a PostgreSQL database promises.

import { afterAll, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from '../../../../tests/kit/servers.ts';
import { storageContract } from '../../../../tests/storage/contract.ts';
import { openPostgres } from './postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ fsync: 'off', max_connections: 300 });
});
afterAll(() => server?.stop());
let schemas = 0;

storageContract('PostgreSQL', () =>
  openPostgres({ url: server.url, schema: `warder_${++schemas}`, connections: 4 }),
);
