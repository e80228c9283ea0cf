// Members that sign in, and those that come by claim: where a token says of its
// subject which workspace it belongs to, in which role, signing in makes the member
// and keeps its role as the token says. It never brings back a member that was removed, and never changes one
// whose role was given by API.

import { beginAct, type Caller, type KeyBounds } from './caller.ts';
import { WarderError } from './error.ts';
import type { Origin } from './event.ts';
import {
  addMember,
  editMember,
  isMemberName,
  isSubject,
  type Member,
  type MemberFacts,
} from './member.ts';
import { PRESETS, ROLE_GRANTS } from './permission.ts';
import type { Change, Host, Reach, Storage } from './ports.ts';

const TRIES = 100;

/**
 * The member that a verified token stands for.
 * @param claim what the token says, mapped to one workspace and a role
 * @returns null where the subject was removed, or the workspace is not there, deleted or suspended.
 *   The last owner of a workspace is answered in the role that the claim says, and stays its owner
 *   in the store until there is another.
 */
export async function joinByClaim(
  storage: Storage,
  host: Host,
  claim: MemberFacts,
  origin: Origin,
): Promise<Member | null> {
  if (!isSubject(claim)) return null;
  const reach = storage.within(claim.workspaceId);
  for (let tries = 1; ; tries++) {
    const before = await reach.memberOf(claim.workspaceId, claim);
    if (before !== null && before.removedAt !== null) return null;
    if (!(await isOpen(reach, claim.workspaceId))) return null;
    const identity = { type: 'system', id: 'sign-in' } as const;
    const act = beginAct({ identity, origin }, host);
    const name = claim.name !== null && isMemberName(claim.name) ? claim.name : null;
    const change =
      before === null
        ? addMember({ ...claim, name }, 'claim', act)
        : before.source === 'claim'
          ? editMember(before, { role: claim.role }, 'claim', act)
          : null;
    if (change === null) return before;
    const { member, event } = change;
    const outcome = await reach.commit([
      ...(before === null ? added(member) : edited(before, member)),
      { type: 'insert_event', event },
    ]);
    if (outcome === 'done') return member;
    if (outcome === 'workspace_gone') return null;
    if (outcome === 'last_owner') return before && { ...before, role: claim.role };
    if (outcome !== 'stale' || tries === TRIES) {
      throw new WarderError('unavailable', 'Signing in did not succeed: try again.', {
        internal: `joining by claim: ${outcome}`,
      });
    }
  }
}

/** A member that signed in, as whoever calls. */
export function callerOfMember(member: Member, bounds: KeyBounds, origin: Origin): Caller {
  return {
    identity: { type: 'member', id: member.id },
    home: { workspaceId: member.workspaceId },
    environment: null,
    permissions: PRESETS[member.role],
    grants: ROLE_GRANTS[member.role],
    bounds,
    // What a member makes outlives the hour that a token is good for.
    expiresAt: null,
    keysEndBy: null,
    key: null,
    origin,
  };
}

async function isOpen(reach: Reach, workspaceId: string): Promise<boolean> {
  const workspace = await reach.workspace(workspaceId);
  return workspace !== null && workspace.deletedAt === null && workspace.suspendedAt === null;
}

function added(member: Member): Change[] {
  const { workspaceId } = member;
  return [
    { type: 'insert_member', member },
    // One that was added and removed since it was looked for.
    { type: 'never_removed', workspaceId, subject: member },
  ];
}

function edited(before: Member, member: Member): Change[] {
  const { workspaceId, id: memberId } = member;
  const update = { type: 'update_member', member, was: before.version } as const;
  return before.role === 'owner'
    ? [update, { type: 'another_owner', workspaceId, memberId }]
    : [update];
}
