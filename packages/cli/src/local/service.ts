// A service that runs, in this process or in its workers: where it listens, and how
// it ends.

/** Where it can be reached. */
export interface Listening {
  readonly url: string;
  /** Where dialects are alone, in the order they were named. */
  readonly dialects: readonly { readonly name: string; readonly url: string }[];
  readonly gatewayUrl: string | null;
  /** Where probes and figures are, without a key. */
  readonly opsUrl: string | null;
}

export interface Service {
  readonly listening: Listening;
  /** Rejects once it cannot go on; never where that is not known before. */
  readonly failed: Promise<never>;
  /** Finishes what is in flight, refuses what is new, and listens no more. */
  drain(): Promise<void>;
  /** Writes what is gathered and closes the store. */
  close(): Promise<void>;
}
