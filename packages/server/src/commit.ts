// What one commit does, as steps: each change becomes the statements that write
// it and the guards that may refuse it. An engine runs the steps in one
// transaction, answers each with how many rows it found or wrote, and rolls
// back on any refusal.

import {
  type Change,
  type CommitRefusal,
  type CommitResult,
  chainOf,
  type Member,
  type Owner,
  positionOf,
  WarderError,
  type Workspace,
} from '@warder/core';
import type { ChainStatements } from './chains.ts';
import { type CreditStatements, creditsQuery } from './credits.ts';
import { rowOfEvent } from './event-rows.ts';
import { orderOfMember, rowOfMember } from './member-rows.ts';
import type { MemberStatements } from './members.ts';
import { rowOfReply } from './reply-rows.ts';
import {
  orderOfKey,
  orderOfOwner,
  orderOfWorkspace,
  rowOfKey,
  rowOfOwner,
  rowOfWorkspace,
  USAGE_KINDS,
} from './rows.ts';
import { at, type Query, type Statements as RowStatements } from './storage.ts';

type Statements = RowStatements & ChainStatements & MemberStatements & CreditStatements;

/** A statement, and how many rows it finds or writes where nothing is amiss. */
export interface Step {
  readonly query: Query;
  readonly usual: 0 | 1;
}

/**
 * Gives steps, takes how many rows each found or wrote, ends with the refusal or null. An answer that
 * is not the usual one refuses the commit or makes no difference: it never leads to other steps.
 */
type Steps = Generator<Step, CommitRefusal | null, number>;

/** The steps of a commit: what must hold before it, the changes in order, then the bounds that must hold with them. */
export function* commitSteps(
  statements: Statements,
  changes: readonly Change[],
): Generator<Step, CommitResult, number> {
  for (const change of [...changes].sort((a, b) => turnOf(a) - turnOf(b))) {
    const refusal = yield* stepsOf(statements, change);
    if (refusal !== null) return refusal;
  }
  return 'done';
}

/** Owners come first of what is written, since events are written with the ids of those they name. */
function turnOf({ type }: Change): number {
  if (type === 'member_is_there') return -2;
  if (type === 'insert_owner') return -1;
  return AFTER.includes(type) ? 1 : 0;
}

const AFTER: readonly Change['type'][] = [
  'at_most_keys',
  'no_keys_of_owner',
  'another_owner',
  'no_keys_of_member',
  'never_removed',
];

/** @throws internal for a change outside the workspace, which is a fault of whoever made it */
export function confine(within: string | null, changes: readonly Change[]): void {
  const outside = within !== null && changes.find((change) => !isInside(within, change));
  if (outside) {
    throw new WarderError('internal', 'This could not be written.', {
      internal: `${outside.type} is outside the reach of workspace ${within}`,
    });
  }
}

function isInside(within: string, change: Change): boolean {
  switch (change.type) {
    case 'insert_key':
    case 'update_key':
      return change.key.workspaceId === within;
    case 'write_credits':
      return change.write.workspaceId === within;
    case 'insert_workspace':
    case 'update_workspace':
      return change.workspace.id === within;
    case 'insert_owner':
    case 'update_owner':
      return change.owner.workspaceId === within;
    case 'insert_member':
    case 'update_member':
    case 'no_keys_of_member':
      return change.member.workspaceId === within;
    case 'insert_event':
      return change.event.workspaceId === within;
    case 'seal_event':
      return change.event.workspaceId === within;
    case 'move_head':
      return change.chain === within;
    case 'prune_events':
    case 'mark_logged':
      return change.chain.name === within;
    case 'erase_event':
    case 'at_most_keys':
    case 'no_keys_of_owner':
    case 'member_is_there':
    case 'another_owner':
    case 'never_removed':
      return change.workspaceId === within;
    case 'insert_reply':
      return true;
    case 'insert_installation':
    case 'add_secret_check':
      return false;
  }
}

