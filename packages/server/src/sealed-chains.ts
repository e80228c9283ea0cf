// The chains of events as they stand in a store, for who checks them.

import type { Chain, SealedEvidence, SecretCheck } from '@warder/core';

export interface SealedChains {
  readonly checks: readonly SecretCheck[];
  /** Also a chain whose row is gone, with a head of 0. */
  readonly chains: readonly Chain[];
  /** Ids of owners that a sealed event says were erased. */
  readonly erasedOwners: ReadonlySet<string>;
  readonly unsealed: number;
  /** The events of a chain, the least number first. */
  of(chain: string): Iterable<SealedEvidence> | AsyncIterable<SealedEvidence>;
}
