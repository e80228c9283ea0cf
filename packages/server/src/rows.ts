// Rows as every engine stores them, and back into what the core works with.
// Times are milliseconds, truth is 0 or 1, and lists and objects are JSON as
// text, so that an event comes back byte for byte. A digest is never read back.

import {
  type Candidate,
  DEFAULT_SETTINGS,
  expiryOrder,
  type Grants,
  type Installation,
  type JsonObject,
  type Key,
  type Limit,
  nameOrder,
  nextTurn,
  type Owner,
  type PermissionSet,
  positionOf,
  type StoredWindow,
  searchable,
  searchableKey,
  statusOf,
  type UsageSubject,
  type Workspace,
  type WorkspaceSettings,
} from '@warder/core';
import { creditsOf, creditsText, type JoinedBalance } from './credit-rows.ts';

/** What figures of usage are of, as it is stored beside its position. */
export const USAGE_KINDS: Readonly<Record<UsageSubject['type'], number>> = {
  installation: 0,
  workspace: 1,
  owner: 2,
  key: 3,
};

type Bit = 0 | 1;

export type KeyRow = ReturnType<typeof rowOfKey>;
/** What lists find and sort a row by: written with it, and never read back. */
export type OrderRow = ReturnType<typeof orderOfOwner>;
export type KeyOrderRow = ReturnType<typeof orderOfKey>;
export type WorkspaceRow = ReturnType<typeof rowOfWorkspace>;
export type OwnerRow = ReturnType<typeof rowOfOwner>;
export type WindowRow = ReturnType<typeof rowOfWindow>;

export interface InstallationRow {
  id: 1;
  default_workspace_id: string;
  created_at: number;
}

/** A key as it is read: with its last use, which is gathered in a table of its own. */
export type UsedKeyRow = KeyRow & { last_used_at: number | null } & JoinedBalance;

/** An owner as it is read. */
export type CreditedOwnerRow = OwnerRow & JoinedBalance;

/** A key joined with what else bears on it: its owner's columns start with `o_`, its workspace's with `w_`. */
export type CandidateRow = UsedKeyRow & Joined<'o_', CreditedOwnerRow> & Joined<'w_', WorkspaceRow>;
type Joined<Prefix extends string, Row> = {
  [Column in keyof Row & string as `${Prefix}${Column}`]: Row[Column];
};

export function rowOfKey(key: Key) {
  const standard = key.kind === 'standard';
  return {
    id: key.id,
    handle: key.handle,
    workspace_id: key.workspaceId,
    kind: key.kind,
    environment: key.environment,
    format: key.format,
    token_prefix: key.prefix,
    token_start: key.start,
    token_end: key.end,
    enabled: bit(key.enabled),
    soft_blocked: bit(key.softBlocked),
    name: key.name,
    owner_id: key.ownerId,
    scopes: standard ? JSON.stringify(key.scopes) : null,
    permissions: standard ? null : JSON.stringify(key.permissions),
    grants: standard ? null : JSON.stringify(key.grants),
    allowed_cidrs: JSON.stringify(key.allowedCidrs),
    allow_self_revoke: bit(key.allowSelfRevoke),
    limits: key.limits && JSON.stringify(key.limits),
    metadata: JSON.stringify(key.metadata),
    extension: JSON.stringify(key.extension),
    credits: creditsText(key.credits),
    not_before: key.notBefore,
    expires_at: key.expiresAt,
    created_by_type: key.createdBy.type,
    created_by_id: key.createdBy.id,
    replaces: key.replaces,
    created_at: key.createdAt,
    updated_at: key.updatedAt,
    revoked_at: key.revokedAt,
    revoked_reason: key.revokedReason,
    deleted_at: key.deletedAt,
    erased_at: key.erasedAt,
    version: key.version,
  };
}

