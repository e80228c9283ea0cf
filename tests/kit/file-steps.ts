// Loaded into the program before anything else (`--import`): stops it dead right
// before its nth step on files, be it a call to the system or a statement that
// SQLite is given outside of an ordinary commit.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import Database from 'better-sqlite3';

const at = Number(process.env.WARDER_KILL_AT_FILE_STEP);
if (at > 0 && isMainThread) arm();

function arm(): void {
  let steps = 0;
  const around = (target: object, name: string) => {
    const original: unknown = Reflect.get(target, name);
    if (typeof original !== 'function') throw new Error(`there is no ${name}`);
    Reflect.set(target, name, function step(this: unknown, ...given: unknown[]) {
      if (++steps === at) {
        process.kill(process.pid, 'SIGKILL');
        // The signal is on its way: nothing of ours runs before it arrives.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      }
      return original.apply(this, given);
    });
  };
  for (const name of ['renameSync', 'linkSync', 'rmSync', 'fsyncSync', 'mkdtempSync'])
    around(fs, name);
  syncBuiltinESMExports();
  for (const name of ['pragma', 'exec', 'backup', 'close']) around(Database.prototype, name);
}
