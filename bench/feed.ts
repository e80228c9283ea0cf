// How many changes a second one PostgreSQL tells: commits that notify take one lock of
// the whole server, held until they are on the disk, so this bounds revokes, edits and
// the heartbeats of all processes together.

import postgres from 'postgres';
import { startPostgres } from '../tests/kit/servers.ts';
import { inFlight } from './exchange.ts';
import { compare, print, type Row } from './measure.ts';

const AT_ONCE = 16;
const LISTENERS = 8;
const A_ROUND = 2_000;
const CHANNEL = 'changes';
/** As a heartbeat or a change of a key is told; the message is as long. */
const TELL = `SELECT pg_logical_emit_message(true, 'warder', ''), pg_notify('${CHANNEL}', $1)`;
const COMMIT_ALONE = `SELECT pg_logical_emit_message(true, 'warder', ''), $1::text`;
const MESSAGE = 'c k01900000-0000-7000-8000-00000000000a';

export async function benchFeed(): Promise<Row[]> {
  const server = await startPostgres();
  const client = postgres(server.tcpUrl, { max: AT_ONCE });
  const listeners = Array.from({ length: LISTENERS }, () => postgres(server.tcpUrl, { max: 1 }));
  let heard = 0;
  try {
    for (const listener of listeners) {
      await listener.listen(CHANNEL, () => {
        heard++;
      });
    }
    const sending = (sql: string) => () =>
      inFlight(AT_ONCE, A_ROUND, () => client.unsafe(sql, [MESSAGE], { prepare: true }));
    const measured = await compare([
      { name: 'a durable commit that tells nothing', run: sending(COMMIT_ALONE) },
      { name: `a durable commit that tells ${LISTENERS} processes`, run: sending(TELL) },
    ]);
    print(`a commit, ${AT_ONCE} at once`, measured);
    console.log(`  ${heard} messages heard`);
    const rate = (at: number) => 1e6 / (measured[at]?.microseconds ?? Number.NaN);
    return [
      { what: `durable commits a second that tell nothing, ${AT_ONCE} at once`, measured: rate(0) },
      {
        what: `durable commits a second that tell ${LISTENERS} processes of a change`,
        measured: rate(1),
      },
    ];
  } finally {
    await Promise.all([client, ...listeners].map((one) => one.end()));
    await server.stop();
  }
}
