// Loaded into a service before anything else (`--import`): stops it dead at one
// chosen point of its work on the file, by a plan it is given. It writes down
// what it is about to do first, since nothing can be asked of it afterwards.

import { openSync, writeSync } from 'node:fs';
import { getEnvironmentData, isMainThread, setEnvironmentData, Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type KillPlan, type KillRecord, RETURNED } from './crash-child.ts';

/** Places in what the threads share. */
const [PHASE, NEVER, ARMED, STATEMENTS, COMMITS] = [0, 1, 2, 3, 4];
const [IDLE, COMMITTING] = [0, 1];

const given = process.env.WARDER_KILL_PLAN;
// Every thread of the service loads this: one starts it, another writes.
if (given !== undefined) arm(JSON.parse(given));

/** What the threads count together. */
function shared(fromStart: boolean): Int32Array {
  const found = getEnvironmentData('warder kill plan');
  if (found instanceof SharedArrayBuffer) return new Int32Array(found);
  const made = new SharedArrayBuffer(20);
  setEnvironmentData('warder kill plan', made);
  const state = new Int32Array(made);
  Atomics.store(state, ARMED, fromStart ? 1 : 0);
  return state;
}

function arm({ kind, at, spins, record, fromStart = false }: KillPlan & { record: string }): void {
  const file = openSync(record, 'a');
  const state = shared(fromStart);
  if (isMainThread) {
    process.on('SIGUSR2', () => Atomics.store(state, ARMED, 1));
  }

  const die = (open: boolean, where: string) => {
    const last: KillRecord = { kind, open, where };
    writeSync(file, JSON.stringify(last));
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way: nothing of ours runs before it arrives.
    for (;;) Atomics.wait(state, NEVER, 0);
  };

  if (kind === 'commit' && isMainThread) {
    // Another thread can fire while this one is inside COMMIT.
    const source = `
      const { workerData: { state, spins, file, last } } = require('node:worker_threads');
      const { writeSync } = require('node:fs');
      Atomics.wait(state, ${PHASE}, ${IDLE});
      for (let i = 0; i < spins; i++) Atomics.load(state, ${PHASE});
      writeSync(file, last);
      process.kill(process.pid, 'SIGKILL');`;
    const last = JSON.stringify({ kind, open: true, where: 'in COMMIT' } satisfies KillRecord);
    const workerData = { state, spins, file, last };
    new Worker(source, { eval: true, execArgv: [], workerData }).unref();
  }

  const run = <Result>(database: Database.Database, sql: string, call: () => Result): Result => {
    // The thread that reads lists has nothing to lose.
    if (database.readonly || Atomics.load(state, ARMED) === 0) return call();
    const isCommit = sql === 'COMMIT';
    if (
      kind === 'statement' &&
      database.inTransaction &&
      Atomics.add(state, STATEMENTS, 1) + 1 === at
    ) {
      die(true, `before ${sql}`);
    }
    const commits = isCommit ? Atomics.add(state, COMMITS, 1) + 1 : 0;
    if (isCommit && kind === 'commit' && commits === at) {
      Atomics.store(state, PHASE, COMMITTING);
      Atomics.notify(state, PHASE);
    }
    const result = call();
    // Said as soon as it is known, so that a kill that came too late does not count as open.
    if (isCommit && kind === 'commit' && commits === at) writeSync(file, RETURNED);
    if (isCommit && kind === 'committed' && commits === at) die(false, 'after COMMIT');
    return result;
  };

  // The driver's statements share one prototype, BEGIN and COMMIT among them.
  const probe = new Database(':memory:');
  const statements: Record<'run' | 'get' | 'all', (...values: unknown[]) => unknown> =
    Object.getPrototypeOf(probe.prepare('SELECT 1'));
  probe.close();
  for (const name of ['run', 'get', 'all'] as const) {
    const original = statements[name];
    statements[name] = function (this: Database.Statement, ...values) {
      return run(this.database, this.source, () => original.apply(this, values));
    };
  }
  const exec = Database.prototype.exec;
  Database.prototype.exec = function (this: Database.Database, sql) {
    return run(this, sql, () => exec.call(this, sql));
  };
}
