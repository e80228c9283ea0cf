// A new key as it is asked for, and the plan that becomes of it: where it belongs,
// what it may, when it ends, and how its token is drawn.

import { type Caller, chosenWorkspace, requireInstance } from './caller.ts';
import { type CreditsPatch, newCredits } from './credit.ts';
import { defaultExpiry } from './delegation.ts';
import { invalid, WarderError } from './error.ts';
import { GOOD, type Key, type KeyPlan, type KeyState } from './key.ts';
import { editedGrants, type GrantsPatch, type PermissionSet } from './permission.ts';
import type { Change } from './ports.ts';
import { type KeyRights, type KeyTerms, onlyFor } from './terms.ts';
import {
  DEFAULT_PREFIX,
  type DrawnToken,
  drawToken,
  type Environment,
  type TokenFormat,
  WARDER_FORMAT,
} from './token.ts';
import type { Workspace } from './workspace.ts';

/** What a new key is asked to be. */
export type KeyDraft = {
  /** Null asks for a management key of the instance; undefined for the caller's own workspace, or the default one. */
  readonly workspaceId?: string | null | undefined;
  readonly kind?: Key['kind'] | undefined;
  readonly environment?: Environment | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly permissions?: PermissionSet | undefined;
  readonly grants?: GrantsPatch | undefined;
  /** How its token is written; Warder's own way unless given. */
  readonly format?: TokenFormat | undefined;
  readonly credits?: CreditsPatch | null | undefined;
} & { readonly [Term in keyof KeyTerms]?: KeyTerms[Term] | undefined } & {
  readonly [Fact in keyof KeyState]?: KeyState[Fact] | undefined;
};

/** @returns null for a management key of the instance */
export function homeOfNew(
  caller: Caller,
  draft: KeyDraft,
  defaultWorkspaceId: string,
): string | null {
  if (draft.workspaceId === null) {
    if (draft.kind !== 'management') {
      throw invalid(
        '/workspace_id',
        'can be null for management keys only: a standard key is of one workspace',
      );
    }
    requireInstance(caller);
    if ('instance' in caller.home && caller.home.workspaces !== undefined) {
      throw new WarderError('forbidden', 'You may make keys of your workspaces only.');
    }
    return null;
  }
  return chosenWorkspace(caller, draft.workspaceId) ?? defaultWorkspaceId;
}

/** @throws forbidden for a key that would not be there for the caller itself */
export function planKey(
  caller: Caller,
  draft: KeyDraft,
  workspace: Workspace | null,
  at: number,
): KeyPlan {
  const { kind, ownerId } = caller.bounds;
  const rights = rightsOf(caller, draft);
  if (kind !== null && rights.kind !== kind) {
    throw new WarderError('forbidden', `You may make ${kind} keys only.`);
  }
  if (ownerId !== null && (draft.ownerId ?? ownerId) !== ownerId) {
    throw new WarderError('forbidden', 'You may make keys of your own only.');
  }
  if (draft.credits) {
    checkCreditor(caller);
    if (rights.kind !== 'standard') throw onlyFor('/credits', 'standard');
  }
  return {
    terms: {
      name: draft.name ?? null,
      ownerId: draft.ownerId ?? ownerId,
      allowedCidrs: draft.allowedCidrs ?? [],
      allowSelfRevoke: draft.allowSelfRevoke ?? false,
      limits: draft.limits ?? null,
      metadata: draft.metadata ?? {},
      extension: draft.extension ?? {},
      notBefore: draft.notBefore ?? null,
      expiresAt:
        draft.expiresAt === undefined
          ? defaultExpiry(caller, workspace?.settings ?? null, rights.kind, at)
          : draft.expiresAt,
    },
    rights,
    credits: draft.credits ? newCredits(draft.credits, at) : null,
    workspaceId: workspace?.id ?? null,
    environment: draft.environment ?? 'live',
    format: (draft.format ?? WARDER_FORMAT).name,
    replaces: null,
    state: {
      enabled: draft.enabled ?? GOOD.enabled,
      softBlocked: draft.softBlocked ?? GOOD.softBlocked,
      revoked: draft.revoked ?? GOOD.revoked,
    },
  };
}

/** @throws forbidden for a caller that could give itself credits */
export function checkCreditor({ bounds }: Caller): void {
  if (bounds.ownerId === null) return;
  throw new WarderError('forbidden', 'You may not change the credits of keys of your own.');
}

function rightsOf(caller: Caller, draft: KeyDraft): KeyRights {
  if (draft.kind === 'management') {
    if (draft.scopes) throw onlyFor('/scopes', 'standard');
    if (draft.limits) throw onlyFor('/limits', 'standard');
    const grants = editedGrants(caller.grants, draft.grants);
    return { kind: 'management', permissions: draft.permissions ?? [], grants };
  }
  if (draft.permissions) throw onlyFor('/permissions', 'management');
  if (draft.grants) throw onlyFor('/grants', 'management');
  return { kind: 'standard', scopes: draft.scopes ?? [] };
}

/** What a key that takes the place of another is to be: all that the other is, but good for nothing that it was not. */
export function planReplacement(key: Key, format: TokenFormat): KeyPlan {
  const { workspaceId, environment, enabled, softBlocked } = key;
  return {
    terms: key,
    rights: key,
    credits: key.credits,
    workspaceId,
    environment,
    format: format.name,
    replaces: key.id,
    state: { enabled, softBlocked, revoked: false },
  };
}

export function drawFor(
  format: TokenFormat,
  workspace: Workspace | null,
  environment: Environment,
  random: (bytes: number) => Uint8Array,
): DrawnToken {
  return drawToken(format, workspace?.settings.tokenPrefix ?? DEFAULT_PREFIX, environment, random);
}

/** The bounds on the number of keys that a new key must leave intact. */
export function quotas(workspace: Workspace | null, key: Key): Change[] {
  const most = workspace?.settings.maxKeys ?? null;
  const whole: Change[] =
    workspace === null || most === null
      ? []
      : [{ type: 'at_most_keys', workspaceId: workspace.id, ownerId: null, most }];
  return [...whole, ...quotaOfOwner(workspace, key)];
}

export function quotaOfOwner(workspace: Workspace | null, { ownerId }: Key): Change[] {
  const most = workspace?.settings.maxKeysPerOwner ?? null;
  if (workspace === null || most === null || ownerId === null) return [];
  return [{ type: 'at_most_keys', workspaceId: workspace.id, ownerId, most }];
}
