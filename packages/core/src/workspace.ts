// A workspace: one product or tenant of the operator's, the wall between keys.
// Its settings bound what is handed out inside it. A suspended workspace keeps
// everything, and every key of it answers `suspended`.

import { invalid, WarderError } from './error.ts';
import { type Act, type Actor, type Event, eventOf, type JsonObject, moment } from './event.ts';
import { checkedLimits, describeLimit, type Limit } from './limit.ts';
import { isScope, SCOPE_RULE } from './scope.ts';
import { PREFIX_PATTERN } from './token.ts';

export interface WorkspaceSettings {
  /** First part of the tokens made here; null for the installation's default, `wdr`. */
  readonly tokenPrefix: string | null;
  /** Life of a standard key made without `expires_at`; null for one that does not expire. */
  readonly defaultLifeSeconds: number | null;
  readonly maxLifeSeconds: number | null;
  /** How many keys that are not revoked the workspace, or one owner in it, may have; null for no bound. */
  readonly maxKeys: number | null;
  readonly maxKeysPerOwner: number | null;
  /** The only scopes a key may be given; null for any. */
  readonly knownScopes: readonly string[] | null;
  /** Names of metadata members that lists can be filtered by. */
  readonly metadataFilters: readonly string[];
  /** Whether a standard key may manage keys on a surface that lets its product's own keys do so. */
  readonly ordinaryKeysManage: boolean;
  /** The windows of each of its keys that has none of its own. */
  readonly keyLimits: readonly Limit[];
  /** The windows that all keys of one owner share, unless the owner has its own. */
  readonly ownerLimits: readonly Limit[];
  /** The windows that all its keys share. */
  readonly workspaceLimits: readonly Limit[];
}

export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly settings: WorkspaceSettings;
  /** The workspace used where none is named; it cannot be deleted. */
  readonly isDefault: boolean;
  readonly createdBy: Actor;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly suspendedAt: number | null;
  /** Set when deletion began: its keys are suspended from then on and removed in steps. */
  readonly deletedAt: number | null;
  readonly version: number;
}

export interface WorkspaceDraft {
  readonly name: string;
  readonly slug?: string | undefined;
  readonly settings?: Partial<WorkspaceSettings> | undefined;
}

export type WorkspacePatch = {
  readonly [Name in keyof WorkspaceDraft]?: WorkspaceDraft[Name] | undefined;
};

export const DEFAULT_SETTINGS: WorkspaceSettings = {
  tokenPrefix: null,
  defaultLifeSeconds: null,
  maxLifeSeconds: null,
  maxKeys: null,
  maxKeysPerOwner: null,
  knownScopes: null,
  metadataFilters: [],
  ordinaryKeysManage: true,
  keyLimits: [],
  ownerLimits: [],
  workspaceLimits: [],
};

export const MAX_NAME_LENGTH = 255;
export const MAX_LIFE_SECONDS = 100 * 366 * 86_400;
const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$/;
const METADATA_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

export interface WorkspaceChange {
  readonly workspace: Workspace;
  readonly event: Event;
}

/** Makes a workspace. Without a slug, one is made of its name; of its id where the name has no letter of a slug. */
export function createWorkspace(
  draft: WorkspaceDraft,
  act: Act,
  isDefault = false,
): WorkspaceChange {
  const id = act.newId();
  const workspace: Workspace = {
    id,
    name: checkedName(draft.name),
    slug: checkedSlug(draft.slug ?? (slugOf(draft.name) || id)),
    settings: checkedSettings({ ...DEFAULT_SETTINGS, ...draft.settings }),
    isDefault,
    createdBy: act.actor,
    createdAt: act.at,
    updatedAt: act.at,
    suspendedAt: null,
    deletedAt: null,
    version: 1,
  };
  return { workspace, event: workspaceEvent(act, 'workspace.created', null, workspace) };
}

/** Edits name, slug and settings; settings are merged, so what is not named stays. Null when nothing changes. */
export function editWorkspace(
  before: Workspace,
  patch: WorkspacePatch,
  act: Act,
): WorkspaceChange | null {
  const edited = {
    name: patch.name === undefined ? before.name : checkedName(patch.name),
    slug: patch.slug === undefined ? before.slug : checkedSlug(patch.slug),
    settings: checkedSettings({ ...before.settings, ...patch.settings }),
  };
  return changed(act, 'workspace.updated', before, { ...before, ...edited });
}

export function suspendWorkspace(before: Workspace, act: Act): WorkspaceChange | null {
  if (before.suspendedAt !== null) return null;
  return changed(act, 'workspace.suspended', before, { ...before, suspendedAt: act.at });
}

export function resumeWorkspace(before: Workspace, act: Act): WorkspaceChange | null {
  return changed(act, 'workspace.resumed', before, { ...before, suspendedAt: null });
}

