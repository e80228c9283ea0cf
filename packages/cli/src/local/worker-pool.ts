// As many workers as are wanted: one that dies is started again, at once and then
// after longer and longer pauses; a reload puts a new one in the place of each, one
// after the other, without a moment in which fewer answer.

import type { Log } from '@warder/server';
import { Failure } from '../failure.ts';

export interface WorkerProcess<Ready> {
  readonly pid: number;
  /** What it says once it answers requests; null where it ended before. */
  readonly ready: Promise<Ready | null>;
  readonly ended: Promise<End>;
  /** Milliseconds for which it has given no sign of life that was asked for. */
  silence(): number;
  /** Lets it end once its connections have, without refusing a request. */
  retire(): void;
  /** Lets it answer what it has begun with, and end. */
  drain(): void;
  kill(): void;
}

export interface End {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface WorkerPool<Ready> {
  /** What the first says, once all have started. @throws Failure where the first cannot start */
  readonly started: Promise<Ready>;
  /** Rejects with a Failure once it has given up: no worker runs then. */
  readonly failed: Promise<never>;
  /** Puts a new worker in the place of each. */
  reload(): void;
  /** Ends all of them. Answers whether all ended by themselves in time. */
  stop(): Promise<boolean>;
}

/** Why a first worker could not start: it has said so itself. */
export class WorkerRefused extends Error {
  override readonly name = 'WorkerRefused';
  readonly exitCode: number;
  constructor(exitCode: number) {
    super(`a worker ended with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;
/** One that dies so long after the one before begins anew without a pause. */
const HEALTHY_MILLISECONDS = 10_000;
/** So many in a row that never answered, with no other that does, and it gives up. */
const MOST_FAILED_STARTS = 5;
/** A worker that has said nothing for so long hangs. */
const SILENT_MILLISECONDS = 30_000;
const LOOK_MILLISECONDS = 1_000;
/** Longer than a worker takes that ends by its own deadlines. */
const RETIRE_MILLISECONDS = 20_000;
const STOP_MILLISECONDS = 9_000;

/** @param spawn starts one more */
export function openWorkerPool<Ready>(
  size: number,
  spawn: () => WorkerProcess<Ready>,
  log: Log,
): WorkerPool<Ready> {
  const running = new Set<WorkerProcess<Ready>>();
  const serving = new Set<WorkerProcess<Ready>>();
  /** Those whose end is no surprise. */
  const leaving = new Set<WorkerProcess<Ready>>();
  const timers = new Set<NodeJS.Timeout>();
  let stopping = false;
  let begun = false;
  let failedStarts = 0;
  let deaths = 0;
  let diedAt = Number.NEGATIVE_INFINITY;
  let reloads = 0;
  let giveUp = (_: Failure) => {};
  const failed = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  failed.catch(() => {});

  /** What the system has no memory for is one that died at once: the others go on. */
  const spawnIfPossible = (): WorkerProcess<Ready> => {
    try {
      return spawn();
    } catch (error) {
      log.error({ err: error }, 'a worker could not be started');
      return notStarted();
    }
  };
  const launch = async (): Promise<{ worker: WorkerProcess<Ready>; ready: Ready | null }> => {
    const worker = spawnIfPossible();
    running.add(worker);
    void worker.ended.then((end) => onEnd(worker, end));
    const ready = await worker.ready;
    if (ready !== null && running.has(worker)) {
      serving.add(worker);
      failedStarts = 0;
    }
    return { worker, ready };
  };

  const missing = () => size - [...running].filter((worker) => !leaving.has(worker)).length;
  const later = (milliseconds: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, milliseconds);
    timers.add(timer);
  };

  const onEnd = (worker: WorkerProcess<Ready>, { code, signal }: End) => {
    running.delete(worker);
    const served = serving.delete(worker);
    if (leaving.delete(worker) || stopping || !begun) return;
    if (!served) failedStarts++;
    const died = served ? 'a worker died' : 'a worker died before it answered';
    log.error({ pid: worker.pid, code, signal }, died);
    if (failedStarts >= MOST_FAILED_STARTS && serving.size === 0) {
      giveUp(
        new Failure(
          'workers_died',
          `${MOST_FAILED_STARTS} workers in a row died before they answered a request: the log says how.`,
        ),
      );
      return;
    }
    const at = performance.now();
    deaths = at - diedAt < HEALTHY_MILLISECONDS + pauseAfter(deaths) ? deaths + 1 : 0;
    diedAt = at;
    later(pauseAfter(deaths), () => {
      if (!stopping && missing() > 0) void launch();
    });
  };

  /** @returns whether it was replaced, or is gone anyway */
  const replace = async (old: WorkerProcess<Ready>): Promise<boolean> => {
    if (stopping || !serving.has(old)) return true;
    leaving.add(old);
    const { worker, ready } = await launch();
    if (ready === null) {
      // As long as the old one answers, nothing is missing.
      if (running.has(old)) leaving.delete(old);
      log.error({ pid: worker.pid }, 'the reload was given up: a new worker did not start');
      return false;
    }
    old.retire();
    later(RETIRE_MILLISECONDS, () => running.has(old) && old.kill());
    await old.ended;
    return true;
  };
  const reloadAll = async () => {
    while (reloads > 0) {
      let whole = true;
      for (const old of [...serving]) whole = whole && (await replace(old));
      if (whole && !stopping) log.info({ workers: serving.size }, 'all workers are new');
      // Those that were asked for meanwhile are one.
      reloads = Math.min(reloads - 1, 1);
    }
  };

  const watch = setInterval(() => {
    for (const worker of running) {
      if (worker.silence() < SILENT_MILLISECONDS) continue;
      log.error({ pid: worker.pid }, 'a worker hangs, and is ended');
      worker.kill();
    }
  }, LOOK_MILLISECONDS);

  const start = async (): Promise<Ready> => {
    // Alone: what the first cannot do, none can.
    const { worker, ready } = await launch();
    if (ready === null) {
      const { code } = await worker.ended;
      stopping = true;
      clearInterval(watch);
      throw new WorkerRefused(code || 1);
    }
    begun = true;
    await Promise.all(Array.from({ length: size - 1 }, launch));
    return ready;
  };

  return {
    started: start(),
    failed,
    reload() {
      if (++reloads === 1) void reloadAll();
    },
    async stop() {
      stopping = true;
      clearInterval(watch);
      for (const timer of timers) clearTimeout(timer);
      // One that does not answer yet has nothing to finish.
      for (const worker of running) {
        if (serving.has(worker)) worker.drain();
        else worker.kill();
      }
      let intime = true;
      const patience = setTimeout(() => {
        intime = false;
        for (const worker of running) worker.kill();
      }, STOP_MILLISECONDS);
      await Promise.all([...running].map(({ ended }) => ended));
      clearTimeout(patience);
      return intime;
    },
  };
}

function notStarted(): WorkerProcess<never> {
  const nothing = () => {};
  return {
    pid: 0,
    ready: Promise.resolve(null),
    ended: Promise.resolve({ code: null, signal: null }),
    silence: () => 0,
    retire: nothing,
    drain: nothing,
    kill: nothing,
  };
}

/** How long is waited after that many deaths in a row. */
function pauseAfter(deaths: number): number {
  return deaths === 0 ? 0 : Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (deaths - 1));
}
