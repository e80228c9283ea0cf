// Which of what was committed other processes are told of.

import type { Change, Heard } from '@warder/core';

/** What others have to read again after these were committed; what is new was nowhere in memory. */
export function changesToTell(changes: readonly Change[]): readonly Heard[] {
  return changes.flatMap((change): readonly Heard[] => {
    if (change.type === 'update_key') return [{ type: 'key', id: change.key.id }];
    if (change.type === 'update_owner') return [{ type: 'owner', id: change.owner.id }];
    if (change.type === 'update_workspace') return [{ type: 'workspace', id: change.workspace.id }];
    if (change.type === 'update_member') return [{ type: 'member', id: change.member.id }];
    return [];
  });
}
