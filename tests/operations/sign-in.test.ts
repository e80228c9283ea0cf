// Members that come by claim, on a real store: made once, in the role that the claim
// says, and never against what somebody decided here.

import {
  joinByClaim,
  type Member,
  type MemberFacts,
  type Role,
  reapply,
  type ToldEvent,
} from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instanceGrant } from '../../packages/server/src/auth.ts';
import { laterRefusalOf } from '../fixtures/domain.ts';
import { type Service, startService } from '../fixtures/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const ISSUER = 'https://issuer.example';
const ORIGIN = { address: '192.0.2.7', requestId: 'sign-in', sharedCredential: null };
const join = (claim: MemberFacts) => joinByClaim(service.storage, service.host, claim, ORIGIN);
const claimOf = (workspaceId: string, role: Role = 'editor'): MemberFacts => ({
  workspaceId,
  issuer: ISSUER,
  subject: service.newName(),
  role,
  name: 'Ann',
});
const newWorkspace = async () => (await service.workspace()).id;
const eventsOf = async ({ id }: Pick<Member, 'id'>) =>
  (await service.events()).filter(({ subject }) => subject.id === id);
const joined = async (claim: MemberFacts): Promise<Member> => (await join(claim)) ?? expect.fail();
/** Does something once, before the next commit is made. */
const beforeNextCommit = (act: () => Promise<unknown>) => {
  service.watch.before.set('commit', async () => {
    service.watch.before.delete('commit');
    await act();
  });
};

describe('signing in by claim', () => {
  it('makes the member once, and tells who did', async () => {
    const claim = claimOf(await newWorkspace());
    const member = await joined(claim);
    expect(member).toMatchObject({ ...claim, source: 'claim', version: 1 });
    expect(await joined(claim)).toEqual(member);
    expect(await service.owner.getMember(member.id)).toEqual(member);
    expect(await eventsOf(member)).toMatchObject([
      {
        type: 'member.added',
        workspaceId: claim.workspaceId,
        actor: { type: 'system', id: 'sign-in' },
        origin: ORIGIN,
      },
    ]);
  });

  it('of many requests at once makes one member, which all of them are', async () => {
    const claim = claimOf(await newWorkspace());
    const members = await Promise.all(Array.from({ length: 8 }, () => joined(claim)));
    expect(new Set(members.map(({ id }) => id)).size).toBe(1);
    expect(await eventsOf(members[0] ?? expect.fail())).toHaveLength(1);
  });

  it('changes the role as the claim says it, up and down, and says so', async () => {
    const claim = claimOf(await newWorkspace(), 'viewer');
    const { id } = await joined(claim);
    for (const role of ['admin', 'editor', 'owner'] as const) {
      expect(await joined({ ...claim, role, name: null })).toMatchObject({ id, role, name: 'Ann' });
      expect(await service.owner.getMember(id)).toMatchObject({ role, source: 'claim' });
    }
    const updates = (await eventsOf({ id })).filter(({ type }) => type === 'member.updated');
    expect(updates).toHaveLength(3);
    expect(updates[0]?.actor).toEqual({ type: 'system', id: 'sign-in' });
  });

  it('leaves the role of a member that was given one by API', async () => {
    const claim = claimOf(await newWorkspace(), 'admin');
    const added = await service.owner.addMember({ ...claim, role: 'viewer' });
    expect(await join(claim)).toEqual(added);
    const other = claimOf(claim.workspaceId, 'admin');
    const { id } = await joined(other);
    const lowered = await service.owner.updateMember(id, { role: 'viewer' });
    expect(await join(other)).toEqual(lowered);
  });

  it('never brings back a member that was removed, also where that happens meanwhile', async () => {
    const claim = claimOf(await newWorkspace());
    await service.owner.removeMember((await joined(claim)).id);
    expect(await join(claim)).toBeNull();

    const late = claimOf(claim.workspaceId);
    beforeNextCommit(async () => {
      await service.owner.removeMember((await service.owner.addMember(late)).id);
    });
    expect(await join(late)).toBeNull();

    const changing = claimOf(claim.workspaceId, 'viewer');
    const { id } = await joined(changing);
    beforeNextCommit(() => service.owner.removeMember(id));
    expect(await join({ ...changing, role: 'admin' })).toBeNull();

    const again = await service.owner.addMember(claim);
    expect(await join({ ...claim, role: 'admin' })).toEqual(again);
  });

  it('lets nobody into a workspace that is not there, suspended or deleted', async () => {
    const nowhere = claimOf(service.host.newId(service.clock.at));
    expect(await join(nowhere)).toBeNull();
    const [paused, gone] = [claimOf(await newWorkspace()), claimOf(await newWorkspace())];
    const [first, second] = [await joined(paused), await joined(gone)];
    await service.owner.suspendWorkspace(paused.workspaceId);
    await service.owner.deleteWorkspace(gone.workspaceId);
    for (const claim of [paused, gone]) {
      expect(await join(claim)).toBeNull();
      expect(await join({ ...claim, subject: 'new', role: 'admin' })).toBeNull();
      expect(await service.storage.members(claim.issuer, claim.subject)).toEqual([]);
    }
    expect(await eventsOf(first)).toHaveLength(1);
    expect(await eventsOf(second)).toHaveLength(1);
    await service.owner.resumeWorkspace(paused.workspaceId);
    expect(await join(paused)).toEqual(first);

    const late = claimOf(await newWorkspace());
    beforeNextCommit(() => service.owner.deleteWorkspace(late.workspaceId));
    expect(await join(late)).toBeNull();
  });

  it('takes the last owner in the role that the claim says, and keeps it the owner', async () => {
    const claim = claimOf(await newWorkspace(), 'owner');
    const owner = await joined(claim);
    expect(await join({ ...claim, role: 'viewer' })).toEqual({ ...owner, role: 'viewer' });
    expect(await service.owner.getMember(owner.id)).toEqual(owner);
    await joined(claimOf(claim.workspaceId, 'owner'));
    await join({ ...claim, role: 'viewer' });
    expect(await service.owner.getMember(owner.id)).toMatchObject({ role: 'viewer', version: 2 });
  });

  it('is not refused for a name that cannot be one, and is for a subject that cannot', async () => {
    const claim = claimOf(await newWorkspace());
    for (const name of ['', 'a'.repeat(256), 'a\ud800']) {
      const member = await joined({ ...claim, subject: service.newName(), name });
      expect(member.name).toBeNull();
    }
    for (const subject of ['', 'a'.repeat(256), 'a\ud800', 'a\0']) {
      expect(await join({ ...claim, subject })).toBeNull();
    }
    expect(await join({ ...claim, issuer: '' })).toBeNull();
  });
});

