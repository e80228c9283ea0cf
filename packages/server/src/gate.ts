// So many at once, the rest in line until their time is up.

export interface Gate {
  /** Runs what is given once there is room. @throws GateClosed when there was none in time */
  pass<Result>(run: () => Promise<Result>): Promise<Result>;
  /** How many run, how many wait in line, and how many were turned away so far. */
  figures(): { readonly inside: number; readonly waiting: number; readonly refused: number };
}

export class GateClosed extends Error {}

/** @param most how many run at once @param patience milliseconds that one waits in line */
export function createGate(most: number, patience: number): Gate {
  const line: (() => void)[] = [];
  let inside = 0;
  let refused = 0;

  const enter = (): Promise<void> => {
    if (inside < most) {
      inside++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        line.splice(line.indexOf(admit), 1);
        refused++;
        reject(new GateClosed(`no room among ${most} for ${patience} ms`));
      }, patience);
      const admit = () => {
        clearTimeout(timer);
        resolve();
      };
      line.push(admit);
    });
  };

  return {
    figures: () => ({ inside, waiting: line.length, refused }),
    async pass(run) {
      await enter();
      try {
        return await run();
      } finally {
        // Whoever is first in line takes the place that was left.
        const admit = line.shift();
        if (admit) admit();
        else inside--;
      }
    },
  };
}
