// Rate windows in this process: when each began and what was taken, in one typed
// array. A window that is asked again is found by one look at its place; those that
// ended leave room for others, so that there are never many more than are in use.

import {
  admits,
  isOpen,
  type LimitFigure,
  limitAt,
  type StoredWindow,
  type Taking,
} from '@warder/core';
import { type LimitMemory, retryAfter, subjectOf, type Window, type WindowUse } from '../limits.ts';

const SMALLEST = 1024;
/** What a place has: the moment its window began, and behind that these. */
const CELLS = 4;
const LENGTH = 1;
const TAKEN = 2;
const TURN = 3;
/** Beyond this, windows of identifiers that are in use make room for others. */
const MOST_WINDOWS = 1_000_000;
/** Places that are looked at for a window that ended, each time one is needed. */
const LOOKS = 4;
const MOST_LOOKS = 256;
/** Windows up to this length are forgotten with the process. */
const SHORT_SECONDS = 60;

/** @param most windows that are kept at once, as far as identifiers come in the way */
export function createLimitMemory(most: number = MOST_WINDOWS): LimitMemory {
  /** Four for each place, side by side: when it began, its length, what was taken, how often it was given away. */
  let cells = new Float64Array(SMALLEST * CELLS);
  /** 1 for a place that is in `unwritten`. */
  let marked = new Uint8Array(SMALLEST);
  const ids: (string | undefined)[] = [];
  const dispensable: boolean[] = [];
  const places = new Map<string, number>();
  const free: number[] = [];
  let unwritten: number[] = [];
  let told = 0;
  let hand = 0;

  const startOf = (place: number) => cells[place * CELLS] ?? 0;
  const lengthOf = (place: number) => cells[place * CELLS + LENGTH] ?? 0;
  const countOf = (place: number) => cells[place * CELLS + TAKEN] ?? 0;

  const turnOf = (place: number) => cells[place * CELLS + TURN] ?? 0;

  const keepPlace = (window: Window, place: number): number => {
    window.place = place;
    window.turn = turnOf(place);
    return place;
  };
  const placeOf = (window: Window): number => {
    const { place, turn } = window;
    const isThere = place >= 0 && turn === turnOf(place);
    return isThere ? place : keepPlace(window, places.get(window.id) ?? -1);
  };

  const isCounting = (place: number, length: number, now: number) =>
    place >= 0 && countOf(place) > 0 && isOpen(startOf(place), length, now);

  const release = (place: number) => {
    const id = ids[place];
    if (id !== undefined) places.delete(id);
    ids[place] = undefined;
    cells[place * CELLS + TAKEN] = 0;
    cells[place * CELLS + TURN] = turnOf(place) + 1;
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
    const longer = new Float64Array(cells.length * 2);
    longer.set(cells);
    cells = longer;
    const more = new Uint8Array(marked.length * 2);
    more.set(marked);
    marked = more;
  };

  const place = (id: string, isDispensable: boolean, now: number): number => {
    sweep(now);
    const at = free.pop() ?? ids.length;
    if (at * CELLS === cells.length) grow();
    ids[at] = id;
    dispensable[at] = isDispensable;
    cells[at * CELLS + TAKEN] = 0;
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
    const { windowSeconds } = window;
    if (at < 0) at = keepPlace(window, place(window.id, window.per === 'identifier', now));
    const goesOn = isCounting(at, windowSeconds, now);
    if (!goesOn) cells[at * CELLS] = now;
    cells[at * CELLS + LENGTH] = windowSeconds;
    cells[at * CELLS + TAKEN] = (goesOn ? countOf(at) : 0) + cost;
    mark(at);
  };

  const figureOf = (window: Window, now: number): LimitFigure => {
    const { name, per, windowSeconds, place: at } = window;
    const counting = isCounting(at, windowSeconds, now);
    const limit = limitAt(window, now);
    return {
      name,
      per,
      limit,
      remaining: Math.max(0, limit - (counting ? countOf(at) : 0)),
      windowSeconds,
      resetAt: (counting ? startOf(at) : now) + windowSeconds * 1000,
    };
  };

  // Loops by index: this is on the path of every verification of a key with limits.
  const takeNow = (windows: readonly Window[], { cost, spend }: WindowUse, now: number): Taking => {
    let admitted = true;
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i];
      if (window === undefined) continue;
      const at = placeOf(window);
      const before = isCounting(at, window.windowSeconds, now) ? countOf(at) : 0;
      if (!admits(before, cost, limitAt(window, now))) admitted = false;
    }
    const charged = admitted && spend && cost > 0;
    const figures: LimitFigure[] = [];
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i];
      if (window === undefined) continue;
      if (charged) charge(window, cost, now);
      figures.push(figureOf(window, now));
    }
    const retryAfterSeconds = admitted ? 0 : retryAfter(windows, figures, cost, now);
    return { admitted, figures, retryAfterSeconds };
  };

  return {
    takeNow,
    take: async (windows, use, now) => takeNow(windows, use, now),
    giveBack(windows, figures, cost) {
      for (const [i, window] of windows.entries()) {
        const at = placeOf(window);
        const began = (figures[i]?.resetAt ?? 0) - window.windowSeconds * 1000;
        if (at < 0 || startOf(at) !== began) continue;
        cells[at * CELLS + TAKEN] = Math.max(0, countOf(at) - cost);
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
        cells[at * CELLS] = stored.startedAt;
        cells[at * CELLS + LENGTH] = length;
        cells[at * CELLS + TAKEN] = stored.taken;
      }
    },
    get size() {
      return cells.length / CELLS;
    },
  };
}