describe('a store that was restored', () => {
  const told = async (since: number): Promise<ToldEvent[]> => {
    const events = await service.events();
    return events.slice(0, events.length - since);
  };

  it('removes again who was removed, and lessens again what was lessened, for good', async () => {
    const workspaceId = await newWorkspace();
    const admin = claimOf(workspaceId, 'admin');
    const [removed, lessened, raised, pinned] = [
      await joined(claimOf(workspaceId)),
      await joined(admin),
      await service.owner.addMember(claimOf(workspaceId, 'viewer')),
      await joined(claimOf(workspaceId, 'admin')),
    ];
    const backup = [removed, lessened, raised, pinned];
    const since = (await service.events()).length;
    await service.owner.removeMember(removed.id);
    await service.owner.updateMember(lessened.id, { role: 'editor' });
    await service.owner.updateMember(lessened.id, { role: 'viewer', name: 'Other' });
    await service.owner.updateMember(raised.id, { role: 'admin' });
    await service.owner.updateMember(pinned.id, { role: 'admin' });
    const made = await service.owner.addMember(claimOf(workspaceId, 'viewer'));
    const events = await told(since);

    // As the backup has them.
    const all = service.storage.everywhere(instanceGrant());
    for (const member of backup) {
      const now = await all.member(member.id);
      const was = now?.version ?? 0;
      expect(await all.commit([{ type: 'update_member', member, was }])).toBe('done');
    }
    const stranger = { ...made, id: service.host.newId(service.clock.at) };
    const later = events.map((event) =>
      event.subject.id === made.id
        ? { ...event, subject: { type: 'member', id: stranger.id } }
        : event,
    );
    const { reapplied, lost } = await reapply(
      service.storage,
      instanceGrant(),
      service.host,
      later,
      () => null,
    );
    const ids = (some: readonly ToldEvent[]) => some.map(({ subject }) => subject.id).toSorted();
    expect(ids(reapplied)).toEqual([removed.id, lessened.id, pinned.id].toSorted());
    expect(ids(lost)).toEqual([lessened.id, raised.id, stranger.id].toSorted());
    expect(await laterRefusalOf(service.owner.getMember(removed.id))).toBe('not_found');
    expect(await service.owner.getMember(raised.id)).toMatchObject({ role: 'viewer' });
    expect(await join(admin)).toMatchObject({ id: lessened.id, role: 'viewer', source: 'api' });
    expect(await service.owner.getMember(pinned.id)).toMatchObject({
      role: 'admin',
      source: 'api',
    });
  });
});
