// Contract: who is a member of what, and the conditions on members that a commit
// may meet.

import {
  type Change,
  deleteKey,
  deleteWorkspace,
  disableKey,
  editMember,
  type Key,
  type KeyRights,
  type Member,
  removeMember,
  revokeKey,
  suspendWorkspace,
  type TokenSubject,
} from '@warder/core';
import { expect, test } from 'vitest';
import { NOW } from '../fixtures/domain.ts';
import { ISSUER, type OpenStore, type World, worldIn } from './store.ts';

const whole = { limit: 1_000, from: null, total: 'exact' } as const;
const who = (subject: string, issuer = ISSUER): TokenSubject => ({ issuer, subject });
const MANAGEMENT: KeyRights = {
  kind: 'management',
  permissions: ['keys:read'],
  grants: { scopes: [], environments: [], maxLifeSeconds: null },
};
const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id).sort();

export function memberContract(open: OpenStore): void {
  const remove = (world: World, member: Member) =>
    world.editMember(member, removeMember(member, world.act()));

  test('a subject is a member of a workspace once, and again only when it was removed', async () => {
    const world = worldIn(await open());
    const { id: acme } = await world.workspace('Acme');
    const { id: beta } = await world.workspace('Beta');
    const first = await world.member(acme, 'user-1');
    const again: Change = { type: 'insert_member', member: { ...first, id: world.act().newId() } };
    expect(await world.all.commit([again])).toBe('stale');
    await world.member(acme, 'user-1', { issuer: 'https://other.example' });
    await world.member(acme, 'USER-1');
    await world.member(beta, 'user-1');
    expect(await world.all.memberOf(acme, who('user-1'))).toEqual(first);

    const removed = await remove(world, first);
    expect(await world.all.memberOf(acme, who('user-1'))).toEqual(removed);
    const second = await world.member(acme, 'user-1');
    expect(await world.all.memberOf(acme, who('user-1'))).toEqual(second);
    expect(await world.all.member(first.id)).toEqual(removed);
    await world.storage.close();
  });

  test('the memberships of a subject are found by exactly its issuer and subject, those that were removed last', async () => {
    const world = worldIn(await open());
    const members: Member[] = [];
    for (const name of ['A', 'B', 'C', 'D', 'E']) {
      const { id } = await world.workspace(name);
      members.push(await world.member(id, 'user-1'));
      await world.member(id, 'user-10');
      await world.member(id, 'user-1', { issuer: `${ISSUER}/` });
    }
    const [gone, paused, removed, ...there] = members;
    if (!gone || !paused || !removed) throw new Error('unreachable');
    for (const [member, end] of [
      [gone, deleteWorkspace],
      [paused, suspendWorkspace],
    ] as const) {
      const before = await world.all.workspace(member.workspaceId);
      const workspace = before && end(before, world.act())?.workspace;
      if (!workspace) throw new Error('unreachable');
      await world.all.commit([{ type: 'update_workspace', workspace, was: 1 }]);
    }
    const last = await remove(world, removed);
    const found = await world.storage.members(ISSUER, 'user-1');
    expect(idsOf(found.slice(0, 2))).toEqual(idsOf(there));
    expect(found.slice(2)).toEqual([last]);
    for (const [issuer, subject] of [
      [ISSUER, 'user-2'],
      [ISSUER, 'User-1'],
      [ISSUER, 'user-1 '],
      [ISSUER, ''],
      ['', 'user-1'],
      [ISSUER.toUpperCase(), 'user-1'],
    ] as const) {
      expect(await world.storage.members(issuer, subject)).toEqual([]);
    }
    await world.storage.close();
  });

  test('half a character in a subject is nobody, however a store would write it', async () => {
    const world = worldIn(await open());
    const { id } = await world.workspace('Acme');
    await world.member(id, 'user-\ufffd');
    for (const subject of ['user-\ud800', 'user-\udfff', 'user-\ufffd\0']) {
      expect(await world.storage.members(ISSUER, subject)).toEqual([]);
      expect(await world.all.memberOf(id, who(subject))).toBeNull();
    }
    expect(await world.storage.members(ISSUER, 'user-\ufffd')).toHaveLength(1);
    await world.storage.close();
  });

  test('of the memberships of a subject 1,000 are read, and none that is there is missed for one that was removed', async () => {
    const world = worldIn(await open());
    const { id } = await world.workspace('Acme');
    const { id: other } = await world.workspace('Beta');
    const first = await world.member(id, 'user-1');
    const past = Array.from({ length: 1_001 }, (): Change => {
      const member = { ...first, id: world.act().newId(), removedAt: NOW };
      return { type: 'insert_member', member };
    });
    expect(await world.all.commit(past)).toBe('done');
    const last = await world.member(other, 'user-1');
    expect(await world.all.memberOf(id, who('user-1'))).toEqual(first);
    const found = await world.storage.members(ISSUER, 'user-1');
    expect(found).toHaveLength(1_000);
    expect(idsOf(found.slice(0, 2))).toEqual(idsOf([first, last]));
    await world.storage.close();
  });

  test('lists have the members that are there, by workspace, role, name, subject and time', async () => {
    const world = worldIn(await open());
    const { id: acme } = await world.workspace('Acme');
    const { id: beta } = await world.workspace('Beta');
    const members: Member[] = [];
    for (const [i, role] of (['viewer', 'owner', 'viewer', 'admin'] as const).entries()) {
      world.host.at = NOW + i;
      members.unshift(await world.member(acme, `user-${i}`, { role, name: `Änne ${i}` }));
    }
    const theirs = await world.member(beta, 'user-9', { role: 'viewer' });
    await remove(world, await world.member(acme, 'user-8', { role: 'viewer' }));

    const list = async (filter: object) => (await world.all.members(filter, whole)).items;
    expect(await list({})).toEqual([theirs, ...members]);
    expect(await list({ workspaceId: acme })).toEqual(members);
    expect(await list({ workspaceId: acme, ascending: true })).toEqual(members.toReversed());
    const viewers = members.filter(({ role }) => role === 'viewer');
    expect(await list({ workspaceId: acme, role: 'viewer' })).toEqual(viewers);
    expect(await list({ role: 'viewer' })).toEqual([theirs, ...viewers]);
    expect(await list({ workspaceId: acme, role: 'editor' })).toEqual([]);
    expect(await list({ search: 'anne' })).toEqual(members);
    expect(await list({ search: 'user-1' })).toMatchObject([{ subject: 'user-1' }]);
    const created = { after: NOW + 1, before: NOW + 3 };
    expect(await list({ workspaceId: acme, created })).toEqual(members.slice(1, 3));

    const reach = world.storage.within(acme);
    const first = await reach.members({ role: 'viewer' }, { ...whole, limit: 1 });
    expect(first).toMatchObject({ more: true, total: { count: 2, exact: true } });
    await world.storage.close();
  });

  test('nobody becomes a member of a workspace that is not there or deleted', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const member = await world.member(acme.id, 'user-1');
    const { workspace } = deleteWorkspace(acme, world.act());
    await world.all.commit([{ type: 'update_workspace', workspace, was: 1 }]);
    for (const workspaceId of [acme.id, 'nowhere']) {
      const other = { ...member, workspaceId, id: world.act().newId(), subject: 'user-2' };
      const insert: Change = { type: 'insert_member', member: other };
      expect(await world.all.commit([insert])).toBe('workspace_gone');
    }
    await world.storage.close();
  });

  test('what a member asks for is written while it is there, its own removal included, and never after', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    const { id: elsewhere } = await world.workspace('Beta');
    const member = await world.member(workspaceId, 'user-1');
    const guard = (memberId = member.id, home = workspaceId): Change => ({
      type: 'member_is_there',
      workspaceId: home,
      memberId,
    });
    const make = () => world.draft({ workspaceId }).changes;
    expect(await world.all.commit([...make(), guard()])).toBe('done');
    expect(await world.all.commit([...make(), guard(member.id, elsewhere)])).toBe('member_gone');
    expect(await world.all.commit([...make(), guard(world.act().newId())])).toBe('member_gone');
    const removed = removeMember(member, world.act())?.member ?? member;
    const removal: Change = { type: 'update_member', member: removed, was: 1 };
    expect(await world.all.commit([removal, guard()])).toBe('done');
    const late = world.draft({ workspaceId });
    expect(await world.all.commit([...late.changes, guard()])).toBe('member_gone');
    expect(await world.all.key(late.key.id)).toBeNull();
    await world.storage.close();
  });

  test('an owner is left only where the workspace has another one, however many leave at once', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    const { id: elsewhere } = await world.workspace('Beta');
    await world.member(elsewhere, 'user-9', { role: 'owner' });
    await remove(world, await world.member(workspaceId, 'user-8', { role: 'owner' }));
    await world.member(workspaceId, 'user-7', { role: 'admin' });
    const owners: Member[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      owners.push(await world.member(workspaceId, name, { role: 'owner' }));
    }
    const results = await Promise.all(
      owners.map((before, i) => {
        const act = world.act();
        const change =
          i % 2 === 0
            ? removeMember(before, act)
            : editMember(before, { role: 'admin' }, 'api', act);
        const member = change?.member ?? before;
        return world.all.commit([
          { type: 'another_owner', workspaceId, memberId: before.id },
          { type: 'update_member', member, was: 1 },
        ]);
      }),
    );
    expect(results.toSorted()).toEqual(['done', 'done', 'done', 'last_owner']);
    const { items } = await world.all.members({ workspaceId, role: 'owner' }, whole);
    const [last] = items;
    expect(items).toHaveLength(1);
    const leave = (before: Member): Change[] => [
      { type: 'another_owner', workspaceId, memberId: before.id },
      {
        type: 'update_member',
        member: removeMember(before, world.act())?.member ?? before,
        was: before.version,
      },
    ];
    if (!last) throw new Error('unreachable');
    expect(await world.all.commit(leave(last).slice(0, 1))).toBe('last_owner');
    const next = await world.member(workspaceId, 'e', { role: 'owner' });
    const both = [...leave(last), ...leave(next)].sort((a, b) => (a.type < b.type ? -1 : 1));
    expect(await world.all.commit(both)).toBe('last_owner');
    expect(await world.all.commit(leave(last))).toBe('done');
    await world.storage.close();
  });

  test('the keys that end with a member are those it owns and the management keys it made, as far as they are enabled', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    const { id: elsewhere } = await world.workspace('Beta');
    const member = await world.member(workspaceId, 'user-1');
    const other = await world.member(workspaceId, 'user-2');
    const make = async (draft: object, type: 'member' | 'key' = 'member', maker = member.id) => {
      const { key, digest } = world.draft({ workspaceId, ...draft });
      const made = { ...key, createdBy: { type, id: maker } } as Key;
      expect(await world.all.commit([{ type: 'insert_key', key: made, digest }])).toBe('done');
      return made;
    };
    const mine = { ownerId: member.id };
    const management = { rights: MANAGEMENT };
    const ending = [
      await make(mine),
      await make({ ...mine, expiresAt: NOW - 1 }),
      await make({ ...mine, ...management }, 'member', other.id),
      await make(management),
      await make({ ...management, ...mine }),
    ];
    await make({ ownerId: other.id });
    await make({});
    await make(management, 'member', other.id);
    await make(management, 'key');
    await make({ ...mine, workspaceId: elsewhere });
    await make({ ...management, workspaceId: elsewhere });
    for (const end of [disableKey, deleteKey] as const) {
      const key = await make(mine);
      await world.change(key, end(key, world.act()));
    }
    const revoked = await make(management);
    await world.change(revoked, revokeKey(revoked, null, world.act()));

    const { all } = world;
    expect(idsOf(await all.keysOfMember(member, [], 100))).toEqual(idsOf(ending));
    expect(await all.keysOfMember(member, [], 2)).toHaveLength(2);
    const [keep, ...rest] = ending;
    if (!keep) throw new Error('unreachable');
    expect(idsOf(await all.keysOfMember(member, [keep.id], 100))).toEqual(idsOf(rest));

    const none = (...kept: string[]): Change => ({ type: 'no_keys_of_member', member, kept });
    expect(await all.commit([none()])).toBe('stale');
    expect(await all.commit([none(...idsOf(ending))])).toBe('done');
    const disabled = rest.map((key): Change => {
      const change = disableKey(key, world.act());
      return { type: 'update_key', key: change?.key ?? key, was: key.version };
    });
    expect(await all.commit([none(keep.id), ...disabled.slice(1)])).toBe('stale');
    expect(await all.commit([none(keep.id), ...disabled])).toBe('done');
    expect(await all.keysOfMember(member, [keep.id], 100)).toEqual([]);
    await world.storage.close();
  });

  test('what only a subject that was never removed may have is refused to one that was', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    const { id: elsewhere } = await world.workspace('Beta');
    const condition = (subject = 'user-1', home = workspaceId): Change => ({
      type: 'never_removed',
      workspaceId: home,
      subject: who(subject),
    });
    const member = await world.member(workspaceId, 'user-1');
    expect(await world.all.commit([condition()])).toBe('done');
    await remove(world, member);
    expect(await world.all.commit([condition()])).toBe('stale');
    await world.member(workspaceId, 'user-1');
    expect(await world.all.commit([condition()])).toBe('stale');
    expect(await world.all.commit([condition('user-2')])).toBe('done');
    expect(await world.all.commit([condition('user-1', elsewhere)])).toBe('done');
    await world.storage.close();
  });
}
