// A key that takes the place of another: new text, same key in all else, and never both good.

import type { KeyDraft, Operations } from '@warder/core';
import { WARDER_FORMAT } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACORN_FORMAT } from '../fixtures/dialect.ts';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const replace = async (id: string, by: Operations = service.owner) => {
  const replaced = await by.replaceKey(id, WARDER_FORMAT);
  service.secrets.push(replaced.secret);
  return replaced;
};

describe('a key that is replaced', () => {
  it('is revoked, and its successor is all that it was, with a text of its own', async () => {
    const draft: KeyDraft = {
      name: 'CI',
      ownerId: 'acme',
      scopes: ['files:read'],
      environment: 'test',
      allowedCidrs: ['192.0.2.0/24'],
      allowSelfRevoke: true,
      metadata: { plan: 'gold' },
      extension: { acorn: { shell: 'hard' } },
      notBefore: service.clock.at - 5,
      expiresAt: service.clock.at + 60_000,
      enabled: false,
      softBlocked: true,
    };
    const before = await service.create(draft);
    service.clock.at += 1_000;
    const maker = await service.caller({
      workspaceId: service.defaultWorkspaceId,
      permissions: ['keys:write'],
      environment: 'live',
    });
    const { key, secret, replaced } = await replace(before.key.id, maker);
    const own = (await maker.whoami()).key;
    const { id, handle, start, end, ...rest } = key;
    expect(rest).toEqual({
      ...rest,
      ...draft,
      kind: 'standard',
      workspaceId: service.defaultWorkspaceId,
      createdBy: { type: 'key', id: own?.id },
      replaces: before.key.id,
      createdAt: service.clock.at,
      updatedAt: service.clock.at,
      lastUsedAt: null,
      revokedAt: null,
      version: 1,
    });
    for (const name of ['id', 'handle', 'start', 'end'] as const) {
      expect([name, before.key[name]]).not.toEqual([name, key[name]]);
    }
    expect([id, handle, start, end]).not.toContain(null);
    expect(replaced).toMatchObject({
      id: before.key.id,
      revokedAt: service.clock.at,
      revokedReason: 'replaced',
      version: 2,
    });
    expect(await service.owner.getKey(before.key.id)).toEqual(replaced);
    expect(await service.owner.getKey(id)).toEqual(key);
    expect(await service.codeOf(before.secret)).toBe('revoked');
    expect(await service.codeOf(secret)).toBe('disabled');
    const told = (await service.events()).slice(0, 2);
    expect(told.map(({ type, subject }) => [type, subject.id])).toEqual([
      ['key.created', id],
      ['key.revoked', before.key.id],
    ]);
  });

  it('has a successor in whatever format is asked for', async () => {
    const before = await service.create({});
    const { key, secret } = await service.owner.replaceKey(before.key.id, ACORN_FORMAT);
    expect(key.format).toBe('acorn');
    expect(secret).toMatch(/^acorn_\w{40}$/);
    expect(await service.codeOf(secret)).toBe('valid');
  });

  it('keeps permissions and grants of a management key, for who may hand them out', async () => {
    const grants = { scopes: ['a'], environments: ['live' as const], maxLifeSeconds: 60 };
    const draft = { kind: 'management', permissions: ['keys:read', 'keys:write'], grants } as const;
    const { key: before } = await service.create(draft);
    const { key } = await replace(before.id);
    expect(key).toMatchObject({ ...draft, replaces: before.id });
    const weaker = await service.caller({
      workspaceId: service.defaultWorkspaceId,
      permissions: ['keys:write', 'management_keys:write'],
    });
    expect(await laterRefusalOf(replace(key.id, weaker))).toBe('forbidden');
    const without = await service.caller({
      workspaceId: service.defaultWorkspaceId,
      permissions: ['keys:write', 'keys:read'],
    });
    expect(await laterRefusalOf(replace(key.id, without))).toBe('forbidden');
    expect((await service.owner.getKey(key.id)).revokedAt).toBe(null);
  });

  it('is refused once it is revoked, and nothing is made', async () => {
    const { key } = await service.create({});
    await service.owner.revokeKey(key.id, 'leaked');
    const before = (await service.events()).length;
    expect(await laterRefusalOf(replace(key.id))).toBe('conflict');
    expect(await service.events()).toHaveLength(before);
    const twice = await service.create({});
    await replace(twice.key.id);
    expect(await laterRefusalOf(replace(twice.key.id))).toBe('conflict');
  });

  it('is replaced once, however many ask at the same time', async () => {
    const { id: workspaceId } = await service.workspace();
    const { key } = await service.create({ workspaceId });
    const tried = await Promise.all(
      Array.from({ length: 8 }, () =>
        laterRefusalOf(service.owner.replaceKey(key.id, ACORN_FORMAT)),
      ),
    );
    expect(tried.toSorted()).toEqual([...Array(7).fill('conflict'), 'nothing']);
    const { items } = await service.owner.listKeys({ workspaceId, statuses: ['active'] });
    expect(items.map(({ replaces }) => replaces)).toEqual([key.id]);
  });

  it('is the version that was meant, or stays', async () => {
    const { key } = await service.create({});
    await service.owner.updateKey(key.id, { name: 'later' });
    const stale = service.owner.replaceKey(key.id, WARDER_FORMAT, { ifVersion: 1 });
    expect(await laterRefusalOf(stale)).toBe('precondition_failed');
    const meant = service.owner.replaceKey(key.id, WARDER_FORMAT, { ifVersion: 2 });
    expect(await laterRefusalOf(meant)).toBe('nothing');
  });
});

