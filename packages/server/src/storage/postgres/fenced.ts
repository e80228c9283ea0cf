// Reads that prove of themselves that nothing was acknowledged elsewhere meanwhile, for
// a process that does not hear what changes. A server that was deposed and does not know
// it answers what it has; what it cannot do any more is commit, so a commit behind the
// read decides. One proves all reads that were answered before it was sent.

import type { Query } from '../../storage.ts';
import type { Connection, Found } from './connection.ts';
import { toldOf } from './failure.ts';
import { END_EARLIER, PROOF } from './feed.ts';

export interface Fenced {
  /** @throws unavailable */
  read<Row>(query: Query): Promise<Found<Row>>;
  close(): void;
}

interface Fence {
  readonly connection: Connection;
  sent: Promise<unknown> | null;
  next: Promise<unknown> | null;
}

/**
 * @param open opens a connection by that name
 * @param name of this process alone: while a standby is waited for, what was given up waits on the
 * server until the next connection by that name ends it
 */
export function openFenced(
  open: (name: string) => Promise<Connection>,
  name: string,
  milliseconds: number,
): Fenced {
  let current: Promise<Fence> | null = null;
  let closed = false;

  const connected = async (): Promise<Fence> => {
    const connection = await open(name);
    if (closed) connection.destroy();
    try {
      await connection.run({ sql: END_EARLIER, parameters: [name] });
      return { connection, sent: null, next: null };
    } catch (error) {
      connection.destroy();
      throw error;
    }
  };
  const fence = (): Promise<Fence> => {
    if (current !== null) return current;
    const opening = connected();
    const leave = () => {
      if (current === opening) current = null;
    };
    opening.then(({ connection }) => connection.lost.then(leave), leave);
    current = opening;
    return opening;
  };

  const send = (to: Fence): Promise<unknown> => {
    const sent = to.connection.run({ sql: `SELECT ${PROOF}`, parameters: [] }, milliseconds);
    const leave = () => {
      if (to.sent === sent) to.sent = null;
    };
    sent.then(leave, leave);
    to.sent = sent;
    return sent;
  };
  /** A commit that begins after this was asked for. */
  const prove = (to: Fence): Promise<unknown> => {
    if (to.sent === null) return send(to);
    const after = () => {
      to.next = null;
      return send(to);
    };
    to.next ??= to.sent.then(after, after);
    return to.next;
  };

  return {
    async read<Row>(query: Query) {
      try {
        const to = await fence();
        const found = await to.connection.run<Row>(query, milliseconds);
        await prove(to);
        return found;
      } catch (error) {
        throw toldOf(error, 'read');
      }
    },
    close() {
      closed = true;
      current?.then(
        ({ connection }) => connection.destroy(),
        () => {},
      );
    },
  };
}
