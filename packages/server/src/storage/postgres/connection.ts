// One connection to one server, which is never replaced beneath those who use it: once it
// is lost it stays lost, so that what belongs into one transaction can not go on outside
// of it. Each statement has a deadline, after which the connection is given up.

import { connect as connectTo, type Socket } from 'node:net';
import postgres from 'postgres';
import type { Query } from '../../storage.ts';
import type { Address, Host } from './address.ts';
import { Disconnected, isLost, isPostgresFailure, Overdue } from './failure.ts';

/** What a statement found or wrote. */
export interface Found<Row> {
  readonly rows: readonly Row[];
  /** How many rows it found or wrote. */
  readonly count: number;
  /** What the server says that it did. */
  readonly command: string;
}

export interface Connection {
  /**
   * Sent at once, answered in the order of sending. A statement that is `rare` is planned for its
   * values and not kept. @throws what the server says, Disconnected, Overdue
   */
  run<Row>(query: Query, milliseconds?: number, kind?: 'rare'): Promise<Found<Row>>;
  /** Several statements in one text, without values; answers nothing. */
  script(sql: string, milliseconds?: number): Promise<void>;
  /** False for good once it is lost. */
  readonly alive: boolean;
  /** Gives it up at once; what waits for an answer is told that it is lost. */
  destroy(): void;
  /** Resolves when it is lost. */
  readonly lost: Promise<void>;
}

export interface ConnectionSetting {
  readonly address: Address;
  /** For a server or a pooler to accept the connection, and to say who it is. */
  readonly connectMilliseconds: number;
  /** For any statement that is given no time of its own. */
  readonly statementMilliseconds: number;
  /** Whether statements are prepared on the server. */
  readonly prepare: boolean;
  /** Told of what is said on the channels that the connection listens to. */
  readonly hears?: (payload: string) => void;
}

/** Connects to one host. @throws Disconnected, Overdue, what the server says */
export async function connect(setting: ConnectionSetting, host: Host): Promise<Connection> {
  const { address, connectMilliseconds, statementMilliseconds, prepare, hears } = setting;
  const socket = await socketTo(host, connectMilliseconds);
  const { promise: lost, resolve: lose } = Promise.withResolvers<void>();
  let alive = true;
  let used = false;
  const destroy = () => {
    if (!alive) return;
    alive = false;
    socket.destroy();
    lose();
    // What the driver itself has queued is told of it; the socket is gone already.
    void client.end({ timeout: 0 }).catch(() => {});
  };
  // The driver listens to the socket a turn later: what ends it before then is heard here.
  socket.once('close', destroy);
  const client = postgres({
    // Behind the driver's types, but in its documentation: it asks for the socket.
    ...({
      socket: () => {
        if (used || !alive) throw new Disconnected('the connection was lost');
        used = true;
        return socket;
      },
    } as object),
    host: host.host,
    port: host.port,
    database: address.database,
    ...(address.user === null ? {} : { user: address.user }),
    ...(address.password === null ? {} : { password: address.password }),
    ssl: tlsFor(address, host),
    connection: { application_name: address.applicationName },
    max: 1,
    connect_timeout: connectMilliseconds / 1000,
    // Its life is decided by who uses it.
    idle_timeout: 0,
    max_lifetime: 0,
    fetch_types: false,
    prepare,
    types: { number: { to: 20, from: [20], parse: Number, serialize: String } },
    onnotice: () => {},
    // In its documentation only, as `socket` is.
    ...({ onnotify: (_: string, payload: string) => hears?.(payload) } as object),
    onclose: destroy,
  });

  const inTime = <Value>(answer: Promise<Value>, milliseconds: number): Promise<Value> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Overdue(`no answer within ${milliseconds} ms`));
        destroy();
      }, milliseconds);
      answer.then(
        (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        (error) => {
          clearTimeout(timer);
          reject(error);
          if (isLost(error)) destroy();
        },
      );
    });
  /** What is asked for in one turn leaves in one piece: the driver writes every statement alone. */
  let gathering = false;
  const gather = () => {
    if (gathering) return;
    gathering = true;
    socket.cork();
    const write = () => {
      gathering = false;
      socket.uncork();
    };
    // Behind the driver, which begins with the next microtask and ends with the next turn.
    queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => setImmediate(write))));
  };
  /** Until what was sent last is answered. */
  let answered: Promise<unknown> = Promise.resolve();
  const send = <Value>(make: () => Promise<Value>, milliseconds: number): Promise<Value> => {
    if (!alive) return Promise.reject(new Disconnected('the connection was lost'));
    if (prepare) {
      gather();
      return inTime(make(), milliseconds);
    }
    // The driver asks twice for a statement that is not prepared, and an older PgBouncer takes the
    // server away in between where the one before is answered then: one after the other.
    const turn = answered.then(() => {
      if (!alive) throw new Disconnected('the connection was lost');
      return make();
    });
    answered = turn.catch(() => {});
    return inTime(turn, milliseconds);
  };

  const connection: Connection = {
    async run<Row>(query: Query, milliseconds = statementMilliseconds, kind?: 'rare') {
      // Its types lack bigint, which it takes, and `simple`, which it reads.
      const values = [...query.parameters] as string[];
      const options = { prepare: prepare && kind !== 'rare', simple: false } as PerQuery;
      const ask = () => client.unsafe<Row & object[]>(query.sql, values, options);
      const rows = await send(ask, milliseconds);
      return { rows: rows as unknown as Row[], count: rows.count, command: rows.command };
    },
    async script(sql, milliseconds = statementMilliseconds) {
      await send(() => client.unsafe(sql), milliseconds);
    },
    get alive() {
      return alive;
    },
    destroy,
    lost,
  };
  try {
    await connection.script('SELECT 1', connectMilliseconds);
  } catch (error) {
    destroy();
    throw error;
  }
  return connection;
}

interface PerQuery {
  readonly prepare: boolean;
}

/** A connected socket. */
function socketTo({ host, port }: Host, milliseconds: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = host.startsWith('/')
      ? connectTo({ path: `${host}/.s.PGSQL.${port}` })
      : connectTo({ host, port });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Overdue(`no connection within ${milliseconds} ms`));
    }, milliseconds);
    const fail = (cause: Error) => {
      clearTimeout(timer);
      const code = isPostgresFailure(cause) ? cause.code : cause.name;
      reject(new Disconnected(`no connection: ${code}`, { cause }));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      // It closes as well, which says enough; unheard it would end the process.
      socket.on('error', () => {});
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

function tlsFor({ tls }: Address, { host }: Host) {
  if (tls === null || host.startsWith('/')) return false;
  const { need, ca } = tls;
  if (need === 'tried') return 'prefer';
  return {
    servername: host,
    rejectUnauthorized: need !== 'encrypted',
    ...(ca === null ? {} : { ca }),
    ...(need === 'named' ? {} : { checkServerIdentity: () => undefined }),
  };
}
