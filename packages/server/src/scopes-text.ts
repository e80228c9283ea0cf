// Scopes as one text, as Phaseo's two APIs have them: whatever was typed is given
// back, and what of it are scopes is what the key may.

import { isScope, type JsonObject, type Key } from '@warder/core';
import { z } from 'zod';

const RULE = 'scopes must be a string or string[]';

/** A text or a list of texts, as the text that is kept. Nothing, null and '' are an empty list. */
export const scopesText = (rule = RULE) =>
  z
    .union([z.string(), z.array(z.json())], { error: rule })
    .nullish()
    .transform((given) => {
      if (Array.isArray(given)) return JSON.stringify(given.map(textOf));
      return given?.trim() || '[]';
    })
    .meta({ wire: { anyOf: [{ type: ['string', 'null'] }, { type: 'array', items: {} }] } });

/** The scopes that a text stands for: the members of a JSON list, or words between commas and spaces. */
export function scopesIn(text: string): string[] {
  return listIn(text).filter(isScope);
}

/** The text to give back: the one that was typed, as long as the key still has the scopes it stands for. */
export function shownScopes(key: Key, extension: JsonObject): string {
  const scopes = key.kind === 'standard' ? key.scopes : [];
  const typed = extension.scopes;
  const holds = typeof typed === 'string' && same([...new Set(scopesIn(typed))], scopes);
  return holds ? typed : JSON.stringify(scopes);
}

function listIn(text: string): string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) return parsed.map(textOf);
  } catch {
    // Not JSON: words.
  }
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
