// The one read without a tenant: which key has this secret. Only the verifier
// and the engines may import it; everything else asks through a reach.

import type { Candidate, Digest } from '@warder/core';

export interface Lookup {
  /**
   * The key stored under one of these digests, with its owner and workspace, in one read.
   * Revoked and deleted keys are found, tombstones too; null where no key ever had the secret.
   * @throws unavailable
   */
  find(digests: readonly Digest[]): Promise<Candidate | null>;
}
