// Callers for whom only some keys are there: of one kind, of one owner, of named
// workspaces, with deleted ones gone. And those whose keys end with them.

import {
  ALL_KEYS,
  type Caller,
  type CreatedKey,
  type KeyDraft,
  type Operations,
  WARDER_FORMAT,
} from '@warder/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callerWith, INSTANCE, laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
let workspaceId: string;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  workspaceId = (await service.workspace()).id;
});

const create = (draft: KeyDraft): Promise<CreatedKey> => service.create({ workspaceId, ...draft });
const callerIn = (differing: Partial<Caller>): Operations =>
  service.of(callerWith({ home: { workspaceId }, key: null, ...differing }));
const boundTo = (bounds: Partial<Caller['bounds']>) =>
  callerIn({ bounds: { ...ALL_KEYS, ...bounds } });
const idsOf = async (by: Operations, request: Parameters<Operations['listKeys']>[0] = {}) =>
  (await by.listKeys({ limit: 200, ...request })).items.map(({ id }) => id);

/** Everything that can be asked for one key, by its id. */
const CALLS: Readonly<Record<string, (by: Operations, id: string) => Promise<unknown>>> = {
  getKey: (by, id) => by.getKey(id),
  'getKey with deleted ones': (by, id) => by.getKey(id, { includeDeleted: true }),
  updateKey: (by, id) => by.updateKey(id, { name: 'x' }),
  disableKey: (by, id) => by.disableKey(id),
  enableKey: (by, id) => by.enableKey(id),
  revokeKey: (by, id) => by.revokeKey(id),
  replaceKey: (by, id) => by.replaceKey(id, WARDER_FORMAT),
  deleteKey: (by, id) => by.deleteKey(id),
  eraseKey: (by, id) => by.eraseKey(id),
  'getUsage of the key': (by, id) => by.getUsage({ keyId: id }),
  explainKey: (by, id) => by.explainKey(id),
};
const calls = Object.entries(CALLS);
const deletes = calls.filter(([name]) => name === 'deleteKey');
const others = calls.filter(([name]) => name !== 'deleteKey');

describe('a caller bound to standard keys', () => {
  it.each(calls)('%s finds no management key', async (_, run) => {
    const { key } = await create({ kind: 'management', permissions: ['keys:read'] });
    const caller = boundTo({ kind: 'standard' });
    expect(await laterRefusalOf(run(caller, key.id))).toBe('not_found');
    expect(await laterRefusalOf(run(caller, key.handle))).toBe('not_found');
    expect(await service.owner.getKey(key.id)).toEqual(key);
  });

  it('lists none and makes none', async () => {
    const { key } = await create({});
    const management = await create({ kind: 'management', permissions: ['keys:read'] });
    const caller = boundTo({ kind: 'standard' });
    expect(await idsOf(caller)).toEqual([key.id]);
    expect(await idsOf(service.owner, { workspaceId, kind: 'management' })).toEqual([
      management.key.id,
    ]);
    expect(await idsOf(caller, { kind: 'management' })).toEqual([]);
    expect(await idsOf(caller, { kind: 'standard' })).toEqual([key.id]);
    const draft = { kind: 'management', permissions: ['keys:read'] } as const;
    expect(await laterRefusalOf(caller.createKey(draft))).toBe('forbidden');
    expect(await laterRefusalOf(caller.createKey({}))).toBe('nothing');
  });
});

