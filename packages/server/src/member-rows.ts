// Rows of members, and back into what the core works with.

import { type Member, positionOf, searchable } from '@warder/core';
import { columnsOf } from './rows.ts';

export type MemberRow = ReturnType<typeof rowOfMember>;

export function rowOfMember(member: Member) {
  return {
    id: member.id,
    workspace_id: member.workspaceId,
    issuer: member.issuer,
    subject: member.subject,
    role: member.role,
    name: member.name,
    source: member.source,
    created_at: member.createdAt,
    updated_at: member.updatedAt,
    removed_at: member.removedAt,
    version: member.version,
  };
}

export function memberOf(row: MemberRow): Member {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    issuer: row.issuer,
    subject: row.subject,
    role: row.role,
    name: row.name,
    source: row.source,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    removedAt: row.removed_at,
    version: row.version,
  };
}

export function orderOfMember({ id, name, subject }: Member) {
  return { position: positionOf(id), search: searchable(name, subject) };
}

export const MEMBER_COLUMNS = columnsOf<MemberRow>({
  id: true,
  workspace_id: true,
  issuer: true,
  subject: true,
  role: true,
  name: true,
  source: true,
  created_at: true,
  updated_at: true,
  removed_at: true,
  version: true,
});
