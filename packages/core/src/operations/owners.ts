// The use cases of owners: look up, write, list, suspend and resume.

import { beginAct, chosenWorkspace, requirePermission } from '../caller.ts';
import { notFound } from '../error.ts';
import type { Act } from '../event.ts';
import {
  createOwner,
  editOwner,
  type Owner,
  type OwnerChange,
  type OwnerPatch,
  replaceOwner,
  resumeOwner,
  suspendOwner,
} from '../owner.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import type { Change } from '../ports.ts';
import { checkVersion, type IfVersion, type Work } from '../work.ts';

/** An owner's address: the operator's own id of it, and its workspace where an instance key calls. */
export interface OwnerAddress {
  readonly ownerId: string;
  readonly workspaceId?: string | undefined;
}

export function ownerOperations({ caller, reach, host, write, defaultWorkspaceId }: Work) {
  const workspaceOf = (address: { workspaceId?: string | undefined }) =>
    chosenWorkspace(caller, address.workspaceId) ?? defaultWorkspaceId;

  const readOwner = async (address: OwnerAddress): Promise<Owner> => {
    const owner = await reach.owner(workspaceOf(address), address.ownerId);
    if (owner === null) throw notFound('owner');
    return owner;
  };

  const changeOwner = (
    address: OwnerAddress,
    match: IfVersion,
    decide: (owner: Owner, act: Act) => OwnerChange | null,
  ): Promise<Owner> =>
    write(async () => {
      requirePermission(caller, 'owners:write');
      const before = await readOwner(address);
      checkVersion(before, match);
      return decided(before, decide(before, beginAct(caller, host)));
    });

  return {
    async getOwner(address: OwnerAddress): Promise<Owner> {
      requirePermission(caller, 'owners:read');
      return readOwner(address);
    },

    async listOwners(
      request: PageRequest & { workspaceId?: string | undefined },
    ): Promise<Page<Owner>> {
      requirePermission(caller, 'owners:read');
      const workspaceId = chosenWorkspace(caller, request.workspaceId);
      const list = JSON.stringify(['owners', workspaceId]);
      return readPage(request, list, host, (slice) => reach.owners({ workspaceId }, slice));
    },

    /** Makes the owner, or replaces all that can be written of it. */
    putOwner(
      address: OwnerAddress,
      facts: OwnerPatch,
      match: IfVersion = {},
    ): Promise<{ owner: Owner; created: boolean }> {
      return write<{ owner: Owner; created: boolean }>(async () => {
        requirePermission(caller, 'owners:write');
        const workspaceId = workspaceOf(address);
        const workspace = await reach.workspace(workspaceId);
        if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
        const before = await reach.owner(workspaceId, address.ownerId);
        const act = beginAct(caller, host);
        if (before === null) {
          checkVersion(null, match);
          const { owner, event } = createOwner(workspaceId, address.ownerId, facts, act);
          const changes: Change[] = [
            { type: 'insert_owner', owner },
            { type: 'insert_event', event },
          ];
          return { changes, result: { owner, created: true } };
        }
        checkVersion(before, match);
        const { changes, result } = decided(before, replaceOwner(before, facts, act));
        return { changes, result: { owner: result, created: false } };
      });
    },

    patchOwner: (address: OwnerAddress, patch: OwnerPatch, match: IfVersion = {}) =>
      changeOwner(address, match, (owner, act) => editOwner(owner, patch, act)),

    /** All keys of the owner answer `suspended` from now on. */
    suspendOwner: (address: OwnerAddress, match: IfVersion = {}) =>
      changeOwner(address, match, suspendOwner),

    resumeOwner: (address: OwnerAddress, match: IfVersion = {}) =>
      changeOwner(address, match, resumeOwner),
  };
}

function decided(before: Owner, change: OwnerChange | null) {
  if (change === null) return { changes: [], result: before };
  const changes: Change[] = [
    { type: 'update_owner', owner: change.owner, was: before.version },
    { type: 'insert_event', event: change.event },
  ];
  return { changes, result: change.owner };
}
