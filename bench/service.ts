// The built program on a million keys: how long it takes to the first verdict, how
// long its loop is held while everything that lists, writes and copies goes on
// beside verifications, and how much memory it has in the end.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Over, paced } from './exchange.ts';
import { median, type Row } from './measure.ts';
import { bareStart, PROGRAM, residentMegabytes, shown, startProgram } from './program.ts';
import type { Store } from './store.ts';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const TRAFFIC = path('./traffic.ts');
const SECONDS = 10;
const ROUNDS = 7;
const CREATORS = 4;

export async function benchService(store: Store): Promise<Row[]> {
  const [secret = ''] = store.secrets;
  const starts: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const service = await start(store);
    await service.verify(secret);
    starts.push(performance.now() - service.began - (await bareStart()));
    await service.stop();
  }

  const service = await start(store, ['--import', path('loop-probe.mjs')]);
  const verifications = () => latencies(() => service.verify(pick(store.secrets)));
  await verifications();
  // What the start held it for is no part of it.
  await service.held();
  const alone = await verifications();
  const heldAlone = await service.held();
  const [, medium = ''] = store.workspaces;
  const traffic = startTraffic(service.url, store);
  await traffic.begun;
  await service.held();
  const [beside, creates] = await Promise.all([verifications(), service.create(medium)]);
  const held = await service.held();
  console.log(`went on beside: ${await traffic.stop()}, creates ${creates / SECONDS} a second`);
  const memory = residentMegabytes(service.child);
  await service.stop();
  console.log(
    `held alone ${heldAlone} ms; p99 alone ${p99(alone).toFixed(2)} ms, beside ${p99(beside).toFixed(2)} ms`,
  );

  return [
    {
      what: 'process start to the first correct verdict, in milliseconds beyond a bare Node start',
      measured: median(starts),
      most: 250,
    },
    {
      what: `longest hold of the verifying loop in ${SECONDS} s of lists, totals, searches, export, backup and 200 creates a second, in milliseconds`,
      measured: held,
      most: 10,
    },
    {
      what: 'p99 of a verification beside all that against its p99 alone',
      measured: p99(beside) / p99(alone),
      most: 1.5,
    },
    { what: 'resident memory after that, in MB', measured: memory, most: 200 },
  ];
}

function startTraffic(url: string, { folder }: Store) {
  const child = spawn(process.execPath, [...process.execArgv, TRAFFIC, url, folder, PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve, reject) =>
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error('traffic failed')))),
  );
  return {
    /** Once all of it is under way. */
    begun: new Promise((resolve) => setTimeout(resolve, 2_000)),
    async stop() {
      child.stdin.end();
      await ended;
      return said.trim();
    },
  };
}

async function start({ folder, firstKey }: Store, node: readonly string[] = []) {
  const program = await startProgram({ folder, key: () => firstKey, node });
  return {
    ...program,
    /** Creates 200 keys a second, and answers how many there were in the end. */
    async create(workspaceId: string) {
      const over = until(SECONDS);
      let made = 0;
      const create = async () => {
        const scopes = ['files:read'];
        const draft = { name: 'made meanwhile', owner_id: 'acme', scopes };
        await program.call('POST', '/v1/keys', { workspace_id: workspaceId, ...draft });
        made++;
      };
      // Several wait for their answers at once, so that the pace does not hang on one of them.
      await Promise.all(Array.from({ length: CREATORS }, () => paced(over, 5 * CREATORS, create)));
      return made;
    },
    async held() {
      const told = shown(program.child, 'stderr', /held ([\d.]+)/);
      program.child.kill('SIGUSR2');
      return Number(await told);
    },
  };
}

function until(seconds: number): Over {
  const over = { yes: false };
  setTimeout(() => {
    over.yes = true;
  }, seconds * 1000);
  return over;
}

/** A verification every five milliseconds. Answers what each took, in milliseconds. */
async function latencies(verify: () => Promise<void>): Promise<number[]> {
  const taken: number[] = [];
  const over = until(SECONDS);
  await paced(over, 5, async () => {
    const began = performance.now();
    await verify();
    taken.push(performance.now() - began);
  });
  return taken;
}

function p99(taken: readonly number[]): number {
  return taken.toSorted((a, b) => a - b)[Math.floor(taken.length * 0.99)] ?? Number.NaN;
}

function pick(secrets: readonly string[]): string {
  return secrets[Math.floor(Math.random() * secrets.length)] ?? '';
}
