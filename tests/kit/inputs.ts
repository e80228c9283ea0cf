// A valid input for every call of the document, with whatever has to stand there
// first: each must succeed for a caller who may make it.

import { type Permission, PRESETS } from '@warder/core';
import type { Service } from './service.ts';

export interface Input {
  readonly path: string;
  readonly body?: unknown;
}

/** Makes what the call needs in that workspace, with the first key, and answers the call's input. */
type Prepare = (service: Service, workspaceId: string) => Promise<Input>;

let made = 0;

const keyIn = (service: Service, workspaceId: string, more: object = {}) =>
  service.createKey({ workspace_id: workspaceId, owner_id: 'customer', name: 'A key', ...more });

const ofKey =
  (tail: string, body?: unknown): Prepare =>
  async (service, workspaceId) => {
    const { id } = await keyIn(service, workspaceId);
    return { path: `/v1/keys/${id}${tail}`, body };
  };

const ofNewWorkspace =
  (tail: string, body?: unknown): Prepare =>
  async (service) => ({
    path: `/v1/workspaces/${(await service.createWorkspace()).id}${tail}`,
    body,
  });

const ofOwner =
  (tail: string, body?: unknown): Prepare =>
  async (service, workspaceId) => {
    const name = `owner ${++made}`;
    await keyIn(service, workspaceId, { owner_id: name });
    const path = `/v1/owners/${encodeURIComponent(name)}${tail}?workspace_id=${workspaceId}`;
    return { path, body };
  };

const ofMember =
  (tail: string, body?: unknown): Prepare =>
  async (service, workspaceId) => {
    const draft = { ...newMember(), workspace_id: workspaceId };
    const { id } = await service.expectCall(201, 'POST', '/v1/members', { body: draft });
    return { path: `/v1/members/${id}${tail}`, body };
  };

const newMember = () => ({
  issuer: 'https://issuer.example',
  subject: `user ${++made}`,
  role: 'viewer',
});

const alone =
  (path: string, body?: unknown): Prepare =>
  async () => ({ path, body });

// Whoever makes, changes or removes a viewer holds what a viewer has.
const VIEWER = PRESETS.viewer as readonly Permission[];

/** What some calls ask for besides their own permission, by operationId. */
export const ALSO_NEEDS: Readonly<Record<string, readonly Permission[]>> = {
  addMember: VIEWER,
  updateMember: VIEWER,
  removeMember: VIEWER,
};

