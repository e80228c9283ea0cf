// Transactions, sent with as few waits as can be: beginning, settings and locks travel with
// the first statements. What got in another's way is done again, since nothing of it was
// kept; what happened to a commit that was not answered is not known, and is told so.

import type { Query } from '../../storage.ts';
import type { Connection, Found } from './connection.ts';
import { isClash, isLost, Overdue, toldOf } from './failure.ts';
import type { Lock } from './guards.ts';
import type { Pool } from './pool.ts';

/** Sends a statement of a transaction at once. */
export type Run = <Row>(query: Query) => Promise<Found<Row>>;

/** What a transaction comes to, and whether what it wrote is kept. */
export interface Outcome<Result> {
  readonly keep: boolean;
  readonly result: Result;
}

export interface Transactions {
  /**
   * Holds those locks and runs what writes; durable once answered. It may be run several times.
   * @throws unavailable
   */
  write<Result>(
    locks: readonly Lock[],
    body: (run: Run) => Promise<Outcome<Result>>,
    kind?: 'durable' | 'fast',
  ): Promise<Result>;
  /** Runs what only reads, all of it in one snapshot. @throws unavailable */
  read<Result>(body: (run: Run) => Promise<Result>, milliseconds: number): Promise<Result>;
}

const MOST_TRIES = 8;
const BEGIN: Query = { sql: 'BEGIN ISOLATION LEVEL READ COMMITTED', parameters: [] };
const BEGIN_READING: Query = {
  sql: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  parameters: [],
};
const COMMIT: Query = { sql: 'COMMIT', parameters: [] };
const ROLLBACK: Query = { sql: 'ROLLBACK', parameters: [] };

interface Manner {
  readonly opening: readonly Query[];
  readonly milliseconds: number;
  readonly kind?: 'rare';
}

/** @param statementMilliseconds after which a statement is given up here, and before that on the server */
export function transactionsOn(pool: Pool, statementMilliseconds: number): Transactions {
  const serverMilliseconds = Math.ceil(statementMilliseconds * 0.9);

  const once = async <Result>(
    connection: Connection,
    { opening, milliseconds, kind }: Manner,
    body: (run: Run) => Promise<Outcome<Result>>,
    sent: { commit: boolean },
  ): Promise<Result> => {
    const run: Run = (query) => connection.run(query, milliseconds);
    const opened = Promise.all(opening.map(run));
    opened.catch(() => {});
    try {
      const { keep, result } = await body((query) => connection.run(query, milliseconds, kind));
      await opened;
      if (keep) {
        sent.commit = true;
        const { command } = await run(COMMIT);
        // As it answers where a statement failed that nobody waited for.
        if (command !== 'COMMIT') throw new Error('a transaction that had failed was to be kept');
      } else {
        end(connection, milliseconds);
      }
      return result;
    } catch (error) {
      if (!sent.commit) end(connection, milliseconds);
      // What failed first is why the rest did.
      await opened;
      throw error;
    }
  };

  /** Runs it on a connection of its own; again where it is certain that nothing was done. */
  const patiently = async <Result>(
    run: (connection: Connection, sent: { commit: boolean }) => Promise<Result>,
  ): Promise<Result> => {
    for (let tries = 1; ; tries++) {
      const sent = { commit: false };
      const connection = await pool.take();
      try {
        return await run(connection, sent);
      } catch (error) {
        const undone = isClash(error) || (isLost(error) && !sent.commit && tries === 1);
        if (!undone || error instanceof Overdue || tries === MOST_TRIES) throw error;
      } finally {
        pool.give(connection);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** tries));
    }
  };

  return {
    async write(locks, body, kind = 'durable') {
      const opening = [BEGIN, settings(serverMilliseconds, kind, locks)];
      const manner = { opening, milliseconds: statementMilliseconds };
      try {
        return await patiently((connection, sent) => once(connection, manner, body, sent));
      } catch (error) {
        throw toldOf(error, 'write');
      }
    },
    async read(body, milliseconds) {
      const opening = [BEGIN_READING, limitTo(Math.ceil(milliseconds * 0.9))];
      const manner = { opening, milliseconds, kind: 'rare' } as const;
      const reading = async (run: Run) => ({ keep: false, result: await body(run) });
      try {
        return await patiently((connection, sent) => once(connection, manner, reading, sent));
      } catch (error) {
        throw toldOf(error, 'read');
      }
    },
  };
}

/** Rolls back without waiting for it: the next statement of the connection does. */
function end(connection: Connection, milliseconds: number): void {
  connection.run(ROLLBACK, milliseconds).catch(() => connection.destroy());
}

/** As `SET LOCAL`, which holds behind a pooler, too. */
function limitTo(milliseconds: number): Query {
  return {
    sql: `SELECT set_config('statement_timeout', $1, true)`,
    parameters: [`${milliseconds}`],
  };
}

/**
 * A transaction whose process stands still must not hold its locks for ever. What is acknowledged is
 * on the disk, also where the server does not wait for it by itself; what asks for more stays.
 */
const DURABLE = `set_config('synchronous_commit',
  CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN 'on'
    ELSE current_setting('synchronous_commit') END, true)`;
const FAST = `set_config('synchronous_commit', 'off', true)`;

/** Settings and locks in one statement, the locks in their order. */
function settings(milliseconds: number, kind: 'durable' | 'fast', locks: readonly Lock[]): Query {
  const limits = ['statement_timeout', 'idle_in_transaction_session_timeout'];
  const taken = locks.map(({ shared }, i) => {
    const how = shared ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock';
    return `${how}(hashtextextended($${i + 2}, 0))`;
  });
  const terms = [
    ...limits.map((name) => `set_config('${name}', $1, true)`),
    kind === 'durable' ? DURABLE : FAST,
    ...taken,
  ];
  return {
    sql: `SELECT ${terms.join(', ')}`,
    parameters: [`${milliseconds}`, ...locks.map(({ name }) => name)],
  };
}
