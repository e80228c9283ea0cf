// The one spelling of a path that rules are matched on. What a gateway, Warder and
// the service behind could each read in another way is no path here: it is refused,
// since a guess that differs from theirs opens what a rule was to keep shut.

/** RFC 3986, 3.3, without `;`: what stands after it some servers drop before they route. */
const PATH = /^\/(?:[\w.~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2})*$/;
const UNRESERVED = /[\w.~-]/;
/** Delimiters, what Windows takes for one, a second encoding, and characters nobody sees. */
const REFUSED = /[\p{Cc}/\\;%?#]/u;

/**
 * The segments of a request target's path; null for what could be read in two ways: dot
 * segments, empty ones, encoded delimiters, parameters, what is not UTF-8. Encoded unreserved
 * characters are decoded, all others stay encoded. A slash at the end makes no difference.
 */
export function segmentsOf(target: string): readonly string[] | null {
  const end = target.indexOf('?');
  const path = end < 0 ? target : target.slice(0, end);
  if (!PATH.test(path)) return null;
  const segments = path.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  if (path.includes('%')) {
    for (const [i, segment] of segments.entries()) {
      const decoded = canonical(segment);
      if (decoded === null) return null;
      segments[i] = decoded;
    }
  }
  return segments.some(isUnsure) ? null : segments;
}

/**
 * A segment as the least careful reader takes it: decoded, and without regard to case or to
 * how its characters are composed. Two that differ here are different to everybody.
 */
export function looselyRead(segment: string): string {
  if (!/[A-Z%]/.test(segment)) return segment;
  return decodeURIComponent(segment).normalize('NFKC').toLowerCase();
}

function isUnsure(segment: string): boolean {
  return segment === '' || segment === '.' || segment === '..';
}

function canonical(segment: string): string | null {
  try {
    if (REFUSED.test(decodeURIComponent(segment))) return null;
  } catch {
    return null;
  }
  return segment.replace(/%../g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return UNRESERVED.test(character) ? character : encoded.toUpperCase();
  });
}
