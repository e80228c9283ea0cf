// What ended after a backup was made, ended again on the store that was restored
// from it: told by events from after the backup. Nothing is ever given back: what
// was enabled, resumed, widened or made since is told as lost instead.

import { WarderError } from './error.ts';
import { type Act, type JsonObject, NO_ORIGIN } from './event.ts';
import {
  deleteKey,
  describeKey,
  disableKey,
  editKey,
  eraseKey,
  type Key,
  type KeyChange,
  revokeKey,
  softBlockKey,
} from './key.ts';
import {
  describeMember,
  editMember,
  type Member,
  type MemberChange,
  removeMember,
} from './member.ts';
import { narrowing } from './narrowing.ts';
import { eraseOwner, type Owner, type OwnerChange, suspendOwner } from './owner.ts';
import { beyondPermissions, isRole, PRESETS } from './permission.ts';
import type { Change, Host, InstanceGrant, Reach, Storage } from './ports.ts';
import {
  deleteWorkspace,
  suspendWorkspace,
  type Workspace,
  type WorkspaceChange,
} from './workspace.ts';

/** An event as an export or a log of events tells it, as far as it matters here. */
export interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly createdAt: number;
  readonly subject: { readonly type: string; readonly id: string };
  readonly after: JsonObject | null;
}

export interface Restoration {
  /** What ended since and has ended again. */
  readonly reapplied: readonly ToldEvent[];
  /** What was made, given or edited since and is gone. */
  readonly lost: readonly ToldEvent[];
}

/** Where an owner is, by its own id; null for one that came later. */
export type OwnerFinder = (id: string) => Pick<Owner, 'workspaceId' | 'externalId'> | null;

/**
 * Ends again what the events say has ended, each object as it was left: a key that was disabled and
 * enabled again stays as it is. What ended keeps the time it ended at.
 * @param events from after the backup, in any order
 */
export async function reapply(
  storage: Storage,
  grant: InstanceGrant,
  host: Host,
  events: readonly ToldEvent[],
  ownerOf: OwnerFinder,
): Promise<Restoration> {
  const reach = storage.everywhere(grant);
  const at = host.now();
  const act: Act = {
    actor: { type: 'system', id: 'restore' },
    origin: NO_ORIGIN,
    at,
    newId: () => host.newId(at),
  };
  const reapplied: ToldEvent[] = [];
  const lost: ToldEvent[] = [];
  for (const history of histories(events)) {
    const again = await endedAgain(reach, history, act, ownerOf);
    const outcome = again.changes.length === 0 ? 'done' : await reach.commit(again.changes);
    if (outcome !== 'done') {
      const internal = `${history[0]?.subject.id}: ${outcome}`;
      throw new WarderError('internal', 'What ended since could not be ended again.', { internal });
    }
    reapplied.push(...again.reapplied);
    lost.push(...again.lost);
  }
  return { reapplied: reapplied.sort(byTime), lost: lost.sort(byTime) };
}

/** The events of each object, oldest first. */
function histories(events: readonly ToldEvent[]): Iterable<readonly ToldEvent[]> {
  const found = new Map<string, ToldEvent[]>();
  for (const event of [...events].sort(byTime)) {
    const name = `${event.subject.type} ${event.subject.id}`;
    const history = found.get(name) ?? [];
    history.push(event);
    found.set(name, history);
  }
  return found.values();
}

function byTime(a: ToldEvent, b: ToldEvent): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

interface Again extends Restoration {
  readonly changes: readonly Change[];
}

async function endedAgain(
  reach: Reach,
  history: readonly ToldEvent[],
  act: Act,
  ownerOf: OwnerFinder,
): Promise<Again> {
  const { type, id } = history[0]?.subject ?? { type: '', id: '' };
  if (type === 'key') {
    const key = await reach.key(id);
    return key === null ? made(history) : keyAgain(key, history, act);
  }
  if (type === 'owner') {
    const where = ownerOf(id);
    const owner = where && (await reach.owner(where.workspaceId, where.externalId));
    return owner === null ? made(history) : ownerAgain(owner, history, act);
  }
  if (type === 'workspace') {
    const workspace = await reach.workspace(id);
    return workspace === null ? made(history) : workspaceAgain(workspace, history, act);
  }
  if (type === 'member') {
    const member = await reach.member(id);
    return member === null ? made(history) : memberAgain(member, history, act);
  }
  return { changes: [], reapplied: [], lost: [] };
}

/** Of what the store does not have, only its making is lost. */
function made(history: readonly ToldEvent[]): Again {
  const lost = history.filter(({ type }) => /\.(created|added)$/.test(type));
  return { changes: [], reapplied: [], lost };
}

function keyAgain(before: Key, history: readonly ToldEvent[], act: Act): Again {
  const again = startAgain(before, act, ({ key, event }: KeyChange, was) => ({
    object: key,
    changes: [
      { type: 'update_key', key, was },
      { type: 'insert_event', event: { ...event, createdAt: act.at } },
    ],
  }));
  const last = lastOf(history);
  const { edited, facts } = editsOf(history, 'key.updated');
  if (before.revokedAt === null) {
    if (edited) again.step(edited, (key, at) => narrowedKey(key, facts, at));
    const disabled = last('key.disabled', 'key.enabled');
    if (disabled?.type === 'key.disabled') again.step(disabled, disableKey);
    else if (disabled && !before.enabled) again.lose(disabled);
    const blocked = last('key.soft_blocked', 'key.soft_unblocked');
    if (blocked?.type === 'key.soft_blocked') again.step(blocked, softBlockKey);
    else if (blocked && before.softBlocked) again.lose(blocked);
  }
  const revoked = last('key.revoked');
  const reason = revoked?.after?.revoked_reason;
  if (revoked) {
    const why = typeof reason === 'string' ? reason : null;
    again.step(revoked, (key, at) => revokeKey(key, why, at));
  }
  const deleted = last('key.deleted');
  if (deleted) again.step(deleted, deleteKey);
  const erased = last('key.erased');
  if (erased) again.step(erased, eraseKey);
  if (!revoked && !deleted && !erased) {
    if (edited && !isAsTold(describeKey(again.object()), facts)) again.lose(edited);
    for (const credited of creditingsOf(history)) again.lose(credited);
  }
  return again.end();
}

