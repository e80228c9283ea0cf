import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawFirstToken, install, recover } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instanceGrant } from '../../packages/server/src/auth.ts';
import { createHost } from '../../packages/server/src/host.ts';
import { openEmbedded } from '../../packages/server/src/storage/embedded.ts';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const times = <Result>(count: number, make: (i: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));
const tally = (answers: readonly string[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(answers, (one) => one)).map(([one, all]) => [one, all?.length]),
  );
const countEvents = async (type: string, subjectId?: string) =>
  (await service.events()).filter(
    (event) => event.type === type && (subjectId === undefined || event.subject.id === subjectId),
  ).length;

describe('of many edits of one version', () => {
  it('of a key exactly one wins', async () => {
    const { key } = await service.create({});
    const answers = await times(10, (i) =>
      laterRefusalOf(service.owner.updateKey(key.id, { name: `name ${i}` }, { ifVersion: 1 })),
    );
    expect(tally(answers)).toEqual({ nothing: 1, precondition_failed: 9 });
    expect((await service.owner.getKey(key.id)).version).toBe(2);
    expect(await countEvents('key.updated', key.id)).toBe(1);
  });

  it('of a workspace and of an owner exactly one wins', async () => {
    const { id } = await service.workspace();
    const workspace = await times(10, (i) =>
      laterRefusalOf(service.owner.updateWorkspace(id, { name: `name ${i}` }, { ifVersion: 1 })),
    );
    expect(tally(workspace)).toEqual({ nothing: 1, precondition_failed: 9 });
    const address = { ownerId: 'o', workspaceId: id };
    await service.owner.putOwner(address, {});
    const owner = await times(10, (i) =>
      laterRefusalOf(service.owner.patchOwner(address, { name: `name ${i}` }, { ifVersion: 1 })),
    );
    expect(tally(owner)).toEqual({ nothing: 1, precondition_failed: 9 });
  });

  it('all are refused where the version is an old one, a later one, or of a new owner', async () => {
    const { key } = await service.create({});
    for (const ifVersion of [0, 2, Number.MAX_SAFE_INTEGER]) {
      for (const call of [
        service.owner.updateKey(key.id, { name: 'x' }, { ifVersion }),
        service.owner.disableKey(key.id, { ifVersion }),
        service.owner.enableKey(key.id, { ifVersion }),
        service.owner.revokeKey(key.id, null, { ifVersion }),
        service.owner.deleteKey(key.id, { ifVersion }),
        service.owner.eraseKey(key.id, { ifVersion }),
      ]) {
        expect(await laterRefusalOf(call)).toBe('precondition_failed');
      }
    }
    const unborn = service.owner.putOwner({ ownerId: 'unborn' }, {}, { ifVersion: 1 });
    expect(await laterRefusalOf(unborn)).toBe('precondition_failed');
  });
});

describe('edits at once without a version', () => {
  it('are all kept: none overwrites another', async () => {
    const { key } = await service.create({});
    await times(8, (i) => service.owner.updateKey(key.id, { metadata: { [`m${i}`]: i } }));
    const after = await service.owner.getKey(key.id);
    expect(Object.keys(after.metadata)).toHaveLength(8);
    expect(after.version).toBe(9);
  });

  it('a revocation among them is final, and happens once', async () => {
    for (let round = 0; round < 10; round++) {
      const { key, secret } = await service.create({});
      const answers = await Promise.all([
        laterRefusalOf(service.owner.disableKey(key.id)),
        laterRefusalOf(service.owner.revokeKey(key.id, 'first')),
        laterRefusalOf(service.owner.enableKey(key.id)),
        laterRefusalOf(service.owner.updateKey(key.id, { name: 'x' })),
        laterRefusalOf(service.owner.revokeKey(key.id, 'second')),
      ]);
      for (const answer of answers) expect(['nothing', 'conflict']).toContain(answer);
      expect(await service.codeOf(secret)).toBe('revoked');
      expect(await laterRefusalOf(service.owner.enableKey(key.id))).toBe('conflict');
      expect(await countEvents('key.revoked', key.id)).toBe(1);
    }
  });
});

