// The use cases of keys: create, list, get, update, disable, enable, revoke,
// delete, erase, verify, and whoami.

import {
  beginAct,
  type Caller,
  chosenWorkspace,
  requireInstance,
  requirePermission,
} from '../caller.ts';
import { parseAddress } from '../cidr.ts';
import { checkHandingOut, defaultExpiry, type Given } from '../delegation.ts';
import { invalid, notFound, WarderError } from '../error.ts';
import type { Act } from '../event.ts';
import type { Verdict } from '../judge.ts';
import {
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
  revokeKey,
} from '../key.ts';
import { checkedSearch, NEWEST_FIRST, placeOfKey } from '../order.ts';
import { createOwner } from '../owner.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import { editedGrants, type GrantsPatch, type PermissionSet } from '../permission.ts';
import type { Change, KeyFilter, MetadataFilter } from '../ports.ts';
import { parseScopeQuery } from '../scope.ts';
import { type KeyPatch, type KeyRights, type KeyTerms, onlyFor } from '../terms.ts';
import {
  DEFAULT_PREFIX,
  type DrawnToken,
  drawToken,
  type Environment,
  type TokenFormat,
  WARDER_FORMAT,
} from '../token.ts';
import { checkVersion, type IfVersion, type Work } from '../work.ts';
import type { Workspace } from '../workspace.ts';

/** What a new key is asked to be. */
export type KeyDraft = {
  /** Null asks for a management key of the instance; undefined for the caller's own workspace, or the default one. */
  readonly workspaceId?: string | null | undefined;
  readonly kind?: Key['kind'] | undefined;
  readonly environment?: Environment | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly permissions?: PermissionSet | undefined;
  readonly grants?: GrantsPatch | undefined;
} & { readonly [Term in keyof KeyTerms]?: KeyTerms[Term] | undefined };

export interface CreatedKey {
  readonly key: Key;
  /** The key's text: shown once, stored nowhere. */
  readonly secret: string;
}

export interface VerifyRequest {
  readonly secret: string;
  readonly workspaceId?: string | undefined;
  /** All of these are asked for. */
  readonly scopes?: readonly string[] | undefined;
  readonly query?: string | undefined;
  readonly ip?: string | undefined;
}

/** A change of a key with what else has to be written for it. */
interface KeyStep extends KeyChange {
  readonly more?: readonly Change[];
}