export function keyOf(row: UsedKeyRow): Key {
  const facts = {
    id: row.id,
    handle: row.handle,
    workspaceId: row.workspace_id,
    environment: row.environment,
    format: row.format,
    prefix: row.token_prefix,
    start: row.token_start,
    end: row.token_end,
    enabled: row.enabled === 1,
    softBlocked: row.soft_blocked === 1,
    name: row.name,
    ownerId: row.owner_id,
    allowedCidrs: parsed<readonly string[]>(row.allowed_cidrs),
    allowSelfRevoke: row.allow_self_revoke === 1,
    limits: row.limits === null ? null : parsed<readonly Limit[]>(row.limits),
    metadata: parsed<JsonObject>(row.metadata),
    extension: parsed<JsonObject>(row.extension),
    credits: creditsOf(row),
    notBefore: row.not_before,
    expiresAt: row.expires_at,
    createdBy: { type: row.created_by_type, id: row.created_by_id },
    replaces: row.replaces,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    revokedReason: row.revoked_reason,
    deletedAt: row.deleted_at,
    erasedAt: row.erased_at,
    version: row.version,
  };
  return row.kind === 'standard'
    ? { ...facts, kind: 'standard', scopes: parsed<readonly string[]>(row.scopes ?? '[]') }
    : {
        ...facts,
        kind: 'management',
        permissions: parsed<PermissionSet>(row.permissions ?? '[]'),
        grants: parsed<Grants>(row.grants ?? NO_GRANTS),
      };
}

export function orderOfKey(key: Key) {
  return {
    position: positionOf(key.id),
    state: statusOf(key, key.updatedAt),
    turns_at: nextTurn(key, key.updatedAt),
    expiry_order: expiryOrder(key),
    name_order: nameOrder(key),
    search: searchableKey(key),
  };
}

const NO_GRANTS = '{"scopes":[],"environments":[],"maxLifeSeconds":null}';

export function rowOfWorkspace(workspace: Workspace) {
  return {
    id: workspace.id,
    name: workspace.name,
    slug: workspace.slug,
    settings: JSON.stringify(workspace.settings),
    is_default: bit(workspace.isDefault),
    created_by_type: workspace.createdBy.type,
    created_by_id: workspace.createdBy.id,
    created_at: workspace.createdAt,
    updated_at: workspace.updatedAt,
    suspended_at: workspace.suspendedAt,
    deleted_at: workspace.deletedAt,
    version: workspace.version,
  };
}

export function workspaceOf(row: WorkspaceRow): Workspace {
  return {
    id: row.id,
    name: row.name,
    slug: row.slug,
    // A setting that came with a later version is missing in rows written before it.
    settings: { ...DEFAULT_SETTINGS, ...parsed<Partial<WorkspaceSettings>>(row.settings) },
    isDefault: row.is_default === 1,
    createdBy: { type: row.created_by_type, id: row.created_by_id },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    suspendedAt: row.suspended_at,
    deletedAt: row.deleted_at,
    version: row.version,
  };
}

export function orderOfWorkspace({ id, name, slug }: Workspace) {
  return { position: positionOf(id), search: searchable(name, slug) };
}

export function orderOfOwner({ id, name, externalId }: Owner) {
  return { position: positionOf(id), search: searchable(name, externalId) };
}

export function rowOfOwner(owner: Owner) {
  return {
    id: owner.id,
    workspace_id: owner.workspaceId,
    external_id: owner.externalId,
    type: owner.type,
    name: owner.name,
    metadata: JSON.stringify(owner.metadata),
    limits: owner.limits && JSON.stringify(owner.limits),
    credits: creditsText(owner.credits),
    created_at: owner.createdAt,
    updated_at: owner.updatedAt,
    suspended_at: owner.suspendedAt,
    erased_at: owner.erasedAt,
    version: owner.version,
  };
}

export function ownerOf(row: CreditedOwnerRow): Owner {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    externalId: row.external_id,
    type: row.type,
    name: row.name,
    metadata: parsed<JsonObject>(row.metadata),
    limits: row.limits === null ? null : parsed<readonly Limit[]>(row.limits),
    credits: creditsOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    suspendedAt: row.suspended_at,
    erasedAt: row.erased_at,
    version: row.version,
  };
}

export function rowOfWindow(window: StoredWindow) {
  return {
    id: window.id,
    started_at: window.startedAt,
    ends_at: window.endsAt,
    taken: window.taken,
  };
}

