// Where rate windows are counted. A store takes from all windows of a use or from
// none; one in this process answers at once, one that others share has to be waited for.

import type { Limit, LimitFigure, LimitSubject, StoredWindow, Taking } from '@warder/core';

/** A window as a use meets it. Made once for what it is of, and asked again with each use. */
export interface Window extends Limit {
  /** Whose it is and its name: the same text is the same window. */
  readonly id: string;
  readonly per: LimitSubject;
  /** Where the store found it last, for the store alone; -1 before. */
  place: number;
  /** How often that place had been given away then. */
  turn: number;
}

/** @param subject the id of whom it is for */
export function windowOf(per: LimitSubject, subject: string, limit: Limit): Window {
  return { ...limit, id: `${per} ${subject} ${limit.name}`, per, place: -1, turn: 0 };
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
