// What becomes of workers that die, at once and again and again, and of those that
// hang or cannot be replaced.

import { createLog } from '@warder/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type End, openWorkerPool, type WorkerProcess } from './worker-pool.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Made {
  readonly asked: string[];
  silentFor: number;
  serve(): Promise<void>;
  die(end?: Partial<End>): Promise<void>;
}

/** Workers that do what they are told to; those that were made, in their order. */
function setUp(size: number) {
  const made: Made[] = [];
  const said: string[] = [];
  const turn = () => vi.advanceTimersByTimeAsync(0);
  const system = { refuses: false };
  const spawn = (): WorkerProcess<string> => {
    if (system.refuses) throw new Error('spawn ENOMEM');
    const ready = Promise.withResolvers<string | null>();
    const ended = Promise.withResolvers<End>();
    const asked: string[] = [];
    const die = async ({ code = null, signal = 'SIGKILL' }: Partial<End> = {}) => {
      ready.resolve(null);
      ended.resolve({ code, signal });
      await turn();
    };
    const worker = {
      asked,
      silentFor: 0,
      die,
      async serve() {
        ready.resolve('here');
        await turn();
      },
    };
    made.push(worker);
    return {
      pid: made.length,
      ready: ready.promise,
      ended: ended.promise,
      silence: () => worker.silentFor,
      retire: () => void asked.push('retire'),
      drain: () => void asked.push('drain'),
      kill: () => {
        asked.push('kill');
        void die();
      },
    };
  };
  const pool = openWorkerPool(
    size,
    spawn,
    createLog('info', (line) => said.push(line)),
  );
  const nth = (n: number): Made => {
    const found = made[n];
    if (found === undefined) throw new Error(`there is no worker ${n}`);
    return found;
  };
  return { pool, made, nth, said, turn, system };
}

/** As many workers as there should be, all of them serving. */
async function started(size: number) {
  const set = setUp(size);
  await set.nth(0).serve();
  for (let n = 1; n < size; n++) await set.nth(n).serve();
  expect(await set.pool.started).toBe('here');
  expect(set.made.length).toBe(size);
  return set;
}

test('the first starts alone, and where it cannot nobody else is started', async () => {
  const { pool, made, nth } = setUp(3);
  expect(made.length).toBe(1);
  const refused = expect(pool.started).rejects.toMatchObject({ exitCode: 2 });
  await nth(0).die({ code: 2, signal: null });
  await refused;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(made.length).toBe(1);
});

test('one that dies is replaced at once, and the next ones after pauses that grow to a bound', async () => {
  const { made, nth } = await started(2);
  const pauses: number[] = [];
  for (let death = 0; death < 10; death++) {
    const before = made.length;
    await nth(before - 1).die();
    let pause = 0;
    for (; made.length === before; pause += 50) await vi.advanceTimersByTimeAsync(50);
    pauses.push(pause);
    await nth(before).serve();
  }
  expect(pauses).toEqual([0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);

  // After some health it begins anew.
  await vi.advanceTimersByTimeAsync(60_000);
  const before = made.length;
  await nth(before - 1).die();
  expect(made.length).toBe(before + 1);
});

test('it gives up where none serves and one after the other dies at its start', async () => {
  const { pool, made, nth } = await started(1);
  const failed = expect(pool.failed).rejects.toMatchObject({ code: 'workers_died', exitCode: 1 });
  for (let n = 0; n < 6; n++) {
    await nth(n).die();
    await vi.advanceTimersByTimeAsync(10_000);
  }
  await failed;
  expect(made.length).toBe(6);
});

test('it goes on as long as one serves, however many others die at their start', async () => {
  const { made, nth } = await started(2);
  for (let n = 1; n < 20; n++) {
    await nth(n).die();
    await vi.advanceTimersByTimeAsync(10_000);
  }
  expect(made.length).toBe(21);
});

test('a reload replaces one after the other, each once another serves in its place', async () => {
  const { pool, made, nth } = await started(2);
  pool.reload();
  await vi.advanceTimersByTimeAsync(0);
  expect([made.length, nth(0).asked, nth(1).asked]).toEqual([3, [], []]);
  await nth(2).serve();
  expect([made.length, nth(0).asked, nth(1).asked]).toEqual([3, ['retire'], []]);
  await nth(0).die({ code: 0, signal: null });
  expect(made.length).toBe(4);
  await nth(3).serve();
  expect(nth(1).asked).toEqual(['retire']);
  await nth(1).die({ code: 0, signal: null });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(made.length).toBe(4);
});

test('a reload whose new worker cannot start leaves the old ones alone', async () => {
  const { pool, made, nth, said } = await started(2);
  pool.reload();
  await vi.advanceTimersByTimeAsync(0);
  await nth(2).die({ code: 1, signal: null });
  await vi.advanceTimersByTimeAsync(60_000);
  expect([made.length, nth(0).asked, nth(1).asked]).toEqual([3, [], []]);
  expect(said.join('')).toContain('the reload was given up');
  // Later on it may do better.
  pool.reload();
  await vi.advanceTimersByTimeAsync(0);
  await nth(3).serve();
  expect(nth(0).asked).toEqual(['retire']);
});

test('one that dies during a reload is missed by nobody, and replaced', async () => {
  const { pool, made, nth } = await started(2);
  pool.reload();
  await vi.advanceTimersByTimeAsync(0);
  await nth(1).die();
  await vi.advanceTimersByTimeAsync(0);
  expect(made.length).toBe(4);
});

test('one that the system has no memory for is tried again, while the others go on', async () => {
  const { made, nth, said, system } = await started(2);
  system.refuses = true;
  // It was an error that nobody caught, which ends the supervisor and all workers with it.
  await nth(1).die();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(said.join('')).toContain('a worker could not be started');
  expect([made.length, nth(0).asked]).toEqual([2, []]);
  system.refuses = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(made.length).toBe(3);
});

test('one that hangs is ended, and replaced', async () => {
  const { made, nth } = await started(2);
  nth(1).silentFor = 30_000;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(nth(1).asked).toEqual(['kill']);
  await vi.advanceTimersByTimeAsync(1);
  expect(made.length).toBe(3);
});

test('a stop drains those that serve and kills the others, and all of them in the end', async () => {
  const { pool, nth } = await started(3);
  pool.reload();
  await vi.advanceTimersByTimeAsync(0);
  const stopped = pool.stop();
  await vi.advanceTimersByTimeAsync(0);
  expect([0, 1, 2, 3].map((n) => nth(n).asked)).toEqual([
    ['drain'],
    ['drain'],
    ['drain'],
    ['kill'],
  ]);
  await nth(0).die({ code: 0, signal: null });
  await nth(1).die({ code: 0, signal: null });
  await vi.advanceTimersByTimeAsync(9_000);
  expect(nth(2).asked).toEqual(['drain', 'kill']);
  expect(await stopped).toBe(false);
});
