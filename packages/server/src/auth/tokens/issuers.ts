// The configuration of issuers: whose tokens are taken, how they are judged, and
// for which workspaces each issuer may speak. Read once, whole, from JSON; what is
// wrong in it is told by the name of the field and the rule.

import { invalid, ROLES, type Role, WarderError } from '@warder/core';
import { parseJson } from '../../json.ts';
import { fetchable } from './address.ts';

/** Where public keys are: at an address, named by a discovery document, or in a file. */
export type Keys =
  | { readonly jwksUrl: string }
  | { readonly discoveryUrl: string }
  | { readonly jwksFile: string };

/** One row, parsed and checked. */
export interface Issuer {
  /** Exactly the `iss` of its tokens. */
  readonly issuer: string;
  readonly profile: Profile;
  /** One of them must be in `aud`; empty for any, which the profile `clerk` alone allows. */
  readonly audiences: readonly string[];
  /** One of them must be `azp`; empty for any, which the profile `clerk` does not allow. */
  readonly authorizedParties: readonly string[];
  readonly algorithms: readonly string[];
  readonly keys: Keys;
  /** Names of claims; dots lead into objects, but in a name with a slash. Null for none. */
  readonly claims: {
    readonly subject: string;
    readonly workspace: string | null;
    readonly role: string | null;
    readonly name: string | null;
  };
  /** From a value of the role claim to the role it stands for. */
  readonly roles: Readonly<Record<string, Role>>;
  /** The only workspaces it speaks for: by id or slug, and by which value of the workspace claim; null for any token. */
  readonly workspaces: readonly { readonly workspace: string; readonly claim: string | null }[];
}

export type Profile = 'oidc' | 'clerk';

const PROFILES: Readonly<Record<Profile, Issuer['claims'] & { readonly keysAt: string }>> = {
  oidc: {
    keysAt: '.well-known/openid-configuration',
    subject: 'sub',
    workspace: null,
    role: null,
    name: 'name',
  },
  clerk: {
    keysAt: '.well-known/jwks.json',
    subject: 'sub',
    workspace: 'o.id',
    role: 'o.rol',
    name: null,
  },
};

/** Asymmetric ones only: who can check a token must not be able to make one. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
const DEFAULT_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];

const MAX_TEXT = 2048;
const FIELDS = [
  ...['issuer', 'profile', 'audiences', 'authorized_parties', 'algorithms'],
  ...['jwks_url', 'jwks_file', 'claims', 'roles', 'workspaces'],
];

type Fields = Readonly<Record<string, unknown>>;

/** Reads a JSON array of rows. @throws WarderError `invalid` or `bad_request` that names the field and the rule, never a value */
export function parseIssuers(json: string): readonly Issuer[] {
  const rows = parsed(json);
  if (!Array.isArray(rows) || rows.length === 0) {
    throw invalid('issuers', 'must be an array of at least one issuer');
  }
  const issuers = rows.map((row, i) => parseIssuer(row, `issuers[${i}]`));
  for (const [i, { issuer }] of issuers.entries()) {
    if (issuers.findIndex((other) => other.issuer === issuer) < i) {
      throw invalid(`issuers[${i}].issuer`, 'must not be that of another row');
    }
  }
  return issuers;
}

function parsed(json: string): unknown {
  try {
    return parseJson(new TextEncoder().encode(json));
  } catch (error) {
    if (!(error instanceof WarderError)) throw error;
    throw new WarderError(error.code, error.message.replace(/^The body/, 'The file'));
  }
}

function parseIssuer(row: unknown, at: string): Issuer {
  const fields = objectAt(row, at, FIELDS);
  const issuer = textAt(fields.issuer, `${at}.issuer`);
  const profile = oneOf(fields.profile ?? 'oidc', ['oidc', 'clerk'], `${at}.profile`);
  const audiences = textsAt(fields.audiences ?? [], `${at}.audiences`);
  const parties = textsAt(fields.authorized_parties ?? [], `${at}.authorized_parties`);
  if (profile === 'oidc' && audiences.length === 0) {
    throw invalid(`${at}.audiences`, 'must name at least one audience');
  }
  if (profile === 'clerk' && parties.length === 0) {
    throw invalid(`${at}.authorized_parties`, 'must name at least one origin for a Clerk issuer');
  }
  const claims = claimsAt(fields.claims ?? {}, `${at}.claims`, PROFILES[profile]);
  const workspaces = workspacesAt(fields.workspaces, `${at}.workspaces`);
  const roles = rolesAt(fields.roles ?? {}, `${at}.roles`);
  const read = {
    issuer,
    profile,
    audiences,
    authorizedParties: parties,
    algorithms: algorithmsAt(fields.algorithms, `${at}.algorithms`),
    keys: keysAt(fields, at, issuer, profile),
    claims,
    roles,
    workspaces,
  };
  checkTogether(read, at);
  return read;
}

