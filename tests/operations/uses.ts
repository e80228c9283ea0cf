// Each operation as somebody uses it on the things of one workspace, with the permissions that it needs.

import { type Operations, type Permission, PRESETS, WARDER_FORMAT } from '@warder/core';
import type { Service } from '../fixtures/service.ts';

/** What there is to be reached in one workspace. */
export interface Target {
  workspaceId: string;
  keyId: string;
  secret: string;
  managementId: string;
  ownerId: string;
  /** Its own id. */
  owner: string;
  memberId: string;
}

export async function makeTarget(service: Service): Promise<Target> {
  const { id: workspaceId } = await service.workspace();
  const ownerId = 'customer';
  await service.owner.putOwner({ workspaceId, ownerId }, { credits: { remaining: 9 } });
  const credits = { remaining: 9 };
  const { key, secret } = await service.create({ workspaceId, ownerId, scopes: ['a'], credits });
  const management = await service.create({
    kind: 'management',
    workspaceId,
    permissions: ['keys:read'],
  });
  const { id: owner } = await service.owner.getOwner({ workspaceId, ownerId });
  const member = await service.owner.addMember({
    workspaceId,
    issuer: 'https://issuer.example',
    subject: key.id,
    role: 'viewer',
  });
  const ids = { keyId: key.id, managementId: management.key.id, ownerId, memberId: member.id };
  return { workspaceId, secret, owner, ...ids };
}

export interface Use {
  needs: readonly Permission[];
  /** Whether only a key of the instance may do it. */
  instance?: true;
  /** How it names the workspace: by an id of something in it, by `workspaceId`, or not at all. */
  by: 'id' | 'workspaceId' | 'none';
  run(ops: Operations, target: Target): Promise<unknown>;
}

const onKey = (run: (ops: Operations, id: string) => Promise<unknown>): Use => ({
  needs: ['keys:write'],
  by: 'id',
  run: (ops, { keyId }) => run(ops, keyId),
});
const onManagementKey = (run: (ops: Operations, id: string) => Promise<unknown>): Use => ({
  needs: ['keys:write', 'management_keys:write'],
  by: 'id',
  run: (ops, { managementId }) => run(ops, managementId),
});

// Whoever makes, changes or removes a viewer holds what a viewer has.
const overViewer = ['members:write', ...PRESETS.viewer] as readonly Permission[];

