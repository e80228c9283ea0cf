// Several processes' stores over one real PostgreSQL: what one changes the others obey,
// also where they cannot hear of it, and no later than is promised.

import {
  type Change,
  drawToken,
  type Key,
  revokeKey,
  suspendOwner,
  suspendWorkspace,
  WARDER_FORMAT,
} from '@warder/core';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createHost } from '../packages/server/src/host.ts';
import { createLimitMemory } from '../packages/server/src/limits/memory.ts';
import { openPostgres, type PostgresOptions } from '../packages/server/src/storage/postgres.ts';
import { createVerifier } from '../packages/server/src/verifier.ts';
import { INSTANCE, runs } from './fixtures/domain.ts';
import { startProxy, type TcpProxy } from './kit/proxy.ts';
import { type PostgresServer, startPostgres } from './kit/servers.ts';
import { type Draft, worldIn } from './storage/store.ts';

const ASK = { within: null, environment: null } as const;
const ROLE = 'warder_service';

let server: PostgresServer;
let admin: ReturnType<typeof postgres>;
let url: string;
beforeAll(async () => {
  server = await startPostgres({ max_connections: 200 });
  admin = postgres(server.tcpUrl, { max: 2, onnotice: () => {} });
  // What is needed is what any role has.
  await admin.unsafe(`CREATE ROLE ${ROLE} LOGIN`);
  await admin.unsafe(`CREATE DATABASE service OWNER ${ROLE}`);
  url = `postgres://${ROLE}@127.0.0.1:${server.port}/service`;
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

const ending: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(ending.splice(0).map((end) => end()));
});

