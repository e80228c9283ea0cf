// Members as use cases: who may give which role, what a removal ends, and that none
// of it can be raced.

import {
  type Change,
  GOOD,
  issueKey,
  type Member,
  NO_ORIGIN,
  type Operations,
  PERMISSIONS,
  PRESETS,
  ROLES,
  type Role,
  WARDER_FORMAT,
} from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const ISSUER = 'https://issuer.example';
const newWorkspace = async () => (await service.workspace()).id;
const add = (workspaceId: string, role: Role, by = service.owner) =>
  by.addMember({ workspaceId, issuer: ISSUER, subject: service.newName(), role });
const membersOf = async (workspaceId: string) =>
  (await service.owner.listMembers({ workspaceId, limit: 200 })).items;
const tally = (answers: readonly string[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(answers, (one) => one)).map(([one, all]) => [one, all?.length]),
  );

/** Does something once, before the next commit is made. */
const beforeNextCommit = (act: () => Promise<unknown>) => {
  service.watch.before.set('commit', async () => {
    service.watch.before.delete('commit');
    await act();
  });
};

describe('a role', () => {
  const rank = (role: Role) => ROLES.indexOf(role);

  it.each(ROLES)(
    'is given, changed and taken by a member that is %s up to its own',
    async (own) => {
      const workspaceId = await newWorkspace();
      await add(workspaceId, 'owner');
      const caller = service.asMember(await add(workspaceId, own));
      const expected = (role: Role) =>
        ['admin', 'owner'].includes(own) && rank(role) <= rank(own) ? 'nothing' : 'forbidden';
      for (const role of ROLES) {
        const said = async (call: Promise<unknown>) => [role, await laterRefusalOf(call)];
        expect(await said(add(workspaceId, role, caller))).toEqual([role, expected(role)]);
        const other = await add(workspaceId, role);
        const renamed = caller.updateMember(other.id, { name: 'x' });
        expect(await said(renamed)).toEqual([role, expected(role)]);
        const lowered = caller.updateMember(other.id, { role: 'viewer' });
        expect(await said(lowered)).toEqual([role, expected(role)]);
        const viewer = await add(workspaceId, 'viewer');
        const raised = caller.updateMember(viewer.id, { role });
        expect(await said(raised)).toEqual([role, expected(role)]);
        const another = await add(workspaceId, role);
        expect(await said(caller.removeMember(another.id))).toEqual([role, expected(role)]);
      }
      expect(
        await laterRefusalOf(caller.updateMember((await add(workspaceId, 'viewer')).id, {})),
      ).toBe(expected('viewer'));
    },
  );

  it('of owner is given by `*` alone, not by whoever holds every permission there is today', async () => {
    const workspaceId = await newWorkspace();
    const caller = await service.caller({ workspaceId, permissions: PERMISSIONS });
    expect(await laterRefusalOf(add(workspaceId, 'owner', caller))).toBe('forbidden');
    expect(await laterRefusalOf(add(workspaceId, 'admin', caller))).toBe('nothing');
  });

  it('that makes keys is given only by who may put anything on a key', async () => {
    const workspaceId = await newWorkspace();
    const other = await add(workspaceId, 'viewer');
    for (const grants of [
      { scopes: ['files:*'] },
      { environments: ['test' as const] },
      { maxLifeSeconds: 60 },
    ]) {
      const caller = await service.caller({ workspaceId, permissions: ['*'], grants });
      const answers: unknown[] = [];
      for (const role of ROLES) answers.push(await laterRefusalOf(add(workspaceId, role, caller)));
      expect(answers).toEqual(['nothing', 'forbidden', 'forbidden', 'forbidden']);
      const raised = caller.updateMember(other.id, { role: 'editor' });
      expect(await laterRefusalOf(raised)).toBe('forbidden');
    }
  });

  it('is changed by an instance key in any workspace', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'viewer');
    expect(await service.owner.updateMember(member.id, { role: 'owner' })).toMatchObject({
      role: 'owner',
      workspaceId,
      version: 2,
    });
  });
});

