// A store that says what each commit changed, before it is answered: whoever keeps a
// copy forgets it, so that what a caller was told of is what every later verification sees.

import type { Change, Reach, Storage } from '@warder/core';

export function afterCommits(storage: Storage, run: (changes: readonly Change[]) => void): Storage {
  const around = (reach: Reach): Reach => ({
    ...reach,
    async commit(changes) {
      // Also after a failure: it may have come when all was written.
      try {
        return await reach.commit(changes);
      } finally {
        run(changes);
      }
    },
  });
  return {
    ...storage,
    within: (workspaceId) => around(storage.within(workspaceId)),
    everywhere: (grant) => around(storage.everywhere(grant)),
  };
}
