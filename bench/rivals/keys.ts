// The keys that the hand-written rivals know: each with the SHA-256 digest it is found
// by, and what a reply says of it, as long as Warder's own verdict.

import { hash, randomBytes } from 'node:crypto';

export interface KnownKey {
  readonly secret: string;
  readonly digest: string;
  readonly facts: object;
}

export function drawKeys(count: number): KnownKey[] {
  return Array.from({ length: count }, () => {
    const secret = `rival_${randomBytes(32).toString('base64url')}`;
    return { secret, digest: digestOf(secret), facts: FACTS };
  });
}

export function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex');
}

const ID = '01900000-0000-7000-8000-00000000000a';
const FACTS = {
  key_id: ID,
  workspace_id: ID,
  owner_id: 'acme',
  name: null,
  environment: 'live',
  scopes: ['files:read'],
  created_at: '2026-11-20T14:00:00.000Z',
  not_before: null,
  expires_at: null,
  owner: { id: ID, owner_id: 'acme', type: null, name: null },
};
