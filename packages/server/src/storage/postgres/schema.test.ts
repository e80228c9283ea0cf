// How migrations run: once, whoever starts at the same time; beside those who use the
// database; and on from where they ended.

import { newCredits, revokeKey } from '@warder/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOW } from '../../../../../tests/fixtures/domain.ts';
import { type PostgresServer, startPostgres } from '../../../../../tests/kit/servers.ts';
import { spendOf } from '../../../../../tests/storage/credits.ts';
import { useOf, worldIn } from '../../../../../tests/storage/store.ts';
import { openPostgres } from '../postgres.ts';
import { migrateDatabase } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import type { PostgresMigration } from './schema.ts';

let server: PostgresServer;
let schemas = 0;
beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
});
afterAll(() => server?.stop());

const newDatabase = () => {
  const schema = `warder_${++schemas}`;
  return {
    options: { url: server.url, schema },
    ask: (sql: string) => server.execute(sql.replaceAll('warder.', `${schema}.`)),
  };
};

const ADD: PostgresMigration = {
  number: 2,
  name: 'add',
  oldestProgram: 1,
  sql: 'ALTER TABLE warder.keys ADD COLUMN colour text; ALTER TABLE warder.owners ADD COLUMN colour text',
};
const FILL: PostgresMigration = {
  number: 3,
  name: 'fill',
  oldestProgram: 1,
  outside: 'fill',
  sql: `UPDATE warder.keys SET colour = 'blue' WHERE position IN
    (SELECT position FROM warder.keys WHERE colour IS NULL LIMIT 3 FOR NO KEY UPDATE)`,
};
const INDEX: PostgresMigration = {
  number: 4,
  name: 'index',
  oldestProgram: 1,
  outside: { index: 'keys_colour' },
  sql: 'CREATE INDEX CONCURRENTLY keys_colour ON warder.keys (colour)',
};
const LATER = [...MIGRATIONS, ADD, FILL, INDEX];

test('of many that start at once on an empty database one sets it up, and all go on', async () => {
  const { options, ask } = newDatabase();
  const stores = await Promise.all(Array.from({ length: 6 }, () => openPostgres(options)));
  for (const { storage } of stores) expect(await storage.installation()).toBeNull();
  expect(await ask('SELECT number FROM warder.migrations')).toBe('1');
  await Promise.all(stores.map(({ storage }) => storage.close()));
});

test('of many that migrate at once each migration runs once', async () => {
  const { options, ask } = newDatabase();
  await Promise.all(Array.from({ length: 4 }, () => migrateDatabase(options, LATER)));
  expect(await ask('SELECT number FROM warder.migrations ORDER BY 1')).toBe('1\n2\n3\n4');
});

test('what uses a database goes on without an error while it is widened, filled and indexed', async () => {
  const { options, ask } = newDatabase();
  const store = await openPostgres(options);
  const world = worldIn(store);
  const { id: workspaceId } = await world.workspace('Acme');
  for (let i = 0; i < 40; i++) await world.key({ workspaceId, name: `key ${i}` });

  let migrated = false;
  let rounds = 0;
  const use = async (seed: number) => {
    const own = worldIn(store, seed);
    while (!migrated || rounds < 30) {
      const { key, digest } = await own.key({
        credits: newCredits({ remaining: 5 }, NOW),
        expiresAt: NOW + 1,
      });
      expect(await store.lookup.find([digest])).not.toBeNull();
      expect(await store.storage.spend(spendOf(key, 1))).toMatchObject({ enough: true });
      await store.storage.recordUses([useOf(key.id, NOW)]);
      await own.owner(workspaceId, `owner ${seed} ${rounds}`);
      await own.all.keys({ now: NOW }, { limit: 5, from: null, total: 'exact' });
      await store.storage.turnStates(NOW + 10, 100);
      const turned = await read(key.id);
      await own.change(turned, revokeKey(turned, null, own.act()));
      rounds++;
    }
  };
  const read = async (id: string) => (await world.all.key(id)) ?? expect.fail();
  const users = [2, 3].map(use);
  const migrating = migrateDatabase(options, LATER).finally(() => {
    migrated = true;
  });
  const [applied] = await Promise.all([migrating, ...users]);
  expect(applied.map(({ number }) => number)).toEqual([2, 3, 4]);
  expect(rounds).toBeGreaterThanOrEqual(30);
  expect(await ask("SELECT count(*) FROM warder.keys WHERE colour = 'blue'")).not.toBe('0');
  expect(
    await ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'warder.keys_colour'::regclass"),
  ).toBe('t');
  await store.storage.close();
  // A program that knows none of it starts on the result.
  await (await openPostgres(options)).storage.close();
});

test('a statement that the server keeps for a table is prepared anew once the table has another column', async () => {
  const { options } = newDatabase();
  const store = await openPostgres({ ...options, connections: 1 });
  const world = worldIn(store);
  await world.key({ expiresAt: NOW + 1 });
  await world.key({ expiresAt: NOW + 20 });
  expect(await store.storage.turnStates(NOW + 10, 100)).toBe(1);
  await migrateDatabase(options, LATER);
  expect(await store.storage.turnStates(NOW + 30, 100)).toBe(1);
  await store.storage.close();
});

test('a migration that was cut short goes on where it ended, and an index that was not finished is built anew', async () => {
  const { options, ask } = newDatabase();
  const store = await openPostgres(options);
  const world = worldIn(store);
  for (let i = 0; i < 10; i++) await world.key({ name: `key ${i}` });
  await store.storage.close();
  const failing = {
    ...FILL,
    sql: `${FILL.sql} AND 1 / (SELECT count(*) FROM warder.keys WHERE colour IS NULL AND position > 4) IS NOT NULL`,
  };
  await expect(migrateDatabase(options, [...MIGRATIONS, ADD, failing])).rejects.toThrow();
  expect(await ask('SELECT max(number) FROM warder.migrations')).toBe('2');
  // As an index that broke off leaves it.
  await ask('CREATE INDEX keys_colour ON warder.keys (colour)');
  await ask(
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'warder.keys_colour'::regclass",
  );
  await migrateDatabase(options, LATER);
  expect(
    await ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'warder.keys_colour'::regclass"),
  ).toBe('t');
  expect(await ask('SELECT count(*) FROM warder.keys WHERE colour IS NULL')).toBe('0');
  expect(await ask('SELECT max(number) FROM warder.migrations')).toBe('4');
});

test('a role that may not change the schema is told so in a sentence', async () => {
  await server.execute('CREATE ROLE reader LOGIN');
  const url = server.url.replace('//postgres@', '//reader@');
  await expect(openPostgres({ url, schema: 'none_of_its' })).rejects.toThrow(
    /may not change the schema: run `warder migrate`/,
  );
});
