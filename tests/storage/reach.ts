// Contract: a reach of one workspace never finds nor changes anything of another.

import { type Change, eventOf, type Slice, type StoredEvent } from '@warder/core';
import { expect, test } from 'vitest';
import { type OpenStore, useOf, type World, worldIn } from './store.ts';

export function reachContract(open: OpenStore): void {
  const twoWorkspaces = async (world: World) => {
    const make = async (name: string) => {
      const workspace = await world.workspace(name);
      const owner = await world.owner(workspace.id, 'customer-1');
      const member = await world.member(workspace.id, 'user-1');
      const { key } = await world.key({ workspaceId: workspace.id, ownerId: 'customer-1' });
      return { workspace, owner, member, key, reach: world.storage.within(workspace.id) };
    };
    return { acme: await make('Acme'), beta: await make('Beta'), instance: await world.key() };
  };
  const slice = { limit: 100, from: null, total: 'exact' } as const;
  const idsOf = ({ items }: Slice<{ id: string }>) => items.map(({ id }) => id);

  test('a reach never finds what is another workspace’s or the instance’s', async () => {
    const world = worldIn(await open());
    const { acme, beta, instance } = await twoWorkspaces(world);
    const { reach } = acme;
    const beyond = { workspaceId: beta.workspace.id };

    expect(await reach.key(acme.key.id)).toEqual(acme.key);
    expect(await reach.key(beta.key.id)).toBeNull();
    expect(await reach.key(instance.key.id)).toBeNull();
    expect(await reach.workspace(beta.workspace.id)).toBeNull();
    expect(await reach.owner(beta.workspace.id, 'customer-1')).toBeNull();
    expect(await reach.member(acme.member.id)).toEqual(acme.member);
    expect(await reach.member(beta.member.id)).toBeNull();
    expect(await reach.memberOf(beta.workspace.id, beta.member)).toBeNull();
    expect(await reach.members({}, slice)).toMatchObject({ items: [acme.member] });
    expect(await reach.members(beyond, slice)).toMatchObject({ items: [] });
    expect(await reach.keys({ now: 0 }, slice)).toEqual({
      items: [acme.key],
      more: false,
      total: { count: 1, exact: true },
    });
    expect(idsOf(await reach.workspaces({}, slice))).toEqual([acme.workspace.id]);
    expect(idsOf(await reach.owners({}, slice))).toEqual([acme.owner.id]);
    const events: Slice<StoredEvent> = await reach.events({}, slice);
    expect(new Set(events.items.map((event) => event.workspaceId))).toEqual(
      new Set([acme.workspace.id]),
    );

    const nothing = { items: [], more: false, total: { count: 0, exact: true } };
    expect(await reach.keys({ ...beyond, includeDeleted: true, now: 0 }, slice)).toEqual(nothing);
    expect(await reach.owners(beyond, slice)).toEqual(nothing);
    expect(await reach.events(beyond, slice)).toEqual(nothing);
    const deleted = { ...beta.workspace, deletedAt: 1, version: 2 };
    await world.all.commit([{ type: 'update_workspace', workspace: deleted, was: 1 }]);
    expect(await reach.keysToErase(10)).toEqual([]);
    expect(await beta.reach.keysToErase(10)).toEqual([beta.key]);
    const owned = { ...beta.key, ownerId: beta.member.id, version: 2 };
    await world.all.commit([{ type: 'update_key', key: owned, was: 1 }]);
    expect(await reach.keysOfMember(beta.member, [], 9)).toEqual([]);
    expect(await beta.reach.keysOfMember(beta.member, [], 9)).toEqual([owned]);
    await world.storage.close();
  });

  test('everywhere finds all of it, or one workspace’s where that is asked for', async () => {
    const world = worldIn(await open());
    const { acme, beta, instance } = await twoWorkspaces(world);
    const keys = [instance.key, beta.key, acme.key];
    expect(await world.all.keys({ now: 0 }, slice)).toEqual({
      items: keys,
      more: false,
      total: { count: 3, exact: true },
    });
    const ofBeta = { workspaceId: beta.workspace.id };
    expect((await world.all.keys({ ...ofBeta, now: 0 }, slice)).items).toEqual([beta.key]);
    expect(idsOf(await world.all.owners(ofBeta, slice))).toEqual([beta.owner.id]);
    const events = await world.all.events({}, slice);
    expect(events.items.map(({ workspaceId }) => workspaceId)).toContain(null);
    await world.storage.close();
  });

  test('a change outside its reach is a fault, and nothing of its commit is written', async () => {
    const world = worldIn(await open());
    const { acme, beta, instance } = await twoWorkspaces(world);
    const inside = world.draft({ workspaceId: acme.workspace.id });
    const about = { type: 'installation', id: 'i', workspaceId: null } as const;
    const installation = { defaultWorkspaceId: 'w', createdAt: 0, checks: [] };
    const outside: Change[] = [
      ...world.draft({ workspaceId: beta.workspace.id }).changes,
      ...world.draft().changes,
      { type: 'update_key', key: beta.key, was: 1 },
      { type: 'update_key', key: instance.key, was: 1 },
      { type: 'insert_workspace', workspace: { ...beta.workspace, id: 'new' } },
      { type: 'update_workspace', workspace: beta.workspace, was: 1 },
      { type: 'insert_owner', owner: { ...beta.owner, id: 'new', externalId: 'new' } },
      { type: 'update_owner', owner: beta.owner, was: 1 },
      { type: 'insert_member', member: { ...beta.member, id: 'new', subject: 'new' } },
      { type: 'update_member', member: beta.member, was: 1 },
      {
        type: 'member_is_there',
        workspaceId: beta.workspace.id,
        memberId: beta.member.id,
      },
      { type: 'another_owner', workspaceId: beta.workspace.id, memberId: acme.member.id },
      { type: 'no_keys_of_member', member: beta.member, kept: [] },
      { type: 'never_removed', workspaceId: beta.workspace.id, subject: beta.member },
      {
        type: 'insert_event',
        event: eventOf(world.act(), 'installation.created', about, null, null),
      },
      { type: 'at_most_keys', workspaceId: beta.workspace.id, ownerId: null, most: 9 },
      { type: 'insert_installation', installation },
      { type: 'add_secret_check', check: { name: 'n', value: 'v' } },
    ];
    for (const change of outside) {
      const commit = acme.reach.commit([...inside.changes, change]);
      await expect(commit).rejects.toMatchObject({ code: 'internal' });
    }
    expect(await world.all.key(inside.key.id)).toBeNull();
    await world.storage.close();
  });

  test('a row of another workspace is not changed by one who says that it is theirs', async () => {
    const world = worldIn(await open());
    const { acme, beta } = await twoWorkspaces(world);
    const { id: workspaceId } = acme.workspace;
    const stolen = { ...beta.key, workspaceId, name: 'stolen', version: 2 };
    const owner = { ...beta.owner, workspaceId, name: 'stolen', version: 2 };
    const member = { ...beta.member, workspaceId, name: 'stolen', version: 2 };
    for (const by of [acme.reach, world.all]) {
      expect(await by.commit([{ type: 'update_key', key: stolen, was: 1 }])).toBe('stale');
      expect(await by.commit([{ type: 'update_owner', owner, was: 1 }])).toBe('stale');
      expect(await by.commit([{ type: 'update_member', member, was: 1 }])).toBe('stale');
    }
    // A tombstone takes its usage along, which must not be another workspace's.
    await world.storage.recordUses([useOf(beta.key.id, 7)]);
    const erased = { ...stolen, erasedAt: 1 };
    expect(await acme.reach.commit([{ type: 'update_key', key: erased, was: 1 }])).toBe('stale');
    expect(await beta.reach.key(beta.key.id)).toEqual({ ...beta.key, lastUsedAt: 7 });
    expect(await beta.reach.owner(beta.workspace.id, 'customer-1')).toEqual(beta.owner);
    expect(await beta.reach.member(beta.member.id)).toEqual(beta.member);
    await world.storage.close();
  });
}
