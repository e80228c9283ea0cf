// The real thing: three processes over PostgreSQL with a synchronous standby and over Redis,
// a load on all of them, and one thing after another that goes wrong. Every verdict is held to
// what was acknowledged before. The long run writes its figures into docs/reliability.md.

import { availableParallelism, loadavg } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runs } from './fixtures/domain.ts';
import { seeded } from './kit/crash-child.ts';
import { canMount, type Disk, mountDisk } from './kit/crash-disk.ts';
import { type FaultLoad, startLoad } from './kit/fault-load.ts';
import { type FaultRun, writeReport } from './kit/fault-report.ts';
import { type FaultRig, startRig } from './kit/fault-rig.ts';
import { FAULTS, type Fault, mixed } from './kit/faults.ts';
import { isInstalled } from './kit/real-gateway.ts';
import { measureRevocations } from './kit/revocation-delay.ts';
import { createVerdictChecker, type VerdictChecker } from './kit/verdict-checker.ts';

const RUNS = runs(1, 20);
const BOUND_MILLISECONDS = 5_000;
/** How long it may take until all is well again, on a machine that is busy. */
const RECOVERY_MILLISECONDS = 60_000;
const seed = Number(process.env.WARDER_TEST_SEED ?? Date.now() % 1_000_000);

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Linux: only there the processes of a server are found to stop all of them.
const isPossible =
  process.platform === 'linux' && isInstalled('postgres') && isInstalled('redis-server');

describe.runIf(isPossible)('under load', () => {
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

  const disks: Disk[] = [];
  const random = seeded(seed);
  beforeAll(async () => {
    console.log(`faults: seed ${seed}`);
    checker = createVerdictChecker(BOUND_MILLISECONDS, () => performance.now());
    const pair = canMount() ? ([mountDisk(600), mountDisk(600)] as const) : null;
    disks.push(...(pair ?? []));
    rig = await startRig({ processes: 3, disks: pair });
    load = startLoad(rig.processes, checker, random);
    await recovered();
  }, 180_000);
  afterAll(async () => {
    await load?.stop();
    await rig?.stop();
    for (const disk of disks) disk.unmount();
  });

  const endure = async (fault: Fault, turn: number): Promise<FaultRun> => {
    const before = { ...checker.counts, violations: checker.violations.length };
    load.takeGaps();
    checker.takeLongestLie();
    await fault.begin(rig, turn);
    await sleep(fault.milliseconds);
    await fault.end?.(rig, turn);
    const recovery = await recovered();
    const gaps = load.takeGaps();
    const found = {
      fault: fault.name,
      verdicts: checker.counts.verdicts - before.verdicts,
      changes: checker.counts.changes - before.changes,
      violations: checker.violations.length - before.violations,
      latest: checker.takeLongestLie(),
      withoutVerdicts: gaps.verdicts,
      withoutChanges: gaps.changes,
      recovery,
    };
    await fault.after?.(rig);
    if (fault.after) await recovered();
    return found;
  };

  let delays = '';
  test('nothing wrong, a revoked key is refused by the others within a second', async () => {
    const { count, p50, p99, max } = await measureRevocations(rig.processes, runs(15, 1_000));
    const told = [p50, p99, max].map((delay) => delay.toFixed(1));
    delays = `Before them, ${count} times a process refused a key that another had revoked: after ${told[0]} ms at p50, ${told[1]} ms at p99, ${told[2]} ms at most.`;
    console.log(`faults: ${delays}`);
    expect(max).toBeLessThan(1_000);
    expect(checker.violations).toEqual([]);
  }, 300_000);

  const all: FaultRun[] = [];
  test.for([...FAULTS, mixed(random)])(
    'no invariant is broken while $name, and all is well again',
    { timeout: 120_000 * RUNS },
    async (fault, { skip }) => {
      if (!(fault.isPossible?.(rig) ?? true)) skip('this machine lacks what it takes');
      for (let turn = 0; turn < RUNS; turn++) {
        const run = await endure(fault, turn);
        all.push(run);
        console.log(lineOf(run));
        expect(checker.violations).toEqual([]);
        expect(run.verdicts).toBeGreaterThan(0);
      }
      if (RUNS > 1) writeReport(all, `${all.length} faults on ${today()}, ${machine()}. ${delays}`);
    },
  );

  test('limits and credits were used up on the way', () => {
    expect(load.usedUp()).toBeGreaterThan(0);
  });
});

const today = () => new Date().toISOString().slice(0, 10);

const machine = () => {
  const load = (loadavg()[0] ?? 0).toFixed(0);
  return `on ${availableParallelism()} cores with a load of ${load}, Node ${process.versions.node}, seed ${seed}`;
};

const lineOf = ({ fault, ...figures }: FaultRun) =>
  `faults: ${fault}: ${Object.entries(figures)
    .map(([name, value]) => `${name} ${Math.round(value)}`)
    .join(', ')}`;
