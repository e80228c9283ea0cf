import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  actAt,
  managementKey,
  NOW,
  refusalOf,
  runs,
  standardKey,
} from '../../../tests/fixtures/domain.ts';
import { WarderError } from './error.ts';
import type { Act } from './event.ts';
import {
  deleteKey,
  describeKey,
  disableKey,
  editKey,
  enableKey,
  eraseKey,
  KEY_STATUSES,
  type Key,
  type KeyChange,
  type KeyStatus,
  revokeKey,
  softBlockKey,
  softUnblockKey,
  statusOf,
} from './key.ts';
import { ALL_GRANTS } from './permission.ts';

const COMMANDS = {
  edit: (key: Key, act: Act) => editKey(key, { name: 'another' }, act),
  disable: disableKey,
  enable: enableKey,
  'soft-block': softBlockKey,
  'soft-unblock': softUnblockKey,
  revoke: (key: Key, act: Act) => revokeKey(key, 'leaked', act),
  delete: deleteKey,
  erase: eraseKey,
} as const;
type Command = keyof typeof COMMANDS;
const commands = Object.keys(COMMANDS) as Command[];

const STATES: Record<KeyStatus, Partial<Key>> = {
  deleted: { revokedAt: NOW - 5, revokedReason: 'old', deletedAt: NOW - 4 },
  revoked: { revokedAt: NOW - 5, revokedReason: 'old' },
  disabled: { enabled: false },
  soft_blocked: { softBlocked: true },
  expired: { expiresAt: NOW - 1 },
  not_yet_valid: { notBefore: NOW + 1 },
  active: {},
};

const EVENTS: Record<Command, string> = {
  edit: 'key.updated',
  disable: 'key.disabled',
  enable: 'key.enabled',
  'soft-block': 'key.soft_blocked',
  'soft-unblock': 'key.soft_unblocked',
  revoke: 'key.revoked',
  delete: 'key.deleted',
  erase: 'key.erased',
};

// What each command makes of a key in each state: the status it has then, null where
// nothing changes, `conflict` where it is refused.
type Answer = KeyStatus | null | 'conflict';
const TABLE: Record<KeyStatus, Record<Command, Answer>> = {
  deleted: { ...refused(), revoke: null, delete: null, erase: 'deleted' },
  revoked: { ...refused(), revoke: null, delete: 'deleted', erase: 'deleted' },
  disabled: { ...open('disabled'), disable: null, enable: 'active' },
  soft_blocked: { ...open('soft_blocked'), 'soft-block': null, 'soft-unblock': 'active' },
  expired: open('expired'),
  not_yet_valid: open('not_yet_valid'),
  active: open('active'),
};

function refused() {
  return {
    edit: 'conflict',
    disable: 'conflict',
    enable: 'conflict',
    'soft-block': 'conflict',
    'soft-unblock': 'conflict',
  } as const;
}

function open(status: KeyStatus): Record<Command, Answer> {
  return {
    edit: status,
    disable: 'disabled',
    enable: null,
    'soft-block': status === 'disabled' ? 'disabled' : 'soft_blocked',
    'soft-unblock': null,
    revoke: 'revoked',
    delete: 'deleted',
    erase: 'deleted',
  };
}

function answer(command: Command, key: Key): { said: Answer; change: KeyChange | null } {
  try {
    const change = COMMANDS[command](key, actAt());
    return { said: change && statusOf(change.key, NOW), change };
  } catch (error) {
    if (!(error instanceof WarderError && error.code === 'conflict')) throw error;
    return { said: 'conflict', change: null };
  }
}

const kinds = { standard: standardKey, management: managementKey };

describe('every state and command', () => {
  for (const status of KEY_STATUSES) {
    for (const command of commands) {
      it(`${status}: ${command} answers ${TABLE[status][command] ?? 'nothing new'}`, () => {
        for (const make of Object.values(kinds)) {
          const key = make(STATES[status] as object);
          expect(statusOf(key, NOW)).toBe(status);
          expect(answer(command, key).said).toBe(TABLE[status][command]);
        }
      });
    }
  }

  it('a command that changes nothing the second time says so', () => {
    for (const command of commands.filter((one) => one !== 'erase')) {
      const once = COMMANDS[command](
        standardKey({ enabled: command !== 'enable', softBlocked: command === 'soft-unblock' }),
        actAt(),
      );
      if (once === null) expect.fail(`${command} changed nothing`);
      expect(COMMANDS[command](once.key, actAt(NOW + 1))).toBeNull();
    }
  });

  it('the first revocation stays, with its time and its reason', () => {
    const first = revokeKey(standardKey(), 'leaked', actAt())?.key ?? expect.fail();
    expect(first).toMatchObject({ revokedAt: NOW, revokedReason: 'leaked' });
    expect(deleteKey(first, actAt(NOW + 5))?.key).toMatchObject({
      revokedAt: NOW,
      revokedReason: 'leaked',
      deletedAt: NOW + 5,
    });
    expect(eraseKey(first, actAt(NOW + 5)).key).toMatchObject({
      revokedAt: NOW,
      erasedAt: NOW + 5,
    });
    expect(refusalOf(() => revokeKey(standardKey(), '', actAt()))).toBe('invalid /reason');
  });
});

