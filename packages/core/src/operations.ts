// Every use case of Warder, bound to a caller. Permission is checked inside each,
// so no way in can forget it. Each decides purely, then writes once.

import { type Caller, requirePermission } from './caller.ts';
import { eventOperations } from './operations/events.ts';
import { keyOperations } from './operations/keys.ts';
import { ownerOperations } from './operations/owners.ts';
import { workspaceOperations } from './operations/workspaces.ts';
import type { Permission } from './permission.ts';
import { type Keep, type Parts, startWork } from './work.ts';

export type Operations = ReturnType<ReturnType<typeof operations>['as']>;

export function operations(parts: Parts) {
  return {
    /** The use cases, as that caller may use them. `keep` adds to what each commits. */
    as(caller: Caller, keep: Keep = () => []) {
      const work = startWork(parts, caller, keep);
      return {
        ...keyOperations(work),
        ...workspaceOperations(work),
        ...ownerOperations(work),
        ...eventOperations(work),
        /** Asks for a permission by itself, where a kept reply is given again. */
        requirePermission: (permission: Permission) => requirePermission(caller, permission),
      };
    },
  };
}
