import { PERMISSIONS, WarderError } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';
import { MANAGEMENT, makeTarget, OPERATIONS, type Target, type Use } from './uses.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

// It takes a key that was made for it: presented.test.ts.
const { revokeSelf: _, ...rest } = OPERATIONS;
const uses = Object.entries({ ...rest, ...MANAGEMENT });
const homeOf = (use: Use, { workspaceId }: Target) => (use.instance ? null : workspaceId);

describe('an operation', () => {
  it.each(uses)('%s is done by a caller with just its permissions', async (_, use) => {
    const target = await makeTarget(service);
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
      const target = await makeTarget(service);
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
      const target = await makeTarget(service);
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
      const target = await makeTarget(service);
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
      const [mine, theirs] = [await makeTarget(service), await makeTarget(service)];
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
      const [mine, theirs] = [await makeTarget(service), await makeTarget(service)];
      const caller = await service.caller({ workspaceId: mine.workspaceId, permissions: ['*'] });
      const before = (await service.events()).length;
      const answer = await message(use.run(caller, theirs));
      expect(answer).toBe(await message(use.run(caller, { ...theirs, workspaceId: 'nowhere' })));
      expect(answer).toMatch(/^forbidden/);
      expect(await service.events()).toHaveLength(before);
    },
  );

  it('appear in no list and verify as not found', async () => {
    const [mine, theirs] = [await makeTarget(service), await makeTarget(service)];
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
    const target = await makeTarget(service);
    expect((await service.owner.getKey(target.keyId)).workspaceId).toBe(target.workspaceId);
    const { key } = await service.create({});
    expect(key.workspaceId).toBe(service.defaultWorkspaceId);
    const listed = await service.owner.listKeys({ workspaceId: target.workspaceId });
    expect(listed.items.map((one) => one.id).toSorted()).toEqual(
      [target.keyId, target.managementId].toSorted(),
    );
  });
});
