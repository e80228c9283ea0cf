// What the claims of a verified token say of who signs in: whom, under which
// name, for which of the issuer's workspaces, and in which role.

import { ROLES, type Role } from '@warder/core';
import type { Issuer } from './issuers.ts';
import { badToken } from './refusal.ts';

export interface Claimant {
  /** Unique within the issuer: the pair is who signs in, never an e-mail address. */
  readonly subject: string;
  readonly name: string | null;
  /**
   * Those of the issuer's workspaces that this token speaks for, by id or slug as they
   * were configured; may be none. Belonging to them is not said by it.
   */
  readonly workspaces: readonly string[];
  /** The membership that the token itself asserts; null for none. */
  readonly claimed: { readonly workspace: string; readonly role: Role } | null;
}

/** Of a subject (OpenID Connect Core 1.0, 2), and of what else is read as a text. */
export const MAX_CLAIM_LENGTH = 255;

type Claims = Readonly<Record<string, unknown>>;

/** @throws WarderError `unauthenticated` for claims without a subject */
export function claimantOf(claims: Claims, issuer: Issuer): Claimant {
  const { claims: names, workspaces: rows } = issuer;
  const subject = text(claimAt(claims, names.subject));
  if (subject === null) {
    throw badToken('This token does not say whom it is for.');
  }
  const value = names.workspace === null ? null : text(claimAt(claims, names.workspace));
  const open = rows.filter(({ claim }) => claim === null || claim === value);
  // The rows are checked: without a claim to choose by, a role goes with one row alone.
  const home = open.find(({ claim }) => names.workspace === null || claim !== null);
  const role = names.role === null ? null : roleOf(claimAt(claims, names.role), issuer.roles);
  return {
    subject,
    name: names.name === null ? null : text(claimAt(claims, names.name)),
    workspaces: [...new Set(open.map(({ workspace }) => workspace))],
    claimed: home === undefined || role === null ? null : { workspace: home.workspace, role },
  };
}

/**
 * The claim of that name. Dots lead into objects (`o.id`), but not in a name with a
 * slash, which is one name: `https://example.com/roles`.
 */
function claimAt(claims: Claims, name: string): unknown {
  const steps = name.includes('/') ? [name] : name.split('.');
  let value: unknown = claims;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return null;
    // Any object may be asked for a member it has.
    value = (value as Claims)[step];
  }
  return value;
}

function text(value: unknown): string | null {
  const good = typeof value === 'string' && value !== '' && value.length <= MAX_CLAIM_LENGTH;
  return good ? value : null;
}

/** Of several roles the one that counts most. */
function roleOf(value: unknown, roles: Issuer['roles']): Role | null {
  const said: unknown[] = Array.isArray(value) ? value : [value];
  const mapped = said.map((one) =>
    typeof one === 'string' && Object.hasOwn(roles, one) ? roles[one] : undefined,
  );
  return ROLES.findLast((role) => mapped.includes(role)) ?? null;
}
