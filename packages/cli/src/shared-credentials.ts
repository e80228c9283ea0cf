// The file of shared credentials, from text to rows. What a surface asks of its own
// is checked where the dialects are known. Faults name the row and the rule, never
// what stands there.

export interface SharedCredentialRow {
  readonly surface: string;
  readonly label: string;
  readonly secret: string;
  readonly workspaces: readonly string[];
}

const MEMBERS = ['surface', 'label', 'secret', 'workspaces'];
const LABEL = /^[\w.-]{1,64}$/;
const SECRET = /^[\x21-\x7e]+$/;
const WORKSPACE = /^[\w-]{1,64}$/;

/** A JSON list of `{"surface", "label", "secret", "workspaces"}`. */
export function sharedCredentials(text: string): SharedCredentialRow[] {
  const rows = listIn(text).map(rowOf);
  const seen = new Set<string>();
  for (const [i, { surface, label }] of rows.entries()) {
    const name = `${surface} ${label}`;
    if (seen.has(name)) throw fault(i, 'its label is taken by another of its surface');
    seen.add(name);
  }
  return rows;
}

function listIn(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) return parsed;
  } catch {
    // The parser's own message quotes the text.
  }
  throw new Error('must hold a JSON list of {"surface", "label", "secret", "workspaces"}');
}

function rowOf(row: unknown, i: number): SharedCredentialRow {
  const members = new Map(Object.entries(Object(row)));
  if (members.size !== MEMBERS.length || !MEMBERS.every((name) => members.has(name))) {
    throw fault(i, 'must be an object of surface, label, secret and workspaces, and nothing else');
  }
  const workspaces: unknown = members.get('workspaces');
  if (!Array.isArray(workspaces) || workspaces.length === 0) {
    throw fault(i, 'its workspaces must be a list of one id or slug at least');
  }
  return {
    surface: matching(members.get('surface'), /^[a-z][a-z0-9-]*$/) ?? no(i, 'surface', 'a name'),
    label:
      matching(members.get('label'), LABEL) ??
      no(i, 'label', '1 to 64 of A-Z, a-z, 0-9 and "_ . -"'),
    secret:
      matching(members.get('secret'), SECRET) ?? no(i, 'secret', 'printable ASCII without spaces'),
    workspaces: workspaces.map(
      (one) => matching(one, WORKSPACE) ?? no(i, 'workspaces', 'ids or slugs'),
    ),
  };
}

function matching(value: unknown, pattern: RegExp): string | null {
  return typeof value === 'string' && pattern.test(value) ? value : null;
}

function no(i: number, member: string, rule: string): never {
  throw fault(i, `its ${member} must be ${rule}`);
}

function fault(i: number, rule: string): Error {
  return new Error(`row ${i + 1}: ${rule}`);
}
