// The store of a million keys again, in PostgreSQL: the same keys in the same workspaces
// as store.ts has in a file. Made once in a folder, whose files a server of each bench's
// own then starts on a copy of.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawFirstToken } from '@warder/core';
import { openInstallation } from '@warder/server';
import postgres from 'postgres';
import { openPostgres } from '../packages/server/src/storage/postgres.ts';
import { type PostgresServer, startPostgres } from '../tests/kit/servers.ts';
import { loadPostgres } from './load-postgres.ts';
import { goodKeys, host, KEYS, type Store, writeSecret } from './store.ts';

export interface PostgresStore extends Store {
  /** Ends with `stop`, and its copy of the files with it. */
  readonly server: PostgresServer;
}

/** @param folder where it is kept, and the installation's secret */
export async function startPostgresStore(folder: string): Promise<PostgresStore> {
  const note = join(folder, 'postgres-store.json');
  const kept = join(folder, 'postgres');
  const server = await startPostgres();
  const data = join(server.home, 'data');
  if (!existsSync(note)) {
    console.log(`loading a million keys into PostgreSQL and ${folder}, once`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeSecret(folder);
    const made = await fill(server.tcpUrl, folder);
    await end(server);
    replace(data, kept);
    writeFileSync(note, JSON.stringify(made));
  } else {
    await end(server);
    replace(kept, data);
  }
  await server.start();
  const store: Store = JSON.parse(readFileSync(note, 'utf8'));
  return { ...store, server };
}

async function fill(url: string, folder: string): Promise<Store> {
  const first = drawFirstToken(host);
  const { storage } = await openPostgres({ url });
  const { defaultWorkspaceId } = await openInstallation(storage, host, async () => first);
  const client = postgres(url, { max: 1, onnotice: () => {} });
  const workspaces = await loadPostgres(client, { keys: KEYS, now: host.now() });
  await client.end();
  const ids = workspaces.map(({ id }) => id);
  const secrets = await goodKeys(storage, defaultWorkspaceId, ids[0]);
  await storage.close();
  return { folder, firstKey: first.secret, workspaces: ids, secrets };
}

async function end(server: PostgresServer): Promise<void> {
  server.signal('SIGINT');
  await server.ended();
}

/** With their owner, who is the server's. */
function replace(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  execFileSync('cp', ['-a', '--reflink=auto', from, to]);
}
