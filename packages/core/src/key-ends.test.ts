// How a key begins and what is left of it in the end.

import { describe, expect, it } from 'vitest';
import {
  actAt,
  managementKey,
  NOW,
  refusalOf,
  seededBytes,
  standardKey,
} from '../../../tests/fixtures/domain.ts';
import {
  deleteKey,
  describeKey,
  disableKey,
  editKey,
  enableKey,
  eraseKey,
  GOOD,
  issueKey,
  type Key,
  revokeKey,
  statusOf,
} from './key.ts';
import { drawToken, WARDER_FORMAT } from './token.ts';

const kinds = { standard: standardKey, management: managementKey };

describe('issuing', () => {
  const random = seededBytes();
  const plan = {
    // A whole key, with members that are no terms.
    terms: standardKey({ revokedAt: 1, enabled: false, version: 9, lastUsedAt: 1 }),
    rights: { kind: 'standard', scopes: ['b', 'a', 'b'] },
    credits: null,
    workspaceId: 'w',
    environment: 'test',
    format: 'warder',
    replaces: null,
    state: GOOD,
  } as const;
  const token = drawToken(WARDER_FORMAT, 'wdr', 'test', random);
  const { key, event } = issueKey(plan, token, random(32), actAt());

  it('makes a fresh key of what was decided', () => {
    expect(key).toMatchObject({
      kind: 'standard',
      scopes: ['b', 'a'],
      workspaceId: 'w',
      environment: 'test',
      prefix: 'wdr_test_',
      enabled: true,
      softBlocked: false,
      createdBy: { type: 'key', id: 'actor' },
      createdAt: NOW,
      updatedAt: NOW,
      lastUsedAt: null,
      revokedAt: null,
      deletedAt: null,
      version: 1,
    });
    expect(key.handle).toMatch(/^[0-9a-f]{64}$/);
    expect(statusOf(key, NOW)).toBe('active');
    expect(event).toMatchObject({ type: 'key.created', before: null, after: describeKey(key) });
  });

  it('keeps nothing of the secret but its shown ends, in the key or in any event', () => {
    const { secret, start, end, prefix } = token;
    const hidden = secret.slice(prefix.length + start.length, -6 - end.length);
    const life = [
      (one: Key) => editKey(one, { name: 'edited' }, actAt()),
      (one: Key) => disableKey(one, actAt()),
      (one: Key) => enableKey(one, actAt()),
      (one: Key) => revokeKey(one, null, actAt()),
      (one: Key) => deleteKey(one, actAt()),
      (one: Key) => eraseKey(one, actAt()),
    ];
    let now: Key = key;
    const written = [JSON.stringify([key, event])];
    for (const run of life) {
      const change = run(now) ?? expect.fail('nothing changed');
      written.push(JSON.stringify(change));
      now = change.key;
    }
    for (const text of written) {
      for (let at = 0; at + 6 <= hidden.length; at++)
        expect(text).not.toContain(hidden.slice(at, at + 6));
      expect(text).not.toContain(secret.slice(-6));
      expect(text).not.toMatch(/digest|secret/);
    }
  });

  it('refuses terms and rights that keep no rule', () => {
    const issue = (differing: object) => () =>
      issueKey({ ...plan, ...differing }, token, random(32), actAt());
    expect(refusalOf(issue({ terms: { ...plan.terms, name: '' } }))).toBe('invalid /name');
    expect(refusalOf(issue({ rights: { kind: 'standard', scopes: [''] } }))).toBe(
      'invalid /scopes/0',
    );
  });
});

describe('erasing', () => {
  it.each(Object.entries(kinds))(
    'leaves of a %s key nothing of whose it was or what it could do',
    (_, make) => {
      const before = make({
        name: 'CANARY-name',
        ownerId: 'CANARY-owner',
        metadata: { 'CANARY-member': 'CANARY-value' },
        extension: { native: { tag: 'CANARY-extension' } },
        prefix: 'CANARYp_live_',
        start: 'CANARYst',
        end: 'CANARYen',
        allowedCidrs: ['203.0.113.7'],
        revokedAt: NOW - 5,
        revokedReason: 'CANARY-reason',
        lastUsedAt: NOW - 7,
      });
      const { key, event } = eraseKey(before, actAt());
      // The store writes the owner's own id in the place of its name.
      const { owners, ...stored } = event;
      expect(owners).toEqual({ now: 'CANARY-owner', former: null });
      expect(JSON.stringify([key, stored])).not.toMatch(/CANARY|203\.0\.113/);
      expect(key).toMatchObject({
        id: before.id,
        workspaceId: before.workspaceId,
        name: null,
        ownerId: null,
        lastUsedAt: null,
        revokedAt: NOW - 5,
        deletedAt: NOW,
        erasedAt: NOW,
        version: 2,
      });
      expect(key.kind === 'standard' ? key.scopes : key.permissions).toEqual([]);
      expect(statusOf(key, NOW)).toBe('deleted');
    },
  );
});
