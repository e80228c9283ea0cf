// What a key costs that is not in memory, of a million in the file: one read and its
// judgement, against the bare prepared look-up of the same columns, decoded.

import { join } from 'node:path';
import { createHost, openEmbedded } from '@warder/server';
import Database from 'better-sqlite3';
import { createLimitMemory } from '../packages/server/src/limits/memory.ts';
import { type CandidateRow, candidateOf } from '../packages/server/src/rows.ts';
import { builder } from '../packages/server/src/storage/embedded/builder.ts';
import { statements } from '../packages/server/src/storage.ts';
import { createVerifier } from '../packages/server/src/verifier.ts';
import { compare, print, type Row } from './measure.ts';
import type { Store } from './store.ts';

const ASKED = 100_000;
const A_ROUND = 20_000;
const ask = { within: null, environment: null } as const;

export async function benchCold({ folder }: Store): Promise<Row[]> {
  const file = join(folder, 'warder.db');
  const bare = new Database(file, { readonly: true });
  const keys = bare.prepare<[], { digest: Buffer }>('SELECT digest FROM keys WHERE rowid % 10 = 3');
  const digests = keys.all().map(({ digest }) => digest.toString('hex'));
  const asked = Array.from({ length: ASKED }, () => digests[random(digests.length)] ?? '');
  let next = 0;
  const pick = () => asked[next++ % ASKED] ?? '';

  const { sql } = statements(builder)
    .candidate(1)
    .with([Buffer.alloc(32)]);
  const find = bare.prepare<[Buffer], CandidateRow>(sql);
  const { storage, lookup } = openEmbedded({ file });
  const host = createHost({ secret: Buffer.alloc(32, 7) });
  // The text of a key stands for its own digest: nobody knows a million texts.
  const digesting = { ...host, digests: (hex: string) => [{ hex, pepperVersion: 0 }] };
  const usage = { count: () => {} };
  // With room for so few keys, none is found there again.
  const { verifier } = createVerifier(
    digesting,
    { storage, lookup, limits: createLimitMemory() },
    usage,
    1,
  );
  const measured = await compare([
    {
      name: 'the prepared look-up, decoded',
      run() {
        for (let i = 0; i < A_ROUND; i++) {
          const row = find.get(Buffer.from(pick(), 'hex'));
          if (row === undefined || candidateOf(row).key.id === '') throw new Error('not found');
        }
        return A_ROUND;
      },
    },
    {
      name: 'verify',
      async run() {
        for (let i = 0; i < A_ROUND; i++) {
          if ((await verifier.verify(pick(), ask)).code === 'not_found') throw new Error('unknown');
        }
        return A_ROUND;
      },
    },
  ]);
  print('a key that is not in memory, of a million', measured);
  await storage.close();
  bare.close();
  return [
    {
      what: 'a verification of a key that is not in memory, of 1,000,000, against the bare prepared look-up, decoded',
      measured: measured[1]?.ratio ?? Number.NaN,
      most: 1.5,
    },
  ];
}

function random(count: number): number {
  return Math.floor(Math.random() * count);
}