describe('replacing', () => {
  it('hands out what the key has: refused beyond the caller or the workspace, with nothing changed', async () => {
    const { id: workspaceId } = await service.workspace();
    const narrow = await service.caller({
      workspaceId,
      permissions: ['keys:write'],
      grants: { scopes: ['files:*'], environments: ['live'], maxLifeSeconds: 60 },
    });
    const soon = service.clock.at + 60_000;
    const cases: KeyDraft[] = [
      { scopes: ['billing:read'], expiresAt: soon },
      { environment: 'test', expiresAt: soon },
      { expiresAt: soon + 1 },
      { expiresAt: null },
    ];
    for (const draft of cases) {
      const { key, secret } = await service.create({ workspaceId, ...draft });
      const before = (await service.events()).length;
      expect([draft, await laterRefusalOf(replace(key.id, narrow))]).toEqual([draft, 'forbidden']);
      expect(await service.codeOf(secret)).toBe('valid');
      expect(await service.events()).toHaveLength(before);
    }
    const { key } = await service.create({ workspaceId, scopes: ['files:read'], expiresAt: soon });
    expect(await laterRefusalOf(replace(key.id, narrow))).toBe('nothing');
    const known = await service.create({ workspaceId, scopes: ['old:scope'] });
    await service.owner.updateWorkspace(workspaceId, { settings: { knownScopes: ['files:read'] } });
    expect(await laterRefusalOf(replace(known.key.id))).toBe('invalid /scopes');
    expect(await service.codeOf(known.secret)).toBe('valid');
  });

  it('needs no room, for one key ends; where there are too many it changes nothing', async () => {
    const { id: workspaceId } = await service.workspace({ maxKeys: 2, maxKeysPerOwner: 1 });
    const first = await service.create({ workspaceId, ownerId: 'acme' });
    const second = await service.create({ workspaceId });
    const { key } = await replace(first.key.id);
    expect(key.ownerId).toBe('acme');
    await service.owner.updateWorkspace(workspaceId, { settings: { maxKeys: 1 } });
    const before = (await service.events()).length;
    expect(await laterRefusalOf(replace(second.key.id))).toBe('quota_exceeded');
    expect(await service.codeOf(second.secret)).toBe('valid');
    expect(await service.events()).toHaveLength(before);
  });
});
