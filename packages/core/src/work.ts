// What an operation works with: its caller, that caller's reach, and the one way
// to write. A decision is made, then committed with the versions it was made on;
// a stale one is made again. What a member decides is written only while it is one.

import type { Caller } from './caller.ts';
import { type ErrorCode, WarderError } from './error.ts';
import type { Key } from './key.ts';
import type { Change, CommitRefusal, Host, LimitTaker, Reach, Storage, Verifier } from './ports.ts';

export interface Parts {
  readonly storage: Storage;
  readonly host: Host;
  readonly verifier: Verifier;
  readonly limits: LimitTaker;
  readonly defaultWorkspaceId: string;
}

/** What goes into a commit besides its own changes, made of the result: a reply kept for a retry. */
export type Keep = (result: unknown, secretOf: Key | null) => readonly Change[];

export interface Work extends Parts {
  readonly caller: Caller;
  /** The caller's own reach. */
  readonly reach: Reach;
  /**
   * Runs a decision until its changes are written.
   * @param decide reads, decides and answers the changes and the result; run again when a row was stale.
   */
  write<Result>(decide: () => Promise<Decision<Result>>): Promise<Result>;
}

export interface Decision<Result> {
  readonly changes: readonly Change[];
  readonly result: Result;
  /** The key whose secret is in the result. */
  readonly secretOf?: Key;
}

/** Which version of an object a change is meant for: `any` that is there; undefined for whatever there is. */
export interface IfVersion {
  readonly ifVersion?: number | 'any' | undefined;
}

/** @param before null where there is nothing yet, which no version names */
export function checkVersion(before: { version: number } | null, { ifVersion }: IfVersion): void {
  if (ifVersion === undefined || ifVersion === before?.version) return;
  if (ifVersion === 'any' && before !== null) return;
  throw new WarderError(
    'precondition_failed',
    'This is not at the version that If-Match names: read it again.',
  );
}

const TRIES = 100;

export function startWork(parts: Parts, caller: Caller, keep: Keep): Work {
  const { storage } = parts;
  const { home } = caller;
  const guards = guardsOf(caller);
  const reach =
    'instance' in home ? storage.everywhere(home.instance) : storage.within(home.workspaceId);
  return {
    ...parts,
    caller,
    reach,
    async write(decide) {
      for (let tries = 1; ; tries++) {
        const { changes, result, secretOf } = await decide();
        const all = [...changes, ...keep(result, secretOf ?? null)];
        const outcome = all.length === 0 ? 'done' : await reach.commit([...guards, ...all]);
        if (outcome === 'done') return result;
        if (outcome !== 'stale' || tries === TRIES) throw refusal(outcome, changes);
      }
    },
  };
}

function refusal(outcome: CommitRefusal, changes: readonly Change[]): WarderError {
  const bound = changes.find(({ type }) => type === 'at_most_keys');
  const facts = outcome === 'too_many_keys' && bound && 'most' in bound ? { most: bound.most } : {};
  const [code, message] = REFUSALS[outcome];
  return new WarderError(code, message, facts);
}

/** A member may have been removed since it signed in: nothing it asked for is written after that. */
function guardsOf({ identity, home }: Caller): readonly Change[] {
  if (identity.type !== 'member' || 'instance' in home) return [];
  return [{ type: 'member_is_there', ...home, memberId: identity.id }];
}

const REFUSALS: Readonly<Record<CommitRefusal, readonly [ErrorCode, string]>> = {
  stale: ['conflict', 'This changed too often meanwhile: try again.'],
  slug_taken: ['conflict', 'Another workspace has this slug: name one that is free.'],
  workspace_gone: ['not_found', 'There is no such workspace.'],
  owner_erased: ['conflict', 'This owner was erased: name another one.'],
  owner_has_keys: [
    'conflict',
    'This owner has keys: erase them first, or erase it with keys=erase.',
  ],
  too_many_keys: [
    'quota_exceeded',
    'The workspace or this owner has as many keys as its settings allow: revoke one first.',
  ],
  member_gone: ['forbidden', 'You are not a member of this workspace any more.'],
  last_owner: [
    'conflict',
    'This is the last owner of the workspace: make another member an owner first.',
  ],
  replied: ['conflict', 'This Idempotency-Key was used meanwhile: try again for its reply.'],
};
