// The use cases of keys: create, replace, list, get, update, disable, enable,
// revoke, delete, erase.

import { beginAct, type Caller, chosenWorkspace, isWithin, requirePermission } from '../caller.ts';
import { type Crediting, creditingWrite, creditsEdit } from '../credit.ts';
import { checkHandingOut, type Given } from '../delegation.ts';
import {
  checkCreditor,
  drawFor,
  homeOfNew,
  type KeyDraft,
  planKey,
  planReplacement,
  quotaOfOwner,
  quotas,
} from '../draft.ts';
import { invalid, notFound, WarderError } from '../error.ts';
import type { Act, EventType } from '../event.ts';
import type { KeyFilter, MetadataFilter } from '../filter.ts';
import {
  creditKey,
  deleteKey,
  disableKey,
  editKey,
  enableKey,
  eraseKey,
  issueKey,
  KEY_STATUSES,
  type Key,
  type KeyChange,
  type KeyPlan,
  type KeyStatus,
  revokeKey,
  softBlockKey,
  softUnblockKey,
} from '../key.ts';
import { keyAt } from '../key-address.ts';
import { checkedSearch, NEWEST_FIRST, placeOfKey } from '../order.ts';
import { createOwner, type Owner } from '../owner.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import type { Change } from '../ports.ts';
import type { KeyPatch } from '../terms.ts';
import { type TokenFormat, WARDER_FORMAT } from '../token.ts';
import { checkVersion, type IfVersion, type Work } from '../work.ts';
import type { Workspace } from '../workspace.ts';

export interface CreatedKey {
  readonly key: Key;
  /** The key's text: shown once, stored nowhere. */
  readonly secret: string;
}

/** A new key with whom it belongs to. */
export interface OwnedKey extends CreatedKey {
  readonly owner: Owner | null;
}

export interface ReplacedKey extends CreatedKey {
  /** The key whose place it takes, revoked. */
  readonly replaced: Key;
}

/** An edit of terms and rights, and of the state; `revoked` is final. */
export type KeyEdit = KeyPatch & {
  readonly enabled?: boolean | undefined;
  readonly softBlocked?: boolean | undefined;
  readonly revoked?: true | undefined;
};

/** A change of a key with what else has to be written for it. */
interface KeyStep extends KeyChange {
  readonly more?: readonly Change[];
}

