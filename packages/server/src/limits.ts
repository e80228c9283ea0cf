// Where rate windows are counted. A store takes from all windows of a use or from
// none; one in this process answers at once, one that others share has to be waited for.

import {
  type IdentifierWindow,
  type Limit,
  type LimitFigure,
  type LimitSubject,
  type LimitTaker,
  limitAt,
  type StoredWindow,
  type Taking,
  type WindowsTaken,
  waitFor,
} from '@warder/core';

/** A window as a use meets it. Made once for what it is of, and asked again with each use. */
export interface Window extends Limit {
  /** Whose it is and its name: the same text is the same window. */
  readonly id: string;
  readonly per: LimitSubject;
  /** All windows of one use are of the same workspace; empty where there is none. */
  readonly workspaceId: string;
  /** Where the store found it last, for the store alone; -1 before. */
  place: number;
  /** How often that place had been given away then. */
  turn: number;
}

/** @param subject the id of whom it is for */
export function windowOf(
  per: LimitSubject,
  subject: string,
  limit: Limit,
  workspaceId = '',
): Window {
  const id = `${per} ${subject} ${limit.name}`;
  return { ...limit, id, per, workspaceId, place: -1, turn: 0 };
}

/** @param digest what an identifier is known by: nothing that anybody else could make of it */
export function windowOfIdentifier(
  { workspaceId, identifier, limit }: IdentifierWindow,
  digest: (text: string) => string,
): Window {
  const subject = `${workspaceId} ${digest(`${limit.windowSeconds} ${identifier}`)}`;
  return windowOf('identifier', subject, limit, workspaceId);
}

/** Whose a window is, by its id. */
export function subjectOf(id: string): string {
  return id.slice(0, id.indexOf(' '));
}

/** What a use asks of its windows. */
export interface WindowUse {
  readonly cost: number;
  /** Whether it is charged, or only judged. */
  readonly spend: boolean;
}

export interface LimitStore {
  /** Charges all of the windows or none; null where that has to be waited for, and nothing is charged then. */
  takeNow(windows: readonly Window[], use: WindowUse, now: number): Taking | null;
  /** The same, waiting for it. @throws unavailable where windows cannot be counted now */
  take(windows: readonly Window[], use: WindowUse, now: number): Promise<Taking>;
  /**
   * Takes back what a use was charged, whose figures these are, from those of the windows that are
   * still the same.
   */
  giveBack(windows: readonly Window[], figures: readonly LimitFigure[], cost: number): void;
}

/** What a service counts by. */
export interface Limits extends LimitStore {
  /** For whatever is no key. */
  readonly taker: LimitTaker;
  /** Writes what changed. What could not be written is written later. */
  flush(): Promise<void>;
  /** Milliseconds for which what counts has not answered, and others count in its place; null while it answers. */
  away(): number | null;
  /** Writes the rest, and lets go of what was opened for it. */
  close(): Promise<void>;
}

/** A store that several processes take from. */
export interface SharedLimitStore extends LimitStore {
  /** What the log calls it. */
  readonly name: string;
  /** What a use costs, for the log; nothing worth saying unless given. */
  readonly price?: string;
  close(): Promise<void>;
}

/** What a use is told of windows that were counted elsewhere. */
export function takingOf(windows: readonly Window[], cost: number, taken: WindowsTaken): Taking {
  const { admitted, now } = taken;
  const figures = windows.map((window, i): LimitFigure => {
    const { name, per, windowSeconds } = window;
    const { startedAt, taken: count } = taken.windows[i] ?? { startedAt: now, taken: 0 };
    const limit = limitAt(window, now);
    const remaining = Math.max(0, limit - count);
    return {
      name,
      per,
      limit,
      remaining,
      windowSeconds,
      resetAt: startedAt + windowSeconds * 1000,
    };
  });
  const retryAfterSeconds = admitted ? 0 : retryAfter(windows, figures, cost, now);
  return { admitted, figures, retryAfterSeconds };
}

/** Seconds until every window that refused a use may admit it. */
export function retryAfter(
  windows: readonly Window[],
  figures: readonly LimitFigure[],
  cost: number,
  now: number,
): number {
  const waits = figures.map((figure, i) => {
    const window = windows[i];
    const refused = window !== undefined && cost > figure.remaining;
    return refused ? waitFor(window, figure, now) : 0;
  });
  return Math.max(...waits);
}

/** When the window of a figure began. */
export function beganAt({ resetAt, windowSeconds }: LimitFigure): number {
  return resetAt - windowSeconds * 1000;
}

/** A store whose windows live in this process, with what is needed for them to outlive it. */
export interface LimitMemory extends LimitStore {
  /** Up to `most` of the windows longer than a minute that changed since they were last told. */
  changed(most: number, now: number): readonly StoredWindow[];
  /** Has windows told again that could not be written. */
  again(windows: readonly StoredWindow[]): void;
  /** Puts windows in that an earlier process counted. */
  restore(windows: readonly StoredWindow[], now: number): void;
  /** How many windows there is room for now. */
  readonly size: number;
}
