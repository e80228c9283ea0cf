// Rate windows in this process: when each began and what was taken, in a few typed
// arrays. A window that is asked again is found by one look at its place; those that
// ended leave room for others, so that there are never many more than are in use.

import {
  admits,
  isOpen,
  type LimitFigure,
  limitAt,
  type StoredWindow,
  type Taking,
  waitFor,
} from '@warder/core';
import { type LimitMemory, subjectOf, type Window, type WindowUse } from '../limits.ts';

const SMALLEST = 1024;
/** Beyond this, windows of identifiers that are in use make room for others. */
const MOST_WINDOWS = 1_000_000;
/** Places that are looked at for a window that ended, each time one is needed. */
const LOOKS = 4;
const MOST_LOOKS = 256;
/** Windows up to this length are forgotten with the process. */
const SHORT_SECONDS = 60;

/** @param most windows that are kept at once, as far as identifiers come in the way */
export function createLimitMemory(most: number = MOST_WINDOWS): LimitMemory {
  let startedAt = new Float64Array(SMALLEST);
  let seconds = new Uint32Array(SMALLEST);
  let taken = new Uint32Array(SMALLEST);
  /** 1 for a window that stands in `unwritten`. */
  let marked = new Uint8Array(SMALLEST);
  const ids: (string | undefined)[] = [];
  const dispensable: boolean[] = [];
  const places = new Map<string, number>();
  const free: number[] = [];
  let unwritten: number[] = [];
  let told = 0;
  let hand = 0;

  const startOf = (place: number) => startedAt[place] ?? 0;
  const lengthOf = (place: number) => seconds[place] ?? 0;
  const countOf = (place: number) => taken[place] ?? 0;

  const placeOf = (window: Window): number => {
    const { place, id } = window;
    if (place >= 0 && ids[place] === id) return place;
    window.place = places.get(id) ?? -1;
    return window.place;
  };

  const isCounting = (place: number, length: number, now: number) =>
    place >= 0 && countOf(place) > 0 && isOpen(startOf(place), length, now);

  const release = (place: number) => {
    const id = ids[place];
    if (id !== undefined) places.delete(id);
    ids[place] = undefined;
    taken[place] = 0;
    free.push(place);
  };

  /** Looks a few places further for windows that ended. */
  const sweep = (now: number) => {
    const full = places.size >= most;
    for (let looks = 0; looks < (full ? MOST_LOOKS : LOOKS) && ids.length > 0; looks++) {
      hand = (hand + 1) % ids.length;
      if (ids[hand] !== undefined && !isCounting(hand, lengthOf(hand), now)) release(hand);
    }
    if (places.size < most) return;
    // All of them are in use: the first that nobody configured goes.
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      hand = (hand + 1) % ids.length;
      if (ids[hand] !== undefined && dispensable[hand]) return release(hand);
    }
  };

  const grow = () => {
    const size = startedAt.length * 2;
    const longer = <Values extends { set(from: Values): void }>(to: Values, from: Values) => {
      to.set(from);
      return to;
    };
    startedAt = longer(new Float64Array(size), startedAt);
    seconds = longer(new Uint32Array(size), seconds);
    taken = longer(new Uint32Array(size), taken);
    marked = longer(new Uint8Array(size), marked);
  };

  const place = (id: string, isDispensable: boolean, now: number): number => {
    sweep(now);
    const at = free.pop() ?? ids.length;
    if (at === startedAt.length) grow();
    ids[at] = id;
    dispensable[at] = isDispensable;
    taken[at] = 0;
    places.set(id, at);
    return at;
  };

  const mark = (at: number) => {
    if (lengthOf(at) <= SHORT_SECONDS || marked[at] === 1) return;
    marked[at] = 1;
    unwritten.push(at);
  };

  const charge = (window: Window, cost: number, now: number) => {
    let at = placeOf(window);
    const { windowSeconds } = window.limit;
    if (at < 0) at = place(window.id, window.per === 'identifier', now);
    window.place = at;
    if (!isCounting(at, windowSeconds, now)) {
      startedAt[at] = now;
      taken[at] = 0;
    }
    seconds[at] = windowSeconds;
    taken[at] = countOf(at) + cost;
    mark(at);
  };

  const figureOf = ({ limit, per, place: at }: Window, now: number): LimitFigure => {
    const { name, windowSeconds } = limit;
    const counting = isCounting(at, windowSeconds, now);
    const inForce = limitAt(limit, now);
    return {
      name,
      per,
      limit: inForce,
      remaining: Math.max(0, inForce - (counting ? countOf(at) : 0)),
      windowSeconds,
      resetAt: (counting ? startOf(at) : now) + windowSeconds * 1000,
    };
  };

  const takeNow = (windows: readonly Window[], { cost, spend }: WindowUse, now: number): Taking => {
    let admitted = true;
    for (const window of windows) {
      const { limit } = window;
      const at = placeOf(window);
      const before = isCounting(at, limit.windowSeconds, now) ? countOf(at) : 0;
      if (!admits(before, cost, limitAt(limit, now))) admitted = false;
    }
    if (admitted && spend && cost > 0) for (const window of windows) charge(window, cost, now);
    const figures = windows.map((window) => figureOf(window, now));
    return {
      admitted,
      figures,
      retryAfterSeconds: admitted ? 0 : wait(windows, figures, cost, now),
    };
  };

  return {
    takeNow,
    take: async (windows, use, now) => takeNow(windows, use, now),
    giveBack(windows, figures, cost) {
      for (const [i, window] of windows.entries()) {
        const at = placeOf(window);
        const began = (figures[i]?.resetAt ?? 0) - window.limit.windowSeconds * 1000;
        if (at < 0 || startOf(at) !== began) continue;
        taken[at] = Math.max(0, countOf(at) - cost);
        mark(at);
      }
    },
    changed(most, now) {
      const windows: StoredWindow[] = [];
      while (told < unwritten.length && windows.length < most) {
        const at = unwritten[told++] ?? 0;
        marked[at] = 0;
        const id = ids[at];
        const length = lengthOf(at);
        // One whose place went to another was marked anew with it, if that one is to be told.
        if (id === undefined || length <= SHORT_SECONDS || !isOpen(startOf(at), length, now))
          continue;
        const began = startOf(at);
        windows.push({ id, startedAt: began, endsAt: began + length * 1000, taken: countOf(at) });
      }
      if (told === unwritten.length) {
        unwritten = [];
        told = 0;
      }
      return windows;
    },
    again(windows) {
      for (const { id } of windows) {
        const at = places.get(id);
        if (at !== undefined) mark(at);
      }
    },
    restore(windows, now) {
      for (const stored of windows) {
        const { id } = stored;
        const length = Math.round((stored.endsAt - stored.startedAt) / 1000);
        if (stored.taken === 0 || !isOpen(stored.startedAt, length, now)) continue;
        const at = places.get(id) ?? place(id, subjectOf(id) === 'identifier', now);
        startedAt[at] = stored.startedAt;
        seconds[at] = length;
        taken[at] = stored.taken;
      }
    },
    get size() {
      return startedAt.length;
    },
  };
}

/** Until every window that refused it may admit it. */
function wait(
  windows: readonly Window[],
  figures: readonly LimitFigure[],
  cost: number,
  now: number,
): number {
  const waits = figures.map((figure, i) => {
    const window = windows[i];
    const refused = window !== undefined && cost > figure.remaining;
    return refused ? waitFor(window.limit, figure, now) : 0;
  });
  return Math.max(...waits);
}
