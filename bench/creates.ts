// Creates a second, 32 at a time in one workspace, against one plain durable insert each
// of an id and a digest: by better-sqlite3 into a file, by postgres.js over as many
// connections as Warder has.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Storage } from '@warder/core';
import { drawFirstToken } from '@warder/core';
import { assembleWarder, createLog, openEmbedded, openInstallation } from '@warder/server';
import Database from 'better-sqlite3';
import postgres from 'postgres';
import type { Lookup } from '../packages/server/src/lookup.ts';
import { openPostgres } from '../packages/server/src/storage/postgres.ts';
import { startPostgres } from '../tests/kit/servers.ts';
import { inFlight } from './exchange.ts';
import { compare, print, type Row } from './measure.ts';
import { caller, host } from './store.ts';

const AT_ONCE = 32;
const A_ROUND = 1_000;
const CONNECTIONS = 10;
const TABLE = 'CREATE TABLE plain (id text PRIMARY KEY,';

export async function benchCreates(): Promise<Row[]> {
  return [await inFile(), await inPostgres()];
}

async function inFile(): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'warder-bench-'));
  const plain = new Database(join(folder, 'plain.db'));
  plain.pragma('journal_mode = WAL');
  plain.pragma('synchronous = FULL');
  plain.exec(`${TABLE} digest BLOB NOT NULL) WITHOUT ROWID`);
  const insert = plain.prepare('INSERT INTO plain VALUES (?, ?)');
  const row = await compareCreates(
    'better-sqlite3 in SQLite',
    async () => insert.run(host.newId(host.now()), host.random(32)),
    openEmbedded({ file: join(folder, 'warder.db') }),
  );
  plain.close();
  rmSync(folder, { recursive: true });
  return row;
}

async function inPostgres(): Promise<Row> {
  const server = await startPostgres();
  const client = postgres(server.tcpUrl, { max: CONNECTIONS });
  await client.unsafe(`${TABLE} digest bytea NOT NULL)`);
  const insert = 'INSERT INTO plain VALUES ($1, $2)';
  const row = await compareCreates(
    'postgres.js in PostgreSQL',
    () => client.unsafe(insert, [host.newId(host.now()), host.random(32)], { prepare: true }),
    await openPostgres({ url: server.tcpUrl, connections: CONNECTIONS }),
  );
  await client.end();
  await server.stop();
  return row;
}

async function compareCreates(
  driver: string,
  insert: () => Promise<unknown>,
  store: { readonly storage: Storage; readonly lookup: Lookup },
): Promise<Row> {
  const first = async () => drawFirstToken(host);
  const installation = await openInstallation(store.storage, host, first);
  const log = createLog('silent');
  const parts = { ...store, host, installation, publicUrl: null, version: 'bench', log };
  const warder = assembleWarder(parts);
  const { createKey, createWorkspace } = warder.operations.as(caller);
  const { id: workspaceId } = await createWorkspace({ name: 'Bench' });
  const scopes = ['files:read', 'files:write', 'x:1'];
  const draft = { workspaceId, name: 'Build pipeline', ownerId: 'acme', scopes };
  const measured = await compare([
    { name: 'a plain durable insert', run: () => inFlight(AT_ONCE, A_ROUND, insert) },
    { name: 'createKey', run: () => inFlight(AT_ONCE, A_ROUND, () => createKey(draft)) },
  ]);
  print(`a create, ${AT_ONCE} at a time, by ${driver}`, measured);
  await warder.close();
  return {
    what: `creates a second, ${AT_ONCE} at a time in one workspace, in x of plain durable inserts by ${driver}`,
    measured: 1 / (measured[1]?.ratio ?? Number.NaN),
    least: 0.4,
  };
}
