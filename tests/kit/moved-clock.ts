// A clock that a test moves beneath a process that runs: libfaketime, which answers for the
// system's clock. What measures spans alone goes on as it does.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathOf } from '../../scripts/tools.mjs';

export interface MovedClock {
  /** With it a process has that clock. */
  readonly env: Readonly<Record<string, string>>;
  /** How far it is from where it should be, which the process sees within a second. */
  move(milliseconds: number): void;
}

/** @param folder for what it is told by. Null where it is not installed */
export function movedClock(folder: string): MovedClock | null {
  const program = pathOf('faketime');
  if (program === null) {
    if (process.env.CI) throw new Error('faketime is not installed');
    return null;
  }
  const words = ['-m', '-f', '+0s', 'printenv', 'LD_PRELOAD'];
  const library = execFileSync(program, words, { encoding: 'utf8' }).trim();
  const file = join(folder, 'clock');
  const move = (milliseconds: number) => {
    const seconds = milliseconds / 1_000;
    writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  };
  move(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    move,
  };
}
