// The use cases of usage: how often keys were verified with which verdict, and why
// one key is good or not. Neither counts as a use, and neither changes anything.

import { chosenWorkspace, requireInstance, requirePermission } from '../caller.ts';
import { notFound, WarderError } from '../error.ts';
import { type Explanation, explain } from '../explain.ts';
import { keyAt } from '../key-address.ts';
import {
  added,
  type Counts,
  filled,
  NO_COUNTS,
  type NotedRefusal,
  spanOf,
  type UsageBucket,
  type UsageRange,
  type UsageSpan,
  type UsageSubject,
} from '../usage.ts';
import type { Work } from '../work.ts';
import { readAsk, type VerifyRequest } from './presented.ts';

/** Whose usage is asked for: the narrowest that is named, where all that is named holds. */
export interface UsageQuery extends UsageRange {
  readonly workspaceId?: string | undefined;
  /** The caller's own id of an owner; of the workspace `default` where an instance key names none. */
  readonly ownerId?: string | undefined;
  /** A key's id or its handle. */
  readonly keyId?: string | undefined;
}

export interface Usage {
  readonly span: UsageSpan;
  /** Every bucket of the span, in order. */
  readonly buckets: readonly UsageBucket[];
  /** Of all of them. */
  readonly sum: Counts;
}

/** What a key is asked, and when. */
export interface ExplainRequest extends Omit<VerifyRequest, 'secret'> {
  /** Now unless given. */
  readonly at?: number | undefined;
}

export interface ExplainedKey extends Explanation {
  readonly at: number;
  /** The last refusals of the key, the newest first. */
  readonly lastRefusals: readonly NotedRefusal[];
}

export function usageOperations(work: Work) {
  const { caller, reach, host, verifier, defaultWorkspaceId } = work;
  const { bounds } = caller;

  const subjectOf = async (query: UsageQuery): Promise<UsageSubject> => {
    const workspaceId = chosenWorkspace(caller, query.workspaceId);
    const ownerId = bounds.ownerId ?? query.ownerId;
    if (query.ownerId !== undefined && query.ownerId !== ownerId) throw notFound('owner');
    if (query.keyId !== undefined) {
      const key = await keyAt(work, query.keyId);
      const elsewhere = key.workspaceId !== (query.workspaceId ?? key.workspaceId);
      if (elsewhere || key.ownerId !== (ownerId ?? key.ownerId)) throw notFound('key');
      return { type: 'key', id: key.id };
    }
    // Sums are of standard keys.
    if (bounds.kind === 'management') throw new WarderError('forbidden', 'Name a key by key_id.');
    if (ownerId !== undefined) {
      const owner = await reach.owner(workspaceId ?? defaultWorkspaceId, ownerId);
      if (owner === null) throw notFound('owner');
      return { type: 'owner', id: owner.id };
    }
    if (workspaceId === undefined) {
      requireInstance(caller);
      return { type: 'installation' };
    }
    const workspace = await reach.workspace(workspaceId);
    if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
    return { type: 'workspace', id: workspace.id };
  };

  return {
    /** What was written of usage until a moment ago. @throws invalid, not_found */
    async getUsage(query: UsageQuery): Promise<Usage> {
      requirePermission(caller, 'usage:read');
      const span = spanOf(query, host.now());
      const buckets = filled(span, await reach.usage(await subjectOf(query), span));
      const sum = buckets.reduce((all, { counts }) => added(all, counts), NO_COUNTS);
      return { span, buckets, sum };
    },

    /** The verdict that the caller's own verification would give of a key, of whatever state, with each check behind it. */
    async explainKey(
      address: string,
      { at = host.now(), ...request }: ExplainRequest = {},
    ): Promise<ExplainedKey> {
      requirePermission(caller, 'keys:read');
      const key = await keyAt(work, address);
      const { workspaceId, ownerId } = key;
      const workspace = workspaceId === null ? null : await reach.workspace(workspaceId);
      const owned = workspaceId !== null && ownerId !== null;
      const owner = owned ? await reach.owner(workspaceId, ownerId) : null;
      const candidate = { key, owner, workspace };
      const ask = readAsk(caller, request);
      const explained = explain(candidate, ask, at, await verifier.windows(candidate, ask, at));
      return { ...explained, at, lastRefusals: await reach.refusals(key.id) };
    },
  };
}
