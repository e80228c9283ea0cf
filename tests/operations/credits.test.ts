// Credits through the verifier and the use cases: who pays, what a verdict says, and
// that nothing is taken for a verdict that is not given.

import { ALL_GRANTS, type KeyDraft, MAX_CREDITS, revokeKey, WARDER_FORMAT } from '@warder/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEmbedded } from '../../packages/server/src/storage/embedded.ts';
import { actAt, callerWith, laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

const DAY = 86_400_000;

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterEach(() => service.watch.before.clear());
afterAll(() => service.close());

const create = (remaining: number, more: KeyDraft = {}) =>
  service.create({ credits: { remaining }, ...more });
const verify = (secret: string, more: object = {}) => service.owner.verifyKey({ secret, ...more });
const told = async (secret: string, more: object = {}) => {
  const verdict = await verify(secret, more);
  return [verdict.code, 'credits' in verdict ? verdict.credits?.remaining : undefined];
};
const remainingOf = async (id: string) => (await service.owner.getKey(id)).credits?.remaining;
const many = <Value>(count: number, make: (i: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));
const eventsOf = async (id: string) =>
  (await service.events()).filter(({ subject }) => subject.id === id).reverse();

describe('a verification', () => {
  it('takes one credit, or its cost, and tells what is left; with too few it takes none', async () => {
    const { key, secret } = await create(6);
    expect(await told(secret)).toEqual(['valid', 5]);
    expect(await told(secret, { cost: 3 })).toEqual(['valid', 2]);
    expect(await told(secret, { cost: 3 })).toEqual(['insufficient_credits', 2]);
    expect(await told(secret, { cost: 2 })).toEqual(['valid', 0]);
    expect(await told(secret)).toEqual(['insufficient_credits', 0]);
    expect(await remainingOf(key.id)).toBe(0);
  });

  it('that does not spend judges the same and takes nothing', async () => {
    const { secret } = await create(2);
    expect(await told(secret, { spend: false })).toEqual(['valid', 2]);
    expect(await told(secret, { spend: false, cost: 3 })).toEqual(['insufficient_credits', 2]);
    expect(await told(secret, { cost: 0 })).toEqual(['valid', 2]);
    expect(await told(secret, { spend: true })).toEqual(['valid', 1]);
  });

  it('that is refused for anything else takes nothing', async () => {
    const { key, secret } = await create(5, { scopes: ['a'] });
    expect(await told(secret, { scopes: ['b'] })).toEqual(['insufficient_scope', undefined]);
    await service.owner.disableKey(key.id);
    expect(await told(secret)).toEqual(['disabled', undefined]);
    expect(await remainingOf(key.id)).toBe(5);
  });

  it('of a thousand at once for the last hundred credits exactly a hundred are good', async () => {
    const { key, secret } = await create(100);
    const codes = await many(1_000, async () => (await verify(secret)).code);
    expect(codes.filter((code) => code === 'valid')).toHaveLength(100);
    expect(codes.filter((code) => code === 'insufficient_credits')).toHaveLength(900);
    expect(await remainingOf(key.id)).toBe(0);
  });

  it('counts as a use only where it is good', async () => {
    const { key, secret } = await create(1);
    await many(3, () => verify(secret));
    expect(service.uses.filter((id) => id === key.id)).toHaveLength(1);
  });

  it('in a batch spends in the order of the batch', async () => {
    const { secret } = await create(10);
    const verdicts = await service.owner.verifyKeys(
      [4, 5, 3, 1, 1].map((cost) => ({ secret, cost })),
    );
    expect(verdicts.map(({ code }) => code === 'valid')).toEqual([true, true, false, true, false]);
  });

  it('without credits to spend makes no statement', async () => {
    const { secret } = await service.create({ ownerId: 'without-credits' });
    await verify(secret);
    service.watch.calls.clear();
    for (let i = 0; i < 10; i++) expect(await told(secret)).toEqual(['valid', undefined]);
    expect([...service.watch.calls.keys()]).toEqual([]);
  });

  it('of a known key with credits reads nothing: it makes one spend', async () => {
    const { secret } = await create(9);
    await verify(secret);
    service.watch.calls.clear();
    await verify(secret);
    expect([...service.watch.calls]).toEqual([['spend', 1]]);
  });

  it('refuses a cost that would give something', async () => {
    const { key, secret } = await create(1);
    for (const cost of [-1, 0.5, 1_000_000_001]) {
      expect(await laterRefusalOf(verify(secret, { cost }))).toBe('invalid /cost');
      const asked = service.verifier.verify(secret, { within: null, environment: null, cost });
      expect(await laterRefusalOf(asked)).toBe('invalid /cost');
    }
    expect(await remainingOf(key.id)).toBe(1);
  });

  it('fails rather than guess where nothing can be taken', async () => {
    const { secret } = await create(5);
    service.watch.before.set('spend', () => {
      throw new Error('no disk');
    });
    await expect(verify(secret)).rejects.toThrow();
  });
});

describe('while a spend waits', () => {
  it('a revoke is obeyed, and the credit is not taken', async () => {
    const { key, secret } = await create(5);
    await verify(secret);
    // Judged good, and then: revoked and acknowledged before the store is asked.
    service.watch.before.set('spend', async () => {
      service.watch.before.clear();
      await service.owner.revokeKey(key.id);
    });
    expect((await verify(secret)).code).toBe('revoked');
    expect(await remainingOf(key.id)).toBe(4);
  });

  it('a revoke by another process is obeyed at once, before this one has heard of it', async () => {
    const { key, secret } = await create(5);
    await verify(secret);
    const other = openEmbedded({ file: service.file });
    const revoked = revokeKey((await service.owner.getKey(key.id)) ?? key, null, actAt());
    if (revoked === null) throw new Error('not revoked');
    const change = { type: 'update_key', key: revoked.key, was: 1 } as const;
    const elsewhere = other.storage.within(String(key.workspaceId));
    expect(await elsewhere.commit([change])).toBe('done');
    expect((await verify(secret)).code).toBe('revoked');
    expect(await remainingOf(key.id)).toBe(4);
    await other.storage.close();
  });

  it('a suspension of the owner or the workspace is obeyed', async () => {
    const { id: workspaceId } = await service.workspace();
    const address = { ownerId: 'o', workspaceId };
    const { key, secret } = await create(5, address);
    await verify(secret);
    for (const [suspend, resume] of [
      [() => service.owner.suspendOwner(address), () => service.owner.resumeOwner(address)],
      [
        () => service.owner.suspendWorkspace(workspaceId),
        () => service.owner.resumeWorkspace(workspaceId),
      ],
    ] as const) {
      service.watch.before.set('spend', async () => {
        service.watch.before.clear();
        await suspend();
      });
      expect((await verify(secret)).code).toBe('suspended');
      await resume();
    }
    expect(await remainingOf(key.id)).toBe(4);
  });

  it('an edit that leaves the key good has it judged again, and one credit is taken', async () => {
    const { key, secret } = await create(5);
    await verify(secret);
    service.watch.before.set('spend', async () => {
      service.watch.before.clear();
      await service.owner.updateKey(key.id, { name: 'renamed' });
    });
    const verdict = await verify(secret);
    expect(verdict).toMatchObject({ code: 'valid', key: { name: 'renamed' } });
    expect(await remainingOf(key.id)).toBe(3);
  });

  it('a replacement is obeyed: the balance goes on with the successor, whole', async () => {
    const { key, secret } = await create(5);
    await verify(secret);
    let successor = '';
    service.watch.before.set('spend', async () => {
      service.watch.before.clear();
      const replaced = await service.owner.replaceKey(key.id, WARDER_FORMAT);
      service.secrets.push(replaced.secret);
      successor = replaced.secret;
    });
    expect((await verify(secret)).code).toBe('revoked');
    expect(await told(successor)).toEqual(['valid', 3]);
  });

  it('edits without end are given up as unavailable, with nothing taken', async () => {
    const { key, secret } = await create(5);
    let name = 0;
    service.watch.before.set('spend', async () => {
      await service.owner.updateKey(key.id, { name: `name ${++name}` });
    });
    expect(await laterRefusalOf(verify(secret))).toBe('unavailable');
    service.watch.before.clear();
    expect(await remainingOf(key.id)).toBe(5);
  });
});

describe('a replacement', () => {
  it('neither loses nor doubles credits, while they are spent', async () => {
    const { key, secret } = await create(100);
    let latest = { id: key.id, secret };
    let replacements = 0;
    const spender = async (): Promise<number> => {
      let good = 0;
      for (let i = 0; i < 20; i++) if ((await verify(latest.secret)).valid) good++;
      return good;
    };
    const replacer = async () => {
      for (; replacements < 3; replacements++) {
        await verify(latest.secret, { spend: false });
        const next = await service.owner.replaceKey(latest.id, WARDER_FORMAT);
        service.secrets.push(next.secret);
        latest = { id: next.key.id, secret: next.secret };
      }
      return 0;
    };
    const good = await Promise.all([spender(), spender(), replacer(), spender()]);
    const spent = good.reduce((one, other) => one + other);
    expect([replacements, spent > 30]).toEqual([3, true]);
    expect(await told(latest.secret, { spend: false })).toEqual(['valid', 100 - spent]);
    expect(await remainingOf(key.id)).toBe(0);
  });

  it('keeps the refill where it was', async () => {
    const refill = { amount: 50, interval: 'week' } as const;
    const { key } = await service.create({ credits: { refill } });
    const replaced = await service.owner.replaceKey(key.id, WARDER_FORMAT);
    service.secrets.push(replaced.secret);
    expect((await service.owner.getKey(replaced.key.id)).credits).toEqual(key.credits);
  });
});

describe('an owner', () => {
  it('shares its credits among its keys, but for those that have their own', async () => {
    const { id: workspaceId } = await service.workspace();
    const address = { ownerId: 'acme', workspaceId };
    await service.owner.putOwner(address, { credits: { remaining: 3 } });
    const [one, two] = [await service.create(address), await service.create(address)];
    const own = await create(1, address);
    expect(await told(own.secret)).toEqual(['valid', 0]);
    expect(await told(own.secret)).toEqual(['insufficient_credits', 0]);
    expect(await told(one.secret)).toEqual(['valid', 2]);
    expect(await told(two.secret, { cost: 2 })).toEqual(['valid', 0]);
    expect(await told(one.secret)).toEqual(['insufficient_credits', 0]);
    await service.owner.creditOwner(address, { add: 5 });
    expect(await told(one.secret)).toEqual(['valid', 4]);
    // Its own credits end, and it spends those of its owner.
    await service.owner.updateKey(own.key.id, { credits: null });
    expect(await told(own.secret)).toEqual(['valid', 3]);
    await service.owner.patchOwner(address, { credits: null });
    expect(await told(own.secret)).toEqual(['valid', undefined]);
  });

  it('that is written anew keeps its credits unless they are named', async () => {
    const address = { ownerId: 'put' };
    await service.owner.putOwner(address, { credits: { remaining: 3 } });
    const { owner } = await service.owner.putOwner(address, { name: 'Put' });
    expect(owner.credits?.remaining).toBe(3);
    await service.owner.putOwner(address, { credits: { refill: { amount: 9, interval: 'day' } } });
    expect((await service.owner.getOwner(address)).credits).toMatchObject({ remaining: 9 });
    await service.owner.putOwner(address, { credits: null });
    expect((await service.owner.getOwner(address)).credits).toBeNull();
  });

  it('that is erased has none left', async () => {
    const address = { ownerId: 'erased' };
    await service.owner.putOwner(address, { credits: { remaining: 3 } });
    const erased = await service.owner.eraseOwner(address);
    expect(erased.credits).toBeNull();
    expect((await service.owner.getOwner(address)).credits).toBeNull();
    expect(await laterRefusalOf(service.owner.creditOwner(address, { add: 1 }))).toBe('conflict');
  });
});

describe('a balance', () => {
  it('is topped up by many at once without losing one, and each leaves an event', async () => {
    const { key, secret } = await create(0);
    const both = many(20, async (i) =>
      i % 2 === 0 ? service.owner.creditKey(key.id, { add: 5 }) : verify(secret),
    );
    const good = (await both).filter((one) => 'valid' in one && one.valid).length;
    expect(await remainingOf(key.id)).toBe(50 - good);
    const events = (await eventsOf(key.id)).filter(({ type }) => type === 'key.credits_added');
    expect(events.map(({ after }) => after)).toEqual(Array(10).fill({ credits: { added: 5 } }));
    await service.owner.creditKey(key.id, { set: 2 });
    expect(await remainingOf(key.id)).toBe(2);
    expect((await eventsOf(key.id)).at(-1)).toMatchObject({
      type: 'key.credits_set',
      after: { credits: { remaining: 2 } },
    });
    expect((await service.owner.getKey(key.id)).version).toBe(1);
  });

  it('is set by an edit also to what it was read as', async () => {
    const { key, secret } = await create(5);
    const between: string[] = [];
    service.watch.before.set('commit', async () => {
      service.watch.before.clear();
      between.push((await verify(secret)).code);
    });
    await service.owner.updateKey(key.id, { credits: { remaining: 5 } });
    expect(between).toEqual(['valid']);
    expect(await remainingOf(key.id)).toBe(5);
  });

  it('keeps what is spent while its refill is edited', async () => {
    const { key, secret } = await create(5);
    service.watch.before.set('commit', async () => {
      service.watch.before.clear();
      await verify(secret, { cost: 2 });
    });
    await service.owner.updateKey(key.id, {
      credits: { refill: { amount: 9, interval: 'month' } },
    });
    expect(await remainingOf(key.id)).toBe(3);
  });

  it('is filled up on its day, and told before anybody spends', async () => {
    const anchor = Date.UTC(2026, 11, 31);
    const refill = { amount: 10, interval: 'month', anchor } as const;
    const { secret } = await create(2, { credits: { remaining: 2, refill } });
    const before = service.clock.at;
    expect(await told(secret)).toEqual(['valid', 1]);
    service.clock.at = anchor;
    expect(await verify(secret, { spend: false })).toMatchObject({
      credits: { remaining: 10, refillAt: Date.UTC(2027, 0, 31) },
    });
    expect(await told(secret, { cost: 4 })).toEqual(['valid', 6]);
    service.clock.at = Date.UTC(2027, 1, 28) - 1;
    expect(await told(secret, { spend: false })).toEqual(['valid', 10]);
    service.clock.at += DAY;
    expect(await verify(secret, { cost: 10 })).toMatchObject({
      code: 'valid',
      credits: { remaining: 0, refillAt: Date.UTC(2027, 2, 31) },
    });
    service.clock.at = before;
  });

  it('is not topped up where there is none, on a revoked key, or beyond what can be counted', async () => {
    const bare = await service.create({});
    const { key } = await create(1);
    const credit = (id: string, add: number) =>
      laterRefusalOf(service.owner.creditKey(id, { add }));
    expect(await credit(bare.key.id, 1)).toBe('conflict');
    expect(await credit(key.id, MAX_CREDITS)).toBe('invalid /add');
    await service.owner.revokeKey(key.id);
    expect(await credit(key.id, 1)).toBe('conflict');
  });

  it('is for standard keys only', async () => {
    const management = { kind: 'management', permissions: ['keys:read'] } as const;
    const credits = { remaining: 1 };
    expect(await laterRefusalOf(service.create({ ...management, credits }))).toBe(
      'invalid /credits',
    );
    const { key } = await service.create(management);
    const edit = service.owner.updateKey(key.id, { credits });
    expect(await laterRefusalOf(edit)).toBe('invalid /credits');
  });
});

describe('a key that signs in', () => {
  it('spends nothing, and signs in with nothing left', async () => {
    const { key, secret } = await create(1, { allowSelfRevoke: true });
    for (let i = 0; i < 3; i++)
      expect((await (await service.as(secret)).whoami()).key?.id).toBe(key.id);
    expect(await remainingOf(key.id)).toBe(1);
    await verify(secret);
    await (await service.as(secret)).revokeSelf();
    expect((await verify(secret)).code).toBe('revoked');
  });

  it('gives no credits to keys of its own holder', async () => {
    const owned = await create(1, { ownerId: 'self-service' });
    const self = service.of(
      callerWith({
        home: { workspaceId: service.defaultWorkspaceId },
        permissions: ['keys:read', 'keys:write'],
        grants: ALL_GRANTS,
        bounds: { kind: 'standard', ownerId: 'self-service', deleted: 'there' },
      }),
    );
    const { id } = owned.key;
    const credits = { remaining: 99 };
    for (const refused of [
      self.creditKey(id, { add: 1 }),
      self.updateKey(id, { credits }),
      self.updateKey(id, { credits: null }),
      self.createKey({ credits }),
    ]) {
      expect(await laterRefusalOf(refused)).toBe('forbidden');
    }
    expect(await remainingOf(id)).toBe(1);
  });
});
