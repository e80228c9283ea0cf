// What a million keys cost on each engine: the start of the built program to its first
// correct verdict, its memory once it has verified a thousand of them, and the bytes that
// a key takes in the store.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { median, type Row } from './measure.ts';
import { startPostgresStore } from './postgres-store.ts';
import { bareStart, residentMegabytes, startProgram } from './program.ts';
import { makeStore, type Store } from './store.ts';

const ROUNDS = 5;
const MILLION = 1_000_000;

export async function benchMillion(folder: string): Promise<Row[]> {
  const embedded = await makeStore(folder);
  const rows = await measure('SQLite', embedded, {});
  const { size } = statSync(join(folder, 'warder.db'));
  rows.push({
    what: 'bytes of the file a key, indices and search included',
    measured: size / MILLION,
  });

  const { server, ...store } = await startPostgresStore(join(folder, 'postgres'));
  try {
    rows.push(...(await measure('PostgreSQL', store, { DATABASE_URL: server.tcpUrl })));
    const bytes = Number(await server.execute(SIZES));
    rows.push({
      what: 'bytes in PostgreSQL a key, indices and search included',
      measured: bytes / MILLION,
    });
  } finally {
    await server.stop();
  }
  return rows;
}

const SIZES = `SELECT sum(pg_total_relation_size(pg_class.oid)) FROM pg_class
  JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'warder' AND relkind = 'r'`;

async function measure(
  engine: string,
  { folder, firstKey, secrets }: Store,
  env: Readonly<Record<string, string>>,
): Promise<Row[]> {
  const [secret = ''] = secrets;
  const starts: number[] = [];
  let memory = Number.NaN;
  for (let round = 1; round <= ROUNDS; round++) {
    const program = await startProgram({ folder, key: () => firstKey, env });
    await program.verify(secret);
    starts.push(performance.now() - program.began - (await bareStart()));
    if (round === ROUNDS) {
      for (const one of secrets) await program.verify(one);
      memory = residentMegabytes(program.child);
    }
    await program.stop();
  }
  const what = `1,000,000 keys in ${engine}`;
  return [
    {
      what: `process start to the first correct verdict, ${what}, in ms beyond a bare Node start`,
      measured: median(starts),
    },
    {
      what: `resident memory after ${secrets.length} verifications, ${what}, in MB`,
      measured: memory,
    },
  ];
}
