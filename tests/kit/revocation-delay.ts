// How soon a revoked key is refused by the processes that did not revoke it, while they
// have other things to do: measured from outside, one revoke after the other.

import type { ServeProcess } from './fault-process.ts';

/** Between two questions to one process, whether or not the first was answered. */
const PACE_MILLISECONDS = 2;
const MOST_UNDER_WAY = 16;

export interface RevocationDelays {
  /** Milliseconds from the acknowledgement, of each revoke at each other process. */
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Each key is in the memory of all of them before it is revoked, by each process in turn. A delay lasts
 * until the first verification was begun behind which none said "valid".
 */
export async function measureRevocations(
  processes: readonly ServeProcess[],
  revokes: number,
): Promise<RevocationDelays> {
  const delays: number[] = [];
  for (let number = 0; number < revokes; number++) {
    const revoker = processes[number % processes.length];
    if (revoker === undefined) throw new RangeError('there are processes');
    const made = await must(revoker.call('POST', '/v1/keys', {}), 201);
    const secret = String(made.key);
    for (const process of processes) {
      for (let times = 0; times < 2; times++) {
        const code = await verify(process, secret);
        if (code !== 'valid') throw new Error(`${process.name} says ${code} of a new key`);
      }
    }
    await must(revoker.call('POST', `/v1/keys/${made.id}/revoke`), 200);
    const acknowledged = performance.now();
    const others = processes.filter((process) => process !== revoker);
    const until = await Promise.all(others.map((process) => refusedFrom(process, secret)));
    delays.push(...until.map((at) => Math.max(0, at - acknowledged)));
  }
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor((delays.length - 1) * share)] ?? 0;
  return { count: delays.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** When the first verification was begun behind which none said "valid". */
async function refusedFrom(process: ServeProcess, secret: string): Promise<number> {
  const refused: number[] = [];
  let lastValid = Number.NEGATIVE_INFINITY;
  const underWay = new Set<Promise<void>>();
  while (refused.length === 0) {
    if (underWay.size < MOST_UNDER_WAY) {
      const started = performance.now();
      const asked = verify(process, secret).then((code) => {
        underWay.delete(asked);
        if (code === 'valid') lastValid = Math.max(lastValid, started);
        else refused.push(started);
      });
      underWay.add(asked);
    }
    await new Promise((resolve) => setTimeout(resolve, PACE_MILLISECONDS));
  }
  await Promise.all(underWay);
  return Math.min(...refused.filter((started) => started > lastValid));
}

async function verify(process: ServeProcess, secret: string): Promise<string> {
  const body = await must(process.call('POST', '/v1/keys/verify', { key: secret }), 200);
  return String(body.code);
}

async function must(answer: ReturnType<ServeProcess['call']>, wanted: number) {
  const { status, body } = await answer;
  if (status !== wanted) throw new Error(`${status} ${body.code} instead of ${wanted}`);
  return body;
}