describe('the last owner of a workspace', () => {
  it('stays, whoever asks, and whatever is done at once', async () => {
    for (const leave of [
      (ops: Operations, { id }: Member) => ops.removeMember(id),
      (ops: Operations, { id }: Member) => ops.updateMember(id, { role: 'admin' }),
    ]) {
      const workspaceId = await newWorkspace();
      const owners = [await add(workspaceId, 'owner'), await add(workspaceId, 'owner')];
      await add(workspaceId, 'admin');
      const answers = await Promise.all(
        owners.flatMap((one) => [
          laterRefusalOf(leave(service.owner, one)),
          laterRefusalOf(leave(service.asMember(one), one)),
        ]),
      );
      expect(answers).toContain('conflict');
      const left = (await membersOf(workspaceId)).filter(({ role }) => role === 'owner');
      expect(left).toHaveLength(1);
      const [last] = left;
      if (!last) throw new Error('unreachable');
      for (const ops of [service.owner, service.asMember(last)]) {
        expect(await laterRefusalOf(leave(ops, last))).toBe('conflict');
      }
      expect(await laterRefusalOf(service.owner.updateMember(last.id, { name: 'x' }))).toBe(
        'nothing',
      );
      await add(workspaceId, 'owner');
      expect(await laterRefusalOf(leave(service.asMember(last), last))).toBe('nothing');
    }
  });

  it('keeps its keys where its removal is refused', async () => {
    const workspaceId = await newWorkspace();
    const owner = await add(workspaceId, 'owner');
    const { key } = await service.create({ workspaceId, ownerId: owner.id });
    await makeMany(workspaceId, owner, 600);
    expect(await laterRefusalOf(service.owner.removeMember(owner.id))).toBe('conflict');
    expect(await service.owner.getKey(key.id)).toEqual(key);
    const all = { workspaceId, ownerId: owner.id, statuses: ['disabled'] } as const;
    expect((await service.owner.listKeys(all)).items).toEqual([]);
  });
});

describe('a subject', () => {
  it('is added once by many at once, and again when it was removed', async () => {
    const workspaceId = await newWorkspace();
    const draft = { workspaceId, issuer: ISSUER, subject: 'same', role: 'viewer' } as const;
    const once = () => laterRefusalOf(service.owner.addMember(draft));
    expect(tally(await Promise.all(Array.from({ length: 6 }, once)))).toEqual({
      nothing: 1,
      conflict: 5,
    });
    const [first] = await membersOf(workspaceId);
    await service.owner.removeMember(first?.id ?? '');
    expect(await once()).toBe('nothing');
    const [second] = await membersOf(workspaceId);
    expect(second?.id).not.toBe(first?.id);
    expect(await laterRefusalOf(service.owner.getMember(first?.id ?? ''))).toBe('not_found');
    expect(await laterRefusalOf(service.owner.removeMember(first?.id ?? ''))).toBe('not_found');
  });

  it('is told in no event but those of its membership', async () => {
    const workspaceId = await newWorkspace();
    const secret = { issuer: 'https://personal.example', subject: 'ann-42', name: 'Ann Person' };
    const member = await service.owner.addMember({ ...secret, workspaceId, role: 'admin' });
    const own = service.asMember(member);
    await own.createKey({ ownerId: member.id, scopes: ['a'] });
    await own.createKey({ kind: 'management', permissions: ['keys:read'] });
    await own.updateMember(member.id, { name: 'Ann Other' });
    await service.owner.removeMember(member.id);
    const events = (await service.events()).filter((one) => one.workspaceId === workspaceId);
    for (const { subject, ...event } of events) {
      if (subject.type === 'member') continue;
      expect(JSON.stringify(event)).not.toMatch(/personal\.example|ann-42|Ann /);
    }
    expect(events.filter(({ actor }) => actor.id === member.id)).toHaveLength(4);
  });
});

/** Keys that a member owns, as many as one commit would not hold. */
async function makeMany(workspaceId: string, { id: ownerId }: Member, count: number) {
  const { host, storage } = service;
  const act = {
    actor: { type: 'system', id: 'test' },
    origin: NO_ORIGIN,
    at: host.now(),
    newId: () => host.newId(host.now()),
  } as const;
  const changes = Array.from({ length: count }, (_, i): Change => {
    const terms = {
      name: null,
      ownerId,
      allowedCidrs: [],
      allowSelfRevoke: false,
      limits: null,
      metadata: {},
      extension: {},
      notBefore: null,
      expiresAt: null,
    };
    const plan = {
      terms,
      rights: { kind: 'standard', scopes: [] },
      credits: null,
      workspaceId,
      environment: 'live',
      format: WARDER_FORMAT.name,
      replaces: null,
      state: GOOD,
    } as const;
    const token = { prefix: 'wdr_live_', start: 'aaaa', end: 'bbbb' };
    const secret = `${ownerId} ${i}`;
    const { key } = issueKey(plan, { ...token, secret }, host.random(32), act);
    return { type: 'insert_key', key, digest: host.digest(secret) };
  });
  expect(await storage.within(workspaceId).commit(changes)).toBe('done');
}