export function windowOf(row: WindowRow): StoredWindow {
  return { id: row.id, startedAt: row.started_at, endsAt: row.ends_at, taken: row.taken };
}

export function candidateOf(row: CandidateRow): Candidate {
  // A left join that found nothing leaves every column null.
  return {
    key: keyOf(row),
    owner: row.o_id === null ? null : ownerOf(ownerColumns(row)),
    workspace: row.w_id === null ? null : workspaceOf(workspaceColumns(row)),
  };
}

/** The columns of a joined table, by their own names. Names are put together once: each miss reads them all. */
function unjoined<Row>(prefix: string, columns: readonly (keyof Row & string)[]) {
  const names = columns.map((column) => [column, prefix + column] as const);
  return (row: object): Row => {
    const joined = row as Readonly<Record<string, unknown>>;
    const own: Record<string, unknown> = {};
    for (const [column, name] of names) own[column] = joined[name];
    return own as Row;
  };
}

/** The installation, from one row for each of its checks, or one row without any. */
export function installationOf(
  rows: readonly (InstallationRow & { name: string | null; value: string | null })[],
): Installation | null {
  const [first] = rows;
  if (first === undefined) return null;
  return {
    defaultWorkspaceId: first.default_workspace_id,
    createdAt: first.created_at,
    checks: rows.flatMap(({ name, value }) =>
      name === null || value === null ? [] : [{ name, value }],
    ),
  };
}

function bit(truth: boolean): Bit {
  return truth ? 1 : 0;
}

/** JSON that a store wrote of exactly this type: the core checked it on its way in. */
export function parsed<Value>(text: string): Value {
  return JSON.parse(text) as Value;
}

export const KEY_COLUMNS = columnsOf<KeyRow>({
  id: true,
  handle: true,
  workspace_id: true,
  kind: true,
  environment: true,
  format: true,
  token_prefix: true,
  token_start: true,
  token_end: true,
  enabled: true,
  soft_blocked: true,
  name: true,
  owner_id: true,
  scopes: true,
  permissions: true,
  grants: true,
  allowed_cidrs: true,
  allow_self_revoke: true,
  limits: true,
  metadata: true,
  extension: true,
  credits: true,
  not_before: true,
  expires_at: true,
  created_by_type: true,
  created_by_id: true,
  replaces: true,
  created_at: true,
  updated_at: true,
  revoked_at: true,
  revoked_reason: true,
  deleted_at: true,
  erased_at: true,
  version: true,
});
export const KEY_ORDER_COLUMNS = columnsOf<KeyOrderRow>({
  position: true,
  state: true,
  turns_at: true,
  expiry_order: true,
  name_order: true,
  search: true,
});
export const ORDER_COLUMNS = columnsOf<OrderRow>({ position: true, search: true });
export const WORKSPACE_COLUMNS = columnsOf<WorkspaceRow>({
  id: true,
  name: true,
  slug: true,
  settings: true,
  is_default: true,
  created_by_type: true,
  created_by_id: true,
  created_at: true,
  updated_at: true,
  suspended_at: true,
  deleted_at: true,
  version: true,
});
export const OWNER_COLUMNS = columnsOf<OwnerRow>({
  id: true,
  workspace_id: true,
  external_id: true,
  type: true,
  name: true,
  metadata: true,
  limits: true,
  credits: true,
  created_at: true,
  updated_at: true,
  suspended_at: true,
  erased_at: true,
  version: true,
});
const CREDITED_OWNER_COLUMNS = [...OWNER_COLUMNS, 'balance', 'refill_at'] as const;
const ownerColumns = unjoined<CreditedOwnerRow>('o_', CREDITED_OWNER_COLUMNS);
const workspaceColumns = unjoined<WorkspaceRow>('w_', WORKSPACE_COLUMNS);

export const WINDOW_COLUMNS = columnsOf<WindowRow>({
  id: true,
  started_at: true,
  ends_at: true,
  taken: true,
});

/** The names of all columns of a row: one left out does not compile. */
export function columnsOf<Row>(names: Record<keyof Row & string, true>) {
  return Object.keys(names) as (keyof Row & string)[];
}