export function keyOperations(work: Work) {
  const { caller, reach, host, write, defaultWorkspaceId } = work;

  const readKey = (address: string, deleted = caller.bounds.deleted): Promise<Key> =>
    keyAt(work, address, deleted);

  const workspaceOf = async (id: string | null): Promise<Workspace | null> => {
    if (id === null) return null;
    const workspace = await reach.workspace(id);
    if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
    return workspace;
  };

  /** Changes one key: reads it, decides, writes. A decision of null leaves it as it is. */
  const changeKey = (
    address: string,
    match: IfVersion,
    decide: (key: Key, act: Act) => Promise<KeyStep | null> | KeyStep | null,
    deleted = caller.bounds.deleted,
  ): Promise<Key> =>
    write(async () => {
      requirePermission(caller, 'keys:write');
      const before = await readKey(address, deleted);
      requireKind(caller, before.kind);
      checkVersion(before, match);
      const change = await decide(before, beginAct(caller, host));
      if (change === null) return { changes: [], result: before };
      const changes: Change[] = [
        { type: 'update_key', key: change.key, was: before.version },
        { type: 'insert_event', event: change.event },
        ...(change.more ?? []),
      ];
      return { changes, result: change.key };
    });

  const issue = (
    plan: KeyPlan,
    format: TokenFormat = WARDER_FORMAT,
    workspace: Workspace | null,
    act: Act,
  ) => {
    const token = drawFor(format, workspace, plan.environment, host.random);
    const { key, event } = issueKey(plan, token, host.random(32), act);
    const changes: Change[] = [
      { type: 'insert_key', key, digest: host.digest(token.secret) },
      { type: 'insert_event', event },
    ];
    const { replaces, credits } = key;
    if (credits !== null) {
      const subject = replaces ?? key.id;
      const { remaining, refillAt } = credits;
      // Neither lost nor doubled: what the one had left, the other goes on with.
      const does =
        replaces === null
          ? ({ what: 'open', remaining, refillAt } as const)
          : ({ what: 'hand_over', to: key.id } as const);
      const write = { subject, workspaceId: key.workspaceId, due: null, does };
      changes.push({ type: 'write_credits', write });
    }
    return { changes, key, secret: token.secret };
  };

  /** The owner that a key names comes into being with it. */
  const ownerOf = async (
    key: Key,
    act: Act,
  ): Promise<{ owner: Owner | null; changes: readonly Change[] }> => {
    if (key.ownerId === null || key.workspaceId === null) return { owner: null, changes: [] };
    const found = await reach.owner(key.workspaceId, key.ownerId);
    if (found?.erasedAt) throw new WarderError('conflict', 'This owner was erased: name another.');
    if (found) return { owner: found, changes: [] };
    const { owner, event } = createOwner(key.workspaceId, key.ownerId, {}, act);
    const changes: Change[] = [
      { type: 'insert_owner', owner },
      { type: 'insert_event', event },
    ];
    return { owner, changes };
  };

  /** Only what a workspace declares is kept so that a list can be read by it. */
  const checkDeclared = async (
    workspaceId: string | undefined,
    filters: readonly MetadataFilter[],
  ): Promise<void> => {
    const workspace = workspaceId === undefined ? null : await reach.workspace(workspaceId);
    const declared = workspace?.settings.metadataFilters ?? [];
    const other = filters.find(({ name }) => !declared.includes(name));
    if (other === undefined) return;
    const rule =
      workspaceId === undefined
        ? 'needs a workspace_id'
        : `is not among the metadata_filters of the workspace (${declared.join(', ') || 'none'})`;
    throw invalid(`metadata.${other.name}`, rule);
  };

  return {
    /** @throws forbidden, invalid, not_found (the workspace), quota_exceeded */
    createKey(draft: KeyDraft): Promise<OwnedKey> {
      return write(async () => {
        requirePermission(caller, 'keys:write');
        requireKind(caller, draft.kind ?? 'standard');
        const workspaceId = homeOfNew(caller, draft, defaultWorkspaceId);
        const workspace = await workspaceOf(workspaceId);
        const act = beginAct(caller, host);
        const plan = planKey(caller, draft, workspace, act.at);
        const given = { ...plan, expiresAt: plan.terms.expiresAt, createdAt: act.at };
        checkHandingOut(caller, workspace?.settings ?? null, given, null);

        const { changes, key, secret } = issue(plan, draft.format, workspace, act);
        const { owner, changes: ofOwner } = await ownerOf(key, act);
        return {
          changes: [...changes, ...ofOwner, ...quotas(workspace, key)],
          result: { key, secret, owner },
          secretOf: key,
        };
      });
    },

    /**
     * Makes a key that takes the place of another and revokes that, in one commit.
     * @param format how the new token is written
     * @throws conflict for a revoked key
     */
    replaceKey(address: string, format: TokenFormat, match: IfVersion = {}): Promise<ReplacedKey> {
      return write(async () => {
        requirePermission(caller, 'keys:write');
        const before = await readKey(address);
        requireKind(caller, before.kind);
        checkVersion(before, match);
        const act = beginAct(caller, host);
        const revoked = revokeKey(before, 'replaced', act);
        if (revoked === null)
          throw new WarderError('conflict', 'This key is revoked: make a new one instead.');
        const workspace = await workspaceOf(before.workspaceId);
        const plan = planReplacement(before, format);
        const given = { ...plan, expiresAt: plan.terms.expiresAt, createdAt: act.at };
        checkHandingOut(caller, workspace?.settings ?? null, given, null);
        const { changes, key, secret } = issue(plan, format, workspace, act);
        const ended: Change[] = [
          { type: 'update_key', key: revoked.key, was: before.version },
          { type: 'insert_event', event: revoked.event },
        ];
        const result = { replaced: revoked.key, key, secret };
        return {
          changes: [...ended, ...changes, ...quotas(workspace, key)],
          result,
          secretOf: key,
        };
      });
    },

    /** @throws invalid for a search under three characters, or metadata that its workspace does not declare */
    async listKeys(request: PageRequest & Omit<KeyFilter, 'now'>): Promise<Page<Key>> {
      requirePermission(caller, 'keys:read');
      const { limit: _, after: __, before: ___, offset: ____, total: _____, ...given } = request;
      const { order = NEWEST_FIRST, statuses, metadata = [] } = given;
      const workspaceId = chosenWorkspace(caller, given.workspaceId);
      const { bounds } = caller;
      const isThere = (status: KeyStatus) => bounds.deleted === 'there' || status !== 'deleted';
      const filter = {
        ...given,
        workspaceId,
        kind: bounds.kind ?? given.kind,
        ownerId: bounds.ownerId ?? given.ownerId,
        includeDeleted: bounds.deleted === 'there' && given.includeDeleted,
        order,
        statuses: statuses && KEY_STATUSES.filter((one) => statuses.includes(one) && isThere(one)),
        search: checkedSearch(given.search),
      };
      const beyond =
        (given.kind ?? filter.kind) !== filter.kind ||
        (given.ownerId ?? filter.ownerId) !== filter.ownerId ||
        filter.statuses?.length === 0;
      if (metadata.length > 0) await checkDeclared(workspaceId, metadata);
      const now = host.now();
      return readPage(request, host, {
        binding: JSON.stringify(['keys', filter]),
        descending: order.descending,
        placeOf: (key) => placeOfKey(key, order),
        read: async (slice) => (beyond ? NOTHING : reach.keys({ ...filter, now }, slice)),
      });
    },

    /**
     * @param address its id or its handle
     * @throws not_found, also for a deleted key unless asked for
     */
    async getKey(
      address: string,
      options: { includeDeleted?: boolean | undefined } = {},
    ): Promise<Key> {
      requirePermission(caller, 'keys:read');
      const key = await readKey(address);
      if (key.deletedAt !== null && !options.includeDeleted) throw notFound('key');
      return key;
    },

    /** Edits what is named, in one commit. @throws conflict for a revoked key */
    updateKey: (address: string, edit: KeyEdit, match: IfVersion = {}) =>
      changeKey(address, match, async (before, act) => {
        if (edit.credits !== undefined) checkCreditor(caller);
        const steps = editSteps(before, edit, act);
        const last = steps.at(-1);
        if (last === undefined) return null;
        const { key } = last;
        if (!isWithin(caller, key)) {
          throw new WarderError('forbidden', 'You may not give this key to another owner.');
        }
        const workspace = await workspaceOf(before.workspaceId);
        const settings = workspace?.settings ?? null;
        if (steps.some(({ event }) => GIVING.has(event.type))) {
          checkHandingOut(caller, null, givenBy(key), null);
        }
        if (steps.some(({ event }) => event.type === 'key.updated')) {
          checkHandingOut(caller, settings, givenBy(key), before);
        }
        const earlier: Change[] = steps
          .slice(0, -1)
          .map(({ event }) => ({ type: 'insert_event', event }) as const);
        const write = creditsEdit(before.credits, key, edit.credits, act.at);
        if (write !== null) earlier.push({ type: 'write_credits', write });
        if (key.ownerId === before.ownerId) return { ...last, more: earlier };
        const { changes } = await ownerOf(key, act);
        return { ...last, more: [...earlier, ...changes, ...quotaOfOwner(workspace, key)] };
      }),

    /**
     * Adds to the balance of a key, or sets it: what is spent at the same time counts before or after.
     * @throws conflict for a key without credits of its own
     */
    creditKey: (id: string, crediting: Crediting, match: IfVersion = {}): Promise<Key> =>
      write(async () => {
        requirePermission(caller, 'keys:write');
        const before = await readKey(id);
        requireKind(caller, before.kind);
        checkVersion(before, match);
        checkCreditor(caller);
        const act = beginAct(caller, host);
        const { key, event } = creditKey(before, crediting, act);
        const write = creditingWrite(before, crediting, act.at);
        const changes: Change[] = [
          { type: 'write_credits', write },
          { type: 'insert_event', event },
        ];
        return { changes, result: key };
      }),

    disableKey: (id: string, match: IfVersion = {}) => changeKey(id, match, disableKey),

    /** Counts as giving all that the key has: refused where that is beyond the caller's own grants. */
    enableKey: (id: string, match: IfVersion = {}) =>
      changeKey(id, match, (key, act) => {
        const change = enableKey(key, act);
        if (change !== null) checkHandingOut(caller, null, givenBy(key), null);
        return change;
      }),

    /** Final. Revoking a revoked key again changes nothing. */
    revokeKey: (id: string, reason: string | null = null, match: IfVersion = {}) =>
      changeKey(id, match, (key, act) => revokeKey(key, reason, act)),

    /** Revokes and hides; the key stays readable with `includeDeleted`, and may be deleted again. */
    deleteKey: (address: string, match: IfVersion = {}) =>
      changeKey(address, match, deleteKey, 'there'),

    /** Revokes and removes all but a tombstone. */
    eraseKey: (id: string, match: IfVersion = {}) => changeKey(id, match, eraseKey),
  };
}

