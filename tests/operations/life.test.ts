import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

describe('a key', () => {
  it('is found by its secret, and its whole life shows in its verdicts', async () => {
    const { key, secret } = await service.create({
      notBefore: service.clock.at + 10,
      expiresAt: service.clock.at + 20,
    });
    const codes = [await service.codeOf(secret)];
    service.clock.at += 10;
    codes.push(await service.codeOf(secret));
    await service.owner.disableKey(key.id);
    codes.push(await service.codeOf(secret));
    await service.owner.enableKey(key.id);
    codes.push(await service.codeOf(secret));
    service.clock.at += 10;
    codes.push(await service.codeOf(secret));
    await service.owner.updateKey(key.id, { expiresAt: null });
    codes.push(await service.codeOf(secret));
    await service.owner.revokeKey(key.id, 'leaked');
    codes.push(await service.codeOf(secret));
    expect(codes).toEqual([
      'not_yet_valid',
      'valid',
      'disabled',
      'valid',
      'expired',
      'valid',
      'revoked',
    ]);
  });

  it('that is revoked stays so through every other operation', async () => {
    const { key, secret } = await service.create({});
    await service.owner.revokeKey(key.id, 'leaked');
    for (const call of [
      () => service.owner.updateKey(key.id, { name: 'x', expiresAt: null }),
      () => service.owner.enableKey(key.id),
      () => service.owner.disableKey(key.id),
    ]) {
      expect(await laterRefusalOf(call())).toBe('conflict');
    }
    expect(await service.owner.revokeKey(key.id, 'again')).toMatchObject({
      revokedReason: 'leaked',
      version: 2,
    });
    await service.owner.deleteKey(key.id);
    expect(await service.codeOf(secret)).toBe('revoked');
    await service.owner.eraseKey(key.id);
    expect(await service.codeOf(secret)).toBe('revoked');
  });

  it('that is deleted is hidden but for who asks for it', async () => {
    const { key } = await service.create({ name: 'hidden' });
    await service.owner.deleteKey(key.id);
    expect(await laterRefusalOf(service.owner.getKey(key.id))).toBe('not_found');
    expect(await service.owner.getKey(key.id, { includeDeleted: true })).toMatchObject({
      name: 'hidden',
    });
    const ids = async (includeDeleted: boolean) =>
      (await service.owner.listKeys({ limit: 200, includeDeleted })).items.map(({ id }) => id);
    expect(await ids(false)).not.toContain(key.id);
    expect(await ids(true)).toContain(key.id);
  });

  it('that is erased is gone, and its token stays refused', async () => {
    const { key, secret } = await service.create({
      name: 'CANARY',
      ownerId: 'CANARY',
      metadata: { c: 'CANARY' },
    });
    const tombstone = await service.owner.eraseKey(key.id);
    expect(JSON.stringify(tombstone)).not.toContain('CANARY');
    for (const call of [
      service.owner.getKey(key.id),
      service.owner.getKey(key.id, { includeDeleted: true }),
      service.owner.eraseKey(key.id),
      service.owner.revokeKey(key.id),
    ]) {
      expect(await laterRefusalOf(call)).toBe('not_found');
    }
    const { items } = await service.owner.listKeys({ limit: 200, includeDeleted: true });
    expect(items.map(({ id }) => id)).not.toContain(key.id);
    expect(await service.codeOf(secret)).toBe('revoked');
  });

  it('a call that changes nothing writes nothing', async () => {
    const { key } = await service.create({ name: 'same', scopes: ['a'] });
    const before = (await service.events()).length;
    await service.owner.updateKey(key.id, { name: 'same', scopes: ['a', 'a'], metadata: {} });
    expect((await service.owner.enableKey(key.id)).version).toBe(1);
    expect(await service.events()).toHaveLength(before);
  });
});

