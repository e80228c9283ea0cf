// Erasing an owner: what was known of it is nowhere in the file any more, the
// chain of events still holds, and a crash between two steps loses nothing.

import { readFileSync } from 'node:fs';
import { auditChain, WarderError } from '@warder/core';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { openSealedEvents } from '../packages/server/src/storage/embedded/sealed.ts';
import { type Service, startService } from './fixtures/service.ts';

let service: Service;
afterEach(() => service.close());

const NAME = 'Grace-Brewster-Hopper';
const MAIL = 'grace-hopper@navy.example';
const PLAN = 'personal-plan-of-hers';
const KEY_NAME = 'key-on-her-laptop';
const HERS = [NAME, MAIL, PLAN, KEY_NAME];

async function withOwner(keys: number): Promise<void> {
  service = await startService();
  await service.owner.putOwner({ ownerId: MAIL }, { name: NAME, metadata: { plan: PLAN } });
  await service.owner.patchOwner({ ownerId: MAIL }, { type: 'user' });
  for (let i = 0; i < keys; i++) {
    await service.create({ name: KEY_NAME, ownerId: MAIL, metadata: { plan: PLAN } });
  }
  await service.create({ name: 'of another', ownerId: 'another' });
}

async function eraseAll(): Promise<number> {
  let steps = 0;
  for (; (await service.owner.eraseOwnersFurther()) > 0; steps++);
  return steps;
}

async function sealAll(): Promise<void> {
  while ((await service.owner.sealEvents()) > 0);
}

/** What is wrong with any chain, and how many events were erased. */
function check() {
  const events = openSealedEvents(service.file);
  const { erasedOwners } = events;
  const reports = events.chains.map((chain) =>
    auditChain(chain, events.of(chain.name), { host: service.host, erasedOwners, noted: [] }),
  );
  events.close();
  const erased = reports.reduce((sum, one) => sum + one.erased, 0);
  return { erased, faults: reports.flatMap(({ fault }) => fault ?? []) };
}

/** Which of her data stands anywhere in the file, once the log beside it is worked in. */
function leftInFile(): string[] {
  const database = new Database(service.file);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  const bytes = readFileSync(service.file, 'latin1');
  return HERS.filter((text) => bytes.includes(text));
}

test('removes all of it from the rows, the events and the file, and the chain holds', async () => {
  await withOwner(150);
  await sealAll();
  expect(leftInFile()).toEqual(HERS);
  const before = await service.events();
  const owner = await service.owner.eraseOwner({ ownerId: MAIL }, { keys: true });
  expect(owner).toMatchObject({ name: null, type: null, metadata: {}, erasedAt: service.clock.at });
  expect(await service.owner.eraseOwner({ ownerId: MAIL }, { keys: true })).toEqual(owner);
  expect(await eraseAll()).toBeGreaterThan(3);
  await sealAll();

  const all = await service.events();
  const hers = all.filter(({ id }) => before.some((one) => one.id === id));
  expect(hers.filter(({ erasedAt }) => erasedAt !== null)).toHaveLength(152);
  expect(JSON.stringify(all)).not.toMatch(new RegExp(HERS.join('|')));
  expect(JSON.stringify(all)).toContain('of another');
  const [erased] = all.filter(({ type }) => type === 'owner.erased');
  expect(erased).toMatchObject({ subject: { id: owner.id }, before: null, after: null });
  expect(check()).toEqual({ erased: 152, faults: [] });
  expect(leftInFile()).toEqual([]);

  await expect(service.owner.getOwner({ ownerId: MAIL })).rejects.toThrow(WarderError);
  const tombstone = await service.owner.getOwner({ ownerId: owner.id });
  expect(tombstone).toMatchObject({ id: owner.id, externalId: owner.id, name: null });
  expect(await service.owner.eraseOwner({ ownerId: owner.id })).toEqual(tombstone);
  const again = await service.create({ ownerId: MAIL });
  expect(again.key.ownerId).toBe(MAIL);
});

test('no piece of what could be searched for is left in the file, nor of a name that was changed', async () => {
  await withOwner(0);
  const pieces = () => {
    const database = new Database(service.file);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    const bytes = readFileSync(service.file);
    return ['鷲', '䴉', '鸞', '麤', '龘', '驫'].filter((piece) => bytes.includes(piece));
  };
  const { key } = await service.create({ name: '驫龘麤 of another' });
  await service.create({ name: '鷲䴉鸞', ownerId: MAIL });
  for (let i = 0; i < 70; i++) await service.create({ name: `key ${i}` });
  await service.storage.tendLists();
  const found = await service.owner.listKeys({ search: '鷲䴉鸞' });
  expect(found.items).toHaveLength(1);
  await sealAll();
  expect(pieces()).toHaveLength(6);

  await service.owner.updateKey(key.id, { name: 'renamed' });
  await service.owner.eraseKey(key.id);
  await service.owner.eraseOwner({ ownerId: MAIL }, { keys: true });
  await eraseAll();
  expect((await service.owner.listKeys({ search: '鷲䴉鸞' })).items).toEqual([]);
  const database = new Database(service.file);
  const left = database.prepare('SELECT block FROM key_search_data').pluck().all();
  expect(left.filter((block) => Buffer.isBuffer(block) && block.includes('鷲'))).toEqual([]);
  database.prepare("INSERT INTO key_search (key_search) VALUES ('integrity-check')").run();
  database.close();
  // What an event says of a key that no owner had stays with the event.
  expect(pieces()).toEqual(['麤', '龘', '驫']);
});

