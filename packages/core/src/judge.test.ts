import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { address, asks, candidates } from '../../../tests/fixtures/candidates.ts';
import {
  managementKey,
  NOW,
  ownerWith,
  runs,
  standardKey,
  WORKSPACE_ID,
  workspaceWith,
} from '../../../tests/fixtures/domain.ts';
import { type Ask, type Candidate, goodUntil, judge, meets, type Verdict } from './judge.ts';
import { type StandardKey, statusOf } from './key.ts';
import { parseScopeQuery, type ScopeQuery } from './scope.ts';
import { VERDICT_CODES, type VerdictCode } from './verdict.ts';

const query = (text: string) => parseScopeQuery(text) as ScopeQuery;
const ANY: Ask = { within: null, environment: null };
const ASK: Ask = {
  within: WORKSPACE_ID,
  environment: 'live',
  workspaceId: WORKSPACE_ID,
  kind: 'standard',
  scopes: ['files:read'],
  ip: address('192.0.2.1'),
};

/** What makes a good candidate fail with a code, in the candidate or in what is asked. */
interface Flaw {
  key?: Partial<StandardKey>;
  ask?: Partial<Ask>;
  owner?: { suspendedAt: number };
}
// What a text, a window or a balance says is not judged here.
type Judged = Exclude<VerdictCode, 'malformed' | 'rate_limited' | 'insufficient_credits' | 'valid'>;
const FLAWS: Record<Judged, Flaw> = {
  not_found: { ask: { within: 'another' } },
  wrong_workspace: { ask: { workspaceId: 'another' } },
  wrong_environment: { ask: { environment: 'test' } },
  wrong_kind: { ask: { kind: 'management' } },
  revoked: { key: { revokedAt: NOW } },
  suspended: { owner: { suspendedAt: NOW } },
  disabled: { key: { enabled: false } },
  soft_blocked: { key: { softBlocked: true } },
  expired: { key: { expiresAt: NOW } },
  not_yet_valid: { key: { notBefore: NOW + 1 } },
  forbidden_ip: { key: { allowedCidrs: ['198.51.100.0/24'] } },
  insufficient_scope: { key: { scopes: [] } },
};
const HIDDEN = ['not_found', 'wrong_workspace', 'wrong_environment', 'wrong_kind'];
const judged = VERDICT_CODES.filter((code): code is Judged => Object.hasOwn(FLAWS, code));

function verdictOn(flaws: readonly Flaw[], now = NOW): Verdict {
  const key = standardKey(Object.assign({}, ...flaws.map((flaw) => flaw.key)));
  const owner = ownerWith(Object.assign({}, ...flaws.map((flaw) => flaw.owner)));
  const ask = Object.assign({}, ASK, ...flaws.map((flaw) => flaw.ask));
  return judge({ key, owner, workspace: workspaceWith() }, ask, now);
}

const of = (key: Partial<StandardKey> = {}): Candidate => ({
  key: standardKey(key),
  owner: null,
  workspace: workspaceWith(),
});

describe('the code', () => {
  it('is valid where nothing fails, with the key, its owner and its workspace', () => {
    expect(verdictOn([])).toEqual({
      valid: true,
      code: 'valid',
      key: standardKey(),
      owner: ownerWith(),
      workspace: workspaceWith(),
    });
  });

  it.each(judged)('is %s where that fails alone', (code) => {
    expect(verdictOn([FLAWS[code]])).toMatchObject({ valid: false, code });
  });

  it.each(judged.flatMap((first, i) => judged.slice(i + 1).map((then) => [first, then] as const)))(
    'is %s where %s fails too',
    (first, then) => expect(verdictOn([FLAWS[then], FLAWS[first]]).code).toBe(first),
  );

  it('is the first of all that fail, whichever they are', () => {
    fc.assert(
      fc.property(fc.subarray(judged), (failing) => {
        const flaws = failing.toReversed().map((code) => FLAWS[code]);
        expect(verdictOn(flaws).code).toBe(failing[0] ?? 'valid');
      }),
      { numRuns: runs(500, 20_000) },
    );
  });

  it('is not_found for a token that no key has', () => {
    expect(judge(null, ASK, NOW)).toEqual({ valid: false, code: 'not_found' });
  });
});

describe('a refusal', () => {
  it.each(judged.filter((code) => HIDDEN.includes(code)))(
    '%s carries nothing of the key',
    (code) => {
      expect(verdictOn([FLAWS[code]])).toEqual({ valid: false, code });
    },
  );

  it.each(judged.filter((code) => !HIDDEN.includes(code)))('%s carries the key', (code) => {
    expect(verdictOn([FLAWS[code]])).toHaveProperty('key.id', standardKey().id);
  });

  it("another workspace's key cannot be told from none, whatever its state", () => {
    for (const code of judged) {
      expect(verdictOn([FLAWS[code], FLAWS.not_found])).toEqual(judge(null, ASK, NOW));
    }
  });

  it('of a key agrees with its status', () => {
    const facts = fc.record({
      revokedAt: fc.constantFrom(null, NOW),
      deletedAt: fc.constant(null),
      enabled: fc.boolean(),
      softBlocked: fc.boolean(),
      expiresAt: fc.constantFrom(null, NOW - 1, NOW, NOW + 1),
      notBefore: fc.constantFrom(null, NOW - 1, NOW, NOW + 1),
    });
    fc.assert(
      fc.property(facts, (key) => {
        const status = statusOf(standardKey(key), NOW);
        expect(judge(of(key), ANY, NOW).code).toBe(status === 'active' ? 'valid' : status);
      }),
    );
  });
});

