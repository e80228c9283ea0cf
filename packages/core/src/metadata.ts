// Free facts that callers hang on keys and owners. Warder bounds their size and
// otherwise gives back what it was given.

import { invalid } from './error.ts';
import type { Json, JsonObject } from './event.ts';

export const MAX_METADATA_MEMBERS = 50;
export const MAX_METADATA_BYTES = 16_384;
export const MAX_EXTENSION_BYTES = 4_096;

export function checkedMetadata(metadata: JsonObject): JsonObject {
  if (Object.keys(metadata).length > MAX_METADATA_MEMBERS) {
    throw invalid('/metadata', `must have at most ${MAX_METADATA_MEMBERS} members`);
  }
  return checkedSize('/metadata', metadata, MAX_METADATA_BYTES);
}

/** Merges a patch into an object (RFC 7396): null removes a member, an object merges, all else replaces. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else if (isObject(value)) {
      const before = merged.get(name) ?? null;
      merged.set(name, mergePatch(isObject(before) ? before : {}, value));
    } else merged.set(name, value);
  }
  return Object.fromEntries(merged);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function checkedSize(pointer: string, value: JsonObject, mostBytes: number): JsonObject {
  if (utf8Length(JSON.stringify(value)) > mostBytes) {
    throw invalid(pointer, `must be at most ${mostBytes} bytes of JSON`);
  }
  return value;
}

/** Bytes a text takes in UTF-8; the core has no encoder. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
