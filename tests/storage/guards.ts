// Contract: the conditions a commit may meet, and that a refused one leaves nothing.

import {
  type Change,
  type CommitResult,
  deleteWorkspace,
  editWorkspace,
  eraseKey,
  revokeKey,
  type StoredReply,
  type Workspace,
} from '@warder/core';
import { expect, test } from 'vitest';
import { type OpenStore, type World, worldIn } from './store.ts';

export function guardContract(open: OpenStore): void {
  const endWorkspace = async (world: World, before: Workspace) => {
    const { workspace } = deleteWorkspace(before, world.act());
    expect(
      await world.all.commit([{ type: 'update_workspace', workspace, was: before.version }]),
    ).toBe('done');
    return workspace;
  };

  test('a slug is one live workspace’s at a time, and a deleted one frees it', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const beta = await world.workspace('Beta');
    const insert = (slug: string): Change => {
      const workspace = { ...acme, id: world.host.newId(world.host.at), slug };
      return { type: 'insert_workspace', workspace };
    };
    const rename = (slug: string): Change => {
      const workspace = editWorkspace(beta, { slug }, world.act())?.workspace ?? beta;
      return { type: 'update_workspace', workspace, was: 1 };
    };

    expect(await world.all.commit([insert('acme')])).toBe('slug_taken');
    expect(await world.all.commit([rename('acme')])).toBe('slug_taken');
    await endWorkspace(world, acme);
    expect(await world.all.commit([rename('acme')])).toBe('done');
    expect(await world.all.commit([insert('acme')])).toBe('slug_taken');
    expect(await world.all.commit([insert('beta')])).toBe('done');
    await world.storage.close();
  });

  test('nothing is made in a workspace that is not there or deleted', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const owner = await world.owner(acme.id, 'customer-1');
    await endWorkspace(world, acme);
    for (const workspaceId of [acme.id, 'nowhere']) {
      const key = world.draft({ workspaceId });
      const insertOwner: Change = {
        type: 'insert_owner',
        owner: { ...owner, workspaceId, id: 'o', externalId: 'x' },
      };
      expect(await world.all.commit(key.changes)).toBe('workspace_gone');
      expect(await world.all.commit([insertOwner])).toBe('workspace_gone');
      expect(await world.all.key(key.key.id)).toBeNull();
    }
    await world.storage.close();
  });

  test('the keys of a deleted workspace can still be revoked and erased, until none is left', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const beta = await world.workspace('Beta');
    const mine = await Promise.all([1, 2, 3].map(() => world.key({ workspaceId: acme.id })));
    await world.key({ workspaceId: beta.id });
    expect(await world.all.keysToErase(10)).toEqual([]);
    await endWorkspace(world, acme);

    expect(await world.all.keysToErase(2)).toHaveLength(2);
    const left = await world.all.keysToErase(10);
    expect(left.map(({ id }) => id).sort()).toEqual(mine.map(({ key }) => key.id).sort());
    for (const key of left) {
      const revoked = await world.change(key, revokeKey(key, null, world.act()));
      await world.change(revoked, eraseKey(revoked, world.act()));
    }
    expect(await world.all.keysToErase(10)).toEqual([]);
    await world.storage.close();
  });

  test('an owner’s id is unique in its workspace, and free in another', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const beta = await world.workspace('Beta');
    const owner = await world.owner(acme.id, 'customer-1');
    const again: Change = { type: 'insert_owner', owner: { ...owner, id: 'another' } };
    expect(await world.all.commit([again])).toBe('stale');
    await world.owner(beta.id, 'customer-1');
    await world.storage.close();
  });

  test('a quota counts what its own commit makes, wherever it stands, and never what is revoked', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    const atMost = (most: number, ownerId: string | null = null): Change => ({
      type: 'at_most_keys',
      workspaceId,
      ownerId,
      most,
    });
    const first = await world.key({ workspaceId, ownerId: 'a' });
    const make = (ownerId: string) => world.draft({ workspaceId, ownerId }).changes;

    expect(await world.all.commit([atMost(1), ...make('b')])).toBe('too_many_keys');
    expect(await world.all.commit([...make('b'), atMost(2)])).toBe('done');
    expect(await world.all.commit([...make('b'), atMost(1, 'b')])).toBe('too_many_keys');
    expect(await world.all.commit([...make('c'), atMost(1, 'c'), atMost(3)])).toBe('done');
    expect(await world.all.commit([atMost(2)])).toBe('too_many_keys');
    await world.change(first.key, revokeKey(first.key, null, world.act()));
    expect(await world.all.commit([atMost(2)])).toBe('done');
    expect(await world.all.commit([atMost(0, 'a')])).toBe('done');
    expect(await world.all.commit([atMost(Number.MAX_SAFE_INTEGER)])).toBe('done');
    await world.storage.close();
  });

  test('keys made at once never pass a quota', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    const bound: Change = { type: 'at_most_keys', workspaceId, ownerId: null, most: 5 };
    const results = await Promise.all(
      Array.from({ length: 20 }, () =>
        world.all.commit([...world.draft({ workspaceId }).changes, bound]),
      ),
    );
    const slice = { limit: 100, from: null, total: 'exact' } as const;
    expect(results.filter((result) => result === 'done')).toHaveLength(5);
    expect((await world.all.keys({ now: 0 }, slice)).items).toHaveLength(5);
    await world.storage.close();
  });

  test('a kept reply is replaced only once it has ended, and one that is refused undoes its commit', async () => {
    const world = worldIn(await open());
    const reply: StoredReply = {
      id: 'r',
      fingerprint: 'f',
      keyId: null,
      sealed: 'x',
      expiresAt: 100,
    };
    const keep = (sealed: string, now: number): Promise<CommitResult> => {
      const kept = { ...reply, sealed, expiresAt: now + 100 };
      return world.all.commit([...made.changes, { type: 'insert_reply', reply: kept, now }]);
    };
    expect(await world.storage.reply('r')).toBeNull();
    let made = world.draft();
    expect(await keep('first', 0)).toBe('done');
    made = world.draft();
    expect(await keep('second', 99)).toBe('replied');
    expect(await world.all.key(made.key.id)).toBeNull();
    expect(await world.storage.reply('r')).toEqual({ ...reply, sealed: 'first', expiresAt: 100 });
    expect(await keep('third', 100)).toBe('done');
    expect(await world.storage.reply('r')).toEqual({ ...reply, sealed: 'third', expiresAt: 200 });
    await world.storage.close();
  });

  test('replies that ended are removed in steps, others stay', async () => {
    const world = worldIn(await open());
    for (const expiresAt of [10, 20, 30, 40]) {
      const reply = { id: `r${expiresAt}`, fingerprint: 'f', keyId: null, sealed: 'x', expiresAt };
      await world.all.commit([{ type: 'insert_reply', reply, now: 0 }]);
    }
    expect(await world.storage.pruneReplies(30, 2)).toBe(2);
    expect(await world.storage.pruneReplies(30, 2)).toBe(1);
    expect(await world.storage.pruneReplies(30, 2)).toBe(0);
    expect(await world.storage.reply('r30')).toBeNull();
    expect(await world.storage.reply('r40')).not.toBeNull();
    await world.storage.close();
  });
}
