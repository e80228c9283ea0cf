// What `warder doctor` is made of: checks, each of which looks at one thing and
// says how it is and what to do about it.

import type { Examination, ServerHost } from '@warder/server';
import type { Flags } from '../config.ts';

/** `warn`: it works, but not for ever, or not as safely as it could. `fail`: it does not work, or keys are in danger. */
export type Level = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly level: Level;
  readonly found: string;
  /** What to do about it; null where nothing is to be done. */
  readonly advice: string | null;
}

export interface Check {
  readonly name: string;
  look(): Finding;
}

/** What checks look at. */
export interface Patient {
  readonly data: string;
  /** The database. */
  readonly file: string;
  readonly now: number;
  /** Null where the secret is missing. */
  readonly host: ServerHost | null;
  readonly store: Examination;
  /** What else was set, as a start would read it. */
  readonly flags: Flags;
}

export function ok(found: string): Finding {
  return { level: 'ok', found, advice: null };
}

export function warn(found: string, advice: string): Finding {
  return { level: 'warn', found, advice };
}

export function fail(found: string, advice: string): Finding {
  return { level: 'fail', found, advice };
}
