// How long a revoked key still verifies elsewhere: a thousand revokes across three
// processes over one PostgreSQL, each of them with verifications of other keys besides.
// Every process is asked for each key without a pause until it refuses it.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../tests/kit/servers.ts';
import { inFlight } from './exchange.ts';
import { startLoad } from './load-process.ts';
import type { Row } from './measure.ts';
import { type Program, startProgram } from './program.ts';

const PROCESSES = 3;
const REVOKES = 1_000;
const AT_ONCE = 4;
const OTHERS = 500;
const LOAD_A_SECOND = 500;
const LOAD_CONNECTIONS = 8;

/** Milliseconds from the answer to a revoke, and from its sending, to the beginning of the last verification that still said valid. */
interface Delay {
  readonly answered: number;
  readonly sent: number;
}

export async function benchRevocation(): Promise<Row[]> {
  const server = await startPostgres();
  const folder = mkdtempSync(join(tmpdir(), 'warder-bench-'));
  const programs: Program[] = [];
  try {
    const key = () => readFileSync(join(folder, '0', 'first-key'), 'utf8').trim();
    for (let i = 0; i < PROCESSES; i++) {
      const secret = () => readFileSync(join(folder, '0', 'secret'), 'utf8').trim();
      const own = i === 0 ? {} : { WARDER_SECRET: secret() };
      const env = { DATABASE_URL: server.tcpUrl, ...own };
      programs.push(await startProgram({ folder: join(folder, `${i}`), key, env }));
    }
    return await measure(programs, key());
  } finally {
    await Promise.all(programs.map((program) => program.stop()));
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

async function measure(programs: readonly Program[], key: string): Promise<Row[]> {
  const [first] = programs;
  if (first === undefined) throw new Error('there is no process');
  const made: { id: string; key: string }[] = [];
  await inFlight(32, REVOKES + OTHERS, async () => {
    made.push(JSON.parse(await first.call('POST', '/v1/keys', { scopes: ['files:read'] })));
  });
  const revoked = made.slice(0, REVOKES);
  const secrets = made.slice(REVOKES).map((one) => one.key);
  const urls = programs.map(({ url }) => url);
  const plan = { aSecond: LOAD_A_SECOND, connections: LOAD_CONNECTIONS };
  const load = startLoad({ urls, key, secrets, ...plan });
  const delays: Delay[] = [];
  await inFlight(AT_ONCE, REVOKES, async (i) => {
    const one = revoked[i];
    if (one !== undefined) delays.push(await revoke(programs, i % PROCESSES, one));
  });
  const { answered, failed, failure, seconds } = await load.stop();
  console.log(`\n${REVOKES} revokes across ${PROCESSES} processes, ${AT_ONCE} at a time`);
  console.log(
    `  beside them ${Math.round(answered / seconds)} verifications a second, ${failed} failed${failure === null ? '' : `: ${failure}`}`,
  );
  const [told, asked] = (['answered', 'sent'] as const).map((since) => {
    const sorted = delays.map((delay) => delay[since]).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
    return [at(0.5), at(0.99), at(1)] as const;
  });
  const line = (figures: readonly number[] = []) => figures.map((ms) => ms.toFixed(1)).join(', ');
  console.log(
    `  p50, p99, max in ms from the answer: ${line(told)}; from the sending: ${line(asked)}`,
  );
  const what = `from the answer to a revoke until no process says valid, ${REVOKES} revokes across ${PROCESSES} loaded processes, in ms`;
  const [p50 = Number.NaN, p99 = Number.NaN, max = Number.NaN] = told ?? [];
  return [
    { what: `p50 ${what}`, measured: p50 },
    { what: `p99 ${what}`, measured: p99, most: 50 },
    { what: `max ${what}`, measured: max, most: 1_000 },
    {
      what: 'p99 of the same from the sending of the revoke, in ms',
      measured: asked?.[1] ?? Number.NaN,
    },
  ];
}

async function revoke(
  programs: readonly Program[],
  by: number,
  { id, key }: { readonly id: string; readonly key: string },
): Promise<Delay> {
  // In the memory of each.
  await Promise.all(programs.map((program) => program.verify(key)));
  const sent = performance.now();
  let answeredAt = Number.POSITIVE_INFINITY;
  let lastValid = sent;
  const watch = async (program: Program) => {
    for (;;) {
      const began = performance.now();
      const verdict = await program.call('POST', '/v1/keys/verify', { key });
      if (verdict.includes('"valid":true')) lastValid = Math.max(lastValid, began);
      else if (!verdict.includes('"revoked"')) throw new Error(verdict);
      else if (began > answeredAt) return;
    }
  };
  const revoking = programs[by]?.call('POST', `/v1/keys/${id}/revoke`, {}).then(() => {
    answeredAt = performance.now();
  });
  await Promise.all([revoking, ...programs.map(watch)]);
  return { answered: Math.max(0, lastValid - answeredAt), sent: lastValid - sent };
}