/** Cut down to what the edit left of it; disabled where that makes no key. */
function narrowedKey(key: Key, facts: JsonObject, act: Act): KeyChange | null {
  try {
    return editKey(key, narrowing(key, facts), act);
  } catch (error) {
    if (error instanceof WarderError) return disableKey(key, act);
    throw error;
  }
}

function ownerAgain(before: Owner, history: readonly ToldEvent[], act: Act): Again {
  const again = startAgain(before, act, ({ owner, event }: OwnerChange, was) => ({
    object: owner,
    changes: [
      { type: 'update_owner', owner, was },
      { type: 'insert_event', event: { ...event, createdAt: act.at } },
    ],
  }));
  if (before.erasedAt !== null) return again.end();
  const last = lastOf(history);
  const erased = last('owner.erased');
  if (erased) {
    again.step(erased, eraseOwner);
    return again.end();
  }
  const suspended = last('owner.suspended', 'owner.resumed');
  if (suspended?.type === 'owner.suspended') again.step(suspended, suspendOwner);
  else if (suspended && before.suspendedAt !== null) again.lose(suspended);
  const edited = last('owner.updated');
  if (edited) again.lose(edited);
  for (const credited of creditingsOf(history)) again.lose(credited);
  return again.end();
}

/** Every change of a balance since is lost, and each counts: somebody may have paid for it. */
function creditingsOf(history: readonly ToldEvent[]): readonly ToldEvent[] {
  return history.filter(({ type }) => /\.credits_(added|set)$/.test(type));
}

function workspaceAgain(before: Workspace, history: readonly ToldEvent[], act: Act): Again {
  const again = startAgain(before, act, ({ workspace, event }: WorkspaceChange, was) => ({
    object: workspace,
    changes: [
      { type: 'update_workspace', workspace, was },
      { type: 'insert_event', event: { ...event, createdAt: act.at } },
    ],
  }));
  if (before.deletedAt !== null) return again.end();
  const last = lastOf(history);
  const suspended = last('workspace.suspended', 'workspace.resumed');
  if (suspended?.type === 'workspace.suspended') again.step(suspended, suspendWorkspace);
  else if (suspended && before.suspendedAt !== null) again.lose(suspended);
  const edited = last('workspace.updated');
  const deleted = last('workspace.deleted');
  if (deleted && !before.isDefault) again.step(deleted, deleteWorkspace);
  else if (edited) again.lose(edited);
  return again.end();
}

/** A role that was lessened is lessened again; one that was raised is lost. */
function memberAgain(before: Member, history: readonly ToldEvent[], act: Act): Again {
  const again = startAgain(before, act, ({ member, event }: MemberChange, was) => ({
    object: member,
    changes: [
      { type: 'update_member', member, was },
      { type: 'insert_event', event: { ...event, createdAt: act.at } },
    ],
  }));
  if (before.removedAt !== null) return again.end();
  const removed = lastOf(history)('member.removed');
  if (removed) {
    again.step(removed, removeMember);
    return again.end();
  }
  const { edited, facts } = editsOf(history, 'member.updated');
  if (!edited) return again.end();
  const role = isRole(facts.role) ? facts.role : before.role;
  if (beyondPermissions(PRESETS[before.role], PRESETS[role]).length === 0) {
    // Or else the next sign-in would raise again what was lessened by API.
    const source = facts.source === 'api' ? 'api' : before.source;
    again.step(edited, (member, at) => editMember(member, { role }, source, at));
  }
  if (!isAsTold(describeMember(again.object()), facts)) again.lose(edited);
  return again.end();
}

/** The last of an object's edits, and what all of them left of the members they changed. */
function editsOf(history: readonly ToldEvent[], name: string) {
  const edits = history.filter(({ type, after }) => type === name && after !== null);
  const facts: JsonObject = Object.assign({}, ...edits.map(({ after }) => after));
  return { edited: edits.at(-1), facts };
}

function isAsTold(now: JsonObject, facts: JsonObject): boolean {
  return Object.entries(facts).every(
    ([name, fact]) => name === 'updated_at' || JSON.stringify(now[name]) === JSON.stringify(fact),
  );
}

function lastOf(history: readonly ToldEvent[]) {
  return (...types: readonly string[]) => history.findLast(({ type }) => types.includes(type));
}

/** The steps that one object takes: each is decided on what the one before left. */
function startAgain<Thing extends { readonly version: number }, Decided>(
  before: Thing,
  act: Act,
  written: (decided: Decided, was: number) => { object: Thing; changes: readonly Change[] },
) {
  let object = before;
  const changes: Change[] = [];
  const reapplied: ToldEvent[] = [];
  const lost: ToldEvent[] = [];
  return {
    object: () => object,
    /** What ended keeps its time; the event of it is of now. */
    step(told: ToldEvent, decide: (object: Thing, act: Act) => Decided | null): void {
      const decided = decide(object, { ...act, at: told.createdAt });
      if (decided === null) return;
      const step = written(decided, object.version);
      object = step.object;
      changes.push(...step.changes);
      reapplied.push(told);
    },
    lose(told: ToldEvent): void {
      lost.push(told);
    },
    end: (): Again => ({ changes, reapplied, lost }),
  };
}
