// What a verdict costs in process: on ten thousand keys, and on a million of which one
// in a hundred is used most, against one `createHash` of the same key and against a Map
// of objects. Each text of a key is made anew, as a request brings it, so that nothing
// gains from a hash that V8 keeps with a string.

import { createHash, hash } from 'node:crypto';
import {
  type Candidate,
  createOwner,
  createWorkspace,
  drawFirstToken,
  GOOD,
  issueKey,
  NO_ORIGIN,
  type Verdict,
} from '@warder/core';
import { createHost } from '@warder/server';
import { createLimitMemory } from '../packages/server/src/limits/memory.ts';
import { windowOf } from '../packages/server/src/limits.ts';
import { createUsageLog } from '../packages/server/src/usage.ts';
import { createVerifier } from '../packages/server/src/verifier.ts';
import { compare, print, type Row } from './measure.ts';

const FEW = 10_000;
const MANY = 1_000_000;
/** One of so many keys is asked for in 15 of 16 cases. */
const HOT = 100;
const A_ROUND = 200_000;
/** What a key takes in the table, with its facts. */
const BYTES_A_KEY = 2_500;
const CREATE_HASH = "createHash('sha256').update(key).digest('hex')";
const TERMS = {
  name: 'CI pipeline',
  ownerId: null,
  allowedCidrs: [],
  allowSelfRevoke: true,
  limits: [{ name: 'minute', limit: 1_000_000_000, windowSeconds: 60, override: null }],
  metadata: {},
  extension: {},
  notBefore: null,
  expiresAt: null,
};

const host = createHost({ secret: Buffer.alloc(32, 7) });
const act = {
  actor: { type: 'system', id: 'bench' },
  origin: NO_ORIGIN,
  at: host.now(),
  newId: () => host.newId(host.now()),
} as const;
const { workspace } = createWorkspace({ name: 'Bench' }, act);
const { owner } = createOwner(workspace.id, 'acme', {}, act);
const ask = { within: null, environment: null, kind: 'standard', scopes: ['files:read'] } as const;

export async function benchVerdict(): Promise<Row[]> {
  return [...(await benchWindow()), ...(await benchFew()), ...(await benchMany())];
}

async function benchWindow(): Promise<Row[]> {
  const memory = createLimitMemory();
  const limit = { name: 'minute', limit: 1_000_000_000, windowSeconds: 60, override: null };
  const windows = Array.from({ length: FEW }, (_, i) => [windowOf('key', `key ${i}`, limit)]);
  const use = { cost: 1, spend: true };
  const now = Date.now();
  let latest = 0;
  const measured = await compare([
    {
      name: 'Date.now()',
      run() {
        for (let i = 0; i < A_ROUND; i++) latest = Date.now();
        return A_ROUND;
      },
    },
    {
      name: 'a window, charged and told',
      run() {
        for (let i = 0; i < A_ROUND; i++) memory.takeNow(windows[i % FEW] ?? [], use, now);
        return A_ROUND;
      },
    },
  ]);
  print(`a decision of one window, ${FEW} of them at ${latest}`, measured);
  return [
    {
      what: 'a decision of one window, its figures told, against Date.now()',
      measured: measured[1]?.ratio ?? Number.NaN,
      most: 2,
    },
  ];
}

async function benchFew(): Promise<Row[]> {
  const { verifier, texts } = await filled(FEW);
  const next = picker(texts, () => Math.floor(Math.random() * FEW));
  const measured = await compare([
    { name: CREATE_HASH, run: () => each(next, hashed) },
    {
      name: 'crypto.hash to latin1',
      run: () => each(next, (key) => hash('sha256', key, 'binary')),
    },
    { name: 'verifyCached', run: () => each(next, (key) => good(verifier.verifyCached(key, ask))) },
    {
      name: 'verify',
      run: async () => {
        for (let i = 0; i < A_ROUND; i++) good(await verifier.verify(next(), ask));
        return A_ROUND;
      },
    },
  ]);
  print(`a verdict in process, ${FEW} keys`, measured);
  return [
    {
      what: `verifyCached, ${FEW} keys, against createHash of the key`,
      measured: measured[2]?.ratio ?? Number.NaN,
      most: 0.7,
    },
    {
      what: 'verify, which is asynchronous, against the same',
      measured: measured[3]?.ratio ?? Number.NaN,
    },
  ];
}

