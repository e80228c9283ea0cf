// The one spelling of a path that rules are matched on. What a gateway, Warder and
// the service behind could each read in another way is no path here: it is refused,
// since a guess that differs from theirs opens what a rule was to keep shut.

/** RFC 3986, 3.3, without `;`: what stands after it some servers drop before they route. */
const PATH = /^\/(?:[\w.~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2})*$/;
/** What two readers may take for different things, or for the same. */
const LOOSE = /[A-Z%]|\.(?:\/|$)/;
const UNRESERVED = /[\w.~-]/;
/** Delimiters, what Windows takes for one, a second encoding, and characters nobody sees. */
const REFUSED = /[\p{Cc}/\\;%?#]/u;

/** The segments of a path, twice. */
export interface CanonicalPath {
  readonly segments: readonly string[];
  /** Each as the least careful reader takes it. */
  readonly loose: readonly string[];
}

/**
 * The path of a request target; null for what could be read in two ways: dot segments, empty
 * ones, encoded delimiters, parameters, what is not UTF-8. Encoded unreserved characters are
 * decoded, all others stay encoded. A slash at the end makes no difference.
 */
export function pathOf(target: string): CanonicalPath | null {
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
  const loose = LOOSE.test(path) ? segments.map(looselyRead) : segments;
  return segments.some(isUnsure) || loose.some(isUnsure) ? null : { segments, loose };
}

/**
 * A segment as the least careful reader takes it: decoded, without regard to case, to how its
 * characters are composed, to those nobody sees, and to dots and spaces at its ends, which
 * Windows drops. Two that differ here are different to everybody.
 */
export function looselyRead(segment: string): string {
  if (!LOOSE.test(segment)) return segment;
  const read = decodeURIComponent(segment)
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '');
  return read
    .toLowerCase()
    .trim()
    .replace(/[.\s]+$/, '');
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
