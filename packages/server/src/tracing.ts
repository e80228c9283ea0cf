// What follows a request on its way, where somebody asked for that: the interpreter and
// the store tell it what happens, and telemetry.ts sends it on. Without it nothing is
// told and nothing loaded.

import type { RequestHeaders } from './dialect.ts';
import type { Metric } from './metrics.ts';

/** What is told of a request: never the path that was sent, a key, or the text of an error. */
export interface RequestFacts {
  readonly method: string;
  readonly scheme: string;
  readonly headers: RequestHeaders;
}

export interface Tracing {
  /**
   * Answers a request inside of a span of its own, whose parent `traceparent` (W3C Trace Context) names.
   * @param answer is given what to call with the route's template, once that is known
   */
  request<Answer extends { readonly status: number }>(
    facts: RequestFacts,
    answer: (onRoute: (route: string) => void) => Answer | Promise<Answer>,
  ): Answer | Promise<Answer>;
  /** A call of the store has ended, inside of a request or not. @param began as `performance.now()` tells it */
  stored(operation: string, began: number, failed: boolean): void;
  /** The id of the trace that is under way here; null for none. */
  traceId(): string | null;
}

/** Traces and figures that are sent to a collector. */
export interface Telemetry {
  readonly tracing: Tracing;
  /** Sends these figures too, as they are each time. */
  observe(metrics: readonly Metric[]): void;
  /** Sends what is left, for two seconds at the most. */
  close(): Promise<void>;
}
