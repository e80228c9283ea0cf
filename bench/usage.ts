// How many keys' uses a second each engine writes: a hundred keys of one owner a commit,
// as every process does once a second, from four of them at once.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COUNTED_CODES, drawFirstToken, type Storage, type Use } from '@warder/core';
import { assembleWarder, createLog, openEmbedded, openInstallation } from '@warder/server';
import type { Lookup } from '../packages/server/src/lookup.ts';
import { openPostgres } from '../packages/server/src/storage/postgres.ts';
import { startPostgres } from '../tests/kit/servers.ts';
import { inFlight } from './exchange.ts';
import { compare, print, type Row } from './measure.ts';
import { caller, host } from './store.ts';

const KEYS = 2_000;
const A_COMMIT = 100;
const COMMITS = 80;
const AT_ONCE = 4;
const HOUR = 3_600_000;

export async function benchUsage(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'warder-bench-'));
  const server = await startPostgres();
  const inFile = openEmbedded({ file: join(folder, 'warder.db') });
  const inPostgres = await openPostgres({ url: server.tcpUrl });
  try {
    const measured = await compare([
      { name: 'SQLite', run: await writing(inFile) },
      { name: 'PostgreSQL', run: await writing(inPostgres) },
    ]);
    print(`uses of a key, written ${A_COMMIT} a commit, ${AT_ONCE} commits at once`, measured);
    const bytes = (table: string) => `pg_total_relation_size('warder.${table}')::float
      / (SELECT count(*) FROM warder.${table})`;
    const [event, hour] = (
      await server.execute(`SELECT ${bytes('events')} || ' ' || ${bytes('usage_hours')}`)
    ).split(' ');
    console.log(`  bytes in PostgreSQL of an event ${event}, of an hour of usage ${hour}`);
    return measured.map(({ name, microseconds }) => ({
      what: `keys a second whose uses are written, ${name}`,
      measured: 1e6 / microseconds,
    }));
  } finally {
    await Promise.all([inFile.storage.close(), inPostgres.storage.close()]);
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

async function writing(store: { readonly storage: Storage; readonly lookup: Lookup }) {
  const first = async () => drawFirstToken(host);
  const installation = await openInstallation(store.storage, host, first);
  const log = createLog('silent');
  const parts = { ...store, host, installation, publicUrl: null, version: 'bench', log };
  const { createKey } = assembleWarder(parts).operations.as(caller);
  const ids: string[] = [];
  await inFlight(32, KEYS, async () => {
    ids.push((await createKey({ ownerId: 'acme', scopes: ['files:read'] })).key.id);
  });
  return async () => {
    const at = host.now();
    const hour = Math.floor(at / HOUR);
    const counts = COUNTED_CODES.map((_, i) => (i === 0 ? 3 : 0));
    const commit = (i: number) => {
      const from = (i * A_COMMIT) % KEYS;
      const uses = ids.slice(from, from + A_COMMIT);
      return store.storage.recordUses(
        uses.map((keyId): Use => ({ keyId, hour, counts, lastUsedAt: at })),
      );
    };
    return A_COMMIT * (await inFlight(AT_ONCE, COMMITS, commit));
  };
}
