// A store whose commits are forgotten by whoever keeps a copy, before they are
// answered: what a caller was told of is what every later verification sees.

import type { Change, Reach, Storage } from '@warder/core';

export function forgetting(
  storage: Storage,
  forget: (changes: readonly Change[]) => void,
): Storage {
  const around = (reach: Reach): Reach => ({
    ...reach,
    async commit(changes) {
      // Also after a failure: it may have come when all was written.
      try {
        return await reach.commit(changes);
      } finally {
        forget(changes);
      }
    },
  });
  return {
    ...storage,
    within: (workspaceId) => around(storage.within(workspaceId)),
    everywhere: (grant) => around(storage.everywhere(grant)),
  };
}
