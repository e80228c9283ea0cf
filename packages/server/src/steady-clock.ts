// The clock that only goes on, in milliseconds: the same for every process and thread
// of one machine, as `performance.now()` is not. A process that was stopped finds that
// it went on meanwhile.

import { hrtime } from 'node:process';

export function steadyClock(): () => number {
  const origin = Number(hrtime.bigint()) / 1e6 - performance.now();
  return () => origin + performance.now();
}
