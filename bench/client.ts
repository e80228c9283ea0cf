// What the client makes of one core: verifications a second with 32 in flight, against
// the same calls by `fetch`, bare and by the client that is given it. The CPU of the
// caller stands beside it, which a busy machine changes less.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createClient } from '@warder/sdk';
import { compare, median, print, type Row } from './measure.ts';

const KEYS = 100;
const IN_FLIGHT = 32;
const CALLS = 2_000;

export async function benchClient(): Promise<Row[]> {
  const file = fileURLToPath(new URL('client-process.ts', import.meta.url));
  const node = [process.execPath, '--conditions=warder-source', file, String(KEYS)];
  const pinned = availableParallelism() > 1 ? ['taskset', '-c', '0', ...node] : node;
  const [command = '', ...args] = pinned;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.endsWith('\n')) break;
    }
    const { url, key, secrets } = JSON.parse(said);
    return await measure(url, key, secrets);
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
}

async function measure(baseUrl: string, key: string, secrets: readonly string[]): Promise<Row[]> {
  const own = createClient({ baseUrl, key });
  const given = createClient({ baseUrl, key, fetch: (...call) => fetch(...call) });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const bare = async (secret: string): Promise<unknown> => {
    const body = JSON.stringify({ key: secret });
    const response = await fetch(`${baseUrl}/v1/keys/verify`, { method: 'POST', headers, body });
    return await response.json();
  };
  const taken = new Map<string, number[]>();
  const counted = (name: string, verify: (secret: string) => Promise<unknown>) => ({
    name,
    async run() {
      const before = process.cpuUsage();
      const calls = await inFlight(secrets, verify);
      const { user, system } = process.cpuUsage(before);
      taken.set(name, [...(taken.get(name) ?? []), (user + system) / calls]);
      return calls;
    },
  });
  const measured = await compare([
    counted('fetch', bare),
    counted('the client with fetch', (secret) => given.keys.verify({ key: secret })),
    counted('the client', (secret) => own.keys.verify({ key: secret })),
  ]);
  print(`a verification over HTTP by the client, ${IN_FLIGHT} in flight`, measured);
  const cpuOf = (name: string) => median(taken.get(name) ?? []);
  for (const name of taken.keys()) console.log(`  ${cpuOf(name).toFixed(0)} us of CPU  ${name}`);
  return [
    {
      what: `verifications a second of the client over HTTP against fetch, ${IN_FLIGHT} in flight`,
      measured: 1 / (measured.at(-1)?.ratio ?? Number.NaN),
      least: 3,
    },
    {
      what: `CPU of a call of fetch against one of the client, ${IN_FLIGHT} in flight`,
      measured: cpuOf('fetch') / cpuOf('the client'),
    },
  ];
}

async function inFlight(
  secrets: readonly string[],
  verify: (secret: string) => Promise<unknown>,
): Promise<number> {
  let begun = 0;
  const one = async () => {
    while (begun < CALLS) await verify(secrets[begun++ % secrets.length] ?? '');
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return CALLS;
}
