// The use case of the audit log: reading it. Writing is part of every change.

import { chosenWorkspace, requirePermission } from '../caller.ts';
import type { Event } from '../event.ts';
import { type Page, type PageRequest, readPage } from '../page.ts';
import type { Work } from '../work.ts';

export function eventOperations({ caller, reach, host }: Work) {
  return {
    /** Newest first; an instance key that names no workspace sees all events, the instance's own among them. */
    async listEvents(
      request: PageRequest & { workspaceId?: string | undefined },
    ): Promise<Page<Event>> {
      requirePermission(caller, 'events:read');
      const workspaceId = chosenWorkspace(caller, request.workspaceId);
      const list = JSON.stringify(['events', workspaceId]);
      return readPage(request, list, host, (slice) => reach.events({ workspaceId }, slice));
    },
  };
}
