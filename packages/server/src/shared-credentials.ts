// Shared credentials: long texts that an operator gives to trusted services, each
// for one surface and bound to workspaces. Several are good at once, so that one can
// be replaced; each has a label, which the events of its calls carry.

import type { Workspace } from '@warder/core';

export interface SharedCredential {
  /** The surface it is for, by the name that its dialect has for it. */
  readonly surface: string;
  readonly label: string;
  readonly secret: string;
  /** Ids or slugs of the workspaces it is bound to. */
  readonly workspaces: readonly string[];
}

/** A shared credential that was presented, with the workspaces that are there. */
export interface FoundCredential {
  readonly label: string;
  readonly workspaceIds: readonly string[];
}

export interface SharedCredentials {
  /** Null for a wrong one, and where none is configured. */
  find(surface: string | null, presented: string): Promise<FoundCredential | null>;
}

/**
 * @param same compares two texts in a time that tells nothing of them
 * @param workspaceOf finds a workspace that is in use, by id or slug
 */
export function createSharedCredentials(
  configured: readonly SharedCredential[],
  same: (one: string, other: string) => boolean,
  workspaceOf: (idOrSlug: string) => Promise<Workspace | null>,
): SharedCredentials {
  return {
    async find(surface, presented) {
      // Each is compared, so that time does not tell which one was nearly right.
      const [match] = configured.filter(
        (one) => same(one.secret, presented) && one.surface === surface,
      );
      if (match === undefined) return null;
      const found = await Promise.all(match.workspaces.map(workspaceOf));
      const workspaceIds = found.flatMap((workspace) => (workspace === null ? [] : [workspace.id]));
      return { label: match.label, workspaceIds };
    },
  };
}