describe('removing a member', () => {
  it('disables the keys it owns and the management keys it made, and no other', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'admin');
    const own = service.asMember(member);
    const management = { kind: 'management', permissions: ['keys:read'] } as const;
    const keys = {
      owned: await service.create({ workspaceId, ownerId: member.id }),
      made: await service.create(management, own),
      ownedAndMade: await service.create({ ...management, ownerId: member.id }, own),
      kept: await service.create(management, own),
      keptOwned: await service.create({ ownerId: member.id }, own),
      forOthers: await service.create({ ownerId: 'customer' }, own),
      ofNobody: await service.create({}, own),
      ofOthers: await service.create({ ...management, workspaceId }),
    };
    const keepKeys = [keys.kept.key.id, keys.keptOwned.key.id];
    const removed = await service.owner.removeMember(member.id, { keepKeys });
    expect(removed).toMatchObject({ removedAt: service.clock.at, version: 2 });
    const enabled: string[] = [];
    for (const [name, { key }] of Object.entries(keys)) {
      if ((await service.owner.getKey(key.id)).enabled) enabled.push(name);
    }
    expect(enabled).toEqual(['kept', 'keptOwned', 'forOthers', 'ofNobody', 'ofOthers']);
    expect(await service.codeOf(keys.owned.secret)).toBe('disabled');
    await expect(service.as(keys.made.secret)).rejects.toMatchObject({ code: 'unauthenticated' });
    const made = await service.owner.listKeys({ workspaceId, createdBy: member.id });
    expect(made.items).toHaveLength(6);
    expect((await membersOf(workspaceId)).map(({ id }) => id)).not.toContain(member.id);
  });

  it('a key to keep that is not its own is refused by name, there or not, and nothing ends', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'admin');
    const own = service.asMember(member);
    const mine = await service.create({ ownerId: member.id }, own);
    const forOthers = await service.create({ ownerId: 'customer' }, own);
    const elsewhere = await service.create({ ownerId: member.id });
    const nowhere = service.host.newId(service.clock.at);
    for (const id of [forOthers.key.id, elsewhere.key.id, nowhere, '']) {
      const removal = service.owner.removeMember(member.id, { keepKeys: [mine.key.id, id] });
      await expect(removal).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining(`names ${id},`),
        facts: { fields: [{ pointer: 'keep_keys' }] },
      });
    }
    const many = Array.from({ length: 101 }, () => mine.key.id);
    const tooMany = service.owner.removeMember(member.id, { keepKeys: many });
    expect(await laterRefusalOf(tooMany)).toBe('invalid keep_keys');
    expect(await service.owner.getMember(member.id)).toEqual(member);
    expect(await service.owner.getKey(mine.key.id)).toEqual(mine.key);
  });

  it('with more keys than one commit holds ends all of them before it is over', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'editor');
    await makeMany(workspaceId, member, 1_001);
    const commits = service.watch.calls.get('commit') ?? 0;
    await service.owner.removeMember(member.id);
    expect((service.watch.calls.get('commit') ?? 0) - commits).toBe(3);
    const ofMember = { workspaceId, ownerId: member.id, total: 'exact' } as const;
    const disabled = await service.owner.listKeys({ ...ofMember, statuses: ['disabled'] });
    expect(disabled.total?.count).toBe(1_001);
    const events = await service.owner.listEvents({ workspaceId, limit: 1 });
    expect(events.items[0]?.type).toBe('member.removed');
  });

  it('is refused whole where the version is an old one', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'editor');
    const { key } = await service.create({ workspaceId, ownerId: member.id });
    for (const ifVersion of [0, 2]) {
      const removal = service.owner.removeMember(member.id, { ifVersion });
      expect(await laterRefusalOf(removal)).toBe('precondition_failed');
    }
    expect((await service.owner.getKey(key.id)).enabled).toBe(true);
    await service.owner.removeMember(member.id, { ifVersion: 1 });
  });

  it('ends a key that comes to it or is enabled while it is removed', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'editor');
    const old = await service.create({ workspaceId, ownerId: member.id });
    await service.owner.disableKey(old.key.id);
    const late: string[] = [old.key.id];
    beforeNextCommit(async () => {
      late.push((await service.create({ workspaceId, ownerId: member.id })).key.id);
      await service.owner.enableKey(old.key.id);
    });
    await service.owner.removeMember(member.id);
    expect(late).toHaveLength(2);
    for (const id of late) expect((await service.owner.getKey(id)).enabled).toBe(false);
  });

  it('is done once by many at once', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'editor');
    const { key } = await service.create({ workspaceId, ownerId: member.id });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => laterRefusalOf(service.owner.removeMember(member.id))),
    );
    expect(tally(answers)).toEqual({ nothing: 1, not_found: 4 });
    const events = (await service.events()).filter(({ subject }) =>
      [member.id, key.id].includes(subject.id),
    );
    expect(events.map(({ type }) => type).toSorted()).toEqual(
      ['key.created', 'key.disabled', 'member.added', 'member.removed'].toSorted(),
    );
  });

  it('by the member itself is its last act', async () => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'admin');
    const own = service.asMember(member);
    await own.removeMember(member.id);
    expect(await laterRefusalOf(own.createKey({}))).toBe('forbidden');
  });
});

