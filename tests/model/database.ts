// A database as it is seen from a process: servers that commit in one order and tell of
// it in that order, and ways to them that take time, swallow what is sent, or end. A
// commit is visible once a standby has it; a server that lost its standby to another
// place goes on answering reads and cannot know that it was deposed.

import {
  type Candidate,
  type Change,
  type CommitResult,
  type Spend,
  type Spent,
  WarderError,
} from '@warder/core';
import type { Simulation } from './simulation.ts';

/** Milliseconds after which a process gives up to wait for an answer. */
const DEADLINE = 1_000;

export interface Listener {
  isOpen: boolean;
  /** What is on its way arrives in the order it was sent in. */
  lastArrival: number;
  receive(message: string, sequence: number): void;
  /** The end of the connection was noticed. */
  end(): void;
}

export interface Server {
  readonly timeline: number;
  isUp: boolean;
  /** Whether a standby confirms what it writes. */
  commits: boolean;
  readonly rows: Map<string, Candidate>;
  readonly credits: Map<string, number>;
  readonly listeners: Set<Listener>;
}

/** How a process reaches the database, by its pool or by the connection that listens. */
export interface Way {
  server: Server;
  isCut: boolean;
}

export type Database = ReturnType<typeof createDatabase>;

/** @param changesOf what is told of a commit, as a message; null for nothing */
export function createDatabase(
  simulation: Simulation,
  changesOf: (changes: readonly Change[]) => string | null,
) {
  const first: Server = {
    timeline: 1,
    isUp: true,
    commits: true,
    rows: new Map(),
    credits: new Map(),
    listeners: new Set(),
  };
  const database = {
    primary: first,
    /** How many times slower than usual everything is. */
    slowness: 1,
    /** What was committed, with numbers that were drawn when it began. */
    log: [] as { readonly sequence: number; readonly message: string }[],
  };
  let sequences = 0;

  const delay = () => simulation.between(0.2, simulation.chance(0.1) ? 60 : 4) * database.slowness;
  const isReached = ({ server, isCut }: Way) => server.isUp && !isCut;

  /** Asks a server: the request takes a while, then the work, then the answer, or nothing comes back. */
  const ask = <Answer>(
    way: Way,
    work: (server: Server, answer: (value: Answer) => void) => void,
    deadline = DEADLINE,
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      simulation.stir();
      let isOver = false;
      const finish = (end: () => void) => {
        if (isOver) return;
        isOver = true;
        simulation.stir();
        end();
      };
      const { server } = way;
      simulation.at(deadline, () => finish(() => reject(unavailable())));
      if (!server.isUp && simulation.chance(0.5)) {
        simulation.at(1, () => finish(() => reject(unavailable())));
        return;
      }
      simulation.at(delay(), () => {
        if (!isReached(way) || way.server !== server) return;
        work(server, (value) =>
          simulation.at(delay(), () => {
            if (isReached(way) && way.server === server) finish(() => resolve(value));
          }),
        );
      });
    });

  /** Runs once a standby has what was written. */
  const durably = (server: Server, run: () => void) => {
    simulation.at(delay(), () => {
      if (server.isUp && server.commits) run();
    });
  };

  const broadcast = (server: Server, message: string, sequence: number) => {
    for (const listener of server.listeners) {
      const arrival = Math.max(listener.lastArrival, simulation.now + delay());
      listener.lastArrival = arrival;
      simulation.at(arrival - simulation.now, () => {
        if (listener.isOpen) listener.receive(message, sequence);
      });
    }
  };

  const apply = (server: Server, change: Change): boolean => {
    if (change.type === 'insert_key') return true;
    for (const [digest, row] of server.rows) {
      if (change.type === 'update_key' && row.key.id === change.key.id) {
        if (row.key.version !== change.was) return false;
        server.rows.set(digest, { ...row, key: change.key });
      }
      if (change.type === 'update_owner' && row.owner?.id === change.owner.id) {
        if (row.owner.version !== change.was) return false;
        server.rows.set(digest, { ...row, owner: change.owner });
      }
    }
    return true;
  };

  return Object.assign(database, {
    delay,
    isReached,
    /** @param isFenced whether the answer waits until the server has proved that it can still commit */
    find: (way: Way, digest: string, isFenced: boolean) =>
      ask<Candidate | null>(way, (server, answer) => {
        const found = server.rows.get(digest) ?? null;
        if (isFenced) durably(server, () => answer(found));
        else answer(found);
      }),
    /** @param insert a new row, by its digest */
    commit: (way: Way, changes: readonly Change[], insert?: readonly [string, Candidate]) =>
      ask<CommitResult>(way, (server, answer) => {
        const sequence = ++sequences;
        durably(server, () => {
          if (insert !== undefined) server.rows.set(...insert);
          if (!changes.every((change) => apply(server, change))) return answer('stale');
          const message = changesOf(changes);
          if (message !== null) {
            database.log.push({ sequence, message });
            broadcast(server, message, sequence);
          }
          answer('done');
        });
      }),
    spend: (way: Way, { subject, cost, judged }: Spend) =>
      ask<Spent>(way, (server, answer) =>
        durably(server, () => {
          const row = [...server.rows.values()].find(({ key }) => key.id === judged.keyId);
          const isSame =
            row?.key.version === judged.key && (row.owner?.version ?? null) === judged.owner;
          if (!isSame) return answer('stale');
          const left = server.credits.get(subject) ?? 0;
          const enough = left >= cost;
          if (enough) server.credits.set(subject, left - cost);
          answer({ enough, remaining: enough ? left - cost : left, refillAt: null });
        }),
      ),
    /** A message that hangs on nothing else. */
    tell(way: Way, message: string): void {
      const { server } = way;
      simulation.at(delay(), () => {
        if (!isReached(way)) return;
        durably(server, () => broadcast(server, message, 0));
      });
    },
    listen(way: Way, listener: Listener, listening: (server: Server) => void): void {
      void ask<Server>(way, (server, answer) => {
        server.listeners.add(listener);
        listener.lastArrival = simulation.now;
        // What is told from now on arrives behind this answer or before it, as it happens.
        answer(server);
      }).then(listening, () => listener.end());
    },
    /** The standby takes over with all that was acknowledged. @param isIsolated whether the old one lives on, alone */
    failOver(isIsolated: boolean): Server {
      const old = database.primary;
      old.commits = false;
      old.isUp = isIsolated;
      const next: Server = {
        timeline: old.timeline + 1,
        isUp: true,
        commits: true,
        rows: new Map(old.rows),
        credits: new Map(old.credits),
        listeners: new Set(),
      };
      database.primary = next;
      return next;
    },
  });
}

function unavailable(): WarderError {
  return new WarderError('unavailable', 'The store cannot be read now.');
}