export function keyOperations(work: Work) {
  const { caller, reach, host, verifier, write, defaultWorkspaceId } = work;

  const readKey = async (id: string): Promise<Key> => {
    const key = await reach.key(id);
    if (key === null) throw notFound('key');
    return key;
  };

  const workspaceOf = async (id: string | null): Promise<Workspace | null> => {
    if (id === null) return null;
    const workspace = await reach.workspace(id);
    if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
    return workspace;
  };

  /** Changes one key: reads it, decides, writes. A decision of null leaves it as it is. */
  const changeKey = (
    id: string,
    match: IfVersion,
    decide: (key: Key, act: Act) => Promise<KeyStep | null> | KeyStep | null,
  ): Promise<Key> =>
    write(async () => {
      requirePermission(caller, 'keys:write');
      const before = await readKey(id);
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

  /** The owner that a key names comes into being with it. */
  const ownerChanges = async (key: Key, act: Act): Promise<Change[]> => {
    if (key.ownerId === null || key.workspaceId === null) return [];
    const found = await reach.owner(key.workspaceId, key.ownerId);
    if (found?.erasedAt) throw new WarderError('conflict', 'This owner was erased: name another.');
    if (found) return [];
    const { owner, event } = createOwner(key.workspaceId, key.ownerId, {}, act);
    return [
      { type: 'insert_owner', owner },
      { type: 'insert_event', event },
    ];
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
    createKey(draft: KeyDraft): Promise<CreatedKey> {
      return write(async () => {
        requirePermission(caller, 'keys:write');
        requireKind(caller, draft.kind ?? 'standard');
        const workspaceId = homeOfNew(caller, draft, defaultWorkspaceId);
        const workspace = await workspaceOf(workspaceId);
        const act = beginAct(caller, host);
        const plan = planKey(caller, draft, workspace, act.at);
        const given = { ...plan, expiresAt: plan.terms.expiresAt, createdAt: act.at };
        checkHandingOut(caller, workspace?.settings ?? null, given, null);

        const token = drawFor(WARDER_FORMAT, workspace, plan.environment, host.random);
        const change = issueKey(plan, token, host.random(32), act);
        const changes: Change[] = [
          { type: 'insert_key', key: change.key, digest: host.digest(token.secret) },
          { type: 'insert_event', event: change.event },
          ...(await ownerChanges(change.key, act)),
          ...quotas(workspace, change.key),
        ];
        const result = { key: change.key, secret: token.secret };
        return { changes, result, secretOf: change.key };
      });
    },

    /** @throws invalid for a search under three characters, or metadata that its workspace does not declare */
    async listKeys(request: PageRequest & Omit<KeyFilter, 'now'>): Promise<Page<Key>> {
      requirePermission(caller, 'keys:read');
      const { limit: _, after: __, before: ___, offset: ____, total: _____, ...given } = request;
      const { order = NEWEST_FIRST, statuses, metadata = [] } = given;
      const workspaceId = chosenWorkspace(caller, given.workspaceId);
      const filter = {
        ...given,
        workspaceId,
        order,
        statuses: statuses && KEY_STATUSES.filter((one) => statuses.includes(one)),
        search: checkedSearch(given.search),
      };
      if (metadata.length > 0) await checkDeclared(workspaceId, metadata);
      const now = host.now();
      return readPage(request, host, {
        binding: JSON.stringify(['keys', filter]),
        descending: order.descending,
        placeOf: (key) => placeOfKey(key, order),
        read: (slice) => reach.keys({ ...filter, now }, slice),
      });
    },

    /** @throws not_found, also for a deleted key unless asked for */
    async getKey(id: string, options: { includeDeleted?: boolean | undefined } = {}): Promise<Key> {
      requirePermission(caller, 'keys:read');
      const key = await readKey(id);
      if (key.deletedAt !== null && !options.includeDeleted) throw notFound('key');
      return key;
    },

    /** Edits what the patch names, never states. @throws conflict for a revoked key */
    updateKey: (id: string, patch: KeyPatch, match: IfVersion = {}) =>
      changeKey(id, match, async (before, act) => {
        const change = editKey(before, patch, act);
        if (change === null) return null;
        const workspace = await workspaceOf(before.workspaceId);
        checkHandingOut(caller, workspace?.settings ?? null, givenBy(change.key), before);
        if (change.key.ownerId === before.ownerId) return change;
        const owner = await ownerChanges(change.key, act);
        return { ...change, more: [...owner, ...quotaOfOwner(workspace, change.key)] };
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

    /** Revokes and hides; the key stays readable with `includeDeleted`. */
    deleteKey: (id: string, match: IfVersion = {}) => changeKey(id, match, deleteKey),

    /** Revokes and removes all but a tombstone. */
    eraseKey: (id: string, match: IfVersion = {}) => changeKey(id, match, eraseKey),

    /** The verdict on a key, as this caller may see it. @throws unavailable where none can be given */
    async verifyKey(request: VerifyRequest): Promise<Verdict> {
      requirePermission(caller, 'keys:verify');
      const workspaceId = chosenWorkspace(caller, request.workspaceId);
      const query = request.query === undefined ? undefined : parseScopeQuery(request.query);
      if (typeof query === 'string') throw invalid('/query', query);
      const ip = request.ip === undefined ? undefined : parseAddress(request.ip);
      if (ip === null) throw invalid('/ip', 'must be an IPv4 or IPv6 address');
      return verifier.verify(request.secret, {
        within: 'instance' in caller.home ? null : caller.home.workspaceId,
        environment: caller.environment,
        workspaceId,
        kind: 'standard',
        scopes: request.scopes,
        query,
        ip,
      });
    },

    /** The caller about itself: any credential may ask. */
    async whoami(): Promise<{ caller: Caller; key: Key | null; workspace: Workspace | null }> {
      const { home, key } = caller;
      const workspace = 'instance' in home ? null : await reach.workspace(home.workspaceId);
      return { caller, key, workspace };
    },
  };
}

function requireKind(caller: Caller, kind: Key['kind']): void {
  if (kind === 'management') requirePermission(caller, 'management_keys:write');
}

function homeOfNew(caller: Caller, draft: KeyDraft, defaultWorkspaceId: string): string | null {
  if (draft.workspaceId === null) {
    if (draft.kind !== 'management') {
      throw invalid(
        '/workspace_id',
        'can be null for management keys only: a standard key is of one workspace',
      );
    }
    requireInstance(caller);
    return null;
  }
  return chosenWorkspace(caller, draft.workspaceId) ?? defaultWorkspaceId;
}

function planKey(
  caller: Caller,
  draft: KeyDraft,
  workspace: Workspace | null,
  at: number,
): KeyPlan {
  const rights = rightsOf(caller, draft);
  return {
    terms: {
      name: draft.name ?? null,
      ownerId: draft.ownerId ?? null,
      allowedCidrs: draft.allowedCidrs ?? [],
      allowSelfRevoke: draft.allowSelfRevoke ?? false,
      metadata: draft.metadata ?? {},
      extension: draft.extension ?? {},
      notBefore: draft.notBefore ?? null,
      expiresAt:
        draft.expiresAt === undefined
          ? defaultExpiry(caller, workspace?.settings ?? null, rights.kind, at)
          : draft.expiresAt,
    },
    rights,
    workspaceId: workspace?.id ?? null,
    environment: draft.environment ?? 'live',
    format: WARDER_FORMAT.name,
    replaces: null,
  };
}

function rightsOf(caller: Caller, draft: KeyDraft): KeyRights {
  if (draft.kind === 'management') {
    if (draft.scopes) throw onlyFor('/scopes', 'standard');
    const grants = editedGrants(caller.grants, draft.grants);
    return { kind: 'management', permissions: draft.permissions ?? [], grants };
  }
  if (draft.permissions) throw onlyFor('/permissions', 'management');
  if (draft.grants) throw onlyFor('/grants', 'management');
  return { kind: 'standard', scopes: draft.scopes ?? [] };
}

function givenBy(key: Key): Given {
  const { environment, expiresAt, createdAt } = key;
  return { environment, rights: key, expiresAt, createdAt };
}

function drawFor(
  format: TokenFormat,
  workspace: Workspace | null,
  environment: Environment,
  random: (bytes: number) => Uint8Array,
): DrawnToken {
  return drawToken(format, workspace?.settings.tokenPrefix ?? DEFAULT_PREFIX, environment, random);
}

function quotas(workspace: Workspace | null, key: Key): Change[] {
  const most = workspace?.settings.maxKeys ?? null;
  const whole: Change[] =
    workspace === null || most === null
      ? []
      : [{ type: 'at_most_keys', workspaceId: workspace.id, ownerId: null, most }];
  return [...whole, ...quotaOfOwner(workspace, key)];
}

function quotaOfOwner(workspace: Workspace | null, { ownerId }: Key): Change[] {
  const most = workspace?.settings.maxKeysPerOwner ?? null;
  if (workspace === null || most === null || ownerId === null) return [];
  return [{ type: 'at_most_keys', workspaceId: workspace.id, ownerId, most }];
}
