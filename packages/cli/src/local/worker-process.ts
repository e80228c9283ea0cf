// A worker of the service as its supervisor has it: a process that shares the
// supervisor's listeners, which node:cluster hands connections on from, and the line
// over which it is told what to do.

import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Attendance, Channel, ProcessFigures, ToldMetric } from '@warder/server';
import type { Flags } from '../config.ts';
import { endUntaken } from './handed-connections.ts';
import type { Listening } from './service.ts';
import type { End, WorkerProcess } from './worker-pool.ts';

/** What a worker is started with. */
export interface Spawning {
  readonly flags: Flags;
  /** Whether it says in JSON why it cannot start. */
  readonly json: boolean;
}

/** What a worker does besides what the store asks of it. */
export type ServiceProcedures = {
  start(given: Spawning): Promise<Listening>;
  drain(nothing: null): void;
  retire(nothing: null): void;
  figures(nothing: null): Promise<readonly ToldMetric[]>;
};

/** What a worker asks its supervisor for besides what the store needs. */
export type LeaveProcedures = {
  /** Before it ends: that no connection is on its way to it. */
  leave(nothing: null): null;
  /** The figures of all processes. */
  figures(nothing: null): Promise<readonly ProcessFigures[]>;
};

/** Serves what a worker asks for. */
export type Attend = (channel: Channel, mine: LeaveProcedures) => Attendance<ServiceProcedures>;

/** The same file as this one is: .ts in development, .js when built. */
const PROGRAM = new URL(
  `./serve-worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

/** How long a worker may take to tell its figures. */
const FIGURES_MILLISECONDS = 2_000;

export interface ServingWorker extends WorkerProcess<Listening> {
  figures(): Promise<readonly ToldMetric[]>;
}

/** @param figures of all processes, for whoever asks this one */
export function spawnWorker(
  given: Spawning,
  attend: Attend,
  figures: LeaveProcedures['figures'],
): ServingWorker {
  cluster.setupPrimary({ exec: fileURLToPath(PROGRAM), args: [], serialization: 'advanced' });
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const worker = cluster.fork();
  endUntaken(worker.process);
  const channel: Channel = {
    // Nobody hears what is said to one that is gone; its end is told by itself.
    send: (data) => void worker.process.send?.(Object(data), undefined, undefined, () => {}),
    receive: (take) => void worker.on('message', take),
  };
  worker.on('error', () => {});
  const { line, silence, end } = attend(channel, { leave: () => null, figures });
  const ended = new Promise<End>((resolve) => {
    const gone = (code: number | null, signal: string | null) => {
      end();
      resolve({ code, signal });
    };
    worker.once('exit', gone);
    // One that the system did not start says so, and never exits.
    worker.once('error', () => worker.process.pid === undefined && gone(null, null));
  });
  return {
    pid: worker.process.pid ?? 0,
    ready: line.ask('start', given).catch(() => null),
    ended,
    silence,
    figures: () => line.ask('figures', null, FIGURES_MILLISECONDS),
    retire: () => line.tell('retire', null),
    drain: () => line.tell('drain', null),
    kill: () => worker.process.kill('SIGKILL'),
  };
}
