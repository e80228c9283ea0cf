// How many calls a second one caller may make that are no verdicts: a workspace with all
// its keys and members, or a key of the instance. Counted in this process, in one number
// for each caller, so that nobody's management traffic takes what the others need.

import { type Caller, type LimitFigure, WarderError } from '@warder/core';

/** For how many seconds' worth a caller may call at once, having been quiet for as long. */
const BURST_SECONDS = 10;
/** Callers whose number is kept; a caller that has been quiet longest is forgotten. */
const MOST_CALLERS = 10_000;

export const CALLS_PER_SECOND = 1_000;

export interface CallBudget {
  /** Counts a call. @throws WarderError `rate_limited` for one too many, which is not counted */
  take(caller: Caller): void;
}

/**
 * @param now milliseconds since 1970, for what a refusal tells
 * @param elapsed milliseconds of a clock that nobody sets
 */
export function createCallBudget(
  perSecond: number,
  now: () => number,
  elapsed: () => number = () => performance.now(),
): CallBudget {
  /** When all that a caller has called will be made up for: the generic cell rate algorithm (ITU-T I.371). */
  const evenAt = new Map<string, number>();
  const each = 1_000 / perSecond;
  const most = BURST_SECONDS * 1_000;
  return {
    take(caller) {
      const holder = holderOf(caller);
      const at = elapsed();
      const even = Math.max(evenAt.get(holder) ?? 0, at) + each;
      const late = even - at - most;
      if (late > 0) throw refusal(perSecond, Math.ceil(late / 1_000), now() + even - each - at);
      // Out and in again, so that the first is the one that has been quiet longest.
      evenAt.delete(holder);
      evenAt.set(holder, even);
      const [quietest] = evenAt.keys();
      if (evenAt.size > MOST_CALLERS && quietest !== undefined) evenAt.delete(quietest);
    },
  };
}

function holderOf({ home, identity }: Caller): string {
  return 'instance' in home ? `${identity.type} ${identity.id}` : `workspace ${home.workspaceId}`;
}

function refusal(perSecond: number, retryAfterSeconds: number, resetAt: number): WarderError {
  const figure: LimitFigure = {
    name: 'calls',
    per: 'key',
    limit: perSecond * BURST_SECONDS,
    remaining: 0,
    windowSeconds: BURST_SECONDS,
    resetAt,
  };
  const message = `More than ${perSecond} calls a second: slow down. Verifications are not counted.`;
  return new WarderError('rate_limited', message, { retryAfterSeconds, limits: [figure] });
}
