// A process of the model: the real verifier and the real decisions of the feed, on clocks
// that leap, on a thread that is stopped, and on connections that end.

import type { Change, Heard, Reach, Storage, Watch } from '@warder/core';
import type { CachingVerifier } from '../../packages/server/src/verifier.ts';
import type { Database, Listener, Server, Way } from './database.ts';
import type { Modules } from './modules.ts';
import type { Simulation } from './simulation.ts';

const BEAT = 250;
const TRUSTED = 2_000;
const MOST_UNANSWERED = 12;
const CACHE_BYTES = 256 * 1024;

/** What a model can be told to do wrong where the mistake is in no line of the product. */
export type Mistake = 'sequence' | 'unfenced' | null;

export interface Process {
  readonly name: string;
  readonly verifier: CachingVerifier;
  readonly storage: Storage;
  readonly pool: Way;
  readonly feed: Way;
  isAlive: boolean;
  /** Added to what its wall clock shows. */
  leap: number;
  /** Runs something on its thread: later, where it is stopped. */
  act(run: () => void): void;
  stop(milliseconds: number): void;
  /** Ends the connection that listens. @param isNoticed whether it learns of that at once */
  drop(isNoticed: boolean): void;
  obeyed(): ReturnType<Storage['obeyed']>;
  age(): number;
  kill(): void;
}

export function createProcess(
  simulation: Simulation,
  database: Database,
  { createHearing, createVerifier, createLimitMemory }: Modules,
  name: string,
  staleLimit: number,
  mistake: Mistake,
): Process {
  const began = simulation.now;
  const lease = Math.max(TRUSTED, staleLimit);
  const pool: Way = { server: database.primary, isCut: false };
  const feed: Way = { server: database.primary, isCut: false };
  const backlog: (() => void)[] = [];
  let stoppedUntil = 0;
  let listener: Listener | null = null;
  let timeline = 0;
  let pause = 50;
  let hearer = (_: Heard) => {};
  let lastSequence = 0;

  const clocks = {
    wall: () => 1_790_000_000_000 + simulation.now + process.leap,
    // Every process has its own beginning of it.
    steady: () => simulation.now - began + 1_000,
  };
  const act = (run: () => void) => {
    if (!process.isAlive) return;
    if (simulation.now >= stoppedUntil) run();
    else backlog.push(run);
  };
  /** A promise of what happens on its thread. */
  const onThread = <Value>(value: Promise<Value>): Promise<Value> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void) =>
        act(() => {
          simulation.stir();
          end();
        });
      value.then(
        (found) => settle(() => resolve(found)),
        (error) => settle(() => reject(error)),
      );
    });

  const heard = (change: Heard) => {
    if (mistake === 'sequence' && change.type === 'everything' && lastSequence > 0) {
      for (const { sequence, message } of database.log) {
        if (sequence > lastSequence) hearing.received(message);
      }
      return;
    }
    hearer(change);
  };
  const hearing = createHearing({
    process: name,
    lease,
    clocks,
    heard,
    send: (message) => {
      // What is sent into a connection that is gone reaches nobody.
      if (listener !== null && feed.server.listeners.has(listener)) database.tell(feed, message);
    },
  });

  /** As feed.ts does it. */
  const connect = () => {
    if (!process.isAlive) return;
    if (!feed.server.isUp || simulation.chance(0.5)) feed.server = database.primary;
    const mine: Listener = {
      isOpen: true,
      lastArrival: 0,
      receive: (message, sequence) =>
        act(() => {
          if (!mine.isOpen) return;
          if (sequence > 0) lastSequence = Math.max(lastSequence, sequence);
          simulation.stir();
          hearing.received(message);
        }),
      end: () => act(() => lose(mine)),
    };
    listener = mine;
    database.listen(feed, mine, (server: Server) =>
      act(() => {
        if (!mine.isOpen) return;
        if (server.timeline < timeline) return lose(mine);
        if (server.timeline !== timeline && timeline !== 0) pool.server = server;
        timeline = server.timeline;
        hearing.connected();
        hearing.tick();
      }),
    );
  };
  const lose = (lost: Listener) => {
    if (!lost.isOpen) return;
    lost.isOpen = false;
    feed.server.listeners.delete(lost);
    if (listener !== lost) return;
    hearing.lost();
    pause = hearing.age() < TRUSTED ? 50 : Math.min(pause * 2, 1_000);
    simulation.at(pause * simulation.between(0.5, 1.5), () => act(connect));
  };
  const beat = () => {
    if (!process.isAlive) return;
    simulation.at(BEAT, beat);
    act(() => {
      if (hearing.unanswered() > MOST_UNANSWERED && listener !== null) lose(listener);
      else hearing.tick();
    });
  };

  /** The pool finds the primary again once a connection of it has failed. */
  const reaching = async <Value>(value: Promise<Value>): Promise<Value> => {
    try {
      return await onThread(value);
    } catch (error) {
      if (!database.isReached(pool)) pool.server = database.primary;
      throw error;
    }
  };

  const watch: Watch = { age: hearing.age, trusted: TRUSTED, close() {} };
  // Of a reach the model uses nothing but its commits.
  const reach = {
    commit: (changes: readonly Change[]) => reaching(database.commit(pool, changes)),
  } as unknown as Reach;
  const storage = {
    within: () => reach,
    everywhere: () => reach,
    spend: (spend) => reaching(database.spend(pool, spend)),
    watch(tell) {
      hearer = tell;
      return watch;
    },
    obeyed: () => hearing.obeyed(),
  } as Partial<Storage> as Storage;

  const isFenced = () => mistake !== 'unfenced' && hearing.age() > watch.trusted;
  const made = createVerifier(
    {
      digests: (secret) => [{ hex: secret, pepperVersion: 0 }],
      // Its last 32 characters, which are random: as good as a hash in a model.
      fingerprint: (secret) => secret.slice(-32),
      now: clocks.wall,
    },
    {
      storage,
      lookup: {
        find: ([digest]) => reaching(database.find(pool, digest?.hex ?? '', isFenced())),
      },
      limits: createLimitMemory(),
      staleLimitMilliseconds: staleLimit,
      wait(milliseconds) {
        let end = () => {};
        const over = new Promise<void>((resolve) => {
          end = resolve;
        });
        let isCancelled = false;
        simulation.at(milliseconds, () =>
          act(() => {
            if (isCancelled) return;
            simulation.stir();
            end();
          }),
        );
        return {
          over,
          cancel() {
            isCancelled = true;
          },
        };
      },
    },
    { count() {} },
    CACHE_BYTES,
  );

  const process: Process = {
    name,
    verifier: made.verifier,
    storage: made.storage,
    pool,
    feed,
    isAlive: true,
    leap: 0,
    act,
    stop(milliseconds) {
      stoppedUntil = Math.max(stoppedUntil, simulation.now + milliseconds);
      simulation.at(milliseconds, () => {
        if (simulation.now < stoppedUntil) return;
        simulation.stir();
        for (const run of backlog.splice(0)) run();
      });
    },
    drop(isNoticed) {
      if (listener === null) return;
      const dropped = listener;
      feed.server.listeners.delete(dropped);
      if (isNoticed) act(() => lose(dropped));
    },
    obeyed: () => hearing.obeyed(),
    age: hearing.age,
    kill() {
      process.isAlive = false;
      if (listener !== null) {
        listener.isOpen = false;
        feed.server.listeners.delete(listener);
      }
    },
  };
  act(connect);
  simulation.at(simulation.between(0, BEAT), beat);
  return process;
}