describe('a workspace', () => {
  it('that is suspended, or whose owner is, has no good key until it resumes', async () => {
    const { id: workspaceId } = await service.workspace();
    const { secret } = await service.create({ workspaceId, ownerId: 'o' });
    const address = { workspaceId, ownerId: 'o' };
    const codes: string[] = [];
    for (const step of [
      () => service.owner.suspendWorkspace(workspaceId),
      () => service.owner.suspendOwner(address),
      () => service.owner.resumeWorkspace(workspaceId),
      () => service.owner.resumeOwner(address),
    ]) {
      await step();
      codes.push(await service.codeOf(secret));
    }
    expect(codes).toEqual(['suspended', 'suspended', 'suspended', 'valid']);
  });

  it('that is suspended lets none of its management keys in', async () => {
    const { id: workspaceId } = await service.workspace();
    const { secret } = await service.create({
      kind: 'management',
      workspaceId,
      permissions: ['*'],
    });
    await service.owner.suspendWorkspace(workspaceId);
    await expect(service.as(secret)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('with keys is not deleted unless that is said, and nothing changes', async () => {
    const { id: workspaceId } = await service.workspace();
    const { key, secret } = await service.create({ workspaceId });
    expect(await laterRefusalOf(service.owner.deleteWorkspace(workspaceId))).toBe('conflict');
    expect(await service.codeOf(secret)).toBe('valid');
    await service.owner.revokeKey(key.id);
    expect(await laterRefusalOf(service.owner.deleteWorkspace(workspaceId))).toBe('nothing');
  });

  it('that is deleted with its keys has no good one from that moment, and is emptied in steps', async () => {
    while ((await service.owner.eraseRemaining()) > 0); // what other tests left
    const { id: workspaceId } = await service.workspace();
    const made = await Promise.all(
      Array.from({ length: 120 }, () => service.create({ workspaceId })),
    );
    await service.owner.deleteWorkspace(workspaceId, { revokeKeys: true });
    const [first = expect.fail()] = made;
    expect(await service.codeOf(first.secret)).toBe('suspended');
    for (const call of [
      service.owner.createKey({ workspaceId }),
      service.owner.getWorkspace(workspaceId),
      service.owner.resumeWorkspace(workspaceId),
      service.owner.updateWorkspace(workspaceId, { name: 'x' }),
      service.owner.putOwner({ workspaceId, ownerId: 'o' }, {}),
    ]) {
      expect(await laterRefusalOf(call)).toBe('not_found');
    }
    const steps: number[] = [];
    do steps.push(await service.owner.eraseRemaining());
    while (steps.at(-1) !== 0);
    expect(steps).toEqual([100, 20, 0]);
    expect(await service.codeOf(first.secret)).toBe('revoked');
    const { items } = await service.owner.listEvents({ workspaceId, limit: 200 });
    expect(items.filter(({ type }) => type === 'key.erased')).toHaveLength(120);
    expect(items.map(({ type }) => type)).toContain('workspace.deleted');
  });

  it('that is the default one is not deleted', async () => {
    const call = service.owner.deleteWorkspace(service.defaultWorkspaceId, { revokeKeys: true });
    expect(await laterRefusalOf(call)).toBe('conflict');
  });
});

describe('an owner', () => {
  it('that is ensured comes into being once, and is left as it is from then on', async () => {
    const address = { ownerId: 'ensured', workspaceId: service.defaultWorkspaceId };
    const ensure = (name: string) => service.owner.ensureOwner(address, { name, type: 'agent' });
    const [one, other] = await Promise.all([ensure('one'), ensure('other')]);
    expect([one.created, other.created].sort()).toEqual([false, true]);
    expect(other.owner).toEqual(one.owner);
    const before = (await service.events()).length;
    expect(await ensure('third')).toEqual({ owner: one.owner, created: false });
    expect(await service.owner.getOwnerById(one.owner.id)).toEqual(one.owner);
    expect(await service.events()).toHaveLength(before);
  });

  it('that was erased is not ensured again, as long as its name is known', async () => {
    const address = { ownerId: 'erased', workspaceId: service.defaultWorkspaceId };
    await service.owner.ensureOwner(address, {});
    await service.owner.eraseOwner(address);
    expect(await laterRefusalOf(service.owner.ensureOwner(address, {}))).toBe('conflict');
  });
});

describe('a kept reply', () => {
  it('is given again while its key is active, to who may still ask for it', async () => {
    const { key } = await service.create({});
    const check = () => laterRefusalOf(service.owner.checkReplay('keys:write', key.id));
    expect(await check()).toBe('nothing');
    await service.owner.disableKey(key.id);
    expect(await check()).toBe('conflict');
    await service.owner.enableKey(key.id);
    expect(await check()).toBe('nothing');
    const elsewhere = await service.caller({
      workspaceId: (await service.workspace()).id,
      permissions: ['*'],
    });
    expect(await laterRefusalOf(elsewhere.checkReplay('keys:write', key.id))).toBe('conflict');
    await service.owner.eraseKey(key.id);
    expect(await check()).toBe('conflict');
  });
});

describe('events', () => {
  it('tell of each change who made it and from where, and hold no secret and no digest', async () => {
    const { key, secret } = await service.create({ name: 'told' });
    await service.owner.updateKey(key.id, { name: 'told again' });
    await service.owner.revokeKey(key.id);
    const all = await service.events();
    const { key: own } = await service.owner.whoami();
    const mine = all.filter(({ subject }) => subject.id === key.id);
    expect(mine.map(({ type }) => type)).toEqual(['key.revoked', 'key.updated', 'key.created']);
    for (const event of mine) {
      expect(event).toMatchObject({
        actor: { type: 'key', id: own?.id },
        origin: { address: '192.0.2.1', requestId: 'request', sharedCredential: null },
      });
    }
    const text = JSON.stringify(all);
    expect(service.secrets).toContain(secret);
    for (const shown of service.secrets) {
      expect(text).not.toContain(shown.slice(-20));
      expect(text).not.toContain(createHash('sha256').update(shown).digest('hex'));
    }
  });
});
