// Loaded into a service before anything else (`--import`): stops it dead at one
// chosen point of its work on the file, by a plan it is given. It writes down
// what it is about to do first, since nothing can be asked of it afterwards.

import { openSync, writeSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { type KillPlan, type KillRecord, RETURNED } from './crash-child.ts';

const given = process.env.WARDER_KILL_PLAN;
// The thread that reads lists loads this too, and has no commits.
if (given !== undefined && isMainThread) arm(JSON.parse(given));

function arm({ kind, at, spins, record, fromStart = false }: KillPlan & { record: string }): void {
  const file = openSync(record, 'a');
  const state = new Int32Array(new SharedArrayBuffer(8));
  const [IDLE, COMMITTING] = [0, 1];
  let armed = fromStart;
  process.on('SIGUSR2', () => {
    armed = true;
  });
  let statements = 0;
  let commits = 0;

  const die = (open: boolean, where: string) => {
    const last: KillRecord = { kind, open, where };
    writeSync(file, JSON.stringify(last));
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way: nothing of ours runs before it arrives.
    for (;;) Atomics.wait(state, 1, 0);
  };

  if (kind === 'commit') {
    // Another thread can fire while this one is inside COMMIT.
    const source = `
      const { workerData: { state, spins, file, last } } = require('node:worker_threads');
      const { writeSync } = require('node:fs');
      Atomics.wait(state, 0, ${IDLE});
      for (let i = 0; i < spins; i++) Atomics.load(state, 0);
      writeSync(file, last);
      process.kill(process.pid, 'SIGKILL');`;
    const last = JSON.stringify({ kind, open: true, where: 'in COMMIT' } satisfies KillRecord);
    const workerData = { state, spins, file, last };
    new Worker(source, { eval: true, execArgv: [], workerData }).unref();
  }

  const run = <Result>(database: Database.Database, sql: string, call: () => Result): Result => {
    if (!armed) return call();
    const isCommit = sql === 'COMMIT';
    if (kind === 'statement' && database.inTransaction && ++statements === at) {
      die(true, `before ${sql}`);
    }
    if (isCommit) commits++;
    if (isCommit && kind === 'commit' && commits === at) {
      Atomics.store(state, 0, COMMITTING);
      Atomics.notify(state, 0);
    }
    const result = call();
    // Said as soon as it is known, so that a kill that came too late does not count as open.
    if (isCommit && kind === 'commit' && commits === at) writeSync(file, RETURNED);
    if (isCommit && kind === 'committed' && commits === at) die(false, 'after COMMIT');
    return result;
  };

  // The driver's statements share one prototype, BEGIN and COMMIT among them.
  const probe = new Database(':memory:');
  const shared: Record<'run' | 'get' | 'all', (...values: unknown[]) => unknown> =
    Object.getPrototypeOf(probe.prepare('SELECT 1'));
  probe.close();
  for (const name of ['run', 'get', 'all'] as const) {
    const original = shared[name];
    shared[name] = function (this: Database.Statement, ...values) {
      return run(this.database, this.source, () => original.apply(this, values));
    };
  }
  const exec = Database.prototype.exec;
  Database.prototype.exec = function (this: Database.Database, sql) {
    return run(this, sql, () => exec.call(this, sql));
  };
}
