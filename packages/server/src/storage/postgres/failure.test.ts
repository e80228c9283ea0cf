// What happens when the database does not do what it should: it ends, stands still, only
// reads, or lets others wait. Every call ends in time, and nothing acknowledged is lost.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { runs } from '../../../../../tests/fixtures/domain.ts';
import { type PostgresServer, startPostgres } from '../../../../../tests/kit/servers.ts';
import { worldIn } from '../../../../../tests/storage/store.ts';
import { openPostgres, type PostgresOptions } from '../postgres.ts';

let server: PostgresServer;
let schema = '';
let schemas = 0;
beforeAll(async () => {
  // As somebody may have set it, who did not think of acknowledged writes.
  server = await startPostgres({ synchronous_commit: 'off' });
});
afterAll(() => server?.stop());
beforeEach(() => {
  schema = `warder_${++schemas}`;
});

async function open(options: Partial<PostgresOptions> = {}) {
  const store = await openPostgres({ url: server.url, schema, ...options });
  onTestFinished(() => store.storage.close());
  return worldIn(store, schemas + Math.floor(Math.random() * 1_000));
}

/** What a promise was rejected with, and after how many milliseconds. */
async function failureOf(promise: Promise<unknown>) {
  const asked = performance.now();
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  return { error, after: performance.now() - asked };
}

test('a server that is killed loses nothing that was acknowledged, and is used again once it is back', async () => {
  const world = await open();
  const { digest } = await world.key();
  for (let kill = 1; kill <= runs(2, 20); kill++) {
    const acknowledged: string[] = [];
    let killed = false;
    const writing = Array.from({ length: 8 }, async () => {
      for (;;) {
        const draft = world.draft();
        if ((await world.all.commit(draft.changes)) === 'done') acknowledged.push(draft.key.id);
        if (acknowledged.length < 20 + 5 * kill || killed) continue;
        killed = true;
        server.signal('SIGKILL');
      }
    });
    const failures = await Promise.all(writing.map(failureOf));
    for (const { error } of failures) expect(error).toMatchObject({ code: 'unavailable' });
    await server.ended();
    const { error, after } = await failureOf(world.lookup.find([digest]));
    expect(error).toMatchObject({ code: 'unavailable', facts: { retryAfterSeconds: 1 } });
    expect(String((error as Error).message)).not.toMatch(/postgres|ECONN|connection/i);
    expect(after).toBeLessThan(2_000);
    await server.start();
    expect((await world.lookup.find([digest]))?.key.id).toBeDefined();
    for (const id of acknowledged) expect((await world.all.key(id))?.id).toBe(id);
  }
});

test('what is acknowledged is on the disk, whatever the server does by itself', async () => {
  const world = await open();
  await server.execute(`CREATE TABLE ${schema}.seen (setting text);
    CREATE FUNCTION ${schema}.see() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO ${schema}.seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
    CREATE TRIGGER seen AFTER INSERT ON ${schema}.events EXECUTE FUNCTION ${schema}.see()`);
  await world.key();
  expect(await server.execute(`SELECT setting FROM ${schema}.seen`)).toBe('on');
});

test('a server that swallows what is sent is given up in time, and asked anew by the next', async () => {
  const proxy = await swallower(server.port);
  const url = server.tcpUrl.replace(`:${server.port}/`, `:${proxy.port}/`);
  const deadlines = { statementMilliseconds: 400, connectMilliseconds: 400, listMilliseconds: 400 };
  const world = await open({ url, ...deadlines });
  const { key, digest } = await world.key();
  proxy.swallow(true);
  const calls = [
    world.lookup.find([digest]),
    world.all.key(key.id),
    world.all.commit(world.draft().changes),
    world.all.keys({ now: 0 }, { limit: 1, from: null, total: 'none' }),
  ];
  for (const { error, after } of await Promise.all(calls.map(failureOf))) {
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(after).toBeLessThan(3_000);
  }
  proxy.swallow(false);
  expect((await world.lookup.find([digest]))?.key).toEqual(key);
  expect(await world.all.commit(world.draft().changes)).toBe('done');
});

test('a connection that somebody ended is replaced without anybody noticing, where nothing was under way', async () => {
  const world = await open();
  const { key, digest } = await world.key();
  for (let i = 0; i < 5; i++) {
    await server.execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'warder'",
    );
    expect((await world.lookup.find([digest]))?.key).toEqual(key);
    expect(await world.all.key(key.id)).toEqual(key);
    expect(await world.all.commit(world.draft().changes)).toBe('done');
  }
});

test('who finds no free connection waits for a while and no longer', async () => {
  const world = await open({ connections: 2, statementMilliseconds: 500 });
  const { key } = await world.key();
  const [holder] = await Promise.all([
    failureOf(
      server.execute(`BEGIN; SELECT 1 FROM ${schema}.keys FOR UPDATE; SELECT pg_sleep(2); COMMIT`),
    ),
    (async () => {
      while (
        (await server.execute("SELECT count(*) FROM pg_locks WHERE mode = 'RowShareLock'")) === '0'
      );
      const edits = Array.from({ length: 6 }, () =>
        world.all.commit([
          { type: 'update_key', key: { ...key, name: 'late', version: 2 }, was: 1 },
        ]),
      );
      for (const { error, after } of await Promise.all(edits.map(failureOf))) {
        expect(error).toMatchObject({ code: 'unavailable' });
        expect(after).toBeLessThan(2_000);
      }
      // What reads waits for none of them.
      expect(await world.all.key(key.id)).toEqual(key);
    })(),
  ]);
  expect(holder.error).toBeNull();
  expect(await world.all.commit(world.draft().changes)).toBe('done');
});

test('a server that only reads is no server to verify by', async () => {
  await server.execute('CREATE DATABASE standby');
  await server.execute('ALTER DATABASE standby SET default_transaction_read_only = on');
  const url = server.tcpUrl.replace(/postgres$/, 'standby');
  const { error } = await failureOf(open({ url }));
  expect(error).toMatchObject({ code: 'unavailable', facts: { internal: /only reads/ } });
  // Of several hosts the one that accepts writes is found.
  const several = `postgres://postgres@127.0.0.1:1,127.0.0.1:${server.port}/postgres`;
  const world = await open({ url: several });
  expect((await world.key()).key.id).toBeDefined();
});

test('a store that was closed answers unavailable, and keeps nothing open', async () => {
  const world = await open();
  await world.key();
  await world.storage.close();
  const { error } = await failureOf(world.all.commit(world.draft().changes));
  expect(error).toMatchObject({ code: 'unavailable' });
});

test('without prepared statements everything is the same', async () => {
  const world = await open({ prepare: false });
  const { id: workspaceId } = await world.workspace('Acme');
  const { key, digest } = await world.key({ workspaceId });
  expect((await world.lookup.find([digest]))?.key).toEqual(key);
  expect(await world.all.commit(world.draft({ workspaceId }).changes)).toBe('done');
});

/** Stands between and, told so, takes everything and passes nothing on. */
async function swallower(port: number) {
  let swallowing = false;
  const sockets = new Set<Socket>();
  const between: Server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => swallowing || to.write(chunk));
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  onTestFinished(() => {
    between.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = between.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    swallow(whether: boolean) {
      swallowing = whether;
    },
  };
}
