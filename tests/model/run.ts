// Runs worlds of the model, one seed after the other, and prints what came of them as
// JSON. `node --conditions=warder-source tests/model/run.ts '{"from":1,"worlds":100}'`
// repeats any run; `server` names a folder with other sources of the server.

import { loadModules } from './modules.ts';
import type { Mistake } from './process.ts';
import { runWorld } from './world.ts';

export interface Run {
  readonly from: number;
  /** How many seeds, at the most. */
  readonly worlds: number;
  readonly seconds?: number;
  readonly server?: string;
  readonly mistake?: Mistake;
  /** Whether it ends with the first violation. */
  readonly untilViolated?: boolean;
}

export interface Ran {
  worlds: number;
  lives: number;
  verdicts: number;
  unavailable: number;
  receipts: number;
  seconds: number;
  faults: Record<string, number>;
  violations: string[];
  traces: number[];
}

const run: Run = JSON.parse(process.argv[2] ?? '{"from":1,"worlds":10}');
const server = run.server ?? new URL('../../packages/server/src/', import.meta.url).pathname;
const modules = await loadModules(server);
const ran: Ran = {
  worlds: 0,
  lives: 0,
  verdicts: 0,
  unavailable: 0,
  receipts: 0,
  seconds: 0,
  faults: {},
  violations: [],
  traces: [],
};
const began = performance.now();
for (let seed = run.from; seed < run.from + run.worlds; seed++) {
  const outcome = await runWorld(modules, seed, run.mistake);
  ran.worlds++;
  for (const name of ['lives', 'verdicts', 'unavailable', 'receipts'] as const) {
    ran[name] += outcome[name];
  }
  for (const [name, count] of Object.entries(outcome.faults)) {
    ran.faults[name] = (ran.faults[name] ?? 0) + count;
  }
  ran.violations.push(...outcome.violations.slice(0, 3));
  if (ran.traces.length < 20) ran.traces.push(outcome.trace);
  ran.seconds = (performance.now() - began) / 1000;
  if (run.untilViolated === true && ran.violations.length > 0) break;
  if (ran.violations.length > 20 || ran.seconds > (run.seconds ?? Number.POSITIVE_INFINITY)) break;
}
console.log(JSON.stringify(ran));
