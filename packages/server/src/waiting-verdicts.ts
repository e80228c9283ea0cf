// Verdicts that wait for windows which are counted elsewhere. What changes meanwhile
// marks those it bears on: they are given anew, so that nobody is told "valid" of a key
// after somebody else was told that it is revoked.

import type { Candidate, Heard } from '@warder/core';

interface Waiting {
  readonly candidate: Candidate;
  outdated: boolean;
}

export function createWaitingVerdicts() {
  const all = new Set<Waiting>();
  return {
    /** What was waited for, and whether anything it was asked for has changed since. */
    async follow<Value>(candidate: Candidate, asked: Promise<Value>) {
      const waiting: Waiting = { candidate, outdated: false };
      all.add(waiting);
      try {
        const value = await asked;
        return { value, outdated: waiting.outdated };
      } finally {
        all.delete(waiting);
      }
    },
    outdate(change: Heard): void {
      for (const waiting of all) {
        if (bearsOn(change, waiting.candidate)) waiting.outdated = true;
      }
    },
  };
}

function bearsOn(change: Heard, { key, owner, workspace }: Candidate): boolean {
  if (change.type === 'everything') return true;
  const ids = { key: key.id, owner: owner?.id, workspace: workspace?.id, member: undefined };
  return ids[change.type] === change.id;
}
