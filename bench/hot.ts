// What the verify call costs over HTTP: its CPU and its requests a second against the
// least that node:http can do with the same body and the same reply, and what a key
// costs in a batch of a hundred.

import { median, type Row } from './measure.ts';
import { begin, REQUESTS, type Taken, taken, withProcesses } from './served.ts';

const KEYS = 1_000;
const BATCH = 100;
const ROUNDS = 7;

export async function benchHot(): Promise<Row[]> {
  return await withProcesses(async (folder, children) => {
    const warder = await begin(children, ['verify', folder, String(KEYS)]);
    const bare = await begin(children, ['bare-verify']);
    const { first, secrets } = warder;
    const asked = secrets.map((key) => post(first, '/v1/keys/verify', { key }));
    const inBatches = Array.from({ length: KEYS / BATCH }, (_, i) => {
      const keys = secrets.slice(i * BATCH, (i + 1) * BATCH).map((key) => ({ key }));
      return post(first, '/v1/keys/verify-batch', { keys });
    });
    const rounds: { bare: Taken; single: Taken; batch: Taken }[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const took = {
        bare: await taken(bare, asked),
        single: await taken(warder, asked),
        batch: await taken(warder, inBatches, REQUESTS / BATCH),
      };
      if (round > 0) rounds.push(took);
    }
    const cpu = (of: 'bare' | 'single' | 'batch') => median(rounds.map((round) => round[of].cpu));
    console.log(
      `\nCPU of a verification over HTTP: bare ${cpu('bare').toFixed(1)} us, Warder ${cpu('single').toFixed(1)} us, a key of a batch ${(cpu('batch') / BATCH).toFixed(1)} us`,
    );
    return [
      {
        what: 'requests a second of POST /v1/keys/verify, 64 connections, in % of a bare node:http server with the same body and reply',
        measured: median(rounds.map(({ bare, single }) => (100 * bare.time) / single.time)),
        least: 95,
      },
      {
        what: 'its CPU against that server',
        measured: median(rounds.map(({ bare, single }) => single.cpu / bare.cpu)),
        most: 1.06,
      },
      {
        what: 'CPU of a key in a batch of 100 against a single call',
        measured: median(rounds.map(({ single, batch }) => batch.cpu / BATCH / single.cpu)),
        most: 0.2,
      },
    ];
  });
}

/** The text of a request, as `load` sends it. The value's JSON must be ASCII. */
export function post(key: string, path: string, value: unknown): string {
  const body = JSON.stringify(value);
  return `POST ${path} HTTP/1.1\r\nHost: warder\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
