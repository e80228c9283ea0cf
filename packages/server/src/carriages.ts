// Where a key stands in a request: behind `Authorization: Bearer`, alone in a header,
// or, where an operator allows it, in the query. One key in one place: two of them, even
// the same, would let two readers see two callers.

export type Carriage =
  | { readonly in: 'bearer' }
  | { readonly in: 'header'; readonly name: string }
  | { readonly in: 'query'; readonly name: string };

/** The header that a carriage is in, in lower case; null for the query. */
export function headerOf(carriage: Carriage): string | null {
  if (carriage.in === 'query') return null;
  return carriage.in === 'bearer' ? 'authorization' : carriage.name;
}

export type Unread = 'two_keys' | 'invalid_key';

/** The key in the value of a carriage's header. A comma is what two joined headers have. */
export function keyInHeader(
  carriage: Carriage['in'],
  value: string,
): { readonly key: string } | Unread {
  const key = carriage === 'bearer' ? BEARER.exec(value)?.[1] : value;
  if (key?.includes(',')) return 'two_keys';
  return key === undefined || !WORD.test(key) ? 'invalid_key' : { key };
}

// RFC 6750, 2.1; the scheme without regard to case (RFC 9110, 11.1).
const BEARER = /^bearer +(.*)$/i;
const WORD = /^\S+$/;

/** Every value that a parameter has in the query of a request target. */
export function keysInQuery(target: string, name: string): readonly string[] {
  const start = target.indexOf('?');
  return start < 0 ? [] : new URLSearchParams(target.slice(start)).getAll(name);
}