function* stepsOf(statements: Statements, change: Change): Steps {
  switch (change.type) {
    case 'insert_key': {
      const { key, digest } = change;
      if (
        key.workspaceId !== null &&
        !(yield one(statements.liveWorkspace.with({ id: key.workspaceId })))
      )
        return 'workspace_gone';
      if (key.workspaceId !== null && key.ownerId !== null) {
        const named = { workspaceId: key.workspaceId, ownerId: key.ownerId };
        if (yield none(statements.erasedOwner.with(named))) return 'owner_erased';
      }
      const stored = {
        digest: Buffer.from(digest.hex, 'hex'),
        pepper_version: digest.pepperVersion,
      };
      const row = { ...rowOfKey(key), ...orderOfKey(key), ...stored };
      return written(yield one(statements.insertKey.with(row)));
    }
    case 'update_key': {
      const { key, was } = change;
      if (key.erasedAt !== null) {
        yield none(statements.forgetUse.with(at(key.id)));
        yield none(statements.forgetRefusals.with(at(key.id)));
        yield one(statements.forgetUsage.with(usageOf('key', key.id)));
        yield one(statements.closeCredits.with({ subject: key.id }));
      }
      const row = { ...rowOfKey(key), ...orderOfKey(key), was };
      return written(yield one(statements.updateKey.with(row)));
    }
    case 'insert_workspace': {
      if (yield* slugTaken(statements, change.workspace)) return 'slug_taken';
      return written(yield one(statements.insertWorkspace.with(workspaceRow(change.workspace))));
    }
    case 'update_workspace': {
      const { workspace, was } = change;
      if (workspace.deletedAt !== null) {
        yield one(statements.forgetUsage.with(usageOf('workspace', workspace.id)));
      }
      if (yield* slugTaken(statements, workspace)) return 'slug_taken';
      return written(
        yield one(statements.updateWorkspace.with({ ...workspaceRow(workspace), was })),
      );
    }
    case 'insert_owner': {
      const { owner } = change;
      if (!(yield one(statements.liveWorkspace.with({ id: owner.workspaceId }))))
        return 'workspace_gone';
      return written(yield one(statements.insertOwner.with(ownerRow(owner))));
    }
    case 'write_credits': {
      const { write } = change;
      const { subject, due, does } = write;
      if (due !== null) yield none(statements.refill.with({ subject, ...due }));
      const rows = yield one(creditsQuery(statements, write));
      return does.what === 'close' ? null : written(rows);
    }
    case 'update_owner': {
      const { owner, was } = change;
      if (owner.erasedAt !== null) {
        yield one(statements.forgetUsage.with(usageOf('owner', owner.id)));
        yield one(statements.closeCredits.with({ subject: owner.id }));
      }
      return written(yield one(statements.updateOwner.with({ ...ownerRow(owner), was })));
    }
    case 'insert_member': {
      const { member } = change;
      if (!(yield one(statements.liveWorkspace.with({ id: member.workspaceId }))))
        return 'workspace_gone';
      return written(yield one(statements.insertMember.with(memberRow(member))));
    }
    case 'update_member':
      return written(
        yield one(statements.updateMember.with({ ...memberRow(change.member), was: change.was })),
      );
    case 'member_is_there': {
      const { memberId, workspaceId } = change;
      return (yield one(statements.liveMember.with({ ...at(memberId), workspaceId })))
        ? null
        : 'member_gone';
    }
    case 'another_owner': {
      const { memberId, workspaceId } = change;
      return (yield one(statements.anotherOwner.with({ memberId, workspaceId })))
        ? null
        : 'last_owner';
    }
    case 'no_keys_of_member': {
      const { member, kept } = change;
      for (const query of statements.keysOfMember(member, kept, 1)) {
        if (yield none(query)) return 'stale';
      }
      return null;
    }
    case 'never_removed': {
      const { workspaceId, subject } = change;
      const asked = { workspaceId, issuer: subject.issuer, subject: subject.subject };
      return (yield none(statements.removedMember.with(asked))) ? 'stale' : null;
    }
    case 'insert_event':
      return written(yield one(statements.insertEvent.with(rowOfEvent(change.event))));
    case 'seal_event': {
      const { event, seal } = change;
      const { before, after, address } = event;
      const stood = { position: positionOf(event.id), before, after, address };
      const chain = chainOf(event.workspaceId);
      return written(yield one(statements.sealEvent.with({ ...stood, ...seal, chain })));
    }
    case 'move_head': {
      const { chain: name, was, head } = change;
      if (was.number === 0) return written(yield one(statements.makeChain.with({ name, ...head })));
      const from = { was: was.number, wasMac: was.mac };
      return written(yield one(statements.moveHead.with({ name, ...from, ...head })));
    }
    case 'erase_event': {
      const { id, payload, address, workspaceId, at } = change;
      const place = { position: positionOf(id), workspaceId, at };
      if (payload) yield one(statements.erasePayload.with(place));
      if (address) yield one(statements.eraseAddress.with(place));
      return null;
    }
    case 'prune_events': {
      const { chain, base } = change;
      const { name } = chain;
      const moved = { name, was: chain.base?.number ?? 0, ...base };
      if (!(yield one(statements.moveBase.with(moved)))) return 'stale';
      yield one(statements.pruneEvents.with({ name, number: base.number }));
      return null;
    }
    case 'mark_logged': {
      const { name, logged: was } = change.chain;
      return written(yield one(statements.markLogged.with({ name, was, number: change.number })));
    }
    case 'no_keys_of_owner': {
      const { workspaceId, ownerId } = change;
      const named = { workspaceId, ownerId };
      const some =
        (yield none(statements.liveKeyOfOwner.with(named))) ||
        (yield none(statements.deletedKeyOfOwner.with(named)));
      return some ? 'owner_has_keys' : null;
    }
    case 'insert_reply': {
      const { reply, now } = change;
      yield none(statements.dropEndedReply.with({ id: reply.id, now }));
      return (yield one(statements.insertReply.with(rowOfReply(reply)))) ? null : 'replied';
    }
    case 'insert_installation': {
      const { defaultWorkspaceId, createdAt, checks } = change.installation;
      const row = {
        id: 1,
        default_workspace_id: defaultWorkspaceId,
        created_at: createdAt,
      } as const;
      if (!(yield one(statements.insertInstallation.with(row)))) return 'stale';
      for (const check of checks) yield one(statements.insertSecretCheck.with(check));
      return null;
    }
    case 'add_secret_check':
      return written(yield one(statements.insertSecretCheck.with(change.check)));
    case 'at_most_keys': {
      const { workspaceId, ownerId, most } = change;
      const more =
        ownerId === null
          ? statements.moreKeysOfWorkspace.with({ workspaceId, most })
          : statements.moreKeysOfOwner.with({ workspaceId, ownerId, most });
      return (yield none(more)) ? 'too_many_keys' : null;
    }
  }
}

function usageOf(type: keyof typeof USAGE_KINDS, id: string) {
  return { kind: USAGE_KINDS[type], position: positionOf(id) };
}

function workspaceRow(workspace: Workspace) {
  return { ...rowOfWorkspace(workspace), ...orderOfWorkspace(workspace) };
}

function ownerRow(owner: Owner) {
  return { ...rowOfOwner(owner), ...orderOfOwner(owner) };
}

function memberRow(member: Member) {
  return { ...rowOfMember(member), ...orderOfMember(member) };
}

function* slugTaken(
  statements: Statements,
  { id, slug, deletedAt }: Workspace,
): Generator<Step, boolean, number> {
  if (deletedAt !== null) return false;
  return (yield none(statements.slugTaken.with({ id, slug }))) > 0;
}

const one = (query: Query): Step => ({ query, usual: 1 });
const none = (query: Query): Step => ({ query, usual: 0 });

function written(rows: number): CommitRefusal | null {
  return rows === 1 ? null : 'stale';
}
