// Transcripts: calls to a dialect with the exact replies, as its folder keeps them.
//
// `{name}` in a step stands for a value that the cast brings or an earlier step
// found, `{name:0-8}` for a part of it, `{name:-4}` for its end. In an expected reply `{name:kind}` finds one: what stands there must be of
// that kind, and is called so from then on. A found `secret` may stand in no other
// reply.

import { expect } from 'vitest';

export interface Step {
  readonly title: string;
  /** The operation it shows; null for one that only sets the scene, by the native API or by moving the clock. */
  readonly operation: string | null;
  /** The code of the error it shows; absent for a success. */
  readonly error?: string;
  /** Milliseconds to move the clock on by, before the call. */
  readonly advance?: number;
  /** Writes what is gathered of uses, before the call; nothing else does. */
  readonly flush?: true;
  /** The secret, by its name, that a retry is shown once more. */
  readonly shows?: string;
  /** The method of the store that fails during the call. */
  readonly failing?: string;
  /** Whether the issuer of the tokens is out of reach during the call. */
  readonly outage?: true;
  readonly request?: {
    readonly method: string;
    /** Below the dialect's base; of a scene below the service's. */
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Sent as JSON; `raw` as it is. */
    readonly body?: unknown;
    readonly raw?: string;
  };
  readonly reply?: {
    readonly status: number;
    /** These must be there so; null for not there. */
    readonly headers?: Readonly<Record<string, string | null>>;
    /** The whole body; of a scene, what it has at least. Not looked at where neither it nor `text` is given. */
    readonly body?: unknown;
    /** The whole body as text, where its very bytes matter. */
    readonly text?: string;
  };
}

export interface Transcript {
  /** Error codes that no call can have here, with why. */
  readonly unreachable: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

const KINDS: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  hex64: /^[0-9a-f]{64}$/,
  secret: /^[\x21-\x7e]{30,}$/,
  text: /^.+$/s,
};

export type Values = Map<string, string>;

const NAMED = /\{(\w+)(?::(-?\d+)(?:-(\d+))?)?\}/g;

/** A step's text with its names replaced by what they stand for. */
export function filled<Value>(value: Value, values: Values): Value {
  const text = JSON.stringify(value).replace(NAMED, (whole, name: string, from, to) => {
    const found = values.get(name)?.slice(Number(from ?? 0), to && Number(to));
    return found === undefined ? whole : JSON.stringify(found).slice(1, -1);
  });
  // The same shape: only texts were replaced.
  return JSON.parse(text) as Value;
}

/** What is found where an expected reply names a kind: name and value, by name. */
export function found(expected: unknown, actual: unknown, at = ''): [string, string, string][] {
  if (typeof expected === 'string') {
    const pattern = expected.split(/\{(\w+:[a-z]\w*)\}/);
    if (pattern.length === 1) return [];
    expect(typeof actual, `at ${at}`).toBe('string');
    const source = pattern.map((part, i) => (i % 2 ? '([\\x21-\\x7e]+?)' : literal(part))).join('');
    const match = new RegExp(`^${source}$`).exec(String(actual));
    expect(match, `${at} is ${String(actual)}, not ${expected}`).not.toBeNull();
    return pattern.flatMap((part, i): [string, string, string][] => {
      if (i % 2 === 0) return [];
      const [name = '', kind = ''] = part.split(':');
      const value = match?.[(i + 1) / 2] ?? '';
      expect(value, `${at} is no ${kind}`).toMatch(KINDS[kind] ?? /^never$/);
      return [[name, kind, value]];
    });
  }
  if (typeof expected !== 'object' || expected === null) return [];
  return Object.entries(expected).flatMap(([name, member]) =>
    found(member, Object(actual)[name], `${at}/${name}`),
  );
}

/** An expected reply with what was found in place of the kinds. */
export function settled<Value>(expected: Value, values: Values): Value {
  const text = JSON.stringify(expected).replace(/\{(\w+):[a-z]\w*\}/g, '{$1}');
  return filled(JSON.parse(text) as Value, values);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
