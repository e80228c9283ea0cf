// Connections for transactions: one each while it lasts, no more of them than are allowed.
// Who finds none waits for a while and no longer.

import type { Connection } from './connection.ts';
import { Disconnected, Overdue } from './failure.ts';

export interface Pool {
  /** A connection that nobody else has until it is given back. @throws Overdue, Disconnected, what connecting throws */
  take(): Promise<Connection>;
  /** Gives one back, whether or not it is still of use. */
  give(connection: Connection): void;
  /** Gives up those that nobody has now. */
  renew(): void;
  /** Gives all of them up once they are given back. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

export interface PoolSetting {
  readonly open: () => Promise<Connection>;
  /** How many connections there are at the most. */
  readonly most: number;
  /** How long somebody waits for one. */
  readonly waitMilliseconds: number;
}

export function openPool({ open, most, waitMilliseconds }: PoolSetting): Pool {
  /** The one given back last is taken first, so that what is not needed stays idle. */
  const idle: Connection[] = [];
  const waiting: Waiting[] = [];
  let count = 0;
  let closed = false;
  let onEmpty = () => {};

  const drop = () => {
    count--;
    if (count === 0) onEmpty();
  };
  const serve = (connection: Connection) => {
    const next = waiting.shift();
    if (next === undefined) {
      idle.push(connection);
      return;
    }
    clearTimeout(next.timer);
    next.resolve(connection);
  };
  const grow = async () => {
    count++;
    try {
      const connection = await open();
      void connection.lost.then(() => {
        const at = idle.indexOf(connection);
        if (at < 0) return;
        idle.splice(at, 1);
        drop();
      });
      put(connection);
    } catch (error) {
      drop();
      const next = waiting.shift();
      if (next === undefined) return;
      clearTimeout(next.timer);
      next.reject(error);
    }
  };
  const dropIdle = () => {
    for (const connection of idle.splice(0)) {
      connection.destroy();
      drop();
    }
  };
  const put = (connection: Connection) => {
    if (closed) connection.destroy();
    if (connection.alive) return serve(connection);
    drop();
    // Whoever waits would wait for nothing.
    if (waiting.length > count && !closed) void grow();
  };

  return {
    take() {
      if (closed) return Promise.reject(new Disconnected('the store is closed'));
      for (let found = idle.pop(); found !== undefined; found = idle.pop()) {
        if (found.alive) return Promise.resolve(found);
        drop();
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(one), 1);
          reject(new Overdue(`no connection was free within ${waitMilliseconds} ms`));
        }, waitMilliseconds);
        const one = { resolve, reject, timer };
        waiting.push(one);
        if (count < most) void grow();
      });
    },
    give: put,
    renew: dropIdle,
    async close() {
      closed = true;
      for (const { reject, timer } of waiting.splice(0)) {
        clearTimeout(timer);
        reject(new Disconnected('the store is closed'));
      }
      dropIdle();
      if (count === 0) return;
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
    },
  };
}
