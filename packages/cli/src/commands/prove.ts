// Proves on this very installation how soon a revoked key is refused: makes a key, has
// every process verify it, revokes it, and goes on verifying until nobody says valid. The
// address may be of a balancer: which process answers is left to it.

import type { WarderClient } from '@warder/sdk';
import { type AddCommand, calls } from '../command.ts';
import { Failure, usage } from '../failure.ts';
import { table } from '../output.ts';

/** Verifications under way at once, so that a balancer spreads them over all processes. */
const AT_ONCE = 16;
/** How many say valid before the key is revoked, and how many refuse it before it is proved. */
const WARMING = 200;
const PROVING = 200;
const DEFAULT_RUNS = '20';

/** Milliseconds since the revoke was sent. */
interface Proof {
  /** Until the last verification began that still said valid; 0 where none did. */
  readonly refused_after_ms: number;
  /** Until the revoke was answered, confirmed by every process. */
  readonly confirmed_after_ms: number;
  readonly obeyed_by: number;
  readonly of: number;
  /** Verifications that said valid and began once it was answered: none, or the promise is broken. */
  readonly valid_after_confirmation: number;
}

export const addProve: AddCommand = (program, output) => {
  const command = program
    .command('prove')
    .description('measure on this installation how soon every process refuses a revoked key')
    .option('--runs <count>', `how many keys are made and revoked (default: ${DEFAULT_RUNS})`);
  calls(command, output, async ({ client, options }) => {
    const runs = runsIn(options.runs);
    const proofs: Proof[] = [];
    for (let run = 0; run < runs; run++) proofs.push(await prove(client));
    const measured = {
      refused_after_ms: figuresOf(proofs.map(({ refused_after_ms: one }) => one)),
      confirmed_after_ms: figuresOf(proofs.map(({ confirmed_after_ms: one }) => one)),
    };
    const broken = proofs.reduce((sum, one) => sum + one.valid_after_confirmation, 0);
    const incomplete = proofs.filter(({ obeyed_by, of }) => obeyed_by < of).length;
    const processes = Math.max(...proofs.map(({ of }) => of));
    const result = { runs, processes, incomplete, valid_after_confirmation: broken, ...measured };
    const rows = Object.entries(measured).map(([name, { p50, p99, max }]) => [
      name,
      String(p50),
      String(p99),
      String(max),
    ]);
    const about = [
      `${runs} keys revoked, ${processes} processes counted, ${incomplete} not confirmed by all.`,
      `Valid after a confirmation: ${broken}.`,
    ];
    output.data(
      result,
      `${table(['MILLISECONDS', 'P50', 'P99', 'MAX'], rows)}\n${about.join('\n')}`,
    );
    if (broken > 0) process.exitCode = 1;
  });
};

function runsIn(given: unknown): number {
  const text = typeof given === 'string' ? given : DEFAULT_RUNS;
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw usage('--runs must be a whole number from 1 to 9999.');
}

/** What may be said of the key beside "valid": another process may not know it yet. */
const REVOKED: ReadonlySet<string> = new Set(['revoked', 'not_found']);

function unproved(code: string): Failure {
  return new Failure(
    'unproved',
    `The key was refused as ${code} before it was proved to be revoked: run it in a workspace without limits that bear on it.`,
  );
}

/** One key from its making to its end, of which nothing but a tombstone is left. */
async function prove({ keys }: WarderClient): Promise<Proof> {
  const { id, key } = await keys.create({ name: 'warder prove', scopes: [] });
  try {
    /** When each verification began that said valid, and how many refused it since one did. */
    let lastValid = 0;
    let [valid, refused] = [0, 0];
    let confirmedAt = Number.POSITIVE_INFINITY;
    let isOver = false;
    let broken = 0;
    const verify = async () => {
      while (!isOver) {
        const began = performance.now();
        const verdict = await keys.verify({ key });
        // What a limit refuses says nothing of the revoke, and may go on for ever.
        if (!verdict.valid && !REVOKED.has(verdict.code)) throw unproved(verdict.code);
        if (verdict.valid) {
          valid++;
          refused = 0;
          lastValid = Math.max(lastValid, began);
          if (began > confirmedAt) broken++;
        } else refused++;
        if (valid >= WARMING) warm();
        if (refused >= PROVING && confirmedAt < began) isOver = true;
      }
    };
    let warm = () => {};
    const warmed = new Promise<void>((resolve) => {
      warm = resolve;
    });
    const verifying = Promise.all(Array.from({ length: AT_ONCE }, verify)).finally(() => {
      isOver = true;
      warm();
    });
    const revoking = warmed.then(async () => {
      const sent = performance.now();
      const { confirmation } = await keys.revoke(id, { reason: 'warder prove' }, { confirm: true });
      confirmedAt = performance.now();
      return { sent, confirmation };
    });
    revoking.catch(() => {
      isOver = true;
    });
    const [{ sent, confirmation }] = await Promise.all([revoking, verifying]);
    return {
      refused_after_ms: Math.max(0, Math.round(lastValid - sent)),
      confirmed_after_ms: Math.round(confirmedAt - sent),
      obeyed_by: confirmation?.obeyed_by ?? 0,
      of: confirmation?.of ?? 1,
      valid_after_confirmation: broken,
    };
  } finally {
    await keys.delete(id);
  }
}

function figuresOf(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
