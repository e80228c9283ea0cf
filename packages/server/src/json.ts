// Reading a JSON body without being fooled by it: bounded depth before any parser
// recurses, no member twice, no `__proto__`, no text that a database would refuse
// or change, no number that would not come back as it was sent.

import { type FieldError, redactTokens, WarderError } from '@warder/core';

const MAX_DEPTH = 32;

function unreadable(message: string): WarderError {
  return new WarderError('bad_request', message, { part: 'body' });
}

/** Parses a body. @throws bad_request for what is not JSON, invalid for what is not acceptable in it */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  checkShape(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, which may hold a secret.
    throw unreadable('The body is not valid JSON.');
  }
  const field = unacceptable(value, '');
  if (field)
    throw new WarderError('invalid', `${field.pointer || 'The body'} ${field.message}`, {
      fields: [field],
    });
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unreadable('The body is not valid UTF-8.');
  }
}

// One pass over strings and brackets, before the parser proper: it bounds the
// depth, and sees the members that a parser would silently drop.
function checkShape(text: string): void {
  const open: (Set<string> | null)[] = [];
  let quoted: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      quoted = text.slice(at, end);
      at = end - 1;
      continue;
    }
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : null);
      if (open.length > MAX_DEPTH) {
        throw unreadable(`The body nests deeper than ${MAX_DEPTH} levels.`);
      }
    } else if (character === '}' || character === ']') open.pop();
    else if (character === ':' && quoted !== null) checkMember(quoted, open.at(-1) ?? null);
    else continue;
    quoted = null;
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  throw unreadable('The body is not valid JSON.');
}

function checkMember(quoted: string, seen: Set<string> | null): void {
  let name: string;
  try {
    name = JSON.parse(quoted);
  } catch {
    return;
  }
  if (name === '__proto__') {
    throw unreadable('The body has a member named __proto__, which is refused.');
  }
  if (seen?.has(name)) {
    throw unreadable(`The body has the member "${readable(name)}" twice.`);
  }
  seen?.add(name);
}

/** One step of a JSON Pointer (RFC 6901). A name too long to be read is cut. */
export function pointerStep(name: PropertyKey): string {
  return `/${readable(String(name)).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

// Redacted before it is cut: half a token is not known for one any more.
function readable(name: string): string {
  return name.length > 100 ? redactTokens(name).slice(0, 100) : name;
}

/** What keeps a text from being stored and given back as it is; null if nothing does. */
export function textFault(text: string): string | null {
  if (text.includes('\0')) return 'must not contain the character NUL';
  return text.isWellFormed() ? null : 'must not contain half of a surrogate pair';
}

function unacceptable(value: unknown, pointer: string): FieldError | null {
  if (typeof value === 'string') {
    const message = textFault(value);
    return message === null ? null : { pointer, message };
  }
  if (typeof value === 'number') {
    const kept = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
    return kept
      ? null
      : { pointer, message: 'must be a number that JSON keeps exactly, below 2^53' };
  }
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, member] of Object.entries(value)) {
    const at = pointer + pointerStep(name);
    const fault = textFault(name);
    if (fault !== null) return { pointer, message: `has a member whose name ${fault}` };
    const found = unacceptable(member, at);
    if (found) return found;
  }
  return null;
}
