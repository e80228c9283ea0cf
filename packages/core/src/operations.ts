// Every use case of Warder, bound to a caller. Permission is checked inside each,
// so no way in can forget it. Each decides purely, then writes once.

import { type Caller, requirePermission } from './caller.ts';
import { WarderError } from './error.ts';
import { statusOf } from './key.ts';
import { eventOperations } from './operations/events.ts';
import { keyOperations } from './operations/keys.ts';
import { limitOperations } from './operations/limits.ts';
import { memberOperations } from './operations/members.ts';
import { ownerOperations } from './operations/owners.ts';
import { presentedOperations } from './operations/presented.ts';
import { usageOperations } from './operations/usage.ts';
import { workspaceOperations } from './operations/workspaces.ts';
import type { Permission } from './permission.ts';
import { type Keep, type Parts, startWork, type Work } from './work.ts';

export type Operations = ReturnType<ReturnType<typeof operations>['as']>;

export function operations(parts: Parts) {
  return {
    /** The use cases, as that caller may use them. `keep` adds to what each commits. */
    as(caller: Caller, keep: Keep = () => []) {
      const work = startWork(parts, caller, keep);
      return {
        ...keyOperations(work),
        ...presentedOperations(work),
        ...workspaceOperations(work),
        ...ownerOperations(work),
        ...memberOperations(work),
        ...limitOperations(work),
        ...eventOperations(work),
        ...usageOperations(work),
        checkReplay: (permission: Permission | null, secretOf: string | null) =>
          checkReplay(work, permission, secretOf),
      };
    },
  };
}

/**
 * Whether a kept reply may be given again: to a caller still allowed to ask for
 * it and, where a key's secret is in it, only while that key is active.
 */
async function checkReplay(
  { caller, reach, host }: Work,
  permission: Permission | null,
  secretOf: string | null,
): Promise<void> {
  if (permission !== null) requirePermission(caller, permission);
  if (secretOf === null) return;
  const key = await reach.key(secretOf);
  if (key?.kind === 'management') requirePermission(caller, 'management_keys:write');
  if (key !== null && statusOf(key, host.now()) === 'active') return;
  throw new WarderError(
    'conflict',
    `The key that this request made is not active any more, so its text is not shown again: ${secretOf}.`,
  );
}
