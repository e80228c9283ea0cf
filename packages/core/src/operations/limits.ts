// The use case of limits without a key: whatever has an identifier takes from a
// window that the call itself describes.

import { chosenWorkspace, requirePermission } from '../caller.ts';
import { invalid, notFound } from '../error.ts';
import { checkedCost, givenLimit } from '../limit.ts';
import type { Taking } from '../limit-figure.ts';
import type { Work } from '../work.ts';

/** What is taken, by whom. Another identifier, length or workspace is another window. */
export interface TakeRequest {
  readonly name: string;
  /** Whom the window is for: an address, a user, anything; 1..255 code points, stored as a digest only. */
  readonly identifier: string;
  readonly limit: number;
  readonly windowSeconds: number;
  /** 1 unless given. */
  readonly cost?: number | undefined;
  /** False to be told without taking anything. */
  readonly spend?: boolean | undefined;
  readonly workspaceId?: string | undefined;
}

const MAX_IDENTIFIER_LENGTH = 255;

export function limitOperations({ caller, reach, limits, defaultWorkspaceId }: Work) {
  return {
    /** Takes all of the cost or nothing. @throws invalid, not_found (the workspace), unavailable */
    async takeLimit(request: TakeRequest): Promise<Taking> {
      requirePermission(caller, 'limits:take');
      const { name, identifier, windowSeconds, cost = 1, spend = true } = request;
      const limit = givenLimit(name, request.limit, windowSeconds);
      const length = [...identifier].length;
      if (length < 1 || length > MAX_IDENTIFIER_LENGTH) {
        throw invalid('/identifier', `must have 1 to ${MAX_IDENTIFIER_LENGTH} characters`);
      }
      const use = { cost: checkedCost(cost), spend };
      const workspaceId = chosenWorkspace(caller, request.workspaceId) ?? defaultWorkspaceId;
      if ('instance' in caller.home && workspaceId !== defaultWorkspaceId) {
        const workspace = await reach.workspace(workspaceId);
        if (workspace === null || workspace.deletedAt !== null) throw notFound('workspace');
      }
      return limits.take({ workspaceId, identifier, limit }, use);
    },
  };
}
