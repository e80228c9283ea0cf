// One connection that all who read single rows share: each statement is sent while others
// are under way, and what is asked is answered in its order. A connection that was lost is
// replaced by the next who asks.

import type { Query } from '../../storage.ts';
import type { Connection, Found } from './connection.ts';
import { isLost, Overdue, toldOf, unavailable } from './failure.ts';

export interface Channel {
  /** Runs a statement that changes nothing. @throws unavailable */
  read<Row>(query: Query): Promise<Found<Row>>;
  /** Gives the connection up, and what waits on it is asked again of another. */
  renew(): void;
  close(): void;
}

/** @param milliseconds after which a read is given up, with all that connecting takes */
export function openChannel(open: () => Promise<Connection>, milliseconds: number): Channel {
  let current: Promise<Connection> | null = null;
  let closed = false;

  const connection = (): Promise<Connection> => {
    if (current !== null) return current;
    const opening = open();
    current = opening;
    opening.then(
      async (opened) => {
        if (closed) opened.destroy();
        await opened.lost;
        if (current === opening) current = null;
      },
      () => {
        if (current === opening) current = null;
      },
    );
    return opening;
  };

  const drop = () => {
    current?.then(
      (opened) => opened.destroy(),
      () => {},
    );
    current = null;
  };

  return {
    async read<Row>(query: Query) {
      const giveUpAt = performance.now() + milliseconds;
      for (let again = false; ; again = true) {
        if (closed) throw unavailable('read', 'the store is closed');
        try {
          const opened = await connection();
          const left = giveUpAt - performance.now();
          // Its deadline would end the connection that others now have.
          if (left < 1) throw new Overdue(`no connection within ${milliseconds} ms`);
          return await opened.run<Row>(query, left);
        } catch (error) {
          // Lost for the sake of somebody else's statement, or because the server went: once more.
          const isWorth = isLost(error) && !(error instanceof Overdue) && !again;
          if (!isWorth || performance.now() > giveUpAt) throw toldOf(error, 'read');
        }
      }
    },
    renew: drop,
    close() {
      closed = true;
      drop();
    },
  };
}
