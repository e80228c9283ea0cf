// What is done with a key that is presented: it ends itself, or is reported as leaked.

import { type Caller, redactTokens } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callerWith, INSTANCE, laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const eventsOf = async (id: string) =>
  (await service.events()).filter(({ subject }) => subject.id === id);
const typesOf = async (id: string) => (await eventsOf(id)).map(({ type }) => type);

describe('a key that ends itself', () => {
  it('is revoked for good, by itself, where it was made to allow that', async () => {
    const { key, secret } = await service.create({ allowSelfRevoke: true });
    const own = await service.as(secret);
    expect(await own.revokeSelf()).toMatchObject({
      id: key.id,
      revokedAt: service.clock.at,
      revokedReason: 'revoked by its holder',
    });
    expect(await service.codeOf(secret)).toBe('revoked');
    const [event] = await eventsOf(key.id);
    expect(event).toMatchObject({ type: 'key.revoked', actor: { type: 'key', id: key.id } });
    expect(await own.revokeSelf()).toMatchObject({ revokedReason: 'revoked by its holder' });
    expect(await typesOf(key.id)).toEqual(['key.revoked', 'key.created']);
  });

  it('is refused where that is not allowed, or not any more', async () => {
    const { key, secret } = await service.create({});
    expect(await laterRefusalOf((await service.as(secret)).revokeSelf())).toBe('forbidden');
    const allowed = await service.create({ allowSelfRevoke: true });
    const own = await service.as(allowed.secret);
    await service.owner.updateKey(allowed.key.id, { allowSelfRevoke: false });
    expect(await laterRefusalOf(own.revokeSelf())).toBe('forbidden');
    for (const one of [secret, allowed.secret]) expect(await service.codeOf(one)).toBe('valid');
    expect(await typesOf(key.id)).toEqual(['key.created']);
  });

  it('takes a key: whoever signed in otherwise has none to end', async () => {
    const member = callerWith({ home: { workspaceId: service.defaultWorkspaceId }, key: null });
    expect(await laterRefusalOf(service.of(member).revokeSelf())).toBe('forbidden');
  });

  it('ends a management key like any other', async () => {
    const { key, secret } = await service.create({
      kind: 'management',
      workspaceId: null,
      permissions: ['keys:read'],
      allowSelfRevoke: true,
    });
    await (await service.as(secret)).revokeSelf();
    await expect(service.as(secret)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await typesOf(key.id)).toEqual(['key.revoked', 'key.created']);
  });
});

describe('a report of a leaked key', () => {
  /** Someone without a credential. */
  const anyone: Caller = callerWith({
    identity: { type: 'anyone', id: 'anyone' },
    home: INSTANCE,
    permissions: [],
    key: null,
  });
  const report = (secret: string, facts: Record<string, string | null> = {}, revoke = true) =>
    service.of(anyone).reportLeak({ secret, facts, revoke });

  it('ends the key at once where that is chosen, and leaves an event of each', async () => {
    const { key, secret } = await service.create({});
    await report(secret, { source: 'a public repository', comment: null });
    expect(await service.codeOf(secret)).toBe('revoked');
    expect(await service.owner.getKey(key.id)).toMatchObject({
      revokedReason: 'reported as leaked',
    });
    const events = await eventsOf(key.id);
    expect(events.map(({ type }) => type)).toEqual([
      'key.revoked',
      'key.leak_reported',
      'key.created',
    ]);
    expect(events[1]).toMatchObject({
      actor: { type: 'anyone', id: 'anyone' },
      workspaceId: service.defaultWorkspaceId,
      before: null,
      after: { source: 'a public repository', comment: null },
    });
  });

  it('leaves the key as it is where it is not', async () => {
    const { key, secret } = await service.create({});
    await report(secret, {}, false);
    expect(await service.codeOf(secret)).toBe('valid');
    expect(await service.owner.getKey(key.id)).toEqual(key);
    expect(await typesOf(key.id)).toEqual(['key.leak_reported', 'key.created']);
  });

  it('is answered alike for every text, and leaves nothing where no key is found', async () => {
    const [good, revoked, erased, disabled, bound] = await Promise.all([
      service.create({}),
      service.create({}),
      service.create({}),
      service.create({ enabled: false }),
      service.create({ allowedCidrs: ['192.0.2.0/24'] }),
    ]);
    await service.owner.revokeKey(revoked.key.id, 'first');
    await service.owner.eraseKey(erased.key.id);
    const before = (await service.events()).length;
    const unknown = [
      '',
      'x',
      good.secret.slice(0, -1),
      `${good.secret}x`,
      `wdr_live_${'0'.repeat(46)}`,
    ];
    for (const secret of [...unknown, erased.secret]) expect(await report(secret)).toBe(undefined);
    expect(await service.events()).toHaveLength(before);
    for (const { secret } of [good, revoked, disabled, bound]) {
      expect(await report(secret)).toBe(undefined);
    }
    expect((await service.owner.getKey(revoked.key.id)).revokedReason).toBe('first');
    for (const { secret } of [good, disabled, bound]) {
      expect(await service.codeOf(secret)).toBe('revoked');
    }
  });

  it('is no use of the key', async () => {
    const { key, secret } = await service.create({});
    const before = service.uses.length;
    await report(secret, {}, false);
    expect(service.uses).toHaveLength(before);
    await service.codeOf(secret);
    expect(service.uses.slice(before)).toEqual([key.id]);
  });

  it('keeps of its texts a thousand characters, and of keys in them what may be shown', async () => {
    const { key, secret } = await service.create({});
    const short = redactTokens(secret);
    // Shown short, these are few characters: what follows them would still be within the bound.
    const many = `${secret} `.repeat(60);
    await report(secret, {
      comment: `found ${secret} here`,
      many,
      long: 'x'.repeat(5_000),
    });
    const [, event] = await eventsOf(key.id);
    const after = Object(event?.after);
    expect(after.comment).toBe(`found ${short} here`);
    expect(after.long).toBe('x'.repeat(1_000));
    const text = JSON.stringify(event);
    expect(text).not.toContain(secret.slice(0, 30));
    expect(text).not.toContain(secret.slice(-20));
    for (const part of String(after.many).split(' ')) expect(short.startsWith(part)).toBe(true);
  });
});
