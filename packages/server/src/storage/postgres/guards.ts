// What must not change while a commit is made, as locks that end with its transaction: the
// conditions of a commit are looked at first and must still hold when it is done, though
// others commit meanwhile. Most commits share theirs, and so wait for nobody.

import type { Change, Key } from '@warder/core';

/** A lock that whoever asks for it by that name waits for, unless both share it. */
export interface Lock {
  readonly name: string;
  readonly shared: boolean;
}

/** The locks of a commit, in the order in which everybody takes them. */
export function locksOf(schema: string, changes: readonly Change[]): readonly Lock[] {
  const locks = new Map<string, Lock>();
  for (const { name, shared } of changes.flatMap(locksOfOne)) {
    const whole = `${schema} ${name}`;
    const before = locks.get(whole);
    locks.set(whole, { name: whole, shared: shared && before?.shared !== false });
  }
  return [...locks.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Usage is rolled up, and keys are erased, while nobody adds to what is used. */
export function usageLock(schema: string, shared: boolean): Lock {
  return { name: `${schema} ${USAGE}`, shared };
}

const USAGE = 'usage';

const share = (...words: readonly string[]): Lock => ({ name: words.join(' '), shared: true });
const hold = (...words: readonly string[]): Lock => ({ name: words.join(' '), shared: false });

/** That a workspace is not deleted. */
const LIFE = 'life';
/** Whom keys may belong to: that an owner is not erased, that a member is there. */
const HOLDER = 'holder';
/** Who is a member of a workspace, and was. */
const MEMBERS = 'members';
/** How many keys a workspace and its owners have. */
const QUOTA = 'quota';

function locksOfOne(change: Change): readonly Lock[] {
  switch (change.type) {
    case 'insert_key': {
      const { workspaceId } = change.key;
      return [...(workspaceId === null ? [] : [share(LIFE, workspaceId)]), ...holders(change.key)];
    }
    case 'update_key':
      return change.key.erasedAt === null
        ? holders(change.key)
        : [...holders(change.key), hold(USAGE)];
    case 'insert_owner':
      return [share(LIFE, change.owner.workspaceId)];
    case 'update_owner': {
      const { workspaceId, externalId, id, erasedAt } = change.owner;
      // Its name goes with it, and what it was called before is asked for by `no_keys_of_owner`.
      return erasedAt === null
        ? []
        : [hold(HOLDER, workspaceId, externalId), hold(HOLDER, workspaceId, id)];
    }
    case 'no_keys_of_owner':
      return [hold(HOLDER, change.workspaceId, change.ownerId)];
    case 'update_workspace':
      return change.workspace.deletedAt === null ? [] : [hold(LIFE, change.workspace.id)];
    case 'insert_member':
      return [share(LIFE, change.member.workspaceId)];
    case 'update_member': {
      const { workspaceId, id } = change.member;
      return [hold(MEMBERS, workspaceId), hold(HOLDER, workspaceId, id)];
    }
    case 'member_is_there':
      return [share(HOLDER, change.workspaceId, change.memberId)];
    case 'another_owner':
      return [hold(MEMBERS, change.workspaceId)];
    case 'no_keys_of_member':
      return [hold(HOLDER, change.member.workspaceId, change.member.id)];
    case 'never_removed':
      return [share(MEMBERS, change.workspaceId)];
    case 'at_most_keys':
      return [hold(QUOTA, change.workspaceId)];
    // Decided by versions, by the row itself, or by an index that allows one.
    case 'write_credits':
    case 'insert_workspace':
    case 'insert_event':
    case 'seal_event':
    case 'move_head':
    case 'erase_event':
    case 'prune_events':
    case 'mark_logged':
    case 'insert_reply':
    case 'insert_installation':
    case 'add_secret_check':
      return [];
  }
}

function holders({ workspaceId, ownerId, createdBy }: Key): readonly Lock[] {
  if (workspaceId === null) return [];
  const maker = createdBy.type === 'member' ? [share(HOLDER, workspaceId, createdBy.id)] : [];
  return ownerId === null ? maker : [share(HOLDER, workspaceId, ownerId), ...maker];
}

/** So many transactions that make a key each are never under way at once. */
const MOST_AT_ONCE = 1_000;

/**
 * The same commit with a quota that is lower by what others may make meanwhile, so that it has to wait
 * for none of them; null where its quota is too small for that.
 */
export function farFromQuota(changes: readonly Change[]): readonly Change[] | null {
  if (changes.filter(({ type }) => type === 'insert_key').length > 1) return null;
  let far = false;
  const lowered: Change[] = [];
  for (const change of changes) {
    if (change.type !== 'at_most_keys') {
      lowered.push(change);
      continue;
    }
    if (change.most < 2 * MOST_AT_ONCE) return null;
    far = true;
    lowered.push({ ...change, most: change.most - MOST_AT_ONCE });
  }
  return far ? lowered : null;
}

/** Locks of a commit that is far from its quota. */
export function sharingQuota(schema: string, locks: readonly Lock[]): readonly Lock[] {
  const quota = `${schema} ${QUOTA} `;
  return locks.map((lock) => (lock.name.startsWith(quota) ? { ...lock, shared: true } : lock));
}
