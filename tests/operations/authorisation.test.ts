import {
  type Operations,
  PERMISSIONS,
  type Permission,
  PRESETS,
  WARDER_FORMAT,
  WarderError,
} from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

/** What there is to be reached in one workspace. */
interface Target {
  workspaceId: string;
  keyId: string;
  secret: string;
  managementId: string;
  ownerId: string;
  /** Its own id. */
  owner: string;
  memberId: string;
}

async function makeTarget(): Promise<Target> {
  const { id: workspaceId } = await service.workspace();
  const ownerId = 'customer';
  await service.owner.putOwner({ workspaceId, ownerId }, { credits: { remaining: 9 } });
  const credits = { remaining: 9 };
  const { key, secret } = await service.create({ workspaceId, ownerId, scopes: ['a'], credits });
  const management = await service.create({
    kind: 'management',
    workspaceId,
    permissions: ['keys:read'],
  });
  const { id: owner } = await service.owner.getOwner({ workspaceId, ownerId });
  const member = await service.owner.addMember({
    workspaceId,
    issuer: 'https://issuer.example',
    subject: key.id,
    role: 'viewer',
  });
  const ids = { keyId: key.id, managementId: management.key.id, ownerId, memberId: member.id };
  return { workspaceId, secret, owner, ...ids };
}

interface Use {
  needs: readonly Permission[];
  /** Whether only a key of the instance may do it. */
  instance?: true;
  /** How it names the workspace: by an id of something in it, by `workspaceId`, or not at all. */
  by: 'id' | 'workspaceId' | 'none';
  run(ops: Operations, target: Target): Promise<unknown>;
}

const onKey = (run: (ops: Operations, id: string) => Promise<unknown>): Use => ({
  needs: ['keys:write'],
  by: 'id',
  run: (ops, { keyId }) => run(ops, keyId),
});
const onManagementKey = (run: (ops: Operations, id: string) => Promise<unknown>): Use => ({
  needs: ['keys:write', 'management_keys:write'],
  by: 'id',
  run: (ops, { managementId }) => run(ops, managementId),
});

// Whoever makes, changes or removes a viewer holds what a viewer has.
const overViewer = ['members:write', ...PRESETS.viewer] as readonly Permission[];

