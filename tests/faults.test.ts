// The real thing: three processes over PostgreSQL with a synchronous standby and over Redis,
// a load on all of them, and one thing after another that goes wrong. Every verdict is held to
// what was acknowledged before. The long run writes its figures into docs/reliability.md.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runs } from './fixtures/domain.ts';
import { seeded } from './kit/crash-child.ts';
import { type FaultLoad, startLoad } from './kit/fault-load.ts';
import { type FaultRig, startRig } from './kit/fault-rig.ts';
import { FAULTS, type Fault } from './kit/faults.ts';
import { isInstalled } from './kit/real-gateway.ts';
import { createVerdictChecker, type VerdictChecker } from './kit/verdict-checker.ts';

const RUNS = runs(1, 20);
const BOUND_MILLISECONDS = 5_000;
/** How long it may take until all is well again, on a machine that is busy. */
const RECOVERY_MILLISECONDS = 60_000;
const seed = Number(process.env.WARDER_TEST_SEED ?? Date.now() % 1_000_000);

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe.runIf(isInstalled('postgres') && isInstalled('redis-server'))('under load', () => {
  let rig: FaultRig;
  let load: FaultLoad;
  let checker: VerdictChecker;

  /** Waits until every process does what it is there for; answers how long that took. */
  const recovered = async (): Promise<number> => {
    const began = performance.now();
    for (;;) {
      try {
        await load.probe();
        return performance.now() - began;
      } catch (error) {
        if (performance.now() - began > RECOVERY_MILLISECONDS) throw error;
        await sleep(50);
      }
    }
  };

  beforeAll(async () => {
    console.log(`faults: seed ${seed}`);
    checker = createVerdictChecker(BOUND_MILLISECONDS, () => performance.now());
    rig = await startRig({ processes: 3 });
    load = startLoad(rig.processes, checker, seeded(seed));
    await recovered();
  }, 180_000);
  afterAll(async () => {
    await load?.stop();
    await rig?.stop();
  });

  const endure = async (fault: Fault, turn: number) => {
    const before = { ...checker.counts };
    load.takeGaps();
    checker.takeLongestLie();
    await fault.begin(rig, turn);
    await sleep(fault.milliseconds);
    await fault.end?.(rig, turn);
    const recovery = await recovered();
    const gaps = load.takeGaps();
    return {
      verdicts: checker.counts.verdicts - before.verdicts,
      changes: checker.counts.changes - before.changes,
      longestLie: checker.takeLongestLie(),
      recovery,
      gaps,
    };
  };

  test.each(FAULTS)(
    'no invariant is broken while $name, and all is well again',
    async (fault) => {
      for (let turn = 0; turn < RUNS; turn++) {
        const figures = await endure(fault, turn);
        console.log(fault.name, JSON.stringify(figures));
        expect(checker.violations).toEqual([]);
        expect(figures.verdicts).toBeGreaterThan(0);
      }
    },
    120_000 * RUNS,
  );
});
