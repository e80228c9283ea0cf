// What the supervisor of several workers does for them on one SQLite file: it alone
// writes and counts windows, and no change is answered before every worker has
// applied it, or may by its own rule not answer from memory any more.

import type { Heard, LimitFigure, Receipt, Taking } from '@warder/core';
import { changesToTell } from './changes-to-tell.ts';
import type { LimitStore, Window, WindowUse } from './limits.ts';
import { type Channel, type Line, openLine, type Procedures } from './line.ts';
import { steadyClock } from './steady-clock.ts';
import type { Done, Job } from './storage/embedded/write-worker.ts';
import type { Writing } from './storage/embedded/writing.ts';

/** For how long after its supervisor said so a worker trusts its memory. */
export const LEASE_MILLISECONDS = 500;
/** Beyond it, for what two clocks that are read one after the other may differ in. */
const MARGIN_MILLISECONDS = 10;
/** How often changes of other processes are looked for, and how often a worker is told that there is none. */
const LOOK_MILLISECONDS = 10;
const BEAT_MILLISECONDS = 50;

/** What a worker may ask its supervisor for. */
export type SupervisorProcedures = {
  write(job: Job): Promise<Done[keyof Done]>;
  take(asked: AskedTaking): Promise<Taking>;
  giveBack(asked: GivenBack): void;
  obeyed(nothing: null): Promise<Receipt>;
};

/** What a supervisor asks of its worker, and waits for. */
type WorkerProcedures = {
  hear(changes: readonly Heard[]): null;
  beat(beat: Beat): null;
};

export interface AskedTaking {
  readonly windows: readonly Window[];
  readonly use: WindowUse;
  readonly now: number;
}

export interface GivenBack {
  readonly windows: readonly Window[];
  readonly figures: readonly LimitFigure[];
  readonly cost: number;
}

/** When it was sent, by both clocks, and for how long the supervisor itself had not been certain. */
export interface Beat {
  readonly wall: number;
  readonly steady: number;
  readonly age: number;
}

export interface Attendance<Theirs extends Procedures> {
  readonly line: Line<WorkerProcedures & Theirs>;
  /** Milliseconds since the worker was first asked for a sign of life that it did not give; 0 where it did. */
  silence(): number;
  /** Once the worker is gone. */
  end(): void;
}

export interface Supervision {
  /** For the supervisor's own store of a file: what it commits is told to the workers too. */
  readonly writing: Writing;
  /** Serves a worker from its start to its end. @param mine what else it may ask for */
  attend<Theirs extends Procedures>(
    channel: Channel,
    limits: LimitStore,
    mine: Procedures,
  ): Attendance<Theirs>;
  close(): void;
}

/** For a store that needs nobody to write for it. */
export const NO_WRITING: Writing = {
  writer: {
    write: () => Promise.reject(new Error('nothing is written here')),
    close: async () => {},
  },
  watch: () => ({ age: () => 0, trusted: LEASE_MILLISECONDS, close() {} }),
  obeyed: async () => ({ obeyedBy: 0, of: 0, afterMilliseconds: 0 }),
};

interface Attended {
  readonly line: Line<WorkerProcedures>;
  /** When the last beat was sent that was to be answered, by the monotonic clock. */
  sentAt: number;
  answered: boolean;
}

/**
 * @param own what writes in this process. Where the workers have a database that every process
 * writes by itself, `NO_WRITING`: then they are only watched over.
 */
export function createSupervision(own: Writing): Supervision {
  const now = steadyClock();
  const workers = new Set<Attended>();

  /** Resolves once it has heard, its lease has lapsed or it is gone. */
  const toldTo = (worker: Attended, changes: readonly Heard[]): Promise<void> =>
    new Promise((resolve) => {
      const left = worker.sentAt + LEASE_MILLISECONDS + MARGIN_MILLISECONDS - now();
      const timer = setTimeout(resolve, Math.max(0, left));
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      worker.line.ask('hear', changes).then(done, done);
    });
  const tell = async (changes: readonly Heard[], but: Attended | null): Promise<void> => {
    const others = [...workers].filter((worker) => worker !== but);
    // In front of its answer, which it may have stopped to wait for: then it read again too early.
    but?.line.ask('hear', changes).catch(() => {});
    await Promise.all(others.map((worker) => toldTo(worker, changes)));
  };

  /** @param by who is waited for by nobody: it hears of its change before it is answered */
  const writeFor = async (job: Job, by: Attended | null): Promise<Done[keyof Done]> => {
    try {
      return await own.writer.write<Job['does']>(job);
    } finally {
      // Also after a failure: it may have come when all was written.
      const changes = job.does === 'commit' ? changesToTell(job.commits.flat()) : [];
      if (changes.length > 0) await tell(changes, by);
    }
  };
  const obeyed = async (): Promise<Receipt> => {
    const askedAt = now();
    const [ofFile] = await Promise.all([own.obeyed(), tell([], null)]);
    const of = Math.max(ofFile.of, workers.size);
    return { obeyedBy: of, of, afterMilliseconds: Math.round(now() - askedAt) };
  };

  const watch = own.watch((change) => void tell([change], null));
  const beat = (worker: Attended) => {
    if (!worker.answered || now() - worker.sentAt < BEAT_MILLISECONDS) return;
    // Asked first: what it has to tell goes before the beat.
    const age = watch.age();
    worker.answered = false;
    worker.sentAt = now();
    const answer = () => {
      worker.answered = true;
    };
    const sent = { wall: Date.now(), steady: worker.sentAt, age };
    worker.line.ask('beat', sent).then(answer, answer);
  };
  const timer = setInterval(() => {
    watch.age();
    for (const worker of workers) beat(worker);
  }, LOOK_MILLISECONDS);
  timer.unref();

  return {
    writing: {
      writer: {
        // The answer is that of the job, by `Done`.
        write: (job) => writeFor(job, null) as Promise<never>,
        close: () => own.writer.close(),
      },
      watch: own.watch,
      obeyed,
    },
    attend<Theirs extends Procedures>(channel: Channel, limits: LimitStore, mine: Procedures) {
      const procedures: SupervisorProcedures = {
        write: (job) => writeFor(job, worker),
        take: ({ windows, use, now: at }) => limits.take(windows, use, at),
        giveBack: ({ windows, figures, cost }) => limits.giveBack(windows, figures, cost),
        obeyed,
      };
      const line = openLine<WorkerProcedures>(channel, { ...mine, ...procedures });
      const worker: Attended = { line, sentAt: Number.NEGATIVE_INFINITY, answered: true };
      workers.add(worker);
      beat(worker);
      return {
        // What else there is to ask for goes over the same line.
        line: line as Line<WorkerProcedures & Theirs>,
        silence: () => (worker.answered ? 0 : now() - worker.sentAt),
        end() {
          workers.delete(worker);
          line.end();
        },
      };
    },
    close() {
      clearInterval(timer);
      watch.close();
    },
  };
}