/** One process: its store and its verifier. */
async function open(seed: number, options: Partial<PostgresOptions> = {}) {
  const host = createHost({ secret: Buffer.alloc(32, 7), now: Date.now });
  const opened = await openPostgres({ url, connections: 3, pending: 'run', ...options });
  const { lookup } = opened;
  const staleLimitMilliseconds = options.staleMilliseconds;
  const made = createVerifier(
    host,
    { storage: opened.storage, lookup, limits: createLimitMemory(), staleLimitMilliseconds },
    { count() {} },
  );
  ending.push(() => opened.storage.close());
  const all = made.storage.everywhere(INSTANCE.instance);
  const verify = async (secret: string) => (await made.verifier.verify(secret, ASK)).code;
  const isKnown = (secret: string) => made.verifier.verifyCached(secret, ASK) !== null;
  /** @param since the moment of which it has to be sure */
  const isSure = (since = Number.NEGATIVE_INFINITY) =>
    vi.waitFor(() => {
      const most = Math.min(2_000, performance.now() - since);
      expect(made.watch.age()).toBeLessThan(most);
    }, 5_000);
  await isSure();
  return { ...made, all, host, verify, isKnown, isSure, world: worldIn(opened, seed) };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** A key of which all of them have the verdict in memory. */
async function knownKey(processes: readonly Opened[], differing: Draft = {}) {
  const [first] = processes;
  if (first === undefined) throw new RangeError('no process');
  const { host, world, all } = first;
  const { key, changes } = world.draft(differing);
  const { secret } = drawToken(WARDER_FORMAT, 'wdr', 'live', host.random);
  const digest = host.digest(secret);
  const insert = changes.map((one) => (one.type === 'insert_key' ? { ...one, digest } : one));
  expect(await all.commit(insert)).toBe('done');
  // One that hears anew of what it missed begins with nothing in memory.
  await vi.waitFor(async () => {
    for (const { verify } of processes) expect(await verify(secret)).toBe('valid');
    for (const { isKnown } of processes) expect(isKnown(secret)).toBe(true);
  }, 10_000);
  return { key, secret };
}

const revoke = ({ all, world }: Opened, key: Key) => {
  const revoked = revokeKey(key, null, world.act());
  if (revoked === null) throw new Error('it was revoked');
  const changes: Change[] = [
    { type: 'update_key', key: revoked.key, was: key.version },
    { type: 'insert_event', event: revoked.event },
  ];
  return all.commit(changes);
};

/** Milliseconds from now until it says so; every verdict before is one that `meanwhile` has. */
async function untilSaid(process: Opened, secret: string, code: string, meanwhile = ['valid']) {
  const began = performance.now();
  for (;;) {
    const started = performance.now();
    const found = await process.verify(secret).catch(({ code }: { code: string }) => code);
    if (found === code) return started - began;
    expect(meanwhile).toContain(found);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The connection by which a process hears is ended by the server. */
const killFeeds = () =>
  admin`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'warder feed %'`;

describe('with the feed up', () => {
  test('a revoked key is refused by every process within a second, mostly within 50 ms', async () => {
    const processes = await Promise.all([1, 2, 3].map((seed) => open(seed)));
    const [one, two, three] = processes;
    if (!one || !two || !three) throw new RangeError('three');
    const delays: number[] = [];
    for (let i = 0; i < runs(40, 1_000); i++) {
      const { key, secret } = await knownKey(processes);
      expect(await revoke(one, key)).toBe('done');
      expect(await one.verify(secret)).toBe('revoked');
      const [by2, by3] = await Promise.all([
        untilSaid(two, secret, 'revoked'),
        untilSaid(three, secret, 'revoked'),
      ]);
      delays.push(by2, by3);
    }
    delays.sort((a, b) => a - b);
    expect(delays.at(-1)).toBeLessThan(1_000);
    // Of a loaded machine as well.
    expect(delays[Math.floor(delays.length / 2)]).toBeLessThan(50);
  });

  test('owners, workspaces and more changes than fit a message are obeyed like keys', async () => {
    const processes = await Promise.all([11, 12].map((seed) => open(seed)));
    const [one, two] = processes;
    if (!one || !two) throw new RangeError('two');
    const workspace = await one.world.workspace('Acme');
    const owner = await one.world.owner(workspace.id, 'customer-1');
    const owned = { workspaceId: workspace.id, ownerId: owner.externalId };
    const { secret } = await knownKey(processes, owned);
    const other = await knownKey(processes, { workspaceId: workspace.id });
    const suspended = suspendOwner(owner, one.world.act());
    if (suspended === null) throw new Error('it was suspended');
    expect(
      await one.all.commit([{ type: 'update_owner', owner: suspended.owner, was: owner.version }]),
    ).toBe('done');
    expect(await untilSaid(two, secret, 'suspended')).toBeLessThan(1_000);
    expect(two.isKnown(other.secret)).toBe(true);
    const held = suspendWorkspace(workspace, one.world.act());
    if (held === null) throw new Error('it was suspended');
    expect(
      await one.all.commit([
        { type: 'update_workspace', workspace: held.workspace, was: workspace.version },
      ]),
    ).toBe('done');
    expect(await untilSaid(two, other.secret, 'suspended')).toBeLessThan(1_000);

    const many = await Promise.all(Array.from({ length: 350 }, () => one.world.key()));
    const last = await knownKey(processes);
    const changes = [...many.map(({ key }) => key), last.key].map((key): Change => {
      const revoked = revokeKey(key, null, one.world.act());
      return { type: 'update_key', key: revoked?.key ?? key, was: key.version };
    });
    expect(await one.all.commit(changes)).toBe('done');
    expect(await untilSaid(two, last.secret, 'revoked')).toBeLessThan(1_000);
  });

  test('a commit that fails is told to nobody, and neither is what is new', async () => {
    const processes = await Promise.all([21, 22].map((seed) => open(seed)));
    const [one, two] = processes;
    if (!one || !two) throw new RangeError('two');
    const { key, secret } = await knownKey(processes);
    const told: string[] = [];
    const watch = two.storage.watch((change) => told.push(JSON.stringify(change)));
    const stale: Change = { type: 'update_key', key: { ...key, version: 9 }, was: 8 };
    expect(await one.all.commit([stale])).toBe('stale');
    await one.world.key();
    await one.storage.obeyed();
    expect(told).toEqual([]);
    expect(two.isKnown(secret)).toBe(true);
    await revoke(one, key);
    await one.storage.obeyed();
    expect(told).toEqual([JSON.stringify({ type: 'key', id: key.id })]);
    watch.close();
  });
});

describe('without the feed', () => {
  test('whose connection is killed, a change is obeyed within two seconds, and it is heard again soon', async () => {
    const processes = await Promise.all([31, 32].map((seed) => open(seed)));
    const [one, two] = processes;
    if (!one || !two) throw new RangeError('two');
    for (let i = 0; i < runs(3, 20); i++) {
      const { key, secret } = await knownKey(processes);
      await killFeeds();
      const killed = performance.now();
      expect(await revoke(one, key)).toBe('done');
      expect(await untilSaid(two, secret, 'revoked')).toBeLessThan(2_000);
      // Of the connections made since, which drop what is known once they are proved.
      await Promise.all(processes.map(({ isSure }) => isSure(killed)));
    }
  });

  describe('whose connection swallows what is sent', () => {
    let proxy: TcpProxy;
    const through = () => `postgres://${ROLE}@127.0.0.1:${proxy.port}/service`;
    beforeAll(async () => {
      proxy = await startProxy(server.port);
    });
    afterAll(() => proxy?.close());

    test('a process reads what it verifies after two seconds, and obeys', async () => {
      const one = await open(41);
      const two = await open(42, { directUrl: through() });
      const { key, secret } = await knownKey([one, two]);
      const kept = await knownKey([one, two]);
      proxy.swallows = true;
      expect(await revoke(one, key)).toBe('done');
      expect(await untilSaid(two, secret, 'revoked')).toBeLessThan(2_100);
      expect(await two.verify(kept.secret)).toBe('valid');
      expect(two.isKnown(kept.secret)).toBe(false);
      proxy.swallows = false;
      await two.isSure();
      expect(await two.verify(kept.secret)).toBe('valid');
      expect(two.isKnown(kept.secret)).toBe(true);
    });

    test('a receipt waits for that process until its lease has lapsed, and says so', async () => {
      const one = await open(51);
      const two = await open(52, { directUrl: through(), staleMilliseconds: 3_000 });
      const three = await open(53);
      // Who came before it has no lease any more.
      await vi.waitFor(async () => {
        const receipt = await one.storage.obeyed();
        expect(receipt).toMatchObject({ obeyedBy: 3, of: 3 });
        expect(receipt.afterMilliseconds).toBeLessThan(1_000);
      }, 20_000);
      const { key, secret } = await knownKey([one, two, three]);
      proxy.swallows = true;
      await revoke(one, key);
      const receipt = await one.storage.obeyed();
      expect(receipt).toMatchObject({ obeyedBy: 3, of: 3 });
      expect(receipt.afterMilliseconds).toBeGreaterThan(2_000);
      expect(receipt.afterMilliseconds).toBeLessThan(4_000);
      for (const { verify } of [one, two, three]) expect(await verify(secret)).toBe('revoked');
      proxy.swallows = false;
    });
  });

  test('nor a store, memory answers until the stale limit and nothing after, and all is well again later', async () => {
    const own = await startPostgres();
    const one = await open(61, { url: own.tcpUrl, staleMilliseconds: 4_000 });
    const { secret } = await knownKey([one]);
    own.signal('SIGKILL');
    const began = performance.now();
    let last = began;
    for (;;) {
      const started = performance.now();
      const code = await one.verify(secret).catch(({ code }: { code: string }) => code);
      if (code !== 'valid') {
        expect(code).toBe('unavailable');
        break;
      }
      last = started;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(last - began).toBeGreaterThan(3_000);
    expect(last - began).toBeLessThan(4_500);
    await own.ended();
    await own.start();
    await one.isSure();
    expect(await one.verify(secret)).toBe('valid');
    await one.storage.close();
    await own.stop();
  });
});
