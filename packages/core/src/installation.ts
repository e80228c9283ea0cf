// The very first start, and the way back in. Both make a management key of the
// instance with the store in hand instead of a credential.

import { WarderError } from './error.ts';
import { type Act, type EventType, eventOf, type JsonObject, NO_ORIGIN } from './event.ts';
import { GOOD, issueKey, type Key, type KeyChange } from './key.ts';
import { ALL_GRANTS } from './permission.ts';
import type { Change, Host, Installation, InstanceGrant, SecretCheck, Storage } from './ports.ts';
import { DEFAULT_PREFIX, type DrawnToken, drawToken, WARDER_FORMAT } from './token.ts';
import { createWorkspace } from './workspace.ts';

const RECOVERY_SECONDS = 3600;

/** Draws a token in Warder's own format, for a first key that is written down before it is stored. */
export function drawFirstToken(host: Host): DrawnToken {
  return drawToken(WARDER_FORMAT, DEFAULT_PREFIX, 'live', host.random);
}

/**
 * Sets up an empty store: the default workspace and the first management key, or none
 * where the operator's own program is the first to manage.
 * Of several processes that do so at once, one does; all answer the same.
 */
export async function install(
  storage: Storage,
  grant: InstanceGrant,
  host: Host,
  first: DrawnToken | null,
  checks: readonly SecretCheck[],
): Promise<Installation> {
  const act = actOf('bootstrap', host);
  const { workspace, event } = createWorkspace({ name: 'Default', slug: 'default' }, act, true);
  const installation = { defaultWorkspaceId: workspace.id, createdAt: act.at, checks };
  const subject = { type: 'installation', id: 'installation', workspaceId: null } as const;
  const outcome = await storage
    .everywhere(grant)
    .commit([
      { type: 'insert_installation', installation },
      { type: 'insert_event', event: eventOf(act, 'installation.created', subject, null, null) },
      { type: 'insert_workspace', workspace },
      { type: 'insert_event', event },
      ...(first === null
        ? []
        : insertKey(instanceKey('First key', null, first, host, act), first, host)),
    ]);
  if (outcome === 'done') return installation;
  const installed = await storage.installation();
  if (installed !== null) return installed;
  throw new WarderError('internal', 'The store could not be set up.', { internal: outcome });
}

/** Makes a management key of the instance with an hour to live, and leaves an event of it. */
export async function recover(
  storage: Storage,
  grant: InstanceGrant,
  host: Host,
): Promise<{ key: Key; secret: string }> {
  const act = actOf('recover', host);
  const token = drawFirstToken(host);
  const change = instanceKey('Recovery key', act.at + RECOVERY_SECONDS * 1000, token, host, act);
  const subject = { type: 'installation', id: 'installation', workspaceId: null } as const;
  const outcome = await storage.everywhere(grant).commit([
    {
      type: 'insert_event',
      event: eventOf(act, 'installation.recovered', subject, null, { key_id: change.key.id }),
    },
    ...insertKey(change, token, host),
  ]);
  if (outcome !== 'done')
    throw new WarderError('conflict', 'The key could not be stored: try again.');
  return { key: change.key, secret: token.secret };
}

/** Leaves an event of the installation itself: what was done with the store in hand. */
export async function leaveEvent(
  storage: Storage,
  grant: InstanceGrant,
  host: Host,
  by: string,
  type: EventType,
  facts: JsonObject,
): Promise<void> {
  const subject = { type: 'installation', id: 'installation', workspaceId: null } as const;
  const event = eventOf(actOf(by, host), type, subject, null, facts);
  const outcome = await storage.everywhere(grant).commit([{ type: 'insert_event', event }]);
  if (outcome !== 'done') {
    throw new WarderError('internal', 'The event could not be stored.', { internal: outcome });
  }
}

function actOf(id: string, host: Host): Act {
  const at = host.now();
  return {
    actor: { type: 'system', id },
    origin: NO_ORIGIN,
    at,
    newId: () => host.newId(at),
  };
}

function instanceKey(
  name: string,
  expiresAt: number | null,
  token: DrawnToken,
  host: Host,
  act: Act,
): KeyChange {
  const plan = {
    terms: {
      name,
      ownerId: null,
      allowedCidrs: [],
      allowSelfRevoke: false,
      limits: null,
      metadata: {},
      extension: {},
      notBefore: null,
      expiresAt,
    },
    rights: { kind: 'management', permissions: ['*'], grants: ALL_GRANTS },
    credits: null,
    workspaceId: null,
    environment: 'live',
    format: WARDER_FORMAT.name,
    replaces: null,
    state: GOOD,
  } as const;
  return issueKey(plan, token, host.random(32), act);
}

function insertKey({ key, event }: KeyChange, token: DrawnToken, host: Host): Change[] {
  return [
    { type: 'insert_key', key, digest: host.digest(token.secret) },
    { type: 'insert_event', event },
  ];
}