describe('a caller bound to one owner', () => {
  it.each(calls)("%s finds no other's key, and nobody's", async (_, run) => {
    const caller = boundTo({ ownerId: 'mine' });
    for (const draft of [{ ownerId: 'theirs' }, {}]) {
      const { key } = await create(draft);
      expect(await laterRefusalOf(run(caller, key.id))).toBe('not_found');
      expect(await laterRefusalOf(run(caller, key.handle))).toBe('not_found');
      expect(await service.owner.getKey(key.id)).toEqual(key);
    }
    const { key } = await create({ ownerId: 'mine' });
    expect(await laterRefusalOf(run(caller, key.id))).toBe('nothing');
  });

  it('lists its own alone, and nothing where it asks for those of others', async () => {
    const { key } = await create({ ownerId: 'mine' });
    await create({ ownerId: 'theirs' });
    await create({});
    const caller = boundTo({ ownerId: 'mine' });
    expect(await idsOf(caller)).toEqual([key.id]);
    expect(await idsOf(caller, { ownerId: 'mine' })).toEqual([key.id]);
    expect(await idsOf(caller, { ownerId: 'theirs' })).toEqual([]);
    const page = await caller.listKeys({ ownerId: 'theirs', total: 'exact' });
    expect(page).toMatchObject({ items: [], next: null, total: { count: 0, exact: true } });
  });

  it('makes keys of its own alone, and gives none away', async () => {
    const caller = boundTo({ ownerId: 'mine' });
    const { key } = await caller.createKey({});
    expect(key.ownerId).toBe('mine');
    expect((await caller.createKey({ ownerId: 'mine' })).key.ownerId).toBe('mine');
    const before = (await service.events()).length;
    expect(await laterRefusalOf(caller.createKey({ ownerId: 'theirs' }))).toBe('forbidden');
    for (const ownerId of ['theirs', null]) {
      const edit = { ownerId, enabled: false };
      expect(await laterRefusalOf(caller.updateKey(key.id, edit))).toBe('forbidden');
    }
    expect(await service.owner.getKey(key.id)).toEqual(key);
    expect(await service.events()).toHaveLength(before);
    expect((await caller.replaceKey(key.id, WARDER_FORMAT)).key.ownerId).toBe('mine');
  });
});

describe('a deleted key', () => {
  it.each(others)('is gone for a caller to whom it is: %s', async (_, run) => {
    const { key } = await create({});
    await service.owner.deleteKey(key.id);
    const caller = boundTo({ deleted: 'gone' });
    expect(await laterRefusalOf(run(caller, key.id))).toBe('not_found');
    expect(await laterRefusalOf(run(caller, key.handle))).toBe('not_found');
  });

  it('is in no list of such a caller, however it asks', async () => {
    const { key } = await create({});
    await service.owner.deleteKey(key.id);
    const request = { workspaceId, includeDeleted: true } as const;
    expect(await idsOf(service.owner, request)).toEqual([key.id]);
    const caller = boundTo({ deleted: 'gone' });
    expect(await idsOf(caller, request)).toEqual([]);
    expect(await idsOf(caller, { statuses: ['deleted', 'revoked'], ...request })).toEqual([]);
    expect(await idsOf(caller, { statuses: ['deleted'], ...request })).toEqual([]);
    const live = await create({});
    expect(await idsOf(caller, { statuses: ['deleted', 'active'] })).toEqual([live.key.id]);
  });

  it.each(deletes)('is deleted again by its id, and is not found by its handle', async (_, run) => {
    const { key } = await create({});
    const caller = boundTo({ deleted: 'gone' });
    await run(caller, key.id);
    const before = (await service.events()).length;
    expect(await laterRefusalOf(run(caller, key.id))).toBe('nothing');
    expect(await laterRefusalOf(run(caller, key.handle))).toBe('not_found');
    expect(await service.events()).toHaveLength(before);
  });

  it('is there for who may see deleted ones, by its id alone', async () => {
    const { key } = await create({});
    await service.owner.deleteKey(key.id);
    const caller = boundTo({});
    expect(await laterRefusalOf(caller.getKey(key.id))).toBe('not_found');
    expect((await caller.getKey(key.id, { includeDeleted: true })).id).toBe(key.id);
    const byHandle = caller.getKey(key.handle, { includeDeleted: true });
    expect(await laterRefusalOf(byHandle)).toBe('not_found');
  });
});