async function benchMany(): Promise<Row[]> {
  const { verifier, texts } = await filled(MANY);
  const map = new Map(texts.map((text) => [hashed(text.toString('latin1')), drawn().candidate]));
  const next = picker(texts, () =>
    Math.floor(Math.random() * (Math.random() < 15 / 16 ? MANY / HOT : MANY)),
  );
  const uses = new Map<string, number>();
  const measured = await compare([
    { name: CREATE_HASH, run: () => each(next, hashed) },
    { name: 'verifyCached', run: () => each(next, (key) => good(verifier.verifyCached(key, ask))) },
    {
      name: 'a Map of objects by that hash',
      run: () =>
        each(next, (text) => {
          const key = map.get(hashed(text))?.key;
          if (key?.kind !== 'standard' || !key.scopes.includes('files:read')) throw new Error(text);
          uses.set(key.id, (uses.get(key.id) ?? 0) + 1);
          return { valid: true, key };
        }),
    },
  ]);
  print(`a verdict in process, ${MANY} keys`, measured);
  const [, cached, objects] = measured;
  return [
    {
      what: `verifyCached, ${MANY} keys, 15 of 16 times one of 1 %, against createHash of the key`,
      measured: cached?.ratio ?? Number.NaN,
      most: 1,
    },
    {
      what: 'a Map of objects against it',
      measured: (objects?.ratio ?? Number.NaN) / (cached?.ratio ?? Number.NaN),
      least: 2,
    },
  ];
}

/** A verifier that knows so many keys, and their texts as bytes. */
async function filled(count: number) {
  const texts: Buffer[] = [];
  let latest: Candidate | null = null;
  const lookup = { find: async () => latest };
  const usage = createUsageLog(
    { recordUses: async () => {}, recordRefusals: async () => {} },
    () => {},
  );
  // Nothing is written through it, here or elsewhere.
  const watch = () => ({ age: () => 0, trusted: 50, close() {} });
  const storage = { watch } as unknown as Parameters<typeof createVerifier>[1]['storage'];
  const { verifier } = createVerifier(
    host,
    { storage, lookup, limits: createLimitMemory() },
    usage,
    count * BYTES_A_KEY,
  );
  for (let i = 0; i < count; i++) {
    const { secret, candidate } = drawn();
    latest = candidate;
    texts.push(Buffer.from(secret, 'latin1'));
    good(await verifier.verify(secret, ask));
  }
  return { verifier, texts };
}

/** A key of an owner, with a scope, as most are. */
function drawn(): { secret: string; candidate: Candidate } {
  const token = drawFirstToken(host);
  const plan = {
    terms: { ...TERMS, ownerId: owner.externalId },
    rights: { kind: 'standard', scopes: ['files:read', 'files:write'] },
    workspaceId: workspace.id,
    environment: 'live',
    format: 'warder',
    replaces: null,
    state: GOOD,
    credits: null,
  } as const;
  const { key } = issueKey(plan, token, host.random(32), act);
  return { secret: token.secret, candidate: { key, owner, workspace } };
}

/** A new string each time, as a parser makes it. */
function picker(texts: readonly Buffer[], pick: () => number): () => string {
  return () => texts[pick()]?.toString('latin1') ?? '';
}

function each(next: () => string, run: (text: string) => unknown): number {
  for (let i = 0; i < A_ROUND; i++) run(next());
  return A_ROUND;
}

function hashed(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function good(verdict: Verdict | null): void {
  if (verdict?.valid !== true) throw new Error(`answered ${verdict?.code}`);
}
