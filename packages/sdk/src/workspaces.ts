// The calls about workspaces.

import { type Listing, listing } from './page.ts';
import type { CallOptions, ChangeOptions, RetryableOptions, Send } from './request.ts';
import type {
  DeleteWorkspaceQuery,
  ListWorkspacesQuery,
  Workspace,
  WorkspaceCreate,
  WorkspacePage,
  WorkspacePatch,
} from './schema.gen.ts';

export function workspaceCalls(send: Send) {
  const act =
    (name: string) =>
    (id: string, options: ChangeOptions & RetryableOptions = {}): Promise<Workspace> =>
      send({ ...options, method: 'POST', path: ['v1', 'workspaces', id, name] });

  return {
    create: (draft: WorkspaceCreate, options: RetryableOptions = {}): Promise<Workspace> =>
      send({ ...options, method: 'POST', path: ['v1', 'workspaces'], body: draft }),

    list: (query: ListWorkspacesQuery = {}, options: CallOptions = {}): Listing<Workspace> =>
      listing(query, (page) =>
        send<WorkspacePage>({ ...options, method: 'GET', path: ['v1', 'workspaces'], query: page }),
      ),

    get: (id: string, options: CallOptions = {}): Promise<Workspace> =>
      send({ ...options, method: 'GET', path: ['v1', 'workspaces', id] }),

    /** What is absent stays, also among the settings; null clears (RFC 7396). */
    update: (id: string, patch: WorkspacePatch, options: ChangeOptions = {}): Promise<Workspace> =>
      send({ ...options, method: 'PATCH', path: ['v1', 'workspaces', id], body: patch }),

    /** Refused while it has keys that are not revoked, unless `keys: 'revoke'`. */
    delete: (
      id: string,
      query: DeleteWorkspaceQuery = {},
      options: ChangeOptions = {},
    ): Promise<Workspace> =>
      send({ ...options, method: 'DELETE', path: ['v1', 'workspaces', id], query }),

    /** All its keys answer `suspended` until it is resumed. */
    suspend: act('suspend'),
    resume: act('resume'),
  };
}
