// Lists are read in a thread of their own, one after the other, so that none holds
// up a verification; workspaces take turns, so that none holds up another. The thread starts with the first list, never keeps the
// process alive, is given up at a deadline, and is started again when it died.

import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../../fair-queue.ts';
import type { ListQuery } from '../../slices.ts';
import { toldOf, unavailable } from './failure.ts';
import type { Answer } from './read-worker.ts';

export interface Reader {
  /**
   * The rows of each query, all of one snapshot.
   * @param line whose list it is: lists of one line are read one after the other, lines in turns
   * @throws unavailable
   */
  read(queries: readonly ListQuery[], line?: string): Promise<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

interface Request {
  readonly line: string;
  readonly queries: readonly ListQuery[];
  readonly resolve: (results: readonly (readonly unknown[])[]) => void;
  readonly reject: (error: unknown) => void;
}

/** The same file as this one is: .ts in development, .js when built. */
const PROGRAM = new URL(
  `./read-worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

/** What a list leaves behind is of no use to the next: more room would only be filled before it is cleared. */
const YOUNG = { maxYoungGenerationSizeMb: 6 };

export function openReader(file: string, deadlineMilliseconds: number): Reader {
  const waiting = createFairQueue<Request>();
  let current: Request | null = null;
  let worker: Worker | null = null;
  let closed = false;

  const start = (): Worker => {
    const started = new Worker(PROGRAM, { workerData: { file }, resourceLimits: YOUNG });
    started.on('message', (answer: Answer) => {
      if (worker === started) finish(answer);
    });
    started.on('error', (cause) => lose(started, cause));
    started.on('exit', () => lose(started, undefined));
    return started;
  };

  const next = () => {
    current ??= waiting.shift();
    if (current === null) {
      worker?.unref();
      return;
    }
    worker ??= start();
    worker.ref();
    worker.postMessage(current.queries);
  };

  const finish = (answer: Answer) => {
    const done = current;
    current = null;
    if ('results' in answer) done?.resolve(answer.results.map(rowsOf));
    else done?.reject(toldOf(answer.failure, 'read'));
    next();
  };

  const lose = (lost: Worker, cause: unknown) => {
    if (worker !== lost) return;
    worker = null;
    const failed = current;
    current = null;
    failed?.reject(unavailable('read', 'the reading thread died', cause));
    next();
  };

  const giveUp = (late: Request) => {
    late.reject(unavailable('read', `a list took over ${deadlineMilliseconds} ms`));
    waiting.remove(late.line, late);
    if (current !== late || worker === null) return;
    // It ends once SQLite returns from the row it is at; nobody waits for that.
    const stuck = worker;
    worker = null;
    current = null;
    stuck.unref();
    void stuck.terminate();
    next();
  };

  return {
    read: (queries, line = '') =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(unavailable('read', 'the store is closed'));
          return;
        }
        const timer = setTimeout(() => giveUp(request), deadlineMilliseconds);
        const request: Request = {
          line,
          queries,
          resolve(results) {
            clearTimeout(timer);
            resolve(results);
          },
          reject(error) {
            clearTimeout(timer);
            reject(error);
          },
        };
        waiting.push(line, request);
        if (current === null) next();
      }),

    async close() {
      closed = true;
      const ending = worker;
      worker = null;
      const cut = [...(current === null ? [] : [current]), ...waiting.clear()];
      current = null;
      for (const request of cut) request.reject(unavailable('read', 'the store is closed'));
      if (ending === null) return;
      const ended = new Promise((resolve) => ending.once('exit', resolve));
      const timer = setTimeout(() => void ending.terminate(), deadlineMilliseconds);
      ending.postMessage('close');
      await ended;
      clearTimeout(timer);
    },
  };
}

function rowsOf(text: string): readonly unknown[] {
  const { columns, rows }: { columns: string[]; rows: unknown[][] } = JSON.parse(text);
  return rows.map((values) => {
    const row: Record<string, unknown> = {};
    columns.forEach((name, i) => {
      row[name] = values[i];
    });
    return row;
  });
}