const NOTHING = { items: [], more: false, total: { count: 0, exact: true } };

/** The states that an edit names, one after the other. */
function editSteps(before: Key, edit: KeyEdit, act: Act): KeyChange[] {
  const { enabled, softBlocked, revoked, ...patch } = edit;
  const edits = Object.values(patch).some((value) => value !== undefined);
  const steps: KeyChange[] = [];
  const step = (decide: (key: Key, act: Act) => KeyChange | null) => {
    const change = decide(steps.at(-1)?.key ?? before, act);
    if (change !== null) steps.push(change);
  };
  if (edits) step((key) => editKey(key, patch, act));
  if (enabled !== undefined) step(enabled ? enableKey : disableKey);
  if (softBlocked !== undefined) step(softBlocked ? softBlockKey : softUnblockKey);
  if (revoked) step((key) => revokeKey(key, null, act));
  return steps;
}

/** What makes a key good again counts as giving all that it has. */
const GIVING: ReadonlySet<EventType> = new Set(['key.enabled', 'key.soft_unblocked']);

function requireKind(caller: Caller, kind: Key['kind']): void {
  if (kind === 'management') requirePermission(caller, 'management_keys:write');
}

function givenBy(key: Key): Given {
  const { environment, expiresAt, createdAt } = key;
  return { environment, rights: key, expiresAt, createdAt };
}
