// What has to be done beside the calls, in small steps: while a step finds work
// the next follows at once, otherwise after a pause.

import type { Log } from './log.ts';

/** The first step waits too: what a start is for comes before it. */
const FIRST_MILLISECONDS = 500;

export interface Upkeep {
  /** Waits for the step under way and begins no other. */
  close(): Promise<void>;
}

/** @param step does a little and answers whether there is more */
export function createUpkeep(
  step: () => Promise<boolean>,
  log: Log,
  pauseMilliseconds = 1000,
): Upkeep {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  const run = async () => {
    let more = false;
    try {
      more = await step();
    } catch (error) {
      log.error({ err: error }, 'upkeep failed');
    }
    if (!closed) plan(more ? 0 : pauseMilliseconds);
  };
  const plan = (milliseconds: number) => {
    timer = setTimeout(() => {
      running = run();
    }, milliseconds);
    timer.unref();
  };

  plan(Math.min(pauseMilliseconds, FIRST_MILLISECONDS));
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