/** What one field means is nothing without another. */
function checkTogether({ claims, roles, workspaces }: Issuer, at: string): void {
  const chosen = workspaces.some(({ claim }) => claim !== null);
  if (chosen && claims.workspace === null) {
    throw invalid(`${at}.claims.workspace`, 'must be named where workspaces have a claim');
  }
  if (Object.keys(roles).length === 0) return;
  if (claims.role === null) throw invalid(`${at}.claims.role`, 'must be named where roles are');
  if (claims.workspace === null ? workspaces.length > 1 : !chosen) {
    throw invalid(
      `${at}.roles`,
      'must be of one workspace: list one alone, or give workspaces the claim that chooses among them',
    );
  }
}

function keysAt(fields: Fields, at: string, issuer: string, profile: Profile): Keys {
  const { jwks_url: url, jwks_file: file } = fields;
  if (url !== undefined && file !== undefined) {
    throw invalid(`${at}.jwks_file`, 'must not stand beside jwks_url');
  }
  if (file !== undefined) return { jwksFile: textAt(file, `${at}.jwks_file`) };
  if (url !== undefined) return { jwksUrl: urlAt(url, `${at}.jwks_url`) };
  const base = urlAt(issuer, `${at}.issuer`);
  if (new URL(base).search) {
    throw invalid(`${at}.issuer`, 'must have no query where jwks_url and jwks_file are missing');
  }
  const known = `${base.replace(/\/$/, '')}/${PROFILES[profile].keysAt}`;
  return profile === 'clerk' ? { jwksUrl: known } : { discoveryUrl: known };
}

function algorithmsAt(value: unknown, at: string): readonly string[] {
  if (value === undefined) return DEFAULT_ALGORITHMS;
  const algorithms = textsAt(value, at);
  if (algorithms.length === 0 || !algorithms.every((one) => ALGORITHMS.includes(one))) {
    throw invalid(at, `must be some of ${ALGORITHMS.join(', ')}`);
  }
  return algorithms;
}

function claimsAt(value: unknown, at: string, defaults: Issuer['claims']): Issuer['claims'] {
  const names = objectAt(value, at, ['subject', 'workspace', 'role', 'name']);
  const nameOf = (field: 'workspace' | 'role' | 'name') => {
    const name = names[field];
    if (name === undefined) return defaults[field];
    return name === null ? null : textAt(name, `${at}.${field}`);
  };
  return {
    subject: textAt(names.subject ?? defaults.subject, `${at}.subject`),
    workspace: nameOf('workspace'),
    role: nameOf('role'),
    name: nameOf('name'),
  };
}

function rolesAt(value: unknown, at: string): Issuer['roles'] {
  const entries = Object.entries(objectAt(value, at, null)).map(([said, named]) => {
    const role = ROLES.find((one) => one === named);
    if (role === undefined) throw invalid(at, `must map each value to one of ${ROLES.join(', ')}`);
    return [said, role] as const;
  });
  return Object.fromEntries(entries);
}

function workspacesAt(value: unknown, at: string): Issuer['workspaces'] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(at, 'must name at least one workspace');
  }
  const rows = value.map((row, i) => {
    const { workspace, claim = null } = objectAt(row, `${at}[${i}]`, ['workspace', 'claim']);
    return {
      workspace: textAt(workspace, `${at}[${i}].workspace`),
      claim: claim === null ? null : textAt(claim, `${at}[${i}].claim`),
    };
  });
  const claims = rows.flatMap(({ claim }) => claim ?? []);
  if (new Set(claims).size < claims.length) {
    throw invalid(at, 'must not have one claim for two workspaces');
  }
  return rows;
}

function objectAt(value: unknown, at: string, names: readonly string[] | null): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(at, 'must be an object');
  }
  const strange = Object.keys(value).some((name) => names !== null && !names.includes(name));
  if (strange) throw invalid(at, `must have no other fields than ${names?.join(', ')}`);
  return { ...value };
}

function textAt(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT) {
    throw invalid(at, `must be a text of 1 to ${MAX_TEXT} characters`);
  }
  return value;
}

function textsAt(value: unknown, at: string): readonly string[] {
  if (!Array.isArray(value)) throw invalid(at, 'must be an array of texts');
  return value.map((one, i) => textAt(one, `${at}[${i}]`));
}

function urlAt(value: unknown, at: string): string {
  const text = textAt(value, at);
  try {
    fetchable(text, true);
  } catch (error) {
    throw invalid(at, error instanceof Error ? error.message : 'must be an address');
  }
  return text;
}

function oneOf<Word extends string>(value: unknown, words: readonly Word[], at: string): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw invalid(at, `must be one of ${words.join(', ')}`);
  return found;
}
