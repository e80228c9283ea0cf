// An edit that names states beside terms: each step with its event, all in one commit or
// none of it.

import type { KeyEdit } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const typesOf = async (id: string) =>
  (await service.events()).filter(({ subject }) => subject.id === id).map(({ type }) => type);

describe('an edit of several things', () => {
  it('leaves an event of each, which tells of that step alone', async () => {
    const { key, secret } = await service.create({ name: 'before' });
    service.clock.at += 5;
    const edited = await service.owner.updateKey(key.id, {
      name: 'after',
      enabled: false,
      softBlocked: true,
      revoked: true,
    });
    expect(edited).toMatchObject({
      name: 'after',
      enabled: false,
      softBlocked: true,
      revokedAt: service.clock.at,
      revokedReason: null,
      updatedAt: service.clock.at,
      version: 5,
    });
    expect(await service.owner.getKey(key.id)).toEqual(edited);
    expect(await service.codeOf(secret)).toBe('revoked');
    const told = (await service.events()).slice(0, 4).toReversed();
    const changed = (facts: unknown) => {
      const { updated_at: _, ...rest } = Object(facts);
      return rest;
    };
    const steps = told.map(({ type, before, after }) => [type, changed(before), changed(after)]);
    expect(steps).toEqual([
      ['key.updated', { name: 'before' }, { name: 'after' }],
      ['key.disabled', { enabled: true }, { enabled: false }],
      ['key.soft_blocked', { soft_blocked: false }, { soft_blocked: true }],
      [
        'key.revoked',
        { revoked_at: null },
        { revoked_at: new Date(service.clock.at).toISOString() },
      ],
    ]);
  });

  it.each<[KeyEdit, string[]]>([
    [{ enabled: false }, ['key.disabled']],
    [{ softBlocked: true, enabled: true }, ['key.soft_blocked']],
    [{ name: 'x', scopes: ['a'], softBlocked: false }, ['key.updated']],
    [{ enabled: true, softBlocked: false, name: undefined }, []],
    [{}, []],
    [{ revoked: true }, ['key.revoked']],
  ])('writes what it changes and nothing else: %j', async (edit, types) => {
    const { key } = await service.create({});
    const edited = await service.owner.updateKey(key.id, edit);
    expect(edited.version).toBe(1 + types.length);
    expect(await typesOf(key.id)).toEqual([...types, 'key.created']);
  });

  it('is refused as a whole, with nothing changed and nothing told', async () => {
    const { id: workspaceId } = await service.workspace({ maxKeysPerOwner: 1 });
    await service.create({ workspaceId, ownerId: 'full' });
    const { key, secret } = await service.create({
      workspaceId,
      ownerId: 'acme',
      scopes: ['files:read'],
    });
    const off = await service.create({ workspaceId, scopes: ['billing:read'], enabled: false });
    const blocked = await service.create({
      workspaceId,
      scopes: ['billing:read'],
      softBlocked: true,
    });
    const narrow = await service.caller({
      workspaceId,
      permissions: ['keys:write'],
      grants: { scopes: ['files:*'] },
    });
    const before = (await service.events()).length;
    const refused = async (id: string, edit: KeyEdit, by = service.owner) =>
      laterRefusalOf(by.updateKey(id, edit));
    expect([
      await refused(key.id, { ownerId: 'full', softBlocked: true }),
      await refused(key.id, { softBlocked: true, name: '' }),
      await refused(key.id, { enabled: false, scopes: ['*'] }, narrow),
      await refused(off.key.id, { softBlocked: true, enabled: true }, narrow),
      await refused(blocked.key.id, { enabled: false, softBlocked: false }, narrow),
    ]).toEqual(['quota_exceeded', 'invalid /name', 'forbidden', 'forbidden', 'forbidden']);
    expect(await service.owner.getKey(key.id)).toEqual(key);
    expect(await service.owner.getKey(off.key.id)).toEqual(off.key);
    expect(await service.owner.getKey(blocked.key.id)).toEqual(blocked.key);
    expect(await service.codeOf(secret)).toBe('valid');
    expect(await service.events()).toHaveLength(before);
    expect(await refused(off.key.id, { softBlocked: true, name: 'x' }, narrow)).toBe('nothing');
  });

  it('is of the version it was meant for, whatever it names', async () => {
    const { key } = await service.create({});
    const edit = { name: 'x', enabled: false };
    const stale = service.owner.updateKey(key.id, edit, { ifVersion: 2 });
    expect(await laterRefusalOf(stale)).toBe('precondition_failed');
    expect((await service.owner.updateKey(key.id, edit, { ifVersion: 1 })).version).toBe(3);
    const again = service.owner.updateKey(key.id, { enabled: true }, { ifVersion: 3 });
    expect((await again).version).toBe(4);
  });

  it('never brings a revoked key back', async () => {
    const { key, secret } = await service.create({});
    await service.owner.updateKey(key.id, { revoked: true });
    for (const edit of [{ enabled: true }, { softBlocked: false }, { name: 'x', enabled: true }]) {
      expect(await laterRefusalOf(service.owner.updateKey(key.id, edit))).toBe('conflict');
    }
    expect((await service.owner.updateKey(key.id, { revoked: true })).version).toBe(2);
    expect(await service.codeOf(secret)).toBe('revoked');
  });

  it('of many at the same time takes place one after the other, and loses none', async () => {
    const { key } = await service.create({});
    await Promise.all([
      service.owner.updateKey(key.id, { name: 'x', enabled: false }),
      service.owner.updateKey(key.id, { softBlocked: true, metadata: { a: 1 } }),
      service.owner.updateKey(key.id, { metadata: { b: 2 } }),
    ]);
    expect(await service.owner.getKey(key.id)).toMatchObject({
      name: 'x',
      enabled: false,
      softBlocked: true,
      metadata: { a: 1, b: 2 },
      version: 6,
    });
  });
});

it('a key is born in the state it is asked to be in', async () => {
  const { key, secret } = await service.create({ enabled: false, softBlocked: true });
  expect(key).toMatchObject({ enabled: false, softBlocked: true, version: 1 });
  expect(await service.codeOf(secret)).toBe('disabled');
  const ended = await service.create({ revoked: true });
  expect(ended.key.revokedAt).toBe(service.clock.at);
  expect(await service.codeOf(ended.secret)).toBe('revoked');
});
