import { describe, expect, it } from 'vitest';
import { actAt, NOW, ownerWith, refusalOf, WORKSPACE_ID } from '../../../tests/fixtures/domain.ts';
import {
  createOwner,
  describeOwner,
  editOwner,
  replaceOwner,
  resumeOwner,
  suspendOwner,
} from './owner.ts';

const act = actAt();
const create = (externalId: string, facts = {}) =>
  createOwner(WORKSPACE_ID, externalId, facts, act).owner;

describe('a new owner', () => {
  it('needs only the id that the operator has for it, and keeps it as it is', () => {
    for (const id of [
      '1',
      ' ',
      '../..',
      'a/b?c#d',
      '__proto__',
      "' or 1=1 --",
      '\0',
      '🔑'.repeat(255),
    ]) {
      expect(create(id)).toEqual(
        ownerWith({ id: 'event-id', externalId: id, createdAt: NOW, updatedAt: NOW }),
      );
    }
  });

  it('tells of itself in an event of its workspace', () => {
    const { owner, event } = createOwner(WORKSPACE_ID, 'o', { type: 'team', name: 'n' }, act);
    expect(event).toMatchObject({
      type: 'owner.created',
      workspaceId: WORKSPACE_ID,
      subject: { type: 'owner', id: owner.id },
      before: null,
      after: describeOwner(owner),
    });
  });

  it.each<[string, object, string]>([
    ['', {}, '/owner_id'],
    ['a'.repeat(256), {}, '/owner_id'],
    ['o', { name: '' }, '/name'],
    ['o', { name: '🔑'.repeat(256) }, '/name'],
    ['o', { type: '' }, '/type'],
    ['o', { metadata: { m: 'a'.repeat(16_384) } }, '/metadata'],
  ])('%j with %j is refused', (id, facts, pointer) => {
    expect(refusalOf(() => create(id, facts))).toBe(`invalid ${pointer}`);
  });
});

describe('changing an owner', () => {
  const before = ownerWith({ type: 'user', name: 'Ann', metadata: { a: 1, b: { c: 2, d: 3 } } });

  it('an edit leaves what it does not name and merges metadata', () => {
    const { owner, event } =
      editOwner(before, { name: null, metadata: { a: null, b: { c: 4 } } }, act) ?? expect.fail();
    expect(owner).toEqual({
      ...before,
      name: null,
      metadata: { b: { c: 4, d: 3 } },
      version: 2,
      updatedAt: NOW,
    });
    expect(event.type).toBe('owner.updated');
    expect(Object.keys(event.after ?? {})).toEqual(['name', 'metadata', 'updated_at']);
  });

  it('a replacement clears what it does not name', () => {
    expect(replaceOwner(before, { name: 'Bob' }, act)?.owner).toEqual({
      ...before,
      type: null,
      name: 'Bob',
      metadata: {},
      version: 2,
      updatedAt: NOW,
    });
  });

  it('a change to what already is answers null', () => {
    const { type, name, metadata } = before;
    expect(editOwner(before, {}, act)).toBeNull();
    expect(editOwner(before, { type, name, metadata }, act)).toBeNull();
    expect(replaceOwner(before, { type, name, metadata }, act)).toBeNull();
  });

  it('suspending and resuming twice is the same as once', () => {
    const { owner: suspended, event } = suspendOwner(before, act) ?? expect.fail();
    expect(suspended).toEqual({ ...before, suspendedAt: NOW, version: 2, updatedAt: NOW });
    expect(event.type).toBe('owner.suspended');
    expect(suspendOwner(suspended, actAt(NOW + 1))).toBeNull();
    const { owner: resumed, event: then } = resumeOwner(suspended, act) ?? expect.fail();
    expect(resumed).toEqual({ ...before, version: 3, updatedAt: NOW });
    expect(then.type).toBe('owner.resumed');
    expect(resumeOwner(resumed, act)).toBeNull();
  });

  it('no change names another workspace, another id or a version', () => {
    const smuggled = {
      name: 'x',
      workspaceId: 'w',
      externalId: 'e',
      id: 'i',
      version: 9,
      suspendedAt: 1,
    };
    const same = { ...before, name: 'x', version: 2, updatedAt: NOW };
    expect(editOwner(before, smuggled, act)?.owner).toEqual(same);
    expect(
      replaceOwner(before, { ...smuggled, type: 'user', metadata: before.metadata }, act)?.owner,
    ).toEqual(same);
  });
});