// Total: an operation that is not here does not compile.
const OPERATIONS: Record<keyof Operations, Use> = {
  createKey: {
    needs: ['keys:write'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.createKey({ workspaceId }),
  },
  listKeys: {
    needs: ['keys:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listKeys({ workspaceId }),
  },
  getKey: { needs: ['keys:read'], by: 'id', run: (ops, { keyId }) => ops.getKey(keyId) },
  updateKey: onKey((ops, id) => ops.updateKey(id, { name: 'x' })),
  creditKey: onKey((ops, id) => ops.creditKey(id, { add: 1 })),
  disableKey: onKey((ops, id) => ops.disableKey(id)),
  enableKey: onKey((ops, id) => ops.enableKey(id)),
  revokeKey: onKey((ops, id) => ops.revokeKey(id)),
  deleteKey: onKey((ops, id) => ops.deleteKey(id)),
  eraseKey: onKey((ops, id) => ops.eraseKey(id)),
  verifyKey: {
    needs: ['keys:verify'],
    by: 'workspaceId',
    run: (ops, { workspaceId, secret }) => ops.verifyKey({ workspaceId, secret }),
  },
  takeLimit: {
    needs: ['limits:take'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => {
      const window = { limit: 10, windowSeconds: 60, workspaceId };
      return ops.takeLimit({ name: 'calls', identifier: 'somebody', ...window });
    },
  },
  replaceKey: onKey((ops, id) => ops.replaceKey(id, WARDER_FORMAT)),
  verifyKeys: {
    needs: ['keys:verify'],
    by: 'workspaceId',
    run: (ops, { workspaceId, secret }) => ops.verifyKeys([{ workspaceId, secret }]),
  },
  whoami: { needs: [], by: 'none', run: (ops) => ops.whoami() },
  revokeSelf: { needs: [], by: 'none', run: (ops) => ops.revokeSelf() },
  reportLeak: {
    needs: [],
    by: 'none',
    run: (ops) => ops.reportLeak({ secret: 'x', facts: {}, revoke: true }),
  },
  createWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'none',
    run: (ops, { keyId }) => ops.createWorkspace({ name: `Of ${keyId.slice(-12)}` }),
  },
  listWorkspaces: { needs: ['workspaces:read'], by: 'none', run: (ops) => ops.listWorkspaces({}) },
  getWorkspace: {
    needs: ['workspaces:read'],
    by: 'id',
    run: (ops, { workspaceId }) => ops.getWorkspace(workspaceId),
  },
  updateWorkspace: {
    needs: ['workspaces:write'],
    by: 'id',
    run: (ops, { workspaceId }) => ops.updateWorkspace(workspaceId, { name: 'x' }),
  },
  suspendWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'id',
    run: (ops, { workspaceId }) => ops.suspendWorkspace(workspaceId),
  },
  resumeWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'id',
    run: (ops, { workspaceId }) => ops.resumeWorkspace(workspaceId),
  },
  deleteWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'id',
    run: (ops, { workspaceId }) => ops.deleteWorkspace(workspaceId, { revokeKeys: true }),
  },
  eraseRemaining: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'none',
    run: (ops) => ops.eraseRemaining(),
  },
  getOwner: {
    needs: ['owners:read'],
    by: 'workspaceId',
    run: (ops, target) => ops.getOwner(target),
  },
  getOwnerById: {
    needs: ['owners:read'],
    by: 'id',
    run: (ops, { owner }) => ops.getOwnerById(owner),
  },
  ensureOwner: {
    needs: ['owners:write', 'owners:read'],
    by: 'workspaceId',
    run: (ops, target) => ops.ensureOwner(target, { name: 'z' }),
  },
  listOwners: {
    needs: ['owners:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listOwners({ workspaceId }),
  },
  putOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.putOwner(target, { name: 'x' }),
  },
  patchOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.patchOwner(target, { name: 'y' }),
  },
  creditOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.creditOwner(target, { add: 1 }),
  },
  suspendOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.suspendOwner(target),
  },
  resumeOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.resumeOwner(target),
  },
  eraseOwner: {
    needs: ['owners:write', 'keys:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.eraseOwner(target, { keys: true }),
  },
  eraseOwnersFurther: {
    needs: ['owners:write'],
    instance: true,
    by: 'none',
    run: (ops) => ops.eraseOwnersFurther(),
  },
  addMember: {
    needs: overViewer,
    by: 'workspaceId',
    run: (ops, { workspaceId }) =>
      ops.addMember({ workspaceId, issuer: 'i', subject: service.newName(), role: 'viewer' }),
  },
  listMembers: {
    needs: ['members:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listMembers({ workspaceId }),
  },
  getMember: {
    needs: ['members:read'],
    by: 'id',
    run: (ops, { memberId }) => ops.getMember(memberId),
  },
  updateMember: {
    needs: overViewer,
    by: 'id',
    run: (ops, { memberId }) => ops.updateMember(memberId, { name: 'x' }),
  },
  removeMember: {
    needs: overViewer,
    by: 'id',
    run: (ops, { memberId }) => ops.removeMember(memberId),
  },
  listEvents: {
    needs: ['events:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listEvents({ workspaceId }),
  },
  exportEvents: {
    needs: ['events:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.exportEvents({ workspaceId }),
  },
  sealEvents: {
    needs: ['events:read'],
    instance: true,
    by: 'none',
    run: (ops) => ops.sealEvents(),
  },
  logEvents: {
    needs: ['events:read'],
    instance: true,
    by: 'none',
    run: (ops) => ops.logEvents(async () => true),
  },
  pruneEvents: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'none',
    run: (ops) => ops.pruneEvents(0),
  },
  getUsage: {
    needs: ['usage:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.getUsage({ workspaceId }),
  },
  explainKey: { needs: ['keys:read'], by: 'id', run: (ops, { keyId }) => ops.explainKey(keyId) },
  checkReplay: {
    needs: ['owners:write'],
    by: 'none',
    run: (ops) => ops.checkReplay('owners:write', null),
  },
};

const MANAGEMENT: Record<string, Use> = {
  'getUsage of a key': {
    needs: ['usage:read'],
    by: 'id',
    run: (ops, { keyId }) => ops.getUsage({ keyId }),
  },
  'getUsage of an owner': {
    needs: ['usage:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId, ownerId }) => ops.getUsage({ workspaceId, ownerId }),
  },
  'createKey of a management key': {
    needs: ['keys:write', 'management_keys:write'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) =>
      ops.createKey({ kind: 'management', workspaceId, permissions: ['keys:write'] }),
  },
  'updateKey of a management key': {
    // An edit hands it out anew, so the caller needs what it holds as well.
    needs: ['keys:write', 'management_keys:write', 'keys:read'],
    by: 'id',
    run: (ops, { managementId }) => ops.updateKey(managementId, { name: 'x' }),
  },
  'disableKey of a management key': onManagementKey((ops, id) => ops.disableKey(id)),
  'revokeKey of a management key': onManagementKey((ops, id) => ops.revokeKey(id)),
  'deleteKey of a management key': onManagementKey((ops, id) => ops.deleteKey(id)),
  'eraseKey of a management key': onManagementKey((ops, id) => ops.eraseKey(id)),
};

// It takes a key that was made for it: presented.test.ts.
const { revokeSelf: _, ...rest } = OPERATIONS;
const uses = Object.entries({ ...rest, ...MANAGEMENT });
const homeOf = (use: Use, { workspaceId }: Target) => (use.instance ? null : workspaceId);

describe('an operation', () => {
  it.each(uses)('%s is done by a caller with just its permissions', async (_, use) => {
    const target = await makeTarget();
    const [first = 'usage:read', ...rest] = use.needs;
    const caller = await service.caller({
      workspaceId: homeOf(use, target),
      permissions: [first, ...rest],
    });
    expect(await laterRefusalOf(use.run(caller, target))).toBe('nothing');
  });

  const lacking = uses.flatMap(([name, use]) => use.needs.map((one) => [name, one, use] as const));
  it.each(lacking)(
    '%s is refused to a caller with every permission but %s, and changes nothing',
    async (_, lacks, use) => {
      const target = await makeTarget();
      const permissions = PERMISSIONS.filter((one) => one !== lacks);
      const caller = await service.caller({ workspaceId: homeOf(use, target), permissions });
      const before = (await service.events()).length;
      const error = await use.run(caller, target).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(WarderError);
      expect(error).toMatchObject({ code: 'forbidden' });
      expect(String(error)).toContain(lacks);
      expect(await service.events()).toHaveLength(before);
    },
  );

  it.each(uses)(
    '%s is refused to an ordinary key, whatever its scopes spell',
    async (name, use) => {
      const target = await makeTarget();
      const { secret } = await service.create({
        workspaceId: target.workspaceId,
        scopes: ['*', ...PERMISSIONS],
      });
      const refusal = await laterRefusalOf(use.run(await service.as(secret), target));
      expect(refusal).toBe(['whoami', 'reportLeak'].includes(name) ? 'nothing' : 'forbidden');
    },
  );

  it.each(uses.filter(([, use]) => use.instance))(
    "%s is refused to every workspace's key",
    async (_, use) => {
      const target = await makeTarget();
      const caller = await service.caller({ workspaceId: target.workspaceId, permissions: ['*'] });
      expect(await laterRefusalOf(use.run(caller, target))).toBe('forbidden');
    },
  );
});

describe("another workspace's things", () => {
  const message = (call: Promise<unknown>) =>
    call.then(
      () => 'nothing',
      (error: WarderError) => `${error.code}: ${error.message}`,
    );

  it.each(uses.filter(([, use]) => use.by === 'id'))(
    '%s answers as for an id that is nowhere',
    async (_, use) => {
      const [mine, theirs] = [await makeTarget(), await makeTarget()];
      const caller = await service.caller({ workspaceId: mine.workspaceId, permissions: ['*'] });
      const nowhere = service.host.newId(service.clock.at);
      const before = (await service.events()).length;
      const answer = await message(use.run(caller, theirs));
      expect(answer).toBe(
        await message(
          use.run(caller, {
            ...theirs,
            keyId: nowhere,
            managementId: nowhere,
            memberId: nowhere,
            workspaceId: nowhere,
          }),
        ),
      );
      expect(answer).toMatch(/^not_found/);
      expect(await service.events()).toHaveLength(before);
    },
  );

  it.each(uses.filter(([, use]) => use.by === 'workspaceId'))(
    '%s is refused where it names one, there or not',
    async (_, use) => {
      const [mine, theirs] = [await makeTarget(), await makeTarget()];
      const caller = await service.caller({ workspaceId: mine.workspaceId, permissions: ['*'] });
      const before = (await service.events()).length;
      const answer = await message(use.run(caller, theirs));
      expect(answer).toBe(await message(use.run(caller, { ...theirs, workspaceId: 'nowhere' })));
      expect(answer).toMatch(/^forbidden/);
      expect(await service.events()).toHaveLength(before);
    },
  );

  it('appear in no list and verify as not found', async () => {
    const [mine, theirs] = [await makeTarget(), await makeTarget()];
    const caller = await service.caller({ workspaceId: mine.workspaceId, permissions: ['*'] });
    const lists = [
      await caller.listKeys({ limit: 200 }),
      await caller.listOwners({ limit: 200 }),
      await caller.listWorkspaces({ limit: 200 }),
      await caller.listMembers({ limit: 200 }),
      await caller.listEvents({ limit: 200 }),
    ];
    for (const { items } of lists) expect(items.length).toBeGreaterThan(0);
    expect(JSON.stringify(lists)).toContain(mine.workspaceId);
    expect(JSON.stringify(lists)).not.toContain(theirs.workspaceId);
    expect(await caller.verifyKey({ secret: theirs.secret })).toEqual({
      valid: false,
      code: 'not_found',
    });
    expect(await caller.verifyKey({ secret: mine.secret })).toMatchObject({ valid: true });
  });

  it('a key of the instance reaches all of them, and makes its keys in the default one', async () => {
    const target = await makeTarget();
    expect((await service.owner.getKey(target.keyId)).workspaceId).toBe(target.workspaceId);
    const { key } = await service.create({});
    expect(key.workspaceId).toBe(service.defaultWorkspaceId);
    const listed = await service.owner.listKeys({ workspaceId: target.workspaceId });
    expect(listed.items.map((one) => one.id).toSorted()).toEqual(
      [target.keyId, target.managementId].toSorted(),
    );
  });
});

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
