// Members in SQL: how one is found, written and counted, their list, and the keys
// that end with one.

import type { Key, Member, MemberFilter, Slice, SliceRequest } from '@warder/core';
import { MEMBER_COLUMNS, type MemberRow, memberOf } from './member-rows.ts';
import { keyOf, ORDER_COLUMNS, type OrderRow, type UsedKeyRow } from './rows.ts';
import { homesOf, type Listing, named, type Run, type Walks, type Within } from './slices.ts';
import {
  type At,
  type Builder,
  changeable,
  insertInto,
  isAt,
  prepare,
  type Query,
  selectKeys,
  sql,
} from './storage.ts';

export type MemberStatements = ReturnType<typeof memberStatements>;

/** How many memberships of one subject are read. */
const MOST_MEMBERSHIPS = 1_000;

type NewMemberRow = MemberRow & OrderRow;
type Named = Pick<MemberRow, 'issuer' | 'subject'>;
type NamedWithin = Named & { workspaceId: string };

export function memberStatements(builder: Builder) {
  const members = builder.selectFrom('members').select(MEMBER_COLUMNS);
  const COLUMNS = [...MEMBER_COLUMNS, ...ORDER_COLUMNS];
  return {
    member: prepare<At>((slots) => members.where(isAt('members', slots))),
    memberWithin: prepare<At & { workspaceId: string }>((slots) =>
      members.where(isAt('members', slots)).where('workspace_id', '=', slots.workspaceId),
    ),
    /** The one that is there, or else the last one. */
    memberOf: prepare<NamedWithin>(({ workspaceId, issuer, subject }) =>
      members
        .where('issuer', '=', issuer)
        .where('subject', '=', subject)
        .where('workspace_id', '=', workspaceId)
        .orderBy(sql`removed_at is not null`)
        .orderBy('position', 'desc')
        .limit(1),
    ),
    membersOf: prepare<Named>(({ issuer, subject }) =>
      builder
        .selectFrom('members')
        .innerJoin('workspaces', 'workspaces.id', 'members.workspace_id')
        .select(MEMBER_COLUMNS.map((column) => `members.${column}` as const))
        .where('issuer', '=', issuer)
        .where('subject', '=', subject)
        .where('workspaces.deleted_at', 'is', null)
        .where('workspaces.suspended_at', 'is', null)
        .orderBy('removed_at', (order) => order.asc().nullsFirst())
        .limit(sql.lit(MOST_MEMBERSHIPS)),
    ),
    insertMember: insertInto<NewMemberRow>(builder, 'members', COLUMNS),
    updateMember: prepare<NewMemberRow & { was: number }>((slots) =>
      builder
        .updateTable('members')
        .set(changeable(slots, COLUMNS))
        .where(isAt('members', slots))
        .where('version', '=', slots.was)
        .where('workspace_id', '=', slots.workspace_id),
    ),

    /** A row when the member is there. */
    liveMember: prepare<At & { workspaceId: string }>((slots) =>
      builder
        .selectFrom('members')
        .select('id')
        .where(isAt('members', slots))
        .where('workspace_id', '=', slots.workspaceId)
        .where('removed_at', 'is', null),
    ),
    /** A row when the workspace has an owner besides that member. */
    anotherOwner: prepare<{ workspaceId: string; memberId: string }>((slots) =>
      builder
        .selectFrom('members')
        .select('id')
        .where('workspace_id', '=', slots.workspaceId)
        .where('role', '=', 'owner')
        .where('removed_at', 'is', null)
        .where('id', '!=', slots.memberId)
        .limit(1),
    ),
    /** A row when a membership of that subject was removed. */
    removedMember: prepare<NamedWithin>(({ workspaceId, issuer, subject }) =>
      builder
        .selectFrom('members')
        .select('id')
        .where('issuer', '=', issuer)
        .where('subject', '=', subject)
        .where('workspace_id', '=', workspaceId)
        .where('removed_at', 'is not', null)
        .limit(1),
    ),

    /** Keys that end with a member: those it owns, and the management keys it made. */
    keysOfMember(member: Member, kept: readonly string[], most: number): readonly Query[] {
      const inForce = selectKeys(builder)
        .where('keys.workspace_id', '=', member.workspaceId)
        .where('keys.revoked_at', 'is', null)
        .where('keys.enabled', '=', 1)
        .limit(most);
      const others = kept.length === 0 ? inForce : inForce.where('keys.id', 'not in', kept);
      const owned = others.where('keys.owner_id', '=', member.id);
      const made = others
        // As they stand in the condition of their index.
        .where('keys.created_by_type', '=', sql.lit('member'))
        .where('keys.kind', '=', sql.lit('management'))
        .where('keys.created_by_id', '=', member.id);
      return [owned.compile(), made.compile()];
    },
  };
}

export function listKeysOfMember(
  statements: MemberStatements,
  within: Within,
  member: Member,
  kept: readonly string[],
  most: number,
): Listing<readonly Key[]> {
  const isOutside = within !== null && within !== member.workspaceId;
  return {
    queries: isOutside ? [] : statements.keysOfMember(member, kept, most),
    answer(results) {
      const keys = (results.flat() as UsedKeyRow[]).map(keyOf);
      // One that it made for itself is found twice.
      return [...new Map(keys.map((key) => [key.id, key])).values()].slice(0, most);
    },
  };
}

export function listMembers(
  walks: Walks,
  within: Within,
  filter: MemberFilter,
  slice: SliceRequest,
): Listing<Slice<Member>> {
  const homes = homesOf(within, filter).map((value) => ({ column: 'workspace_id', value }));
  const { role } = filter;
  const isThere = { table: 'members', present: [sql`members.removed_at is null`] } as const;
  const ofRole = role === undefined ? [] : [{ column: 'role', value: role }];
  const run: Run =
    homes.length === 0
      ? {
          ...isThere,
          index: 'members_list',
          equal: [],
          residual: role === undefined ? [] : [sql`members.role = ${role}`],
        }
      : { ...isThere, index: indexOf(filter), equal: [...homes, ...ofRole], residual: [] };
  const walk = named(walks, run, filter, MEMBER_COLUMNS);
  return walks.listing<MemberRow, Member>(walk, slice, memberOf);
}

function indexOf({ role }: MemberFilter): string {
  return role === undefined ? 'members_list_in_workspace' : 'members_of_role';
}
