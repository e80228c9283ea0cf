// How a rate window stands once it was charged or asked: what is told of it in a
// verdict, in headers and beside an error.

import { moment } from './event.ts';

/** Whose uses count together in a window. */
export type LimitSubject = 'key' | 'owner' | 'workspace' | 'identifier';

/** How a window stands after a decision. */
export interface LimitFigure {
  readonly name: string;
  readonly per: LimitSubject;
  /** What is in force at that moment, an override included. */
  readonly limit: number;
  readonly remaining: number;
  readonly windowSeconds: number;
  /** When all of it is there again; a whole window from now where none has begun. */
  readonly resetAt: number;
}

/** What became of a use: charged to all of its windows, or to none. */
export interface Taking {
  readonly admitted: boolean;
  /** One for each window, in the order they were asked. */
  readonly figures: readonly LimitFigure[];
  /** After which a use that was refused may be admitted; 0 for one that was not. */
  readonly retryAfterSeconds: number;
}

/** A figure in published names. */
export function describeFigure(figure: LimitFigure) {
  return {
    name: figure.name,
    per: figure.per,
    limit: figure.limit,
    remaining: figure.remaining,
    window_seconds: figure.windowSeconds,
    reset_at: moment(figure.resetAt),
  };
}