describe('time', () => {
  it('a key that expires at T is good at T-1 and refused at T and ever after', () => {
    const at = (now: number) => judge(of({ expiresAt: NOW }), ANY, now).code;
    expect([at(NOW - 1), at(NOW), at(NOW + 1), at(Number.MAX_SAFE_INTEGER)]).toEqual([
      'valid',
      'expired',
      'expired',
      'expired',
    ]);
  });

  it('a key that begins at T is refused at T-1 and good at T', () => {
    const at = (now: number) => judge(of({ notBefore: NOW }), ANY, now).code;
    expect([at(0), at(NOW - 1), at(NOW)]).toEqual(['not_yet_valid', 'not_yet_valid', 'valid']);
  });

  it('a revoked, deleted or erased key is revoked at every time, also before it was', () => {
    for (const now of [0, NOW - 1, NOW, Number.MAX_SAFE_INTEGER]) {
      expect(judge(of({ revokedAt: NOW, deletedAt: NOW, erasedAt: NOW }), ANY, now).code).toBe(
        'revoked',
      );
    }
  });
});

describe('suspension', () => {
  const suspendedAt = NOW + 1_000; // also one that another clock made
  it("of the workspace, of the owner or of both refuses the owner's keys", () => {
    const [workspace, owner] = [workspaceWith({}, { suspendedAt }), ownerWith({ suspendedAt })];
    for (const candidate of [
      { ...of(), workspace },
      { ...of(), owner },
      { ...of(), workspace, owner },
    ]) {
      expect(judge(candidate, ANY, NOW).code).toBe('suspended');
    }
    expect(judge({ ...of(), owner: ownerWith() }, ANY, NOW).code).toBe('valid');
  });

  it('comes with the deletion of a workspace', () => {
    const workspace = workspaceWith({}, { suspendedAt: NOW, deletedAt: NOW });
    expect(judge({ ...of(), workspace }, ANY, NOW).code).toBe('suspended');
  });
});

describe('addresses', () => {
  const allowedCidrs = ['10.0.0.0/8', '2001:db8::/32'];
  it.each([
    ['10.255.0.1', 'valid'],
    ['::ffff:10.0.0.1', 'valid'],
    ['2001:db8::1', 'valid'],
    ['11.0.0.1', 'forbidden_ip'],
    ['::10.0.0.1', 'forbidden_ip'],
    ['2001:db9::1', 'forbidden_ip'],
  ])('%s: %s', (ip, code) => {
    expect(judge(of({ allowedCidrs }), { ...ANY, ip: address(ip) }, NOW).code).toBe(code);
  });

  it('are demanded of a key that names networks, and of no other', () => {
    expect(judge(of({ allowedCidrs }), ANY, NOW).code).toBe('forbidden_ip');
    expect(judge(of(), ANY, NOW).code).toBe('valid');
  });

  it('never match a stored network that cannot be read', () => {
    const ask = { ...ANY, ip: address('10.0.0.1') };
    expect(judge(of({ allowedCidrs: ['10.0.0.0/99'] }), ask, NOW).code).toBe('forbidden_ip');
  });
});

describe('scopes', () => {
  it.each<[held: string[], asked: Partial<Ask>, missing: string[]]>([
    [['files:*'], { scopes: ['files:read', 'files:write'] }, []],
    [['*'], { scopes: ['anything:at:all'], query: query('x and y') }, []],
    [[], {}, []],
    [[], { scopes: [] }, []],
    [[], { scopes: ['a'] }, ['a']],
    [['files:*'], { scopes: ['Files:read', 'filesystem:x'] }, ['Files:read', 'filesystem:x']],
    [['b'], { query: query('a or b') }, []],
    [['b'], { query: query('a and b') }, ['a']],
    [['b'], { scopes: ['c', 'b'], query: query('a and c') }, ['c', 'a']],
  ])('held %j, asked %j, missing %j', (scopes, asked, missing) => {
    const verdict = judge(of({ scopes }), { ...ANY, ...asked }, NOW);
    expect(verdict).toMatchObject(
      missing.length === 0
        ? { valid: true, code: 'valid' }
        : { valid: false, code: 'insufficient_scope', missingScopes: missing },
    );
  });

  it('of a management key never count, whatever it carries', () => {
    const key = { ...managementKey({ permissions: ['*'] }), scopes: ['*'] };
    const candidate = { key, owner: null, workspace: workspaceWith() };
    expect(judge(candidate, { ...ANY, scopes: ['a'] }, NOW).code).toBe('insufficient_scope');
    expect(judge(candidate, { ...ANY, query: query('a') }, NOW).code).toBe('insufficient_scope');
    expect(judge(candidate, ASK, NOW)).toEqual({ valid: false, code: 'wrong_kind' });
  });
});

describe('a key of the instance', () => {
  const candidate = { key: managementKey({ workspaceId: null }), owner: null, workspace: null };
  it('is seen by who sees all, and is of no workspace', () => {
    expect(judge(candidate, ANY, NOW).code).toBe('valid');
    expect(judge(candidate, { ...ANY, within: WORKSPACE_ID }, NOW).code).toBe('not_found');
    expect(judge(candidate, { ...ANY, workspaceId: WORKSPACE_ID }, NOW).code).toBe(
      'wrong_workspace',
    );
  });
});

it('what is known ahead of a verdict is what judge says, but for keys that have yet to begin', () => {
  fc.assert(
    fc.property(
      candidates,
      asks,
      fc.integer({ min: NOW - 2, max: NOW + 2 }),
      (candidate, ask, at) => {
        const ahead = at < goodUntil(candidate) && meets(candidate.key, ask);
        const { valid } = judge(candidate, ask, at);
        expect(ahead).toBe(valid && candidate.key.notBefore === null);
      },
    ),
    { numRuns: runs(2_000, 100_000) },
  );
});