// Total: an operation that is not here does not compile.
export const OPERATIONS: Record<keyof Operations, Use> = {
  createKey: {
    needs: ['keys:write'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.createKey({ workspaceId }),
  },
  listKeys: {
    needs: ['keys:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listKeys({ workspaceId }),
  },
  getKey: { needs: ['keys:read'], by: 'id', run: (ops, { keyId }) => ops.getKey(keyId) },
  updateKey: onKey((ops, id) => ops.updateKey(id, { name: 'x' })),
  creditKey: onKey((ops, id) => ops.creditKey(id, { add: 1 })),
  disableKey: onKey((ops, id) => ops.disableKey(id)),
  enableKey: onKey((ops, id) => ops.enableKey(id)),
  revokeKey: onKey((ops, id) => ops.revokeKey(id)),
  deleteKey: onKey((ops, id) => ops.deleteKey(id)),
  eraseKey: onKey((ops, id) => ops.eraseKey(id)),
  verifyKey: {
    needs: ['keys:verify'],
    by: 'workspaceId',
    run: (ops, { workspaceId, secret }) => ops.verifyKey({ workspaceId, secret }),
  },
  takeLimit: {
    needs: ['limits:take'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => {
      const window = { limit: 10, windowSeconds: 60, workspaceId };
      return ops.takeLimit({ name: 'calls', identifier: 'somebody', ...window });
    },
  },
  replaceKey: onKey((ops, id) => ops.replaceKey(id, WARDER_FORMAT)),
  verifyKeys: {
    needs: ['keys:verify'],
    by: 'workspaceId',
    run: (ops, { workspaceId, secret }) => ops.verifyKeys([{ workspaceId, secret }]),
  },
  whoami: { needs: [], by: 'none', run: (ops) => ops.whoami() },
  revokeSelf: { needs: [], by: 'none', run: (ops) => ops.revokeSelf() },
  reportLeak: {
    needs: [],
    by: 'none',
    run: (ops) => ops.reportLeak({ secret: 'x', facts: {}, revoke: true }),
  },
  createWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'none',
    run: (ops, { keyId }) => ops.createWorkspace({ name: `Of ${keyId.slice(-12)}` }),
  },
  listWorkspaces: { needs: ['workspaces:read'], by: 'none', run: (ops) => ops.listWorkspaces({}) },
  getWorkspace: {
    needs: ['workspaces:read'],
    by: 'id',
    run: (ops, { workspaceId }) => ops.getWorkspace(workspaceId),
  },
  updateWorkspace: {
    needs: ['workspaces:write'],
    by: 'id',
    run: (ops, { workspaceId }) => ops.updateWorkspace(workspaceId, { name: 'x' }),
  },
  suspendWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'id',
    run: (ops, { workspaceId }) => ops.suspendWorkspace(workspaceId),
  },
  resumeWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'id',
    run: (ops, { workspaceId }) => ops.resumeWorkspace(workspaceId),
  },
  deleteWorkspace: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'id',
    run: (ops, { workspaceId }) => ops.deleteWorkspace(workspaceId, { revokeKeys: true }),
  },
  eraseRemaining: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'none',
    run: (ops) => ops.eraseRemaining(),
  },
  getOwner: {
    needs: ['owners:read'],
    by: 'workspaceId',
    run: (ops, target) => ops.getOwner(target),
  },
  getOwnerById: {
    needs: ['owners:read'],
    by: 'id',
    run: (ops, { owner }) => ops.getOwnerById(owner),
  },
  ensureOwner: {
    needs: ['owners:write', 'owners:read'],
    by: 'workspaceId',
    run: (ops, target) => ops.ensureOwner(target, { name: 'z' }),
  },
  listOwners: {
    needs: ['owners:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listOwners({ workspaceId }),
  },
  putOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.putOwner(target, { name: 'x' }),
  },
  patchOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.patchOwner(target, { name: 'y' }),
  },
  creditOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.creditOwner(target, { add: 1 }),
  },
  suspendOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.suspendOwner(target),
  },
  resumeOwner: {
    needs: ['owners:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.resumeOwner(target),
  },
  eraseOwner: {
    needs: ['owners:write', 'keys:write'],
    by: 'workspaceId',
    run: (ops, target) => ops.eraseOwner(target, { keys: true }),
  },
  eraseOwnersFurther: {
    needs: ['owners:write'],
    instance: true,
    by: 'none',
    run: (ops) => ops.eraseOwnersFurther(),
  },
  addMember: {
    needs: overViewer,
    by: 'workspaceId',
    run: (ops, { workspaceId }) =>
      ops.addMember({ workspaceId, issuer: 'i', subject: 'newcomer', role: 'viewer' }),
  },
  listMembers: {
    needs: ['members:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listMembers({ workspaceId }),
  },
  getMember: {
    needs: ['members:read'],
    by: 'id',
    run: (ops, { memberId }) => ops.getMember(memberId),
  },
  updateMember: {
    needs: overViewer,
    by: 'id',
    run: (ops, { memberId }) => ops.updateMember(memberId, { name: 'x' }),
  },
  removeMember: {
    needs: overViewer,
    by: 'id',
    run: (ops, { memberId }) => ops.removeMember(memberId),
  },
  listEvents: {
    needs: ['events:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.listEvents({ workspaceId }),
  },
  exportEvents: {
    needs: ['events:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.exportEvents({ workspaceId }),
  },
  sealEvents: {
    needs: ['events:read'],
    instance: true,
    by: 'none',
    run: (ops) => ops.sealEvents(),
  },
  logEvents: {
    needs: ['events:read'],
    instance: true,
    by: 'none',
    run: (ops) => ops.logEvents(async () => true),
  },
  pruneEvents: {
    needs: ['workspaces:write'],
    instance: true,
    by: 'none',
    run: (ops) => ops.pruneEvents(0),
  },
  getUsage: {
    needs: ['usage:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) => ops.getUsage({ workspaceId }),
  },
  explainKey: { needs: ['keys:read'], by: 'id', run: (ops, { keyId }) => ops.explainKey(keyId) },
  checkReplay: {
    needs: ['owners:write'],
    by: 'none',
    run: (ops) => ops.checkReplay('owners:write', null),
  },
};

export const MANAGEMENT: Record<string, Use> = {
  'getUsage of a key': {
    needs: ['usage:read'],
    by: 'id',
    run: (ops, { keyId }) => ops.getUsage({ keyId }),
  },
  'getUsage of an owner': {
    needs: ['usage:read'],
    by: 'workspaceId',
    run: (ops, { workspaceId, ownerId }) => ops.getUsage({ workspaceId, ownerId }),
  },
  'createKey of a management key': {
    needs: ['keys:write', 'management_keys:write'],
    by: 'workspaceId',
    run: (ops, { workspaceId }) =>
      ops.createKey({ kind: 'management', workspaceId, permissions: ['keys:write'] }),
  },
  'updateKey of a management key': {
    // An edit hands it out anew, so the caller needs what it holds as well.
    needs: ['keys:write', 'management_keys:write', 'keys:read'],
    by: 'id',
    run: (ops, { managementId }) => ops.updateKey(managementId, { name: 'x' }),
  },
  'disableKey of a management key': onManagementKey((ops, id) => ops.disableKey(id)),
  'revokeKey of a management key': onManagementKey((ops, id) => ops.revokeKey(id)),
  'deleteKey of a management key': onManagementKey((ops, id) => ops.deleteKey(id)),
  'eraseKey of a management key': onManagementKey((ops, id) => ops.eraseKey(id)),
};