describe('status', () => {
  it('is the first that holds, in the published order', () => {
    // Each state with all later ones beside it.
    for (const [i, status] of KEY_STATUSES.entries()) {
      for (const later of KEY_STATUSES.slice(i)) {
        const key = standardKey({ ...(STATES[later] as object), ...(STATES[status] as object) });
        expect(statusOf(key, NOW)).toBe(status);
      }
      const all = KEY_STATUSES.slice(i).reduceRight(
        (facts, one) => Object.assign(facts, STATES[one]),
        {},
      );
      expect(statusOf(standardKey(all as object), NOW)).toBe(status);
    }
  });

  it('changes at the very millisecond, and time alone never revives an expired key', () => {
    const key = standardKey({ notBefore: NOW, expiresAt: NOW + 10 });
    expect(statusOf(key, NOW - 1)).toBe('not_yet_valid');
    expect(statusOf(key, NOW)).toBe('active');
    expect(statusOf(key, NOW + 9)).toBe('active');
    expect(statusOf(key, NOW + 10)).toBe('expired');
    expect(statusOf(key, Number.MAX_SAFE_INTEGER)).toBe('expired');
  });
});

describe('revoked is final', () => {
  const steps = fc.array(fc.constantFrom(...commands), { maxLength: 12 });
  it('whatever commands come before and after, in whatever order', () => {
    fc.assert(
      fc.property(
        steps,
        fc.constantFrom('revoke' as const, 'delete' as const, 'erase' as const),
        steps,
        (before, end, after) => {
          let key: Key = standardKey();
          let ended = false;
          for (const [i, command] of [...before, end, ...after].entries()) {
            if (key.erasedAt !== null) break; // no store gives a tombstone out again
            const { change } = answer(command, key);
            if (change !== null) {
              expect(change.key.version).toBe(key.version + 1);
              key = change.key;
            }
            ended ||= ['revoke', 'delete', 'erase'].includes(command);
            expect(['revoked', 'deleted'].includes(statusOf(key, NOW + i))).toBe(ended);
            expect(['revoked', 'deleted'].includes(statusOf(key, 0))).toBe(ended);
          }
        },
      ),
      { numRuns: runs(1_000, 50_000) },
    );
  });
});

describe('every change', () => {
  const changed = commands.map((command) => {
    const before = standardKey({
      enabled: command !== 'enable',
      softBlocked: command === 'soft-unblock',
    });
    return { command, before, change: COMMANDS[command](before, actAt()) ?? expect.fail(command) };
  });

  it.each(changed)(
    '$command: one version more, the time of the act, and its own event',
    ({ command, before, change }) => {
      const { key, event } = change;
      expect(key).toMatchObject({
        id: before.id,
        version: 2,
        updatedAt: NOW,
        createdAt: before.createdAt,
      });
      expect(event).toMatchObject({
        id: 'event-id',
        type: EVENTS[command],
        createdAt: NOW,
        actor: { type: 'key', id: 'actor' },
        origin: { address: '192.0.2.1', requestId: 'request', sharedCredential: null },
        subject: { type: 'key', id: before.id },
        workspaceId: before.workspaceId,
      });
    },
  );

  it.each(changed)(
    '$command: the event holds what changed and nothing else',
    ({ command, before, change }) => {
      if (command === 'erase') {
        expect([change.event.before, change.event.after]).toEqual([null, null]);
        return;
      }
      const [old, now] = [describeKey(before), describeKey(change.key)];
      const names = Object.keys(now).filter(
        (name) =>
          JSON.stringify(old[name as keyof typeof old]) !==
          JSON.stringify(now[name as keyof typeof now]),
      );
      expect(names).toContain('updated_at');
      expect(names.length).toBeGreaterThan(1);
      const only = (facts: object) =>
        Object.fromEntries(Object.entries(facts).filter(([name]) => names.includes(name)));
      expect(change.event.before).toEqual(only(old));
      expect(change.event.after).toEqual(only(now));
    },
  );

  it('an edit names each changed term as it was and as it is', () => {
    const change = editKey(
      standardKey(),
      { name: null, scopes: ['a'], metadata: { plan: null } },
      actAt(),
    );
    expect(change?.event.before).toEqual({
      name: 'a name',
      scopes: ['files:read'],
      metadata: { plan: 'gold' },
      updated_at: new Date(NOW - 1_000).toISOString(),
    });
    expect(change?.event.after).toEqual({
      name: null,
      scopes: ['a'],
      metadata: {},
      updated_at: new Date(NOW).toISOString(),
    });
  });

  it('an edit to what already is changes nothing', () => {
    const key = standardKey({ metadata: { a: 1, b: { c: 2 } }, allowedCidrs: ['::1'] });
    const { name, ownerId, allowedCidrs, metadata, extension, notBefore, expiresAt, scopes } = key;
    for (const patch of [
      {},
      { name },
      { name, ownerId, allowedCidrs, metadata, extension, notBefore, expiresAt, scopes },
      { scopes: [...scopes, ...scopes] },
    ]) {
      expect(editKey(key, patch, actAt())).toBeNull();
    }
    const management = managementKey();
    expect(
      editKey(management, { permissions: management.permissions, grants: ALL_GRANTS }, actAt()),
    ).toBeNull();
  });

  it('an edit touches no state, and no rights of the other kind', () => {
    const smuggled = {
      name: 'b',
      enabled: false,
      revokedAt: null,
      id: 'x',
      version: 9,
      handle: 'h',
      createdAt: 0,
      prefix: 'p',
      kind: 'management',
    };
    const before = standardKey({ softBlocked: true });
    expect(editKey(before, smuggled, actAt())?.key).toEqual({
      ...before,
      name: 'b',
      version: 2,
      updatedAt: NOW,
    });
    expect(refusalOf(() => editKey(before, { permissions: ['*'] }, actAt()))).toBe(
      'invalid /permissions',
    );
    expect(refusalOf(() => editKey(managementKey(), { scopes: ['*'] }, actAt()))).toBe(
      'invalid /scopes',
    );
  });
});
