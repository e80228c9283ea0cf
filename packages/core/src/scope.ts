// What a standard key may do in the customer's own API, in the customer's own
// words: flat (`admin`) or in segments (`files:read`). A `*` stands for exactly
// one segment, `*` alone for everything. Exact and case-sensitive. Warder gives
// these words no meaning: its own rights are permissions (permission.ts).

export const MAX_SCOPE_LENGTH = 128;
export const MAX_SCOPES = 256;
const MAX_QUERY_LENGTH = 2_000;
const MAX_QUERY_DEPTH = 32;

// RFC 6749, 3.3, less what queries and lists are written with.
const SEGMENT = String.raw`(?:\*|[!#-'+\-./0-9;-Z[\]^-~]+)`;
const SCOPE = new RegExp(`^${SEGMENT}(?::${SEGMENT})*$`);
export const SCOPE_RULE = `printable ASCII without spaces and " ( ) , \\, in segments joined by ":", a segment may be "*", ${MAX_SCOPE_LENGTH} characters at most`;

export function isScope(text: string): boolean {
  return text.length <= MAX_SCOPE_LENGTH && SCOPE.test(text);
}

/** Whether a held scope allows what is asked. Also orders patterns: `files:*` covers `files:*`, not `*`. */
export function covers(held: string, asked: string): boolean {
  if (held === '*' || held === asked) return true;
  if (!held.includes('*')) return false;
  const mine = held.split(':');
  const theirs = asked.split(':');
  if (asked === '*' || mine.length !== theirs.length) return false;
  return mine.every((segment, i) => segment === '*' || segment === theirs[i]);
}

/** The asked scopes that no held one allows, in the order asked. */
export function missingScopes(held: readonly string[], asked: readonly string[]): string[] {
  return asked.filter((scope) => !held.some((mine) => covers(mine, scope)));
}

/** A query over scopes: `files:read and (admin or billing:write)`. */
export type ScopeQuery =
  | { readonly scope: string }
  | { readonly all: readonly ScopeQuery[] }
  | { readonly any: readonly ScopeQuery[] };

/** Parses a query. `and` binds tighter than `or`; both in lower or upper case. Returns what is wrong as text. */
export function parseScopeQuery(text: string): ScopeQuery | string {
  if (text.length > MAX_QUERY_LENGTH) return `is longer than ${MAX_QUERY_LENGTH} characters`;
  const words = text.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  let depth = 0;

  const joined = (word: RegExp, part: () => ScopeQuery | string, name: 'all' | 'any') => {
    const parts: ScopeQuery[] = [];
    do {
      const next = part();
      if (typeof next === 'string') return next;
      parts.push(next);
    } while (word.test(words[at] ?? '') && ++at);
    const [only] = parts;
    return parts.length === 1 && only ? only : name === 'all' ? { all: parts } : { any: parts };
  };
  const either = (): ScopeQuery | string => joined(/^or$/i, both, 'any');
  const both = (): ScopeQuery | string => joined(/^and$/i, term, 'all');
  const term = (): ScopeQuery | string => {
    const word = words[at++];
    if (word === undefined) return 'ends where a scope is expected';
    if (word === '(') {
      if (++depth > MAX_QUERY_DEPTH) return `nests deeper than ${MAX_QUERY_DEPTH} brackets`;
      const inner = either();
      if (typeof inner === 'string') return inner;
      if (words[at++] !== ')') return 'has a bracket that is not closed';
      depth--;
      return inner;
    }
    if (!isScope(word) || /^(?:and|or)$/i.test(word)) return `needs a scope at word ${at}`;
    return { scope: word };
  };

  const query = either();
  if (typeof query === 'string') return query;
  return at === words.length ? query : `has something it does not expect at word ${at + 1}`;
}

/** What is missing for a query to hold: nothing when it holds, else what would satisfy it, the shorter of two alternatives. */
export function missingForQuery(held: readonly string[], query: ScopeQuery): string[] {
  if ('scope' in query) return missingScopes(held, [query.scope]);
  if ('all' in query) {
    return [...new Set(query.all.flatMap((part) => missingForQuery(held, part)))];
  }
  return query.any
    .map((part) => missingForQuery(held, part))
    .reduce((least, missing) => (missing.length < least.length ? missing : least));
}

/** The known scope nearest to an unknown one, by edit distance, for an error that ends the search. */
export function nearestScope(unknown: string, known: readonly string[]): string | null {
  let nearest: string | null = null;
  let least = Math.max(3, Math.ceil(unknown.length / 2));
  for (const scope of known) {
    const distance = editDistance(unknown, scope);
    if (distance < least) [nearest, least] = [scope, distance];
  }
  return nearest;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
