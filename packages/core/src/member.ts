// A member: who belongs to a workspace, in which role. Who that is, its issuer and
// the subject there say together, exactly as a token has them; never an e-mail
// address, which can pass from one person to another. A removed member stays as a
// row, so that a sign-in never brings it back.

import { invalid, WarderError } from './error.ts';
import { type Act, type Event, eventOf, type JsonObject, moment } from './event.ts';
import type { Role } from './permission.ts';

/** A subject as tokens name it. */
export interface TokenSubject {
  /** `iss`: 1..512 code points, compared exactly. */
  readonly issuer: string;
  /** `sub`: 1..255 code points, compared exactly. */
  readonly subject: string;
}

export interface Member extends TokenSubject {
  /** UUIDv7. */
  readonly id: string;
  readonly workspaceId: string;
  readonly role: Role;
  readonly name: string | null;
  /** Who said its role: somebody by API, or the claims it signs in with, which then go on saying it. */
  readonly source: 'api' | 'claim';
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Final: whoever comes back is a new member. */
  readonly removedAt: number | null;
  readonly version: number;
}

export interface MemberFacts extends TokenSubject {
  readonly workspaceId: string;
  readonly role: Role;
  readonly name: string | null;
}

export interface MemberPatch {
  readonly role?: Role | undefined;
  readonly name?: string | null | undefined;
}

export interface MemberChange {
  readonly member: Member;
  readonly event: Event;
}

const MAX_ISSUER_LENGTH = 512;
const MAX_SUBJECT_LENGTH = 255;
const MAX_NAME_LENGTH = 255;

export function addMember(facts: MemberFacts, source: Member['source'], act: Act): MemberChange {
  const { workspaceId, issuer, subject, role, name } = facts;
  if (!isText(issuer, MAX_ISSUER_LENGTH)) throw invalid('/issuer', rule(MAX_ISSUER_LENGTH));
  if (!isText(subject, MAX_SUBJECT_LENGTH)) throw invalid('/subject', rule(MAX_SUBJECT_LENGTH));
  const member: Member = {
    id: act.newId(),
    workspaceId,
    issuer,
    subject,
    role,
    name: checkedName(name),
    source,
    createdAt: act.at,
    updatedAt: act.at,
    removedAt: null,
    version: 1,
  };
  return { member, event: memberEvent(act, 'member.added', null, member) };
}

/** Edits what the patch names; null when nothing changes. Whoever says a role goes on saying it. */
export function editMember(
  before: Member,
  patch: MemberPatch,
  source: Member['source'],
  act: Act,
): MemberChange | null {
  const { role = before.role, name = before.name } = patch;
  return changed(act, 'member.updated', before, {
    ...before,
    role,
    name: checkedName(name),
    source: patch.role === undefined ? before.source : source,
  });
}

export function removeMember(before: Member, act: Act): MemberChange | null {
  if (before.removedAt !== null) return null;
  return changed(act, 'member.removed', before, { ...before, removedAt: act.at });
}

function changed(act: Act, type: Event['type'], before: Member, edited: Member) {
  if (before.removedAt !== null) {
    throw new WarderError('conflict', 'This member was removed, which is final: add it anew.');
  }
  if (JSON.stringify(edited) === JSON.stringify(before)) return null;
  const member = { ...edited, updatedAt: act.at, version: before.version + 1 };
  return { member, event: memberEvent(act, type, before, member) };
}

function memberEvent(act: Act, type: Event['type'], before: Member | null, after: Member): Event {
  const subject = { type: 'member', id: after.id, workspaceId: after.workspaceId } as const;
  return eventOf(act, type, subject, before && describeMember(before), describeMember(after));
}

/** Whether a token's issuer and subject can be those of a member. */
export function isSubject({ issuer, subject }: TokenSubject): boolean {
  return isText(issuer, MAX_ISSUER_LENGTH) && isText(subject, MAX_SUBJECT_LENGTH);
}

export function isMemberName(name: string): boolean {
  return isText(name, MAX_NAME_LENGTH);
}

function checkedName(name: string | null): string | null {
  if (name === null || isMemberName(name)) return name;
  throw invalid('/name', `must be null or have 1 to ${MAX_NAME_LENGTH} characters`);
}

/** Of text that a store keeps apart from any other: halves of a surrogate pair become the same character there. */
function isText(text: string, most: number): boolean {
  const { length } = [...text];
  return length >= 1 && length <= most && !text.includes('\0') && !/\p{Cs}/u.test(text);
}

function rule(most: number): string {
  return `must have 1 to ${most} characters`;
}

/** A member in published names, as the native API and events show it. */
export function describeMember(member: Member) {
  return {
    id: member.id,
    workspace_id: member.workspaceId,
    issuer: member.issuer,
    subject: member.subject,
    role: member.role,
    name: member.name,
    source: member.source,
    created_at: moment(member.createdAt),
    updated_at: moment(member.updatedAt),
    removed_at: moment(member.removedAt),
  } satisfies JsonObject;
}
