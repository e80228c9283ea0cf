// The canaries: every secret that a run makes, in every form it could leak in.
// Neither they nor their digests may turn up where they do not belong.

import { createHash } from 'node:crypto';

export interface Canaries {
  /** Remembers a secret, and all that could be told of it. */
  add(secret: string): void;
  /** The first secret, or digest of one, that stands in a text; null where none does. */
  findIn(text: string): string | null;
  /** The first secret that stands in bytes: digests belong into a database. */
  findInBytes(bytes: Buffer): string | null;
}

export function createCanaries(): Canaries {
  const secrets = new Set<string>();
  const forms: { readonly form: string; readonly of: string }[] = [];
  return {
    add(secret) {
      if (secrets.has(secret)) return;
      secrets.add(secret);
      forms.push({ form: secret, of: secret });
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const form = createHash('sha256').update(secret).digest(encoding).replace(/=+$/, '');
        forms.push({ form, of: `the ${encoding} digest of ${secret}` });
      }
    },
    findIn: (text) => forms.find(({ form }) => text.includes(form))?.of ?? null,
    findInBytes: (bytes) => [...secrets].find((secret) => bytes.includes(secret)) ?? null,
  };
}

/** Whether a member of that name stands anywhere in a value. */
export function hasMember(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([own, member]) => own === name || hasMember(member, name));
}
