// A world of a few processes over one database, in which keys come, are used and end
// while things go wrong; and the check of the three invariants on every answer. Each
// key's life is one interleaving: its reads, fills, commits, messages and verdicts fall
// into an order of their own, drawn from the seed.

import {
  type Candidate,
  disableKey,
  drawToken,
  enableKey,
  revokeKey,
  suspendOwner,
  type Verdict,
  WARDER_FORMAT,
  type WarderError,
} from '@warder/core';
import { actAt, ownerWith, seededBytes, standardKey, workspaceWith } from '../fixtures/domain.ts';
import { createDatabase } from './database.ts';
import type { Modules } from './modules.ts';
import { createProcess, type Mistake, type Process } from './process.ts';
import { createSimulation } from './simulation.ts';

export interface Outcome {
  /** How many keys lived. */
  readonly lives: number;
  readonly verdicts: number;
  /** Verifications that had no verdict. */
  readonly unavailable: number;
  readonly receipts: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
  /** Of all that was answered, in order: the same for the same seed. */
  readonly trace: number;
}

const PROCESSES = 3;
const LIVES = 200;
const SPAN = 80_000;
const LIFE = 12_000;
const TRUSTED = 2_000;
const STALE_LIMITS = [0, 5_000, 5_000, 20_000];
const CREDITS = 6;
const ASK = { within: null, environment: null } as const;

/** Texts are drawn once: the model is not about them. */
const secrets = (() => {
  const random = seededBytes(7);
  return Array.from(
    { length: LIVES },
    () => drawToken(WARDER_FORMAT, 'wdr', 'live', random).secret,
  );
})();

/** A stretch of time for which a key was good, or was not; each end as early or as late as anybody can have it. */
interface Stretch {
  readonly isGood: boolean;
  readonly asked: number;
  /** When it was acknowledged that it is over. */
  over: number;
}

interface Life {
  readonly number: number;
  readonly secret: string;
  readonly stretches: Stretch[];
  candidate: Candidate;
  made: number;
  /** When a receipt said that all obey its end. */
  obeyed: number;
  /** Whether its end was asked for. */
  ending: boolean;
  /** When each process first said that it is revoked. */
  readonly said: Map<Process, number>;
  admitted: number;
}

