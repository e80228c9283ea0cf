// Rate windows: how much of a name may be taken in how many seconds, by one key, by
// all keys of an owner, by all of a workspace, or by anybody with an identifier. A
// window is fixed and begins with its first use. What a use may take is decided here;
// where windows are counted is the store's.

import { invalid } from './error.ts';
import { type JsonObject, LATEST, moment } from './event.ts';
import type { LimitFigure } from './limit-figure.ts';

/** A named window: `limit` units in `windowSeconds` seconds from its first use on. */
export interface Limit {
  /** 1 to 64 of a-z, 0-9, `_`, `.` and `-`, the first a letter or digit; once in a list. */
  readonly name: string;
  /** 0 to 1,000,000,000; 0 admits nothing that costs anything. */
  readonly limit: number;
  /** 1 second to 366 days. */
  readonly windowSeconds: number;
  /** Another limit for a time; null for none. */
  readonly override: LimitOverride | null;
}

export interface LimitOverride {
  readonly limit: number;
  /** From this moment on the limit is its own again. */
  readonly until: number;
}

export const MAX_LIMITS = 10;
export const MAX_UNITS = 1_000_000_000;
export const MAX_WINDOW_SECONDS = 366 * 86_400;
export const LIMIT_NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
export const LIMIT_NAME_RULE =
  'must be 1 to 64 of a-z, 0-9, "_", "." and "-", and begin with a letter or digit';
export const UNITS_RULE = `must be a whole number from 0 to ${MAX_UNITS}`;
export const WINDOW_RULE = `must be a whole number from 1 to ${MAX_WINDOW_SECONDS}`;

/** What is in force of a limit at that moment. */
export function limitAt({ limit, override }: Limit, now: number): number {
  return override !== null && now < override.until ? override.limit : limit;
}

/**
 * Whether a window that began then still counts. One that seems to begin later than a whole window
 * from now was begun under another clock.
 */
export function isOpen(startedAt: number, windowSeconds: number, now: number): boolean {
  const length = windowSeconds * 1000;
  return now < startedAt + length && now > startedAt - length;
}

/** Whether a use may take so much beside what is taken. What costs nothing is never refused. */
export function admits(taken: number, cost: number, most: number): boolean {
  return cost === 0 || taken + cost <= most;
}

/** Seconds after which a use that a window refused may be admitted. */
export function waitFor({ override }: Limit, { resetAt }: LimitFigure, now: number): number {
  const changes = override !== null && now < override.until ? override.until : resetAt;
  return Math.max(1, Math.ceil((Math.min(resetAt, changes) - now) / 1000));
}

/** @param pointer the list's place in the body */
export function checkedLimits(pointer: string, limits: readonly Limit[]): readonly Limit[] {
  if (limits.length > MAX_LIMITS) throw invalid(pointer, `must be at most ${MAX_LIMITS}`);
  const names = new Set<string>();
  for (const [i, limit] of limits.entries()) {
    checkLimit(`${pointer}/${i}`, limit);
    if (names.has(limit.name)) {
      throw invalid(`${pointer}/${i}/name`, 'must be given to one limit of the list only');
    }
    names.add(limit.name);
  }
  return limits.map(({ name, limit, windowSeconds, override }) => ({
    name,
    limit,
    windowSeconds,
    override: override && { limit: override.limit, until: override.until },
  }));
}

function checkLimit(pointer: string, { name, limit, windowSeconds, override }: Limit): void {
  if (!LIMIT_NAME.test(name)) throw invalid(`${pointer}/name`, LIMIT_NAME_RULE);
  checkNumbers(pointer, limit, windowSeconds);
  if (override === null) return;
  if (!isUnits(override.limit)) throw invalid(`${pointer}/override/limit`, UNITS_RULE);
  if (!(Number.isInteger(override.until) && override.until >= 0 && override.until <= LATEST)) {
    throw invalid(`${pointer}/override/until`, 'must be between the years 1970 and 9999');
  }
}

function checkNumbers(pointer: string, limit: number, windowSeconds: number): void {
  if (!isUnits(limit)) throw invalid(`${pointer}/limit`, UNITS_RULE);
  const whole = Number.isInteger(windowSeconds);
  if (!(whole && windowSeconds >= 1 && windowSeconds <= MAX_WINDOW_SECONDS)) {
    throw invalid(`${pointer}/window_seconds`, WINDOW_RULE);
  }
}

/** What a use costs. @throws invalid */
export function checkedCost(cost = 1): number {
  if (!isUnits(cost)) throw invalid('/cost', UNITS_RULE);
  return cost;
}

/** A limit that a call brings with it, as `take` does. @throws invalid */
export function givenLimit(name: string, limit: number, windowSeconds: number): Limit {
  if (!LIMIT_NAME.test(name)) throw invalid('name', LIMIT_NAME_RULE);
  checkNumbers('', limit, windowSeconds);
  return { name, limit, windowSeconds, override: null };
}

function isUnits(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_UNITS;
}

/** A limit in published names, as the native API and events show it. */
export function describeLimit({ name, limit, windowSeconds, override }: Limit) {
  return {
    name,
    limit,
    window_seconds: windowSeconds,
    override: override && { limit: override.limit, until: moment(override.until) },
  } satisfies JsonObject;
}
