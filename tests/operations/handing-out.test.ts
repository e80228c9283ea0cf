import type { Operations } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

describe('handing out', () => {
  it('a key of the instance is made by nobody of a workspace, and is never an ordinary one', async () => {
    const { id: workspaceId } = await service.workspace();
    const caller = await service.caller({ workspaceId, permissions: ['*'] });
    const draft = { kind: 'management', workspaceId: null, permissions: ['keys:read'] } as const;
    expect(await laterRefusalOf(caller.createKey(draft))).toBe('forbidden');
    expect(await laterRefusalOf(service.owner.createKey({ workspaceId: null }))).toBe(
      'invalid /workspace_id',
    );
    const { key } = await service.create(draft);
    expect(key).toMatchObject({ workspaceId: null, kind: 'management' });
  });

  it('beyond the caller is refused on creating, editing and enabling alike', async () => {
    const { id: workspaceId } = await service.workspace();
    const grants = { scopes: ['files:*'], environments: ['live' as const], maxLifeSeconds: 60 };
    const own = {
      workspaceId,
      permissions: ['keys:write', 'management_keys:write'] as const,
      grants,
    };
    const caller = await service.caller({ ...own, expiresAt: service.clock.at + 90_000 });
    const soon = service.clock.at + 60_000;

    for (const draft of [
      { scopes: ['files:read', 'billing:read'] },
      { scopes: ['*'] },
      { environment: 'test' as const },
      { expiresAt: soon + 1 },
      { expiresAt: null },
      { kind: 'management' as const, permissions: ['*'] as const, grants },
      { kind: 'management' as const, permissions: ['events:read'] as const, grants },
      {
        kind: 'management' as const,
        permissions: ['keys:write'] as const,
        grants: { scopes: ['*'] },
      },
      {
        kind: 'management' as const,
        permissions: ['keys:write'] as const,
        grants,
        expiresAt: null,
      },
    ]) {
      expect([draft, await laterRefusalOf(caller.createKey(draft))]).toEqual([draft, 'forbidden']);
    }
    const { key } = await caller.createKey({ scopes: ['files:read'] });
    expect(key).toMatchObject({ scopes: ['files:read'], expiresAt: soon, workspaceId });
    const made = await caller.createKey({
      kind: 'management',
      permissions: ['keys:write'],
    });
    expect(made.key).toMatchObject({ expiresAt: service.clock.at + 90_000, grants });

    expect(await laterRefusalOf(caller.updateKey(key.id, { scopes: ['*'] }))).toBe('forbidden');
    expect(await laterRefusalOf(caller.updateKey(key.id, { expiresAt: null }))).toBe('forbidden');
    expect(await laterRefusalOf(caller.updateKey(made.key.id, { permissions: ['*'] }))).toBe(
      'forbidden',
    );
    const wide = await service.create({ workspaceId, scopes: ['billing:read'] });
    expect((await caller.disableKey(wide.key.id)).enabled).toBe(false);
    expect(await laterRefusalOf(caller.enableKey(wide.key.id))).toBe('forbidden');
    const strong = await service.create({ kind: 'management', workspaceId, permissions: ['*'] });
    expect(await laterRefusalOf(caller.updateKey(strong.key.id, { name: 'mine' }))).toBe(
      'forbidden',
    );
    expect((await caller.disableKey(strong.key.id)).enabled).toBe(false);
    expect(await laterRefusalOf(caller.enableKey(strong.key.id))).toBe('forbidden');
    expect((await caller.revokeKey(strong.key.id)).revokedAt).toBe(service.clock.at);
  });

  it("the creator and the workspace are the caller's, whatever else is said", async () => {
    const { id: workspaceId } = await service.workspace();
    const caller = await service.caller({ workspaceId, permissions: ['*'] });
    const smuggled = {
      createdBy: { type: 'system', id: 'x' },
      id: 'mine',
      version: 7,
      revokedAt: 1,
    };
    const { key } = await caller.createKey({ ...smuggled, name: 'n' });
    const { key: own } = await caller.whoami();
    expect(key).toMatchObject({
      createdBy: { type: 'key', id: own?.id },
      workspaceId,
      version: 1,
      revokedAt: null,
    });
    expect(key.id).not.toBe('mine');
  });

  it("the workspace's settings bound every caller's ordinary keys", async () => {
    const settings = {
      tokenPrefix: 'acme',
      defaultLifeSeconds: 60,
      maxLifeSeconds: 120,
      knownScopes: ['files:read'],
    };
    const { id: workspaceId } = await service.workspace(settings);
    const { key, secret } = await service.create({ workspaceId, environment: 'test' });
    expect(key.expiresAt).toBe(service.clock.at + 60_000);
    expect(secret).toMatch(/^acme_test_/);
    const create = (draft: object) =>
      laterRefusalOf(service.owner.createKey({ workspaceId, ...draft }));
    expect(await create({ expiresAt: service.clock.at + 120_001 })).toBe('forbidden');
    expect(await create({ expiresAt: null })).toBe('forbidden');
    expect(await create({ scopes: ['file:read'] })).toBe('invalid /scopes');
    expect(await create({ expiresAt: service.clock.at + 120_000, scopes: ['files:read'] })).toBe(
      'nothing',
    );
  });
});

describe('verifying', () => {
  it('a verifier sees the keys of its workspace and its environment', async () => {
    const { id: workspaceId } = await service.workspace();
    const permissions = ['keys:verify'] as const;
    const [live, test] = [
      await service.caller({ workspaceId, permissions }),
      await service.caller({ workspaceId, permissions, environment: 'test' }),
    ];
    const [good, tested] = [
      await service.create({ workspaceId }),
      await service.create({ workspaceId, environment: 'test' }),
    ];
    const codes = async (ops: Operations) => [
      (await ops.verifyKey({ secret: good.secret })).code,
      (await ops.verifyKey({ secret: tested.secret })).code,
    ];
    expect(await codes(live)).toEqual(['valid', 'wrong_environment']);
    expect(await codes(test)).toEqual(['wrong_environment', 'valid']);
    expect(await codes(service.owner)).toEqual(['valid', 'valid']);
    const elsewhere = await service.owner.verifyKey({
      secret: good.secret,
      workspaceId: service.defaultWorkspaceId,
    });
    expect(elsewhere).toEqual({ valid: false, code: 'wrong_workspace' });
  });

  it('a management key is of the wrong kind, and a slip is malformed', async () => {
    const [first = ''] = service.secrets;
    expect(await service.codeOf(first)).toBe('wrong_kind');
    expect(await service.codeOf(first.slice(0, -1))).toBe('not_found');
    expect(await service.codeOf(first.slice(0, -1) + (first.endsWith('0') ? '1' : '0'))).toBe(
      'malformed',
    );
  });

  it('what cannot be asked is refused by name', async () => {
    const ask = (request: object) =>
      laterRefusalOf(service.owner.verifyKey({ secret: 'x', ...request }));
    expect(await ask({ query: 'a and' })).toBe('invalid /query');
    expect(await ask({ ip: '1.2.3' })).toBe('invalid /ip');
  });
});
