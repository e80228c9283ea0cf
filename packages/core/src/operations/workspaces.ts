// The use cases of workspaces. A key of one workspace sees and edits its own;
// making, suspending, resuming and deleting them is for keys of the instance.

import { beginAct, chosenWorkspace, requireInstance, requirePermission } from '../caller.ts';
import { notFound, WarderError } from '../error.ts';
import type { Act } from '../event.ts';
import type { NameFilter } from '../filter.ts';
import { eraseKey } from '../key.ts';
import { checkedSearch } from '../order.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import type { Change } from '../ports.ts';
import { positionOf } from '../uuid.ts';
import { checkVersion, type IfVersion, type Work } from '../work.ts';
import {
  createWorkspace,
  deleteWorkspace,
  editWorkspace,
  resumeWorkspace,
  suspendWorkspace,
  type Workspace,
  type WorkspaceChange,
  type WorkspaceDraft,
  type WorkspacePatch,
} from '../workspace.ts';

const KEYS_A_STEP = 100;

export function workspaceOperations({ caller, reach, host, write }: Work) {
  /** @param address its id or its slug */
  const readWorkspace = async (address: string): Promise<Workspace> => {
    const byId = positionOf(address) >= 0;
    const workspace = await (byId ? reach.workspace(address) : reach.workspaceOfSlug(address));
    if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
    return workspace;
  };

  const changeWorkspace = (
    address: string,
    match: IfVersion,
    decide: (workspace: Workspace, act: Act) => WorkspaceChange | null,
    guard: (workspace: Workspace) => readonly Change[] = () => [],
  ): Promise<Workspace> =>
    write(async () => {
      requirePermission(caller, 'workspaces:write');
      const before = await readWorkspace(address);
      checkVersion(before, match);
      const change = decide(before, beginAct(caller, host));
      if (change === null) return { changes: [], result: before };
      return {
        changes: [...changesOf(change, before), ...guard(before)],
        result: change.workspace,
      };
    });

  return {
    /** @throws conflict when the slug is taken */
    createWorkspace(draft: WorkspaceDraft): Promise<Workspace> {
      return write(async () => {
        requirePermission(caller, 'workspaces:write');
        requireInstance(caller);
        const { workspace, event } = createWorkspace(draft, beginAct(caller, host));
        const changes: Change[] = [
          { type: 'insert_workspace', workspace },
          { type: 'insert_event', event },
        ];
        return { changes, result: workspace };
      });
    },

    /** @throws invalid for a search under three characters */
    async listWorkspaces(request: PageRequest & NameFilter): Promise<Page<Workspace>> {
      requirePermission(caller, 'workspaces:read');
      const { created, ascending = false } = request;
      const filter = { created, ascending, search: checkedSearch(request.search) };
      return readPage(request, host, {
        binding: JSON.stringify(['workspaces', chosenWorkspace(caller, undefined), filter]),
        descending: !ascending,
        read: (slice) => reach.workspaces(filter, slice),
      });
    },

    async getWorkspace(address: string): Promise<Workspace> {
      requirePermission(caller, 'workspaces:read');
      return readWorkspace(address);
    },

    updateWorkspace: (id: string, patch: WorkspacePatch, match: IfVersion = {}) =>
      changeWorkspace(id, match, (workspace, act) => editWorkspace(workspace, patch, act)),

    suspendWorkspace: (id: string, match: IfVersion = {}) =>
      changeWorkspace(id, match, (workspace, act) => {
        requireInstance(caller);
        return suspendWorkspace(workspace, act);
      }),

    resumeWorkspace: (id: string, match: IfVersion = {}) =>
      changeWorkspace(id, match, (workspace, act) => {
        requireInstance(caller);
        return resumeWorkspace(workspace, act);
      }),

    /**
     * Begins a workspace's end; `eraseRemaining` finishes it.
     * @throws conflict where it has keys that are not revoked and `revokeKeys` is not set
     */
    deleteWorkspace(
      id: string,
      { revokeKeys = false, ifVersion }: IfVersion & { revokeKeys?: boolean | undefined } = {},
    ): Promise<Workspace> {
      const guard = ({ id: workspaceId }: Workspace): readonly Change[] =>
        revokeKeys ? [] : [{ type: 'at_most_keys', workspaceId, ownerId: null, most: 0 }];
      const decide = (workspace: Workspace, act: Act) => {
        requireInstance(caller);
        return deleteWorkspace(workspace, act);
      };
      return changeWorkspace(id, { ifVersion }, decide, guard).catch((error: unknown) => {
        if (!(error instanceof WarderError && error.code === 'quota_exceeded')) throw error;
        throw new WarderError(
          'conflict',
          'This workspace has keys: revoke them first, or delete it with keys=revoke.',
        );
      });
    },

    /** One step of erasing the keys of deleted workspaces: answers how many, 0 when none is left. */
    eraseRemaining(): Promise<number> {
      return write(async () => {
        requirePermission(caller, 'workspaces:write');
        requireInstance(caller);
        const keys = await reach.keysToErase(KEYS_A_STEP);
        // After the read: none of them came later than the act that ends it.
        const act = beginAct(caller, host);
        const changes = keys.flatMap((before): Change[] => {
          const { key, event } = eraseKey(before, act);
          return [
            { type: 'update_key', key, was: before.version },
            { type: 'insert_event', event },
          ];
        });
        return { changes, result: keys.length };
      });
    },
  };
}

function changesOf({ workspace, event }: WorkspaceChange, before: Workspace): Change[] {
  return [
    { type: 'update_workspace', workspace, was: before.version },
    { type: 'insert_event', event },
  ];
}
