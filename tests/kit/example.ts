// An example of a page as a schema: a reply is like it when it has the same members
// in the same order, each of the same type and form, and null only where the page
// allows that.

/** Forms of a text, the first that the example has. A `<word>` on a page stands for any text. */
const FORMS: readonly (readonly [name: string, form: RegExp])[] = [
  ['uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/],
  ['time in seconds', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
  ['time in milliseconds', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/],
  ['hex digits', /^[0-9a-f]{64,}$/],
  ['list of texts as JSON', /^\["[^"]*"(,"[^"]*")*\]$/],
];

export interface Example {
  /** What is wrong with a reply, each with its place; empty for nothing. */
  faultsOf(reply: unknown): string[];
  /** Places of the example where no reply yet had anything but null. */
  unseen(): string[];
}

/** @param nullable places that may be null, as `/keys/*\/name` with `*` for any index */
export function exampleOf(example: unknown, nullable: readonly string[]): Example {
  const seen = new Set<string>();
  const all = new Set<string>();
  visit(example, '', (place) => all.add(place));
  const unknown = nullable.filter((place) => !all.has(place));
  if (unknown.length > 0) throw new Error(`the example has no ${unknown.join(', ')}`);

  const compare = (expected: unknown, actual: unknown, place: string): string[] => {
    if (actual === null && expected !== null) {
      return nullable.includes(place) ? [] : [`${place} is null`];
    }
    seen.add(place);
    if (Array.isArray(expected)) {
      if (!Array.isArray(actual)) return [`${place} is no list`];
      return actual.flatMap((one) => compare(expected[0], one, `${place}/*`));
    }
    if (typeof expected === 'object' && expected !== null) {
      if (typeof actual !== 'object' || Array.isArray(actual)) return [`${place} is no object`];
      const [names, theirs] = [Object.keys(expected), Object.keys(Object(actual))];
      if (names.join() !== theirs.join()) return [`${place} has ${theirs}, not ${names}`];
      return names.flatMap((name) =>
        compare(Object(expected)[name], Object(actual)[name], `${place}/${name}`),
      );
    }
    return isLike(expected, actual) ? [] : [`${place} is ${JSON.stringify(actual)}`];
  };

  return {
    faultsOf: (reply) => compare(example, reply, ''),
    unseen: () => [...all].filter((place) => !seen.has(place)),
  };
}

function isLike(expected: unknown, actual: unknown): boolean {
  if (typeof expected !== typeof actual) return false;
  if (typeof expected === 'number') {
    return Number.isInteger(actual) || !Number.isInteger(expected);
  }
  if (typeof expected !== 'string') return true;
  const text = String(actual);
  const form = FORMS.find(([, one]) => one.test(expected));
  if (form !== undefined) return form[1].test(text);
  const parts = expected.split(/<\w+>/);
  return parts.length === 1 || new RegExp(`^${parts.map(literal).join('.+')}$`).test(text);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The place of each member and item, lists by their first item. */
function visit(value: unknown, place: string, see: (place: string) => void): void {
  see(place);
  if (Array.isArray(value)) {
    for (const one of value.slice(0, 1)) visit(one, `${place}/*`, see);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [name, one] of Object.entries(value)) visit(one, `${place}/${name}`, see);
  }
}