/** Ends a workspace: suspended at once, so that none of its keys is good while they are removed. */
export function deleteWorkspace(before: Workspace, act: Act): WorkspaceChange {
  if (before.isDefault) {
    throw new WarderError('conflict', 'The default workspace cannot be deleted.');
  }
  const workspace: Workspace = {
    ...before,
    suspendedAt: before.suspendedAt ?? act.at,
    deletedAt: act.at,
    updatedAt: act.at,
    version: before.version + 1,
  };
  return { workspace, event: workspaceEvent(act, 'workspace.deleted', before, workspace) };
}

function changed(
  act: Act,
  type: Event['type'],
  before: Workspace,
  edited: Workspace,
): WorkspaceChange | null {
  if (JSON.stringify(edited) === JSON.stringify(before)) return null;
  const workspace = { ...edited, updatedAt: act.at, version: before.version + 1 };
  return { workspace, event: workspaceEvent(act, type, before, workspace) };
}

function workspaceEvent(
  act: Act,
  type: Event['type'],
  before: Workspace | null,
  after: Workspace,
): Event {
  const subject = { type: 'workspace', id: after.id, workspaceId: after.id } as const;
  return eventOf(act, type, subject, before && describeWorkspace(before), describeWorkspace(after));
}

function checkedName(name: string): string {
  const length = [...name].length;
  if (length < 1 || length > MAX_NAME_LENGTH) {
    throw invalid('/name', `must have 1 to ${MAX_NAME_LENGTH} characters`);
  }
  return name;
}

function checkedSlug(slug: string): string {
  if (!SLUG.test(slug)) {
    throw invalid('/slug', 'must be 1 to 50 of a-z, 0-9 and "-", and begin and end without "-"');
  }
  return slug;
}

function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');
}

function checkedSettings(settings: WorkspaceSettings): WorkspaceSettings {
  const { tokenPrefix, defaultLifeSeconds, maxLifeSeconds, knownScopes, metadataFilters } =
    settings;
  if (tokenPrefix !== null && !PREFIX_PATTERN.test(tokenPrefix)) {
    throw invalid(
      '/settings/token_prefix',
      'must be 1 to 11 of a-z and 0-9, and begin with a letter',
    );
  }
  const life = { default_life_seconds: defaultLifeSeconds, max_life_seconds: maxLifeSeconds };
  for (const [name, seconds] of Object.entries(life)) within(name, seconds, 1, MAX_LIFE_SECONDS);
  within('max_keys', settings.maxKeys, 0, Number.MAX_SAFE_INTEGER);
  within('max_keys_per_owner', settings.maxKeysPerOwner, 0, Number.MAX_SAFE_INTEGER);
  if ((defaultLifeSeconds ?? 0) > (maxLifeSeconds ?? MAX_LIFE_SECONDS)) {
    throw invalid('/settings/default_life_seconds', 'must not be longer than max_life_seconds');
  }
  for (const [i, scope] of (knownScopes ?? []).entries()) {
    if (!isScope(scope))
      throw invalid(`/settings/known_scopes/${i}`, `must be a scope: ${SCOPE_RULE}`);
  }
  const names = new Set(metadataFilters);
  if (names.size > 3 || ![...names].every((name) => METADATA_NAME.test(name))) {
    throw invalid(
      '/settings/metadata_filters',
      'must be up to three names of 1 to 64 letters, digits and "_ . -"',
    );
  }
  return {
    ...settings,
    knownScopes: knownScopes && [...new Set(knownScopes)],
    metadataFilters: [...names],
    keyLimits: checkedLimits('/settings/key_limits', settings.keyLimits),
    ownerLimits: checkedLimits('/settings/owner_limits', settings.ownerLimits),
    workspaceLimits: checkedLimits('/settings/workspace_limits', settings.workspaceLimits),
  };
}

function within(name: string, value: number | null, least: number, most: number): void {
  if (value !== null && !(Number.isInteger(value) && value >= least && value <= most)) {
    throw invalid(`/settings/${name}`, `must be a whole number from ${least} to ${most}, or null`);
  }
}

/** A workspace in published names, as the native API and events show it. */
export function describeWorkspace(workspace: Workspace) {
  const { settings } = workspace;
  return {
    id: workspace.id,
    name: workspace.name,
    slug: workspace.slug,
    is_default: workspace.isDefault,
    settings: {
      token_prefix: settings.tokenPrefix,
      default_life_seconds: settings.defaultLifeSeconds,
      max_life_seconds: settings.maxLifeSeconds,
      max_keys: settings.maxKeys,
      max_keys_per_owner: settings.maxKeysPerOwner,
      known_scopes: settings.knownScopes,
      metadata_filters: settings.metadataFilters,
      ordinary_keys_manage: settings.ordinaryKeysManage,
      key_limits: settings.keyLimits.map(describeLimit),
      owner_limits: settings.ownerLimits.map(describeLimit),
      workspace_limits: settings.workspaceLimits.map(describeLimit),
    },
    created_by: { type: workspace.createdBy.type, id: workspace.createdBy.id },
    created_at: moment(workspace.createdAt),
    updated_at: moment(workspace.updatedAt),
    suspended_at: moment(workspace.suspendedAt),
    deleted_at: moment(workspace.deletedAt),
  } satisfies JsonObject;
}
