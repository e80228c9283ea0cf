// `npm run bench -- rivals`: a verification by Warder against what others do for it, in
// process and over HTTP, in turn in the same run. What the rivals are made of is
// installed by this bench alone, in bench/rivals; PostgreSQL and Redis come from
// scripts/tools.mjs. What serves over HTTP has one core; the load, PostgreSQL and Redis
// have the other, which spares the rivals.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawFirstToken, type Verdict } from '@warder/core';
import {
  assembleWarder,
  createHost,
  createLog,
  openEmbedded,
  openInstallation,
  type Warder,
} from '@warder/server';
import { post } from './hot.ts';
import { type Alternative, compare, median, print, type Row } from './measure.ts';
import { openBetterAuth } from './rivals/better-auth.ts';
import { beginPostgres, beginRedis } from './rivals/database-servers.ts';
import { installRivals } from './rivals/install.ts';
import { begin, offTheirCore, REQUESTS, type Served, taken, withProcesses } from './served.ts';
import { caller } from './store.ts';

const KEYS_IN_PROCESS = 10_000;
const KEYS_OVER_HTTP = 1_000;
/** Of Warder in process, in a round. */
const CALLS = 200_000;
const PROCESS = fileURLToPath(new URL('rivals/process.ts', import.meta.url));
const BETTER_AUTH = "better-auth 1.7.5's API-key plugin on SQLite";

export async function benchRivals(): Promise<Row[]> {
  installRivals();
  return [...(await inProcess()), ...(await offTheirCore(overHttp))];
}

async function inProcess(): Promise<Row[]> {
  return await withProcesses(async (folder) => {
    const { warder, secrets } = await openWarder(join(folder, 'warder.db'));
    const betterAuth = await openBetterAuth(join(folder, 'better-auth.db'), KEYS_IN_PROCESS);
    const { verify, verifyCached } = warder.verifier;
    const kind = 'standard';
    const ask = { within: null, environment: null, kind, scopes: ['files:read'] } as const;
    const theirs = arriving(betterAuth.secrets);
    const ours = arriving(secrets);
    let calls = 0;
    let reads = 0;
    const measured = await compare([
      { name: BETTER_AUTH, run: () => inTurn(500, () => betterAuth.verify(theirs())) },
      { name: 'verifier.verify', run: () => inTurn(CALLS, () => verify(ours(), ask)) },
      {
        name: 'verifier.verifyCached',
        async run() {
          for (let i = 0; i < CALLS; i++) {
            const secret = ours();
            const cached = verifyCached(secret, ask);
            if (cached === null) reads++;
            mustBeGood(cached ?? (await verify(secret, ask)));
          }
          calls += CALLS;
          return CALLS;
        },
      },
    ]);
    console.log('\na verification in process, 10,000 keys');
    for (const { name, microseconds } of measured) {
      console.log(`  ${microseconds.toFixed(2).padStart(9)} us  ${name}`);
    }
    console.log(`  ${reads} of ${calls} calls of verifyCached needed a read after all`);
    betterAuth.close();
    await warder.close();
    return measured.slice(1).map(({ name, ratio }) => ({
      what: `verifications a second by ${name} in process, 10,000 keys, in x of ${BETTER_AUTH}`,
      measured: 1 / ratio,
      least: 500,
    }));
  });
}

async function overHttp(): Promise<Row[]> {
  return await withProcesses(async (folder, children) => {
    const keys = String(KEYS_OVER_HTTP);
    const rival = (name: string, where: string) => begin(children, [name, where, keys], PROCESS);
    const postgres = await beginPostgres();
    const redis = await beginRedis(children, folder);
    const contenders = [
      await contender('Warder', await begin(children, ['verify', folder, keys]), REQUESTS),
      await contender(BETTER_AUTH, await rival('better-auth', folder), 500),
      await contender(
        'Express 5 + pg + SELECT by SHA-256',
        await rival('express-postgres', postgres),
        REQUESTS / 4,
      ),
      await contender('a node:http route that asks Redis', await rival('redis', redis), REQUESTS),
    ];
    const measured = await compare(contenders);
    for (const { name, served } of contenders) await checkAnswers(name, served);
    print('POST /v1/keys/verify, 64 connections', measured);
    console.log('  CPU of the serving process for a request:');
    for (const { name, cpus } of contenders) {
      console.log(`  ${median(cpus).toFixed(1).padStart(19)} us  ${name}`);
    }
    const targets = [50, 4, 1.4];
    return measured.slice(1).map(({ name, ratio }, i) => ({
      what: `requests a second of POST /v1/keys/verify, 64 connections, in x of ${name}`,
      measured: ratio,
      least: targets[i] ?? 0,
    }));
  });
}

interface Contender extends Alternative {
  readonly served: Served;
  /** Microseconds of a request, a figure a round. */
  readonly cpus: number[];
}

/** Measures answers only, not refusals: a good key and an unknown one are tried first and last. */
async function checkAnswers(name: string, { url, first, secrets }: Served): Promise<void> {
  const [good = ''] = secrets;
  for (const key of [good, `${good.slice(0, -8)}00000000`]) {
    const headers = { authorization: `Bearer ${first}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ key });
    const reply = await fetch(`${url}/v1/keys/verify`, { method: 'POST', headers, body });
    const { valid }: { valid?: unknown } = await reply.json();
    if (valid !== (key === good)) throw new Error(`${name} says valid: ${valid} of a key`);
  }
}

async function contender(name: string, served: Served, count: number): Promise<Contender> {
  const { first, secrets } = served;
  await checkAnswers(name, served);
  const requests = secrets.map((key) => post(first, '/v1/keys/verify', { key }));
  const cpus: number[] = [];
  return {
    name,
    served,
    cpus,
    async run() {
      cpus.push((await taken(served, requests, count)).cpu);
      return count;
    },
  };
}

async function openWarder(file: string): Promise<{ warder: Warder; secrets: readonly string[] }> {
  const host = createHost({ secret: Buffer.alloc(32, 7) });
  const store = openEmbedded({ file });
  const installation = await openInstallation(store.storage, host, async () =>
    drawFirstToken(host),
  );
  const log = createLog('silent');
  const parts = { ...store, host, installation, publicUrl: null, version: 'bench', log };
  const warder = assembleWarder(parts);
  const maker = warder.operations.as(caller);
  const secrets: string[] = [];
  while (secrets.length < KEYS_IN_PROCESS) {
    const some = Array.from({ length: 50 }, () => maker.createKey({ scopes: ['files:read'] }));
    secrets.push(...(await Promise.all(some)).map(({ secret }) => secret));
  }
  return { warder, secrets };
}

/** One after the other, each as a string of its own, as a parser of requests makes them. */
function arriving(secrets: readonly string[]): () => string {
  const bytes = secrets.map((secret) => Buffer.from(secret, 'latin1'));
  let next = 0;
  return () => bytes[next++ % bytes.length]?.toString('latin1') ?? '';
}

async function inTurn(count: number, run: () => Promise<Pick<Verdict, 'valid'>>): Promise<number> {
  for (let i = 0; i < count; i++) mustBeGood(await run());
  return count;
}

function mustBeGood({ valid }: Pick<Verdict, 'valid'>): void {
  if (!valid) throw new Error('a good key was refused');
}
