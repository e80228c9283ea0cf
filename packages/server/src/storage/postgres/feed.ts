// The change feed over LISTEN and NOTIFY, on a connection of its own: PostgreSQL tells
// what was committed in the order it was committed in. hearing.ts decides what that
// proves; here are the connection, made anew whenever it is lost, and the timers.

import type { Heard, Receipt, Watch } from '@warder/core';
import type { Query } from '../../storage.ts';
import { BEAT_MILLISECONDS, type Clocks, createHearing, TRUSTED_MILLISECONDS } from './hearing.ts';
import { createMet, PLACE, type Place } from './primary.ts';

/** A connection that hears what is told on channels. */
export interface Line {
  run<Row>(query: Query, milliseconds?: number): Promise<{ readonly rows: readonly Row[] }>;
  /** Resolves when it is lost. */
  readonly lost: Promise<void>;
  destroy(): void;
}

export interface FeedParts {
  /** Opens a connection by that name to a server that can be written, none through a pooler. */
  readonly open: (name: string, hears: (payload: string) => void) => Promise<Line>;
  /** Of one schema of one database; its messages are for all that use it. */
  readonly channel: string;
  /** Names this process among them, for as long as it runs. */
  readonly process: string;
  /** Milliseconds after the last certainty for which this process may answer from memory. */
  readonly staleMilliseconds: number;
  readonly clocks: Clocks;
  /** Called where the server is another than before, or on another timeline: no other connection is to be believed. */
  readonly onMoved: () => void | Promise<void>;
  readonly onError: (error: unknown) => void;
}

export interface Feed {
  watch(heard: (change: Heard) => void): Watch;
  obeyed(): Promise<Receipt>;
  /** Whether somebody watches without being sure: reads have to prove themselves then. */
  isUnsure(): boolean;
  close(): Promise<void>;
}

/** How many heartbeats, 3 seconds of them, do not come back before the connection is taken for dead. */
const MOST_UNANSWERED = 12;
/** How long a process that ends waits for its last word to be heard. */
const FAREWELL_MILLISECONDS = 500;
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;
/** While a standby is waited for, an answer may take for ever: the heartbeat decides. */
const UNBOUNDED_MILLISECONDS = 600_000;

/** What an earlier connection by that name left behind waits for nobody. */
export const END_EARLIER = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
  WHERE application_name = $1 AND usename = current_user AND pid <> pg_backend_pid()`;
/**
 * Something in the log beside the commit, which therefore waits for the standby as every write does:
 * a server that was deposed and does not know it can not commit this any more.
 */
export const PROOF = `pg_logical_emit_message(true, 'warder', '')`;
const TELL = `SELECT ${PROOF}, pg_notify($1, $2)`;

export function createFeed(parts: FeedParts): Feed {
  const { channel, process, staleMilliseconds, clocks, onMoved, onError } = parts;
  const lease = Math.max(TRUSTED_MILLISECONDS, staleMilliseconds);
  const hearers = new Set<(change: Heard) => void>();
  let line: Line | null = null;
  const met = createMet();
  let place: Place | null = null;
  let running: Promise<void> | null = null;
  let closed = false;
  let wake = () => {};

  /** The last message that was sent, done or failed. */
  let told: Promise<unknown> = Promise.resolve();
  const tell = (message: string) => {
    const over = line;
    if (over === null) return;
    told = over
      .run({ sql: TELL, parameters: [channel, message] }, UNBOUNDED_MILLISECONDS)
      .catch((error) => {
        if (!closed && over === line) onError(error);
        over.destroy();
      });
  };
  const hearing = createHearing({
    process,
    lease,
    clocks,
    heard: (change) => {
      for (const hearer of hearers) hearer(change);
    },
    send: tell,
  });

  /** One connection, from its beginning to its end. */
  const listen = async () => {
    const name = `warder feed ${process}`;
    let isCurrent = false;
    const opened = await parts.open(name, (payload) => {
      if (isCurrent) hearing.received(payload);
    });
    try {
      await opened.run({ sql: END_EARLIER, parameters: [name] });
      const { rows } = await opened.run<Place>({ sql: PLACE, parameters: [] });
      const [found] = rows;
      if (found === undefined) throw new Error('the server does not say which it is');
      met.meet(found);
      // Other connections may be older than the first that this one knows of.
      const moved = place === null || !isSame(found, place);
      place = found;
      isCurrent = true;
      await opened.run({ sql: `LISTEN ${channel}`, parameters: [] });
      // Before anything read from now on can be believed.
      if (moved) await onMoved();
      if (closed) return;
      line = opened;
      hearing.connected();
      hearing.tick();
      await opened.lost;
    } finally {
      isCurrent = false;
      line = null;
      hearing.lost();
      opened.destroy();
    }
  };

  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async () => {
    let wait = FIRST_PAUSE;
    while (!closed) {
      const before = hearing.age();
      try {
        await listen();
      } catch (error) {
        if (!closed) onError(error);
      }
      // A connection by which something became certain was a good one.
      wait =
        hearing.age() < before || hearing.age() < TRUSTED_MILLISECONDS ? FIRST_PAUSE : wait * 2;
      // Not all at once after a failover.
      if (!closed) await pause(Math.min(wait, LONGEST_PAUSE) * (0.5 + Math.random()));
    }
  };

  const beat = () => {
    if (hearing.unanswered() > MOST_UNANSWERED) line?.destroy();
    else hearing.tick();
  };
  let timer: NodeJS.Timeout | null = null;
  const start = () => {
    running ??= run();
    timer ??= setInterval(beat, BEAT_MILLISECONDS);
  };

  return {
    watch(heard) {
      start();
      hearers.add(heard);
      let open = true;
      return {
        trusted: TRUSTED_MILLISECONDS,
        age: () => (open ? hearing.age() : Number.POSITIVE_INFINITY),
        close() {
          open = false;
          hearers.delete(heard);
        },
      };
    },
    obeyed() {
      start();
      return hearing.obeyed();
    },
    isUnsure: () => hearers.size > 0 && hearing.age() > TRUSTED_MILLISECONDS,
    async close() {
      closed = true;
      if (timer !== null) clearInterval(timer);
      hearing.farewell();
      if (line !== null) await Promise.race([told, pause(FAREWELL_MILLISECONDS)]);
      wake();
      line?.destroy();
      await running;
    },
  };
}

function isSame(one: Place, other: Place): boolean {
  return one.system === other.system && one.timeline === other.timeline;
}
