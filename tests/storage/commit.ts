// Contract: what is written is all there or not at all, and reads back the same.

import {
  type Change,
  eraseKey,
  type Json,
  type JsonObject,
  type Key,
  revokeKey,
  suspendWorkspace,
} from '@warder/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../fixtures/domain.ts';
import { type OpenStore, useOf, worldIn } from './store.ts';

export function commitContract(open: OpenStore): void {
  test('what was inserted is read back the same', async () => {
    const world = worldIn(await open());
    const { all, storage } = world;
    const acme = await world.workspace('Acme');
    const owner = await world.owner(acme.id, 'customer-1');
    const member = await world.member(acme.id, 'user-1', { role: 'owner', name: 'Ann' });
    const { key, event } = await world.key({
      workspaceId: acme.id,
      ownerId: 'customer-1',
      name: 'a name',
      allowedCidrs: ['192.0.2.0/24'],
      metadata: { b: 1, a: [null, { x: true }] },
      extension: { native: { tag: 'x' } },
      allowSelfRevoke: true,
      limits: [{ name: 'day', limit: 1, windowSeconds: 86_400, override: { limit: 2, until: 3 } }],
      notBefore: world.host.at,
      expiresAt: world.host.at + 1_000,
    });
    const manager = world.managementKey();
    await all.commit(manager.changes);

    expect(await all.key(key.id)).toEqual(key);
    expect(await all.key(manager.key.id)).toEqual(manager.key);
    expect(await all.workspace(acme.id)).toEqual(acme);
    expect(await all.owner(acme.id, 'customer-1')).toEqual(owner);
    expect(await all.member(member.id)).toEqual(member);
    const events = await all.events({}, { limit: 10, from: null, total: 'none' });
    const { owners: _, ...read } = event;
    expect(events.items).toContainEqual({ ...read, number: null, mac: null, erasedAt: null });
    await storage.close();
  });

  test('any text and JSON comes back as it was, members in their order', async () => {
    const world = worldIn(await open());
    const { id: workspaceId } = await world.workspace('Acme');
    // Lone surrogates and NUL are no text to every engine: whoever reads the wire refuses them.
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((one) => one.isWellFormed() && !one.includes('\0'));
    const json = fc.dictionary(text, fc.jsonValue() as fc.Arbitrary<Json>, { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(text, text, json, async (name, ownerId, metadata) => {
        const { key } = await world.key({ workspaceId, name, ownerId, metadata });
        const read = await world.all.key(key.id);
        expect(read).toMatchObject({ name, ownerId });
        expect(JSON.stringify(read?.metadata)).toBe(JSON.stringify(metadata as JsonObject));
      }),
      { numRuns: runs(40, 1_000) },
    );
    await world.storage.close();
  });

  test('of commits at once each has its own answer: a refused or faulty one takes no other with it', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const drafts = Array.from({ length: 100 }, () => world.draft({ workspaceId: acme.id }));
    const late: Change = { type: 'update_workspace', workspace: acme, was: 7 };
    const answers = drafts.map(async ({ changes, key, digest }, i) => {
      const faulty: Change = { type: 'insert_key', key, digest: { ...digest, hex: 'ab' } };
      if (i % 10 === 3) return await world.all.commit([...changes, late]);
      if (i !== 55) return await world.all.commit(changes);
      return await world.all.commit([faulty]).catch((error: { code: string }) => error.code);
    });
    expect(await Promise.all(answers)).toEqual(
      drafts.map((_, i) => (i % 10 === 3 ? 'stale' : i === 55 ? 'internal' : 'done')),
    );
    for (const [i, { key }] of drafts.entries()) {
      expect(await world.all.key(key.id)).toEqual(i % 10 === 3 || i === 55 ? null : key);
    }
    await world.storage.close();
  });

  test('a commit with one stale change writes nothing', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const { key } = await world.key({ workspaceId: acme.id });
    const other = world.draft({ workspaceId: acme.id });
    const stale: Change = { type: 'update_key', key: { ...key, name: 'late' }, was: 7 };

    expect(await world.all.commit([...other.changes, stale])).toBe('stale');
    expect(await world.all.commit([stale, ...other.changes])).toBe('stale');
    expect(await world.all.key(other.key.id)).toBeNull();
    expect(await world.all.key(key.id)).toEqual(key);
    expect(await world.lookup.find([other.digest])).toBeNull();
    const events = await world.all.events({}, { limit: 100, from: null, total: 'none' });
    expect(events.items).not.toContainEqual(other.event);
    await world.storage.close();
  });

  test('of two changes made on one version, one is written and the other is stale', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const { key } = await world.key({ workspaceId: acme.id });
    const owner = await world.owner(acme.id, 'customer-1');
    const member = await world.member(acme.id, 'user-1');
    const suspended = suspendWorkspace(acme, world.act())?.workspace ?? acme;
    const renamed = { ...key, name: 'renamed', version: 2 };
    for (const change of [
      { type: 'update_key', key: renamed, was: 1 },
      { type: 'update_workspace', workspace: suspended, was: 1 },
      { type: 'update_owner', owner: { ...owner, name: 'A', version: 2 }, was: 1 },
      { type: 'update_member', member: { ...member, role: 'viewer', version: 2 }, was: 1 },
    ] as const) {
      const results = await Promise.all([world.all.commit([change]), world.all.commit([change])]);
      expect(results.sort()).toEqual(['done', 'stale']);
    }
    expect(await world.all.key(key.id)).toEqual(renamed);
    expect(await world.all.workspace(acme.id)).toEqual(suspended);
    await world.storage.close();
  });

  test('a digest once issued is never accepted for another key, not even that of a tombstone', async () => {
    const world = worldIn(await open());
    const first = await world.key();
    const again = world.draft();
    const clash: Change = { type: 'insert_key', key: again.key, digest: first.digest };

    expect(await world.all.commit([clash])).toBe('stale');
    await world.change(first.key, eraseKey(first.key, world.act()));
    expect(await world.all.commit([clash])).toBe('stale');
    expect((await world.lookup.find([first.digest]))?.key.id).toBe(first.key.id);
    await world.storage.close();
  });

  test('a tombstone is found by its digest as revoked, never as a key, and has no last use', async () => {
    const world = worldIn(await open());
    const { key, digest } = await world.key();
    await world.storage.recordUses([useOf(key.id, 5_000)]);
    const erased = await world.change(key, eraseKey(key, world.act()));

    expect(await world.all.key(key.id)).toBeNull();
    expect(await world.lookup.find([digest])).toEqual({
      key: erased,
      owner: null,
      workspace: null,
    });
    await world.storage.recordUses([useOf(key.id, 9_000)]);
    expect((await world.lookup.find([digest]))?.key.lastUsedAt).toBeNull();
    await world.storage.close();
  });

  test('a look-up finds the key with its owner and workspace, under any of the digests asked for', async () => {
    const world = worldIn(await open());
    const acme = await world.workspace('Acme');
    const beta = await world.workspace('Beta');
    await world.owner(beta.id, 'customer-1');
    const owner = await world.owner(acme.id, 'customer-1');
    const { key, digest } = await world.key({ workspaceId: acme.id, ownerId: 'customer-1' });
    const unknown = world.draft().digest;

    const candidate = { key, owner, workspace: acme };
    expect(await world.lookup.find([digest])).toEqual(candidate);
    expect(await world.lookup.find([unknown, digest])).toEqual(candidate);
    expect(await world.lookup.find([unknown])).toBeNull();
    const revoked = await world.change(key, revokeKey(key, 'leaked', world.act()));
    expect(await world.lookup.find([digest])).toEqual({ ...candidate, key: revoked });
    await world.storage.close();
  });

  test('last uses come in any order, never move backwards, and change no version', async () => {
    const world = worldIn(await open());
    const keys: Key[] = [];
    for (let i = 0; i < 3; i++) keys.push((await world.key()).key);
    const latest = new Map<string, number>();
    const use = fc.record({
      keyId: fc.constantFrom(...keys, { id: 'nobody' }),
      at: fc.nat(10_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(use, { maxLength: 250 }), async (drawn) => {
        const uses = drawn.map(({ keyId, at }) => ({ keyId: keyId.id, at }));
        await world.storage.recordUses(uses.map(({ keyId, at }) => useOf(keyId, at)));
        for (const { keyId, at } of uses) latest.set(keyId, Math.max(at, latest.get(keyId) ?? 0));
        for (const key of keys) {
          const lastUsedAt = latest.get(key.id) ?? null;
          expect(await world.all.key(key.id)).toEqual({ ...key, lastUsedAt });
        }
      }),
      { numRuns: runs(10, 100) },
    );
    await world.storage.close();
  });

  test('the installation is written once, and its checks one by one', async () => {
    const world = worldIn(await open());
    const checks = [
      { name: 'pepper 1', value: 'p' },
      { name: 'secret', value: 's' },
    ];
    const installation = { defaultWorkspaceId: 'w', createdAt: 5, checks: checks.slice(1) };
    expect(await world.storage.installation()).toBeNull();
    const insert: Change = { type: 'insert_installation', installation };
    expect(await world.all.commit([insert])).toBe('done');
    expect(await world.all.commit([insert])).toBe('stale');
    const add: Change = { type: 'add_secret_check', check: { name: 'pepper 1', value: 'p' } };
    expect(await world.all.commit([add])).toBe('done');
    expect(await world.all.commit([add])).toBe('stale');
    expect(await world.storage.installation()).toEqual({ ...installation, checks });
    await world.storage.close();
  });

  test('a closed store answers unavailable', async () => {
    const world = worldIn(await open());
    await world.storage.check();
    await world.storage.close();
    const unavailable = expect.objectContaining({ code: 'unavailable' });
    await expect(world.storage.check()).rejects.toEqual(unavailable);
    await expect(world.all.key('x')).rejects.toEqual(unavailable);
    await expect(world.all.commit(world.draft().changes)).rejects.toEqual(unavailable);
    const slice = { limit: 1, from: null, total: 'none' } as const;
    await expect(world.all.workspaces({}, slice)).rejects.toEqual(unavailable);
    await world.storage.close();
  });
}