describe('quotas', () => {
  it('a workspace never has more keys than its settings say, however many are asked for at once', async () => {
    const { id: workspaceId } = await service.workspace({ maxKeys: 5 });
    const create = () => laterRefusalOf(service.owner.createKey({ workspaceId }));
    expect(tally(await times(20, create))).toEqual({ nothing: 5, quota_exceeded: 15 });
    const { items, total } = await service.owner.listKeys({ workspaceId, total: 'exact' });
    expect([items.length, total]).toEqual([5, { count: 5, exact: true }]);

    const [one, two] = items;
    await service.owner.disableKey(one?.id ?? '');
    expect(await create()).toBe('quota_exceeded');
    await service.owner.revokeKey(two?.id ?? '');
    expect(tally(await times(5, create))).toEqual({ nothing: 1, quota_exceeded: 4 });
  });

  it('an owner never has more keys than the settings say, also by keys that move to it', async () => {
    const { id: workspaceId } = await service.workspace({ maxKeysPerOwner: 3 });
    const create = (ownerId: string | null) =>
      laterRefusalOf(service.owner.createKey({ workspaceId, ownerId }));
    expect(tally(await times(10, () => create('full')))).toEqual({ nothing: 3, quota_exceeded: 7 });
    expect(tally(await times(5, () => create(null)))).toEqual({ nothing: 5 });
    expect(await create('other')).toBe('nothing');
    const { items } = await service.owner.listKeys({ workspaceId, ownerId: 'other' });
    const move = service.owner.updateKey(items[0]?.id ?? '', { ownerId: 'full' });
    expect(await laterRefusalOf(move)).toBe('quota_exceeded');
  });

  it('none at all may be made where the bound is 0, and nothing is left of the attempt', async () => {
    const { id: workspaceId } = await service.workspace({ maxKeys: 0 });
    const before = (await service.events()).length;
    expect(await laterRefusalOf(service.owner.createKey({ workspaceId, ownerId: 'o' }))).toBe(
      'quota_exceeded',
    );
    expect(await laterRefusalOf(service.owner.getOwner({ workspaceId, ownerId: 'o' }))).toBe(
      'not_found',
    );
    expect(await service.events()).toHaveLength(before);
  });
});

describe('an owner', () => {
  it('comes into being once with the first of many keys at once', async () => {
    const { id: workspaceId } = await service.workspace();
    const made = await times(20, () => service.create({ workspaceId, ownerId: 'customer' }));
    expect(new Set(made.map(({ key }) => key.id)).size).toBe(20);
    const { items } = await service.owner.listOwners({ workspaceId });
    expect(items.map((one) => one.externalId)).toEqual(['customer']);
    expect(await countEvents('owner.created', items[0]?.id)).toBe(1);
  });

  it('is made once by many puts at once, and by an edit that names it', async () => {
    const { id: workspaceId } = await service.workspace();
    const address = { workspaceId, ownerId: 'o' };
    const made = await times(8, (i) => service.owner.putOwner(address, { name: `n${i}` }));
    expect(made.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(made.map(({ owner }) => owner.id)).size).toBe(1);
    const { key } = await service.create({ workspaceId });
    await service.owner.updateKey(key.id, { ownerId: 'by edit' });
    expect((await service.owner.getOwner({ workspaceId, ownerId: 'by edit' })).version).toBe(1);
  });
});

describe('slugs', () => {
  it('are taken by exactly one of many at once, and free again when it is deleted', async () => {
    const create = () =>
      laterRefusalOf(service.owner.createWorkspace({ name: 'Same', slug: 'same' }));
    expect(tally(await times(5, create))).toEqual({ nothing: 1, conflict: 4 });
    const { items } = await service.owner.listWorkspaces({ limit: 200 });
    await service.owner.deleteWorkspace(items.find(({ slug }) => slug === 'same')?.id ?? '');
    expect(await create()).toBe('nothing');
  });
});

describe('the very first start', () => {
  it('of many processes on one empty store makes one installation and one key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'warder-'));
    const file = join(folder, 'warder.db');
    const host = createHost({ secret: new Uint8Array(32) });
    const stores = Array.from({ length: 4 }, () => openEmbedded({ file }));
    const answers = await Promise.all(
      stores.flatMap(({ storage }) =>
        [0, 1].map(() =>
          install(storage, instanceGrant(), host, drawFirstToken(host), host.checks),
        ),
      ),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);

    const [{ storage } = expect.fail()] = stores;
    const all = storage.everywhere(instanceGrant());
    const slice = { limit: 100, from: null, total: 'exact' } as const;
    const { items: keys } = await all.keys({ now: host.now() }, slice);
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({
      kind: 'management',
      workspaceId: null,
      permissions: ['*'],
      expiresAt: null,
    });
    const { items: workspaces } = await all.workspaces({}, slice);
    expect(workspaces).toMatchObject([
      { id: answers[0]?.defaultWorkspaceId, isDefault: true, slug: 'default' },
    ]);
    const { items: events } = await all.events({}, slice);
    expect(events.map(({ type }) => type).toSorted()).toEqual([
      'installation.created',
      'key.created',
      'workspace.created',
    ]);
    await Promise.all(stores.map((one) => one.storage.close()));
    rmSync(folder, { recursive: true });
  });

  it('recovery makes an instance key with an hour to live, and leaves an event', async () => {
    const { key, secret } = await recover(service.storage, instanceGrant(), service.host);
    expect(key).toMatchObject({
      workspaceId: null,
      permissions: ['*'],
      createdBy: { type: 'system', id: 'recover' },
    });
    expect(key.expiresAt).toBe(service.clock.at + 3_600_000);
    expect((await (await service.as(secret)).whoami()).key?.id).toBe(key.id);
    const [event] = (await service.events()).filter(
      ({ type }) => type === 'installation.recovered',
    );
    expect(event?.after).toEqual({ key_id: key.id });
    service.clock.at += 3_600_000;
    await expect(service.as(secret)).rejects.toMatchObject({ code: 'unauthenticated' });
    service.clock.at -= 3_600_000;
  });
});
