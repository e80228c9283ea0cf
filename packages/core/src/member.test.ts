import { describe, expect, it } from 'vitest';
import { actAt, memberWith, NOW, refusalOf, WORKSPACE_ID } from '../../../tests/fixtures/domain.ts';
import { ALL_KEYS } from './caller.ts';
import {
  addMember,
  describeMember,
  editMember,
  isSubject,
  type MemberFacts,
  removeMember,
} from './member.ts';
import { ALL_GRANTS, holds, PRESETS, ROLES } from './permission.ts';
import { callerOfMember } from './sign-in.ts';

const act = actAt();
const FACTS: MemberFacts = {
  workspaceId: WORKSPACE_ID,
  issuer: 'https://issuer.example',
  subject: 'user-1',
  role: 'editor',
  name: 'Ann',
};
const add = (differing: Partial<MemberFacts> = {}) =>
  addMember({ ...FACTS, ...differing }, 'api', act).member;

describe('a new member', () => {
  it('is its issuer and subject exactly as they are given', () => {
    for (const text of ['1', ' ', 'A', 'https://x/', 'https://x', 'auth0|Ä', '🔑'.repeat(255)]) {
      expect(add({ issuer: text, subject: text })).toMatchObject({ issuer: text, subject: text });
      expect(isSubject({ issuer: text, subject: text })).toBe(true);
    }
    const created = { id: 'event-id', createdAt: NOW, updatedAt: NOW };
    expect(add()).toEqual(memberWith({ ...created, name: 'Ann' }));
  });

  it.each<[Partial<MemberFacts>, string]>([
    [{ issuer: '' }, '/issuer'],
    [{ issuer: 'a'.repeat(513) }, '/issuer'],
    [{ issuer: 'a\0' }, '/issuer'],
    [{ subject: '' }, '/subject'],
    [{ subject: '🔑'.repeat(256) }, '/subject'],
    [{ subject: 'a\ud83d' }, '/subject'],
    [{ name: '' }, '/name'],
    [{ name: 'a'.repeat(256) }, '/name'],
  ])('%j is refused', (differing, pointer) => {
    expect(refusalOf(() => add(differing))).toBe(`invalid ${pointer}`);
    const { issuer, subject } = { ...FACTS, ...differing };
    expect(isSubject({ issuer, subject })).toBe(pointer === '/name');
  });

  it('tells of itself in an event of its workspace', () => {
    const { member, event } = addMember(FACTS, 'claim', act);
    expect(event).toMatchObject({
      type: 'member.added',
      workspaceId: WORKSPACE_ID,
      subject: { type: 'member', id: member.id },
      before: null,
      after: describeMember(member),
    });
    expect(event.after).toMatchObject({ source: 'claim', role: 'editor' });
  });
});

describe('changing a member', () => {
  const before = memberWith({ source: 'claim', name: 'Ann' });

  it('an edit leaves what it does not name, and tells only what changed', () => {
    const change = editMember(before, { name: null }, 'api', act);
    expect(change?.member).toEqual({ ...before, name: null, updatedAt: NOW, version: 2 });
    expect(change?.event).toMatchObject({ type: 'member.updated', before: { name: 'Ann' } });
    expect(change?.event.before).not.toHaveProperty('subject');
    expect(editMember(before, {}, 'api', act)).toBeNull();
    expect(editMember(before, { role: 'editor', name: 'Ann' }, 'claim', act)).toBeNull();
    expect(refusalOf(() => editMember(before, { name: '' }, 'api', act))).toBe('invalid /name');
  });

  it('a role is from then on said by whoever said it last, also where it is the same', () => {
    const raised = editMember(before, { role: 'admin' }, 'claim', act)?.member;
    expect(raised).toMatchObject({ role: 'admin', source: 'claim' });
    const pinned = editMember(before, { role: 'editor' }, 'api', act)?.member;
    expect(pinned).toMatchObject({ role: 'editor', source: 'api' });
  });

  it('a removal is final, and happens once', () => {
    const change = removeMember(before, act);
    expect(change?.event).toMatchObject({ type: 'member.removed', subject: { type: 'member' } });
    const removed = change?.member ?? before;
    expect(removed).toEqual({ ...before, removedAt: NOW, updatedAt: NOW, version: 2 });
    expect(removeMember(removed, act)).toBeNull();
    expect(refusalOf(() => editMember(removed, { role: 'viewer' }, 'api', act))).toBe('conflict');
  });
});

describe('a member that signed in', () => {
  const origin = { address: '192.0.2.1', requestId: 'request', sharedCredential: null };

  it.each(ROLES)('as %s has the permissions of the preset, in its workspace alone', (role) => {
    const caller = callerOfMember(memberWith({ role }), ALL_KEYS, origin);
    expect(caller).toEqual({
      identity: { type: 'member', id: memberWith().id },
      home: { workspaceId: WORKSPACE_ID },
      environment: null,
      permissions: PRESETS[role],
      grants: role === 'viewer' ? { scopes: [], environments: [], maxLifeSeconds: 0 } : ALL_GRANTS,
      bounds: ALL_KEYS,
      expiresAt: null,
      keysEndBy: null,
      key: null,
      origin,
    });
    expect(holds(caller.permissions, 'members:read')).toBe(true);
    expect(holds(caller.permissions, 'members:write')).toBe(['admin', 'owner'].includes(role));
  });
});