test('is refused while a key names the owner, whatever its state, unless the keys go too', async () => {
  await withOwner(1);
  const [key] = (await service.owner.listKeys({ ownerId: MAIL })).items;
  await expect(service.owner.eraseOwner({ ownerId: MAIL })).rejects.toMatchObject({
    code: 'conflict',
  });
  await service.owner.revokeKey(key?.id ?? '');
  await expect(service.owner.eraseOwner({ ownerId: MAIL })).rejects.toMatchObject({
    code: 'conflict',
  });
  await service.owner.deleteKey(key?.id ?? '');
  await expect(service.owner.eraseOwner({ ownerId: MAIL })).rejects.toMatchObject({
    code: 'conflict',
  });
  expect((await service.owner.getOwner({ ownerId: MAIL })).name).toBe(NAME);
  await service.owner.eraseKey(key?.id ?? '');
  await service.owner.eraseOwner({ ownerId: MAIL });
  await eraseAll();
  await sealAll();
  expect(check().faults).toEqual([]);
  expect(leftInFile()).toEqual([]);
});

test('no key of an erased owner is good, none is made for it, and nothing brings it back', async () => {
  await withOwner(0);
  const { secret, key } = await service.create({ name: KEY_NAME, ownerId: MAIL });
  const other = await service.create({ ownerId: 'third' });
  await service.owner.eraseOwner({ ownerId: MAIL }, { keys: true });
  expect(await service.codeOf(secret)).toBe('suspended');
  const conflict = { code: 'conflict' };
  await expect(service.owner.createKey({ ownerId: MAIL })).rejects.toMatchObject(conflict);
  await expect(service.owner.updateKey(other.key.id, { ownerId: MAIL })).rejects.toMatchObject(
    conflict,
  );
  await expect(service.owner.resumeOwner({ ownerId: MAIL })).rejects.toMatchObject(conflict);
  await expect(service.owner.patchOwner({ ownerId: MAIL }, { name: NAME })).rejects.toMatchObject(
    conflict,
  );
  await service.owner.revokeKey(key.id);
  await eraseAll();
  expect(await service.codeOf(secret)).toBe('revoked');
  await sealAll();
  expect(check().faults).toEqual([]);
});

test('reaches events that were sealed after it began, keys that changed owner, and her own address', async () => {
  await withOwner(0);
  const { key } = await service.create({ name: KEY_NAME, ownerId: MAIL, allowSelfRevoke: true });
  await service.owner.updateKey(key.id, { ownerId: 'another', name: 'renamed' });
  const manager = await service.create({
    kind: 'management',
    workspaceId: service.defaultWorkspaceId,
    permissions: ['keys:read', 'keys:write'],
    ownerId: MAIL,
  });
  const hers = await service.as(manager.secret);
  await hers.createKey({ name: 'not hers' });
  await service.owner.eraseOwner({ ownerId: MAIL }, { keys: true });
  await eraseAll();
  await sealAll();
  const all = await service.events();
  const made = all.filter(({ actor }) => actor.id === manager.key.id);
  expect(made.map(({ origin, after }) => [origin.address, after?.name])).toEqual([
    [null, 'not hers'],
  ]);
  expect(all.filter(({ subject }) => subject.id === key.id).map(({ after }) => after)).toEqual([
    null,
    null,
  ]);
  expect(check().faults).toEqual([]);
  expect(leftInFile()).toEqual([]);
});

test('an event erased between its reading and its sealing is sealed as it stands', async () => {
  await withOwner(3);
  const everywhere = service.storage.everywhere(null as never);
  const { events, chains } = await everywhere.unsealed(100);
  await service.owner.eraseOwner({ ownerId: MAIL }, { keys: true });
  await eraseAll();
  const [event] = events.filter(({ after }) => after?.includes(MAIL));
  if (!event) throw new Error('unreachable');
  const nothing = {
    payloadSalt: null,
    payloadDigest: null,
    addressSalt: null,
    addressDigest: null,
  };
  const seal = { number: 1, mac: 'x', ...nothing };
  expect(await everywhere.commit([{ type: 'seal_event', event, seal }])).toBe('stale');
  expect(chains).toEqual([]);
  await sealAll();
  expect(check().faults).toEqual([]);
});