export async function runWorld(
  modules: Modules,
  seed: number,
  mistake: Mistake = null,
): Promise<Outcome> {
  const simulation = createSimulation(seed);
  const { at, between, chance, one } = simulation;
  const database = createDatabase(simulation, (changes) => {
    const told = modules.changesToTell(changes);
    return told.length === 0 ? null : modules.written({ type: 'changes', changes: told });
  });
  const staleLimit = one(STALE_LIMITS);
  const bound = Math.max(TRUSTED, staleLimit);
  const violations: string[] = [];
  const faults: Record<string, number> = {};
  let [verdicts, unavailable, receipts, trace, born] = [0, 0, 0, 0, 0];

  const start = (): Process =>
    createProcess(simulation, database, modules, `p${born++}`, staleLimit, mistake);
  const processes = Array.from({ length: PROCESSES }, start);
  const anyProcess = () => one(processes);

  const violated = (what: string, life: Life, process: Process, started: number) => {
    const when = `started ${Math.round(started)}, now ${Math.round(simulation.now)}`;
    violations.push(`seed ${seed}: ${what}: key ${life.number}, ${process.name}, ${when}`);
  };

  /** Whether the key may have been so at some moment that an answer may be of. */
  const mayBe = ({ stretches }: Life, isGood: boolean, started: number) =>
    stretches.some(
      (stretch) =>
        stretch.isGood === isGood &&
        stretch.over >= started - bound &&
        stretch.asked <= simulation.now,
    );

  const check = (life: Life, process: Process, started: number, verdict: Verdict) => {
    verdicts++;
    const { code } = verdict;
    trace = (Math.imul(trace, 31) + code.length + Math.round(simulation.now * 8)) | 0;
    if (code === 'valid') {
      life.admitted++;
      if (!mayBe(life, true, started)) violated('valid beyond the bound', life, process, started);
      if (started > life.obeyed) violated('valid after a receipt', life, process, started);
      for (const [sayer, said] of life.said) {
        if (started > said + (sayer === process ? 0 : bound)) {
          violated('valid after revoked was said', life, process, started);
        }
      }
      if (life.candidate.key.credits !== null && life.admitted > CREDITS) {
        violated('more uses than credits', life, process, started);
      }
    } else if (code === 'not_found') {
      if (started - bound > life.made) violated('not found', life, process, started);
    } else if (code !== 'insufficient_credits' && !mayBe(life, false, started)) {
      violated(`${code} though it was good`, life, process, started);
    }
    if (code === 'revoked' && !life.said.has(process)) life.said.set(process, simulation.now);
  };

  const verify = (life: Life, process = anyProcess()) =>
    process.act(() => {
      const started = simulation.now;
      simulation.stir();
      process.verifier.verify(life.secret, ASK).then(
        (verdict) => {
          if (process.isAlive) check(life, process, started, verdict);
        },
        (error: WarderError) => {
          if (error.code !== 'unavailable') throw error;
          unavailable++;
        },
      );
    });

  /** A change of a key or its owner by some process, asked again until it is acknowledged. */
  const change = (life: Life, isGood: boolean, isLast: boolean) => {
    const process = anyProcess();
    process.act(() => {
      if (life.ending && !isLast) return;
      life.ending = isLast;
      const { key, owner } = life.candidate;
      const act = actAt(1_790_000_000_000);
      const suspended =
        isLast && owner !== null && life.number % 4 === 0 && suspendOwner(owner, act);
      const changed = isLast
        ? revokeKey(key, null, act)
        : isGood
          ? enableKey(key, act)
          : disableKey(key, act);
      const asked = simulation.now;
      const before = life.stretches.findLast((stretch) => stretch.isGood !== isGood);
      const next: Stretch = { isGood, asked, over: Number.POSITIVE_INFINITY };
      if (life.stretches.at(-1)?.isGood !== isGood) life.stretches.push(next);
      simulation.stir();
      const committed = suspended
        ? process.storage
            .within('')
            .commit([{ type: 'update_owner', owner: suspended.owner, was: owner.version }])
        : changed === null
          ? Promise.resolve('done' as const)
          : process.storage
              .within('')
              .commit([{ type: 'update_key', key: changed.key, was: key.version }]);
      committed.then(
        (result) => {
          if (!process.isAlive) return;
          // What was thought lost was done after all: it is decided anew on what is there.
          if (result !== 'done') return again();
          life.candidate = {
            ...life.candidate,
            key: suspended || changed === null ? key : changed.key,
            owner: suspended ? suspended.owner : owner,
          };
          if (before !== undefined) before.over = Math.min(before.over, simulation.now);
          if (isLast && chance(0.5)) confirm(life, process);
        },
        () => again(),
      );
      const again = () =>
        at(between(10, 600), () => {
          const there = database.primary.rows.get(life.secret);
          if (there === undefined) return;
          life.candidate = there;
          change(life, isGood, isLast);
        });
    });
  };

  const confirm = (life: Life, process: Process) => {
    simulation.stir();
    void process.obeyed().then(({ obeyedBy, of }) => {
      if (!process.isAlive || obeyedBy < of) return;
      receipts++;
      life.obeyed = Math.min(life.obeyed, simulation.now);
    });
  };

  const live = (number: number) => {
    const secret = secrets[number % secrets.length] ?? '';
    const digits = String(number).padStart(8, '0');
    const key = standardKey({
      id: `01900000-0000-7000-8000-0000${digits}`,
      credits: number % 10 === 9 ? { remaining: CREDITS, refillAt: null, refill: null } : null,
    });
    const owner = ownerWith({ id: `01900000-0000-7000-8001-0000${digits}` });
    const candidate = { key, owner, workspace: workspaceWith() };
    const life: Life = {
      number,
      secret,
      candidate,
      stretches: [],
      made: Number.POSITIVE_INFINITY,
      obeyed: Number.POSITIVE_INFINITY,
      ending: false,
      said: new Map(),
      admitted: 0,
    };
    if (chance(0.2)) verify(life);
    const process = anyProcess();
    const make = () => {
      life.stretches[0] ??= { isGood: true, asked: simulation.now, over: Number.POSITIVE_INFINITY };
      database.primary.rows.set(secret, candidate);
      if (key.credits !== null) database.primary.credits.set(key.id, CREDITS);
      life.made = simulation.now;
      verify(life, process);
    };
    at(between(0, 200), make);
    let when = between(300, 3_000);
    const end = between(2_500, LIFE - 3_000);
    for (; when < LIFE; when += between(5, chance(0.3) ? 60 : 1_500)) at(when, () => verify(life));
    if (chance(0.3)) {
      at(end - 2_000, () => change(life, false, false));
      at(end - 1_000, () => {
        if (life.stretches.at(-1)?.isGood === false) change(life, true, false);
      });
    }
    at(end, () => change(life, false, true));
    // Close around its end most is decided.
    for (let i = 0; i < 4; i++) at(end + between(-20, 80), () => verify(life));
  };
  for (let number = 0; number < LIVES; number++) {
    at(between(0, SPAN - LIFE), () => live(number));
  }

  const FAULTS: Readonly<Record<string, () => void>> = {
    stop: () => anyProcess().stop(between(100, 8_000)),
    drop: () => anyProcess().drop(true),
    'black hole': () => anyProcess().drop(false),
    'cut from all': () => {
      const { pool, feed } = anyProcess();
      pool.isCut = feed.isCut = true;
      at(between(200, 9_000), () => {
        pool.isCut = feed.isCut = false;
      });
    },
    'cut feed': () => {
      const { feed } = anyProcess();
      feed.isCut = true;
      at(between(200, 9_000), () => {
        feed.isCut = false;
      });
    },
    kill: () => {
      const at = processes.indexOf(anyProcess());
      processes[at]?.kill();
      processes[at] = start();
    },
    'clock leaps': () => {
      anyProcess().leap += one([-300_000, 300_000, -900, 900]);
    },
    'store down': () => {
      const { primary } = database;
      primary.isUp = false;
      for (const process of processes) process.drop(chance(0.7));
      at(between(200, 8_000), () => {
        primary.isUp = true;
      });
    },
    'store slow': () => {
      database.slowness = between(5, 60);
      at(between(200, 4_000), () => {
        database.slowness = 1;
      });
    },
    'fail over': () => {
      const old = database.primary;
      if (!old.isUp) return;
      const isIsolated = chance(0.7);
      const next = database.failOver(isIsolated);
      for (const process of processes) {
        if (chance(0.5)) process.drop(chance(0.5));
        if (chance(0.5)) process.pool.server = next;
      }
      // It is found at last, and put away.
      at(between(1_000, 15_000), () => {
        old.isUp = false;
      });
    },
  };
  const names = Object.keys(FAULTS);
  const fault = () => {
    const name = one(names);
    faults[name] = (faults[name] ?? 0) + 1;
    FAULTS[name]?.();
    at(between(100, 6_000), fault);
  };
  // Some worlds are calm.
  if (seed % 16 !== 0) at(between(0, 5_000), fault);

  await simulation.run(SPAN);
  return { lives: LIVES, verdicts, unavailable, receipts, faults, violations, trace };
}
