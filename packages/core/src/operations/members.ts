// The use cases of members: add, list, look up, edit and remove. Removing one ends
// what hangs on it: its sign-ins, the keys it owns and the management keys it made.

import { beginAct, chosenWorkspace, requirePermission } from '../caller.ts';
import { checkGivingRole, checkOver } from '../delegation.ts';
import { invalid, notFound, WarderError } from '../error.ts';
import type { MemberFilter } from '../filter.ts';
import { disableKey } from '../key.ts';
import {
  addMember,
  editMember,
  type Member,
  type MemberChange,
  type MemberFacts,
  type MemberPatch,
  removeMember,
} from '../member.ts';
import { checkedSearch } from '../order.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import type { Change } from '../ports.ts';
import { checkVersion, type Decision, type IfVersion, type Work } from '../work.ts';

export interface MemberDraft extends Omit<MemberFacts, 'workspaceId' | 'name'> {
  /** The caller's own unless given, or `default`. */
  readonly workspaceId?: string | undefined;
  readonly name?: string | null | undefined;
}

export type MemberQuery = PageRequest & MemberFilter;

/** As many as one commit may disable: a member with more loses them in several, the last of which removes it. */
const KEYS_A_COMMIT = 500;
const MOST_KEPT = 100;

export function memberOperations({ caller, reach, host, write, defaultWorkspaceId }: Work) {
  const readMember = async (id: string): Promise<Member> => {
    const member = await reach.member(id);
    if (member === null || member.removedAt !== null) throw notFound('member');
    return member;
  };

  /** The ids of keys to keep, each of which is the member's. */
  const checkKept = async (member: Member, ids: readonly string[]): Promise<void> => {
    if (ids.length > MOST_KEPT) throw invalid('keep_keys', `can name ${MOST_KEPT} keys at most`);
    for (const id of ids) {
      const key = await reach.key(id);
      const owned = key?.workspaceId === member.workspaceId && key.ownerId === member.id;
      const made =
        key?.kind === 'management' &&
        key.createdBy.type === 'member' &&
        key.createdBy.id === member.id;
      if (owned || made) continue;
      throw invalid(
        'keep_keys',
        `names ${id}, which is no key that this member owns and no management key that it made`,
      );
    }
  };

  /** Disables a batch of the keys that end with a member, and removes it with the last one. */
  const removalStep = async (
    id: string,
    kept: readonly string[],
    match: IfVersion,
  ): Promise<Decision<Member>> => {
    requirePermission(caller, 'members:write');
    const before = await readMember(id);
    checkVersion(before, match);
    checkOver(caller, before.role);
    await checkKept(before, kept);
    const keys = await reach.keysOfMember(before, kept, KEYS_A_COMMIT);
    const act = beginAct(caller, host);
    const disabled = keys.flatMap((key): Change[] => {
      const change = disableKey(key, act);
      if (change === null) return [];
      return [
        { type: 'update_key', key: change.key, was: key.version },
        { type: 'insert_event', event: change.event },
      ];
    });
    const changes = [...disabled, ...ownerLeft(before)];
    const removal = keys.length < KEYS_A_COMMIT ? removeMember(before, act) : null;
    if (removal === null) return { changes, result: before };
    const none = { type: 'no_keys_of_member', member: before, kept } as const;
    return { changes: [...changes, ...changesOf(removal, before), none], result: removal.member };
  };

  return {
    /** @throws forbidden for a role beyond the caller, conflict where the subject is a member already */
    addMember(draft: MemberDraft): Promise<Member> {
      return write(async () => {
        requirePermission(caller, 'members:write');
        checkGivingRole(caller, draft.role);
        const workspaceId = chosenWorkspace(caller, draft.workspaceId) ?? defaultWorkspaceId;
        const workspace = await reach.workspace(workspaceId);
        if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
        const { issuer, subject, role, name = null } = draft;
        const facts = { workspaceId, issuer, subject, role, name };
        const { member, event } = addMember(facts, 'api', beginAct(caller, host));
        const found = await reach.memberOf(workspaceId, member);
        if (found?.removedAt === null) {
          throw new WarderError(
            'conflict',
            `This subject is a member of the workspace already: ${found.id}.`,
          );
        }
        const changes: Change[] = [
          { type: 'insert_member', member },
          { type: 'insert_event', event },
        ];
        return { changes, result: member };
      });
    },

    /** Those that were not removed. @throws invalid for a search under three characters */
    async listMembers(request: MemberQuery): Promise<Page<Member>> {
      requirePermission(caller, 'members:read');
      const { created, ascending = false, role } = request;
      const workspaceId = chosenWorkspace(caller, request.workspaceId);
      const search = checkedSearch(request.search);
      const filter = { workspaceId, role, created, ascending, search };
      return readPage(request, host, {
        binding: JSON.stringify(['members', filter]),
        descending: !ascending,
        read: (slice) => reach.members(filter, slice),
      });
    },

    async getMember(id: string): Promise<Member> {
      requirePermission(caller, 'members:read');
      return readMember(id);
    },

    /** @throws forbidden for a role beyond the caller, before or after; conflict for the last owner */
    updateMember(id: string, patch: MemberPatch, match: IfVersion = {}): Promise<Member> {
      return write(async () => {
        requirePermission(caller, 'members:write');
        const before = await readMember(id);
        checkVersion(before, match);
        checkOver(caller, before.role);
        const change = editMember(before, patch, 'api', beginAct(caller, host));
        if (change === null) return { changes: [], result: before };
        if (patch.role !== undefined) checkGivingRole(caller, patch.role);
        const left = change.member.role === 'owner' ? [] : ownerLeft(before);
        return { changes: [...changesOf(change, before), ...left], result: change.member };
      });
    },

    /**
     * Ends a membership, disabling the keys that the member owns and the management keys it made;
     * standard keys that it made for others stay.
     * @param options `keepKeys`: ids of keys that stay as they are
     * @throws conflict for the last owner, invalid for a key to keep that is not the member's
     */
    async removeMember(
      id: string,
      options: IfVersion & { keepKeys?: readonly string[] | undefined } = {},
    ): Promise<Member> {
      const { keepKeys = [], ...match } = options;
      for (;;) {
        const member = await write(() => removalStep(id, keepKeys, match));
        if (member.removedAt !== null) return member;
      }
    },
  };
}

function changesOf({ member, event }: MemberChange, before: Member): Change[] {
  return [
    { type: 'update_member', member, was: before.version },
    { type: 'insert_event', event },
  ];
}

/** What must hold where an owner stops being one. */
function ownerLeft({ role, workspaceId, id: memberId }: Member): Change[] {
  return role === 'owner' ? [{ type: 'another_owner', workspaceId, memberId }] : [];
}
