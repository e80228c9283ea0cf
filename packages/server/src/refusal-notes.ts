// The last refusals of keys, in memory until they are written: some for each key and
// for no more than so many keys, so that nobody fills the memory with bad keys.

import {
  type Ask,
  addressText,
  type CountedRefusal,
  type KeyRefusal,
  MAX_TOKEN_LENGTH,
  REFUSALS_KEPT,
  redactTokens,
  type Verdict,
} from '@warder/core';

const MOST_KEYS = 1_000;
const MOST_SCOPES = 10;
const MOST_CHARACTERS = 200;

export function createRefusalNotes(mostKeys = MOST_KEYS) {
  /** In the order of time, those written first. */
  const noted = new Map<string, KeyRefusal[]>();

  return {
    /** Notes a refusal; the oldest of its key makes room. */
    note(keyId: string, verdict: Extract<Verdict, { valid: false }>, ask: Ask, at: number): void {
      const { code } = verdict;
      if (!isCounted(code)) return;
      let ofKey = noted.get(keyId);
      if (ofKey === undefined) {
        if (noted.size === mostKeys) return;
        ofKey = [];
        noted.set(keyId, ofKey);
      }
      if (ofKey.length === REFUSALS_KEPT) ofKey.shift();
      const missing = 'missingScopes' in verdict ? verdict.missingScopes : [];
      const missingScopes = missing.slice(0, MOST_SCOPES).map(readable);
      const address = ask.ip === undefined ? null : addressText(ask.ip);
      ofKey.push({ keyId, at, code, missingScopes, address });
    },
    /** Some that are to be written, those of a key in order. */
    next(most: number): readonly KeyRefusal[] {
      const some: KeyRefusal[] = [];
      for (const ofKey of noted.values()) {
        if (some.length + ofKey.length > most && some.length > 0) break;
        some.push(...ofKey);
      }
      return some;
    },
    /** Notes that those are written. */
    passed(written: readonly KeyRefusal[]): void {
      const done = new Set(written);
      for (const keyId of new Set(written.map((one) => one.keyId))) {
        const rest = noted.get(keyId)?.filter((one) => !done.has(one)) ?? [];
        if (rest.length === 0) noted.delete(keyId);
        else noted.set(keyId, rest);
      }
    },
  };
}

function isCounted(code: Exclude<Verdict['code'], 'valid'>): code is CountedRefusal {
  return code !== 'malformed' && code !== 'not_found';
}

/** Whoever asked may have sent a key where a scope belongs. Redacted first: half a key is not known for one. */
function readable(scope: string): string {
  const start = scope.slice(0, MOST_CHARACTERS + MAX_TOKEN_LENGTH);
  // Copied, so that it does not hold on to the whole request.
  return Buffer.from(redactTokens(start).slice(0, MOST_CHARACTERS)).toString();
}