/** By operationId. The contract test fails when the document has a call that is not here. */
export const INPUTS: Readonly<Record<string, Prepare>> = {
  takeLimit: async (_, workspace_id) => ({
    path: '/v1/limits/calls/take',
    body: { identifier: 'ip:192.0.2.1', limit: 10, window_seconds: 60, workspace_id },
  }),
  createKey: async (_, workspaceId) => ({
    path: '/v1/keys',
    body: {
      workspace_id: workspaceId,
      name: 'Ключ 🔑',
      owner_id: 'customer',
      scopes: ['files:read'],
      metadata: { plan: 'gold' },
      allowed_cidrs: ['192.0.2.0/24'],
      expires_at: '2030-01-01T00:00:00+01:00',
      credits: { remaining: 10, refill: { amount: 1_000, interval: 'month' } },
    },
  }),
  listKeys: async (_, workspaceId) => ({
    path: `/v1/keys?workspace_id=${workspaceId}&limit=2&include=total`,
  }),
  verifyKey: async (service, workspaceId) => {
    const { key } = await keyIn(service, workspaceId);
    return { path: '/v1/keys/verify', body: { key, include: ['metadata'] } };
  },
  verifyKeys: async (service, workspaceId) => {
    const { key } = await keyIn(service, workspaceId);
    return { path: '/v1/keys/verify-batch', body: { keys: [{ key, scopes: [] }, { key: 'x' }] } };
  },
  getKey: ofKey(''),
  updateKey: ofKey('', { name: 'Another name', metadata: { plan: null } }),
  deleteKey: ofKey(''),
  revokeKey: ofKey('/revoke', { reason: 'Leaked' }),
  disableKey: ofKey('/disable'),
  enableKey: async (service, workspaceId) => {
    const { id } = await keyIn(service, workspaceId);
    await service.expectCall(200, 'POST', `/v1/keys/${id}/disable`);
    return { path: `/v1/keys/${id}/enable` };
  },
  creditKey: async (service, workspaceId) => {
    const { id } = await keyIn(service, workspaceId, { credits: { remaining: 5 } });
    return { path: `/v1/keys/${id}/credits`, body: { add: 10 } };
  },
  whoami: alone('/v1/whoami'),
  createWorkspace: async () => ({
    path: '/v1/workspaces',
    body: { name: 'Acme', slug: `acme-${++made}`, settings: { max_keys: 10 } },
  }),
  listWorkspaces: alone('/v1/workspaces'),
  getWorkspace: ofNewWorkspace(''),
  updateWorkspace: ofNewWorkspace('', { settings: { token_prefix: 'acme' } }),
  deleteWorkspace: ofNewWorkspace('?keys=revoke'),
  suspendWorkspace: ofNewWorkspace('/suspend'),
  resumeWorkspace: async (service) => {
    const { id } = await service.createWorkspace();
    await service.expectCall(200, 'POST', `/v1/workspaces/${id}/suspend`);
    return { path: `/v1/workspaces/${id}/resume` };
  },
  listOwners: async (_, workspaceId) => ({ path: `/v1/owners?workspace_id=${workspaceId}` }),
  getOwner: ofOwner(''),
  putOwner: async (_, workspaceId) => ({
    path: `/v1/owners/new%2F${++made}`,
    body: { name: 'Ann', type: 'user', workspace_id: workspaceId },
  }),
  updateOwner: ofOwner('', { name: 'Ann' }),
  creditOwner: async (service, workspaceId) => {
    const { path } = await ofOwner('')(service, workspaceId);
    await service.expectCall(200, 'PATCH', path, { body: { credits: { remaining: 5 } } });
    return { path: path.replace('?', '/credits?'), body: { set: 10 } };
  },
  suspendOwner: ofOwner('/suspend'),
  resumeOwner: async (service, workspaceId) => {
    const { path } = await ofOwner('/suspend')(service, workspaceId);
    await service.expectCall(200, 'POST', path);
    return { path: path.replace('/suspend', '/resume') };
  },
  eraseOwner: async (service, workspaceId) => {
    const path = `/v1/owners/${encodeURIComponent(`owner ${++made}`)}`;
    await service.call('PUT', path, { body: { workspace_id: workspaceId } });
    return { path: `${path}/erase?workspace_id=${workspaceId}` };
  },
  addMember: async (_, workspaceId) => ({
    path: '/v1/members',
    body: { ...newMember(), name: 'Änne', workspace_id: workspaceId },
  }),
  listMembers: async (_, workspaceId) => ({
    path: `/v1/members?workspace_id=${workspaceId}&role=viewer&limit=2`,
  }),
  getMember: ofMember(''),
  updateMember: ofMember('', { name: 'Ann' }),
  removeMember: ofMember(''),
  exportEvents: async (_, workspaceId) => ({
    path: `/v1/events/export?type=key.created&workspace_id=${workspaceId}`,
  }),
  listEvents: async (_, workspaceId) => ({
    path: `/v1/events?limit=3&workspace_id=${workspaceId}`,
  }),
  getUsage: async (_, workspaceId) => ({
    path: `/v1/usage?workspace_id=${workspaceId}&step=hour&from=2026-11-20T09:00:00Z`,
  }),
  getKeyUsage: ofKey('/usage?step=month'),
  explainKey: ofKey('/explain', { at: '2027-01-01T00:00:00Z', ip: '2001:db8::1', scopes: ['a'] }),
  live: alone('/livez'),
  ready: alone('/readyz'),
  metrics: alone('/metrics'),
  openapi: alone('/openapi.json'),
  reference: alone('/reference'),
};
