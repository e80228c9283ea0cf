// Finds the server that accepts writes among those a database may be on: what is read
// from a standby could be older than what was acknowledged, and so could what is read from
// a server that another one replaced and that was started again since.

import type { Host } from './address.ts';
import { type Connection, type ConnectionSetting, connect } from './connection.ts';
import { Disconnected, isPostgresFailure } from './failure.ts';

/** Which server it is, on which timeline. */
export interface Place {
  readonly system: string;
  readonly timeline: string;
}

/** The servers that a process has met. */
export interface Met {
  /** @throws Disconnected for one that another one it has met replaced */
  meet(place: Place): void;
}

export function createMet(): Met {
  let latest: Place | null = null;
  return {
    meet(place) {
      if (latest !== null && isBefore(place, latest)) {
        throw new Disconnected(
          `a server of timeline ${place.timeline}, which ${latest.timeline} replaced`,
        );
      }
      latest = place;
    },
  };
}

/** Timelines only go up; each is eight hexadecimal digits. */
function isBefore(one: Place, other: Place): boolean {
  return one.system === other.system && one.timeline < other.timeline;
}

/**
 * @param met of all connections of one store, none of which goes back to a server that was replaced
 * @throws what the last of the hosts said, Disconnected where it only reads
 */
export async function connectToPrimary(
  setting: ConnectionSetting,
  met = createMet(),
): Promise<Connection> {
  let failure: unknown = new Disconnected('there is no host');
  for (const host of setting.address.hosts) {
    try {
      return await connectToWriter(setting, host, met);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

const READS_ONLY = `SELECT pg_is_in_recovery()
  OR current_setting('transaction_read_only')::boolean AS reads_only`;
/** Refused while it only recovers. */
export const PLACE = `SELECT (SELECT system_identifier FROM pg_control_system())::text AS system,
  left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline`;

async function connectToWriter(
  setting: ConnectionSetting,
  host: Host,
  met: Met,
): Promise<Connection> {
  const connection = await connect(setting, host);
  const ask = async <Row>(sql: string): Promise<Row | undefined> =>
    (await connection.run<Row>({ sql, parameters: [] }, setting.connectMilliseconds)).rows[0];
  try {
    const found = await ask<{ reads_only: boolean }>(READS_ONLY);
    if (found?.reads_only !== false) throw new Disconnected('the server only reads');
    const place = await ask<Place>(PLACE).catch(unlessUnasked);
    if (place) met.meet(place);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Where nobody may ask for it no change is heard of either, and each read proves itself. */
function unlessUnasked(error: unknown): null {
  if (isPostgresFailure(error) && /^(0A000|42501|42883)$/.test(error.code)) return null;
  throw error;
}
