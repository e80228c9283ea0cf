// Finds the server that accepts writes among those a database may be on: what is read
// from a standby could be older than what was acknowledged.

import type { Host } from './address.ts';
import { type Connection, type ConnectionSetting, connect } from './connection.ts';
import { Disconnected } from './failure.ts';

/** @throws what the last of the hosts said, Disconnected where it only reads */
export async function connectToPrimary(setting: ConnectionSetting): Promise<Connection> {
  let failure: unknown = new Disconnected('there is no host');
  for (const host of setting.address.hosts) {
    try {
      return await connectToWriter(setting, host);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

async function connectToWriter(setting: ConnectionSetting, host: Host): Promise<Connection> {
  const connection = await connect(setting, host);
  try {
    const { rows } = await connection.run<{ reads_only: boolean }>(
      {
        sql: `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS reads_only`,
        parameters: [],
      },
      setting.connectMilliseconds,
    );
    if (rows[0]?.reads_only !== false) throw new Disconnected('the server only reads');
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}
