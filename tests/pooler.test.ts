// Over a PgBouncer of any age, in transaction mode and with statements that are not prepared:
// it takes a connection to the server away once the last statement it knows of was answered,
// so nothing may be on its way behind that.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressOf } from '../packages/server/src/storage/postgres/address.ts';
import { openChannel } from '../packages/server/src/storage/postgres/channel.ts';
import { connectToPrimary } from '../packages/server/src/storage/postgres/primary.ts';
import { runs } from './fixtures/domain.ts';
import { type Pooler, startPooler } from './kit/pooler.ts';
import { isInstalled } from './kit/real-gateway.ts';
import { type PostgresServer, startPostgres } from './kit/servers.ts';

describe.runIf(isInstalled('postgres') && isInstalled('pgbouncer'))('through PgBouncer', () => {
  let server: PostgresServer;
  let pooler: Pooler;
  beforeAll(async () => {
    server = await startPostgres();
    pooler = await startPooler(server.port, 'postgres', 'postgres');
  });
  afterAll(async () => {
    await pooler?.stop();
    await server?.stop();
  });

  test('every statement is answered, whatever else is asked at the same moment', async () => {
    const setting = {
      address: addressOf(`postgres://postgres@127.0.0.1:${pooler.port}/postgres?sslmode=disable`),
      connectMilliseconds: 10_000,
      statementMilliseconds: 10_000,
      prepare: false,
    };
    const channel = openChannel(() => connectToPrimary(setting), 10_000);
    const ask = async (number: number) => {
      const query =
        number % 3 === 0
          ? { sql: `SELECT ${number} AS found`, parameters: [] }
          : { sql: 'SELECT $1::int AS found', parameters: [number] };
      const { rows } = await channel.read<{ found: number }>(query);
      return rows[0]?.found;
    };
    for (let round = 0; round < runs(100, 2_000); round++) {
      const asked = Array.from({ length: 1 + (round % 6) }, (_, i) => round + i);
      expect(await Promise.all(asked.map(ask))).toEqual(asked);
    }
    channel.close();
  });
});
