// Everything is written in a thread of its own, one commit after the other: no
// verification waits for a disk. The thread starts with the first write, never keeps
// the process alive, and is started again when it died.

import { Worker } from 'node:worker_threads';
import { toldOf, unavailable } from './failure.ts';
import type { Answer, Done, Job, Setting } from './write-worker.ts';

export interface Writer {
  /** Runs a job once those before it are done; what it answers is durable. @throws unavailable */
  write<Does extends Job['does']>(job: Extract<Job, { does: Does }>): Promise<Done[Does]>;
  /** Ends once all that was asked for is done. */
  close(): Promise<void>;
}

interface Request {
  readonly resolve: (done: never) => void;
  readonly reject: (error: unknown) => void;
}

/** The same file as this one is: .ts in development, .js when built. */
const PROGRAM = new URL(
  `./write-worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

/** As in reader.ts. */
const YOUNG = { maxYoungGenerationSizeMb: 6 };

export function openWriter(setting: Setting): Writer {
  const waiting: Request[] = [];
  let worker: Worker | null = null;
  let ended: Promise<unknown> = Promise.resolve();
  let closed = false;

  const start = (): Worker => {
    const started = new Worker(PROGRAM, { workerData: setting, resourceLimits: YOUNG });
    started.on('message', (answer: Answer) => {
      // One that died leaves no answers: whoever waited was told.
      if (worker !== started) return;
      const request = waiting.shift();
      if (waiting.length === 0) started.unref();
      if ('done' in answer) request?.resolve(answer.done as never);
      else request?.reject(toldOf(answer.failure, 'write'));
    });
    started.on('error', (cause) => lose(started, cause));
    ended = new Promise((resolve) =>
      started.on('exit', () => {
        lose(started, undefined);
        resolve(undefined);
      }),
    );
    return started;
  };

  const lose = (lost: Worker, cause: unknown) => {
    if (worker !== lost) return;
    worker = null;
    // Nobody knows which of them was done: as when the process itself dies.
    for (const { reject } of waiting.splice(0)) {
      reject(unavailable('write', 'the writing thread died', cause));
    }
  };

  return {
    write: (job) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(unavailable('write', 'the store is closed'));
          return;
        }
        worker ??= start();
        worker.ref();
        worker.postMessage(job);
        waiting.push({ resolve, reject });
      }),
    async close() {
      closed = true;
      worker?.ref();
      worker?.postMessage('close');
      await ended;
    },
  };
}