describe('a caller of the instance for whom workspaces are named', () => {
  let other: string;
  let third: string;
  let caller: Operations;
  beforeEach(async () => {
    other = (await service.workspace()).id;
    third = (await service.workspace()).id;
    caller = callerIn({ home: { ...INSTANCE, workspaces: [workspaceId, other] } });
  });

  it('acts in the first unless it names another of them', async () => {
    const [first, second] = [await create({}), await create({ workspaceId: other })];
    expect((await caller.createKey({})).key.workspaceId).toBe(workspaceId);
    expect((await caller.createKey({ workspaceId: other })).key.workspaceId).toBe(other);
    expect(await idsOf(caller)).toContain(first.key.id);
    expect(await idsOf(caller)).not.toContain(second.key.id);
    expect(await idsOf(caller, { workspaceId: other })).toContain(second.key.id);
    for (const { key } of [first, second]) expect(await caller.getKey(key.id)).toEqual(key);
    await caller.putOwner({ ownerId: 'acme' }, {});
    expect((await caller.getOwner({ ownerId: 'acme', workspaceId })).externalId).toBe('acme');
  });

  it('is refused where it names any other, there or not', async () => {
    for (const named of [third, 'nowhere']) {
      for (const call of [
        caller.createKey({ workspaceId: named }),
        caller.listKeys({ workspaceId: named }),
        caller.listOwners({ workspaceId: named }),
        caller.putOwner({ workspaceId: named, ownerId: 'acme' }, {}),
        caller.listEvents({ workspaceId: named }),
        caller.verifyKey({ workspaceId: named, secret: 'x' }),
      ]) {
        expect(await laterRefusalOf(call)).toBe('forbidden');
      }
    }
  });

  it.each(calls)('%s finds no key of any other, and none of the instance', async (_, run) => {
    const elsewhere = await create({ workspaceId: third });
    const above = await service.create({
      kind: 'management',
      workspaceId: null,
      permissions: ['keys:read'],
    });
    for (const { key } of [elsewhere, above]) {
      expect(await laterRefusalOf(run(caller, key.id))).toBe('not_found');
      expect(await laterRefusalOf(run(caller, key.handle))).toBe('not_found');
      expect(await service.owner.getKey(key.id)).toEqual(key);
    }
  });

  it('makes no key of the instance, which would not be there for it', async () => {
    const draft = { kind: 'management', workspaceId: null, permissions: ['keys:read'] } as const;
    expect(await laterRefusalOf(caller.createKey(draft))).toBe('forbidden');
  });
});

describe('a caller whose keys end with it', () => {
  const end = () => service.clock.at + 60_000;
  const ending = () => callerIn({ keysEndBy: end() });

  it('makes none that outlives it, and one that names no end ends with it', async () => {
    for (const expiresAt of [end() + 1, null]) {
      expect(await laterRefusalOf(ending().createKey({ expiresAt }))).toBe('forbidden');
    }
    expect((await ending().createKey({})).key.expiresAt).toBe(end());
    expect((await ending().createKey({ expiresAt: end() })).key.expiresAt).toBe(end());
    await service.owner.updateWorkspace(workspaceId, { settings: { defaultLifeSeconds: 5 } });
    expect((await ending().createKey({})).key.expiresAt).toBe(service.clock.at + 5_000);
    await service.owner.updateWorkspace(workspaceId, { settings: { defaultLifeSeconds: 500 } });
    expect((await ending().createKey({})).key.expiresAt).toBe(end());
  });

  it('edits none so that it outlives it, and brings none back that does', async () => {
    const { key } = await create({ expiresAt: end() });
    for (const expiresAt of [end() + 1, null]) {
      expect(await laterRefusalOf(ending().updateKey(key.id, { expiresAt }))).toBe('forbidden');
    }
    const longer = await create({ expiresAt: end() + 1 });
    const endless = await create({});
    for (const { id, expiresAt } of [longer.key, endless.key]) {
      expect(await laterRefusalOf(ending().replaceKey(id, WARDER_FORMAT))).toBe('forbidden');
      expect(await laterRefusalOf(ending().disableKey(id))).toBe('nothing');
      expect(await laterRefusalOf(ending().enableKey(id))).toBe('forbidden');
      expect(await laterRefusalOf(ending().updateKey(id, { enabled: true }))).toBe('forbidden');
      expect((await service.owner.getKey(id)).expiresAt).toBe(expiresAt);
    }
  });

  it('may still narrow, rename and end what outlives it', async () => {
    const { key } = await create({});
    expect((await ending().updateKey(key.id, { name: 'x' })).name).toBe('x');
    expect((await ending().updateKey(key.id, { expiresAt: end() })).expiresAt).toBe(end());
    expect((await ending().replaceKey(key.id, WARDER_FORMAT)).key.expiresAt).toBe(end());
    expect(await laterRefusalOf(ending().revokeKey((await create({})).key.id))).toBe('nothing');
  });
});