describe('a request of a member under way when it is removed', () => {
  const WRITES: Record<string, (ops: Operations, ids: { key: string; other: string }) => unknown> =
    {
      createKey: (ops) => ops.createKey({}),
      'createKey of a management key': (ops) =>
        ops.createKey({ kind: 'management', permissions: ['keys:read'] }),
      updateKey: (ops, { key }) => ops.updateKey(key, { name: 'late' }),
      enableKey: (ops, { key }) => ops.enableKey(key),
      putOwner: (ops) => ops.putOwner({ ownerId: 'late' }, {}),
      updateMember: (ops, { other }) => ops.updateMember(other, { role: 'admin' }),
      addMember: (ops) => ops.addMember({ issuer: ISSUER, subject: 'late', role: 'admin' }),
      removeMember: (ops, { other }) => ops.removeMember(other),
      exportEvents: (ops) => ops.exportEvents({}),
    };

  it.each(Object.entries(WRITES))('%s writes nothing any more', async (_, write) => {
    const workspaceId = await newWorkspace();
    const member = await add(workspaceId, 'admin');
    const other = await add(workspaceId, 'viewer');
    const { key } = await service.create({ workspaceId });
    await service.owner.disableKey(key.id);
    let before = 0;
    beforeNextCommit(async () => {
      await service.owner.removeMember(member.id);
      before = (await service.events()).length;
    });
    const late = write(service.asMember(member), { key: key.id, other: other.id });
    await expect(late).rejects.toMatchObject({
      code: 'forbidden',
      message: 'You are not a member of this workspace any more.',
    });
    expect(before).toBeGreaterThan(0);
    expect(await service.events()).toHaveLength(before);
  });
});

it('a member that signed in does what its role may, in its workspace, under its own name', async () => {
  const workspaceId = await newWorkspace();
  const [viewer, editor] = [await add(workspaceId, 'viewer'), await add(workspaceId, 'editor')];
  const { key } = await service.asMember(editor).createKey({ scopes: ['files:read'] });
  expect(key).toMatchObject({ workspaceId, createdBy: { type: 'member', id: editor.id } });
  expect(await laterRefusalOf(service.asMember(viewer).createKey({}))).toBe('forbidden');
  expect((await service.asMember(viewer).getKey(key.id)).id).toBe(key.id);
  const elsewhere = await service.create({});
  expect(await laterRefusalOf(service.asMember(editor).getKey(elsewhere.key.id))).toBe('not_found');
  const told = await service.asMember(viewer).whoami();
  expect(told).toMatchObject({ key: null, workspace: { id: workspaceId } });
  expect(told.caller.permissions).toEqual(PRESETS.viewer);
});
