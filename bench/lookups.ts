// Look-ups a second of keys that are not in memory, of a million: on each engine against
// the very statement through its bare driver, and on PostgreSQL against `pg`, which sends
// one statement after the other; each on one connection.

import { join } from 'node:path';
import type { Digest } from '@warder/core';
import { openEmbedded } from '@warder/server';
import Database from 'better-sqlite3';
import postgres from 'postgres';
import type { Lookup } from '../packages/server/src/lookup.ts';
import { type CandidateRow, candidateOf } from '../packages/server/src/rows.ts';
import { builder } from '../packages/server/src/storage/embedded/builder.ts';
import { builderFor } from '../packages/server/src/storage/postgres/builder.ts';
import { openPostgres } from '../packages/server/src/storage/postgres.ts';
import { statements } from '../packages/server/src/storage.ts';
import { inFlight } from './exchange.ts';
import { compare, print, type Row } from './measure.ts';
import { startPostgresStore } from './postgres-store.ts';
import { installRivals } from './rivals/install.ts';
import { makeStore } from './store.ts';

const A_ROUND = 8_000;
const IN_FLIGHT = 32;
const SAMPLE = 50_000;

export async function benchLookups(folder: string): Promise<Row[]> {
  installRivals();
  return [...(await inFile(folder)), ...(await inPostgres(folder))];
}

async function inFile(folder: string): Promise<Row[]> {
  const store = await makeStore(folder);
  const file = join(store.folder, 'warder.db');
  const bare = new Database(file, { readonly: true });
  // As Warder's connection has it.
  bare.pragma('cache_size = -8192');
  const sample = bare
    .prepare<[number], { digest: Buffer }>('SELECT digest FROM keys WHERE rowid % 10 = 3 LIMIT ?')
    .all(SAMPLE);
  const next = random(sample.map(({ digest }) => digest));
  const { sql } = statements(builder)
    .candidate(1)
    .with([Buffer.alloc(32)]);
  const find = bare.prepare<[Buffer], CandidateRow>(sql);
  const { storage, lookup } = openEmbedded({ file });
  const measured = await compare([
    {
      name: 'better-sqlite3, prepared',
      run: () => inFlight(1, A_ROUND, async () => mustBe(find.get(next()))),
    },
    {
      name: 'the same, decoded',
      run: () => inFlight(1, A_ROUND, async () => mustBe(decoded(find.get(next())))),
    },
    { name: 'Lookup.find', run: () => inFlight(1, A_ROUND, () => found(lookup, next())) },
  ]);
  print('a look-up in SQLite, of 1,000,000 keys', measured);
  await storage.close();
  bare.close();
  return [
    {
      what: 'look-ups a second in SQLite, of 1,000,000 keys, in x of bare better-sqlite3',
      measured: 1 / (measured[2]?.ratio ?? Number.NaN),
      least: 0.8,
    },
    {
      what: 'the same in x of bare better-sqlite3 whose rows are decoded',
      measured: (measured[1]?.ratio ?? Number.NaN) / (measured[2]?.ratio ?? Number.NaN),
    },
  ];
}

async function inPostgres(folder: string): Promise<Row[]> {
  const { server } = await startPostgresStore(join(folder, 'postgres'));
  const options = { max: 1, fetch_types: false, types: { number: NUMBER } };
  const bare = postgres(server.tcpUrl, options);
  const pg = await connectPg(server.tcpUrl);
  const { storage, lookup } = await openPostgres({ url: server.tcpUrl });
  try {
    const sample = await bare.unsafe<{ digest: Buffer }[]>(
      `SELECT digest FROM warder.keys TABLESAMPLE SYSTEM (20) LIMIT ${SAMPLE}`,
    );
    const next = random(sample.map(({ digest }) => digest));
    const { sql } = statements(builderFor('warder'))
      .candidate(1)
      .with([Buffer.alloc(32)]);
    const byDriver = async () => mustBe((await bare.unsafe(sql, [next()], { prepare: true }))[0]);
    const byPg = async () =>
      mustBe((await pg.query({ name: 'find', text: sql, values: [next()] })).rows[0]);
    const many = (run: () => Promise<void>) => () => inFlight(IN_FLIGHT, A_ROUND, run);
    const measured = await compare([
      { name: 'postgres.js, prepared', run: many(byDriver) },
      { name: 'Lookup.find', run: many(() => found(lookup, next())) },
      { name: 'pg, prepared', run: many(byPg) },
    ]);
    print(`a look-up in PostgreSQL, of 1,000,000 keys, ${IN_FLIGHT} in flight`, measured);
    const [, ours, theirs] = measured.map(({ ratio }) => ratio);
    return [
      {
        what: `look-ups a second in PostgreSQL, one connection, ${IN_FLIGHT} in flight, of 1,000,000 keys, in x of bare postgres.js`,
        measured: 1 / (ours ?? Number.NaN),
        least: 0.8,
      },
      {
        what: 'the same in x of pg',
        measured: (theirs ?? Number.NaN) / (ours ?? Number.NaN),
        least: 3,
      },
    ];
  } finally {
    await Promise.all([bare.end(), pg.end(), storage.close()]);
    await server.stop();
  }
}

/** As Warder reads them: numbers of 64 bits as numbers. */
const NUMBER = { to: 20, from: [20], parse: Number, serialize: String };

async function found(lookup: Lookup, digest: Buffer): Promise<void> {
  const asked: Digest = { hex: digest.toString('hex'), pepperVersion: 0 };
  mustBe(await lookup.find([asked]));
}

function decoded(row: CandidateRow | undefined): object | undefined {
  return row && candidateOf(row);
}

function mustBe(row: object | null | undefined): void {
  if (!row) throw new Error('a key was not found');
}

function random<Value>(values: readonly Value[]): () => Value {
  return () => {
    const value = values[Math.floor(Math.random() * values.length)];
    if (value === undefined) throw new Error('there are no keys');
    return value;
  };
}

interface Pg {
  connect(): Promise<unknown>;
  query(asked: {
    readonly name: string;
    readonly text: string;
    readonly values: readonly unknown[];
  }): Promise<{ readonly rows: readonly object[] }>;
  end(): Promise<void>;
}

/** Named by a variable: it is installed for benches only, and so has no types elsewhere. */
async function connectPg(connectionString: string): Promise<Pg> {
  const { default: pg } = await import(
    new URL('rivals/node_modules/pg/lib/index.js', import.meta.url).href
  );
  const client: Pg = new pg.Client({ connectionString });
  await client.connect();
  return client;
}
