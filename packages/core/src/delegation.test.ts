import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  callerWith,
  managementKey,
  NOW,
  refusalOf,
  runs,
  standardKey,
  workspaceWith,
} from '../../../tests/fixtures/domain.ts';
import type { Caller } from './caller.ts';
import { checkHandingOut, defaultExpiry, type Given } from './delegation.ts';
import { WarderError } from './error.ts';
import type { Key } from './key.ts';
import { type Grants, PERMISSIONS, type PermissionSet } from './permission.ts';
import type { KeyRights } from './terms.ts';
import { ENVIRONMENTS } from './token.ts';
import type { WorkspaceSettings } from './workspace.ts';

// The reference knows scopes only as the set of plain words that they allow.
const WORDS = ['a', 'b', 'ab'];
const PLAIN = [
  ...WORDS,
  ...WORDS.flatMap((one) => WORDS.map((two) => `${one}:${two}`)),
  'beyond', // a word that no pattern but `*` spells
  'a:beyond',
  'beyond:a',
  'beyond:beyond',
  'a:b:c',
];
function allows(pattern: string, plain: string): boolean {
  if (pattern === '*') return true;
  const word = pattern.replaceAll('*', '[^:]+');
  return new RegExp(`^${word}$`).test(plain);
}
const reach = (scopes: readonly string[]) =>
  PLAIN.filter((plain) => scopes.some((scope) => allows(scope, plain)));
const within = (inner: readonly unknown[], outer: readonly unknown[]) =>
  inner.every((one) => outer.includes(one));
const noLonger = (one: number | null, bound: number | null) =>
  bound === null || (one !== null && one <= bound);

const scope = fc
  .array(fc.constantFrom('a', 'b', 'ab', '*'), { minLength: 1, maxLength: 2 })
  .map((all) => all.join(':'));
const scopes = fc.uniqueArray(scope, { maxLength: 4 });
const seconds = fc.option(fc.constantFrom(1, 60, 61, 3600), { nil: null });
const time = seconds.map((life) => (life === null ? null : NOW + life * 1000));
const environments = fc.subarray([...ENVIRONMENTS]);
const permissions: fc.Arbitrary<PermissionSet> = fc.oneof(
  { weight: 4, arbitrary: fc.subarray([...PERMISSIONS], { minLength: 1 }) },
  { weight: 1, arbitrary: fc.constant<PermissionSet>(['*']) },
);
const grants: fc.Arbitrary<Grants> = fc.record({ scopes, environments, maxLifeSeconds: seconds });
const rights: fc.Arbitrary<KeyRights> = fc.oneof(
  fc.record({ kind: fc.constant('standard' as const), scopes }),
  fc.record({ kind: fc.constant('management' as const), permissions, grants }),
);
const given: fc.Arbitrary<Given> = fc.record({
  environment: fc.constantFrom(...ENVIRONMENTS),
  rights,
  expiresAt: time,
  createdAt: fc.constant(NOW),
});
const caller: fc.Arbitrary<Caller> = fc
  .record({ permissions, grants, expiresAt: time })
  .map(callerWith);
const settings: fc.Arbitrary<WorkspaceSettings> = fc
  .record({ maxLifeSeconds: seconds, defaultLifeSeconds: seconds })
  .filter((lives) => noLonger(lives.defaultLifeSeconds ?? 1, lives.maxLifeSeconds))
  .map((lives) => workspaceWith(lives).settings);

/** What the house rule says, in sets and numbers. */
function mayGive(by: Caller, bounds: WorkspaceSettings, what: Given): boolean {
  if (!by.grants.environments.includes(what.environment)) return false;
  const life = what.expiresAt === null ? null : (what.expiresAt - what.createdAt) / 1000;
  if (what.rights.kind === 'standard') {
    return (
      within(reach(what.rights.scopes), reach(by.grants.scopes)) &&
      noLonger(life, by.grants.maxLifeSeconds) &&
      noLonger(life, bounds.maxLifeSeconds)
    );
  }
  const all = by.permissions[0] === '*';
  return (
    (all || within(what.rights.permissions, by.permissions)) &&
    within(reach(what.rights.grants.scopes), reach(by.grants.scopes)) &&
    within(what.rights.grants.environments, by.grants.environments) &&
    noLonger(what.rights.grants.maxLifeSeconds, by.grants.maxLifeSeconds) &&
    noLonger(what.expiresAt, by.expiresAt)
  );
}

/** A scope that two patterns allow only together is not handed out, though their reach would hold it. */
const inOnePattern = (by: Caller, what: Given) =>
  (what.rights.kind === 'standard' ? what.rights.scopes : what.rights.grants.scopes).every((one) =>
    by.grants.scopes.some((mine) => within(reach([one]), reach([mine]))),
  );

describe('handing out', () => {
  it('nobody gives permissions, grants, environment, life or scopes beyond their own', () => {
    const held = { nothing: 0, forbidden: 0 };
    fc.assert(
      fc.property(caller, settings, given, (by, bounds, what) => {
        const refusal = refusalOf(() => checkHandingOut(by, bounds, what, null));
        held[refusal as keyof typeof held]++;
        expect(refusal === 'nothing').toBe(mayGive(by, bounds, what) && inOnePattern(by, what));
      }),
      { numRuns: runs(5_000, 200_000) },
    );
    expect(Math.min(held.nothing, held.forbidden)).toBeGreaterThan(200);
  });

  it('what is handed on goes no further than what its giver was given', () => {
    const chain = fc.tuple(caller, given, given);
    fc.assert(
      fc.property(chain, ([first, what, next]) => {
        const { settings: bounds } = workspaceWith();
        if (what.rights.kind !== 'management' || !mayGive(first, bounds, what)) return;
        const { rights: own, expiresAt } = what;
        const second = callerWith({ permissions: own.permissions, grants: own.grants, expiresAt });
        if (refusalOf(() => checkHandingOut(second, bounds, next, null)) !== 'nothing') return;
        expect(refusalOf(() => checkHandingOut(first, bounds, next, null))).toBe('nothing');
      }),
      { numRuns: runs(5_000, 200_000) },
    );
  });

  it("the giver's own end and addresses bind a management key's end, and no standard key", () => {
    const by = callerWith({ expiresAt: NOW + 1_000 });
    const forever = { environment: 'live', expiresAt: null, createdAt: NOW } as const;
    const standard = { ...forever, rights: standardKey() };
    const management = { ...forever, rights: managementKey() };
    expect(refusalOf(() => checkHandingOut(by, null, standard, null))).toBe('nothing');
    expect(refusalOf(() => checkHandingOut(by, null, management, null))).toBe('forbidden');
    const shorter = { ...management, expiresAt: NOW + 1_000 };
    expect(refusalOf(() => checkHandingOut(by, null, shorter, null))).toBe('nothing');
    const later = { ...management, expiresAt: NOW + 1_001 };
    expect(refusalOf(() => checkHandingOut(by, null, later, null))).toBe('forbidden');
  });
});

describe('editing', () => {
  const edit = (by: Caller, bounds: WorkspaceSettings, before: Key, after: Key) =>
    refusalOf(() => checkHandingOut(by, bounds, { ...after, rights: after }, before));
  const standard = fc
    .record({ scopes, expiresAt: time, environment: fc.constantFrom(...ENVIRONMENTS) })
    .map((facts) => standardKey({ ...facts, createdAt: NOW }));
  const inEnvironment = (by: Caller, key: Key) => by.grants.environments.includes(key.environment);

  it('what a standard key has already is left to it, and taking of it is allowed', () => {
    fc.assert(
      fc.property(
        caller,
        settings,
        standard,
        fc.infiniteStream(fc.boolean()),
        (by, bounds, key, coin) => {
          fc.pre(inEnvironment(by, key));
          const keep = () => coin.next().value === true;
          expect(edit(by, bounds, key, { ...key, name: 'another' })).toBe('nothing');
          expect(edit(by, bounds, key, { ...key, scopes: key.scopes.filter(keep) })).toBe(
            'nothing',
          );
          const plain = key.scopes.map((one) => one.replaceAll('*', 'a'));
          expect(edit(by, bounds, key, { ...key, scopes: plain })).toBe('nothing');
          const sooner = (key.expiresAt ?? NOW + 9_999_000_000) - 1;
          expect(edit(by, bounds, key, { ...key, expiresAt: sooner })).toBe('nothing');
        },
      ),
      { numRuns: runs(1_000, 50_000) },
    );
  });

  it('adds to a standard key only what the caller could put on a new one', () => {
    fc.assert(
      fc.property(caller, settings, standard, standard, (by, bounds, key, other) => {
        const after = { ...key, scopes: other.scopes, expiresAt: other.expiresAt };
        const refusal = edit(by, bounds, key, after);
        const added = reach(after.scopes).filter((plain) => !reach(key.scopes).includes(plain));
        const longer = !noLonger(after.expiresAt, key.expiresAt);
        if (refusal !== 'nothing') return;
        expect(inEnvironment(by, key)).toBe(true);
        expect(within(added, reach(by.grants.scopes))).toBe(true);
        if (longer)
          expect(mayGive(by, bounds, { ...after, rights: { kind: 'standard', scopes: [] } })).toBe(
            true,
          );
      }),
      { numRuns: runs(5_000, 200_000) },
    );
  });

  it('changes nothing of a management key that is beyond the caller', () => {
    const by = callerWith({ permissions: ['keys:write', 'management_keys:write'] });
    const key = managementKey({ permissions: ['*'] });
    expect(edit(by, workspaceWith().settings, key, { ...key, name: 'mine' })).toBe('forbidden');
    const equal = managementKey({ permissions: ['keys:write'] });
    expect(edit(by, workspaceWith().settings, equal, { ...equal, name: 'mine' })).toBe('nothing');
  });
});

describe('a life that is not asked for', () => {
  it('is always within the bounds, and unbounded only without any', () => {
    fc.assert(
      fc.property(caller, settings, rights, (by, bounds, wanted) => {
        const expiresAt = defaultExpiry(by, bounds, wanted.kind, NOW);
        if (wanted.kind === 'management') {
          expect(expiresAt).toBe(by.expiresAt);
          return;
        }
        const what = { environment: 'live', expiresAt, createdAt: NOW } as const;
        const all = callerWith({ grants: { ...by.grants, scopes: ['*'], environments: ['live'] } });
        expect(
          refusalOf(() => checkHandingOut(all, bounds, { ...what, rights: wanted }, null)),
        ).toBe('nothing');
        const { defaultLifeSeconds, maxLifeSeconds } = bounds;
        const bound = [defaultLifeSeconds, maxLifeSeconds, by.grants.maxLifeSeconds];
        expect(expiresAt === null).toBe(bound.every((one) => one === null));
      }),
      { numRuns: runs(1_000, 50_000) },
    );
  });

  it.each([
    [null, null, null, null],
    [60, null, null, 60],
    [60, 3600, null, 60],
    [null, 3600, null, 3600],
    [60, 3600, 30, 30],
    [null, null, 30, 30],
    [30, null, 60, 30],
  ])(
    'default %j, longest %j, granted %j: %j',
    (defaultLifeSeconds, maxLifeSeconds, granted, life) => {
      const by = callerWith({ grants: { ...callerWith().grants, maxLifeSeconds: granted } });
      const bounds = workspaceWith({ defaultLifeSeconds, maxLifeSeconds }).settings;
      expect(defaultExpiry(by, bounds, 'standard', NOW)).toBe(
        life === null ? null : NOW + life * 1000,
      );
    },
  );
});

describe('known scopes', () => {
  const bounds = workspaceWith({
    knownScopes: ['files:read', 'files:write', 'billing:*'],
  }).settings;
  const give = (scopes: readonly string[], before: Key | null = null) => {
    const what = { ...standardKey({ scopes }), rights: { kind: 'standard', scopes } as const };
    checkHandingOut(callerWith(), bounds, what, before);
  };

  it('are the only ones a key is given, as themselves or within or around a pattern', () => {
    for (const scope of ['files:read', 'files:*', '*', '*:write', 'billing:x', 'billing:*']) {
      expect(refusalOf(() => give([scope]))).toBe('nothing');
    }
    for (const scope of ['file:read', 'Files:read', 'files', 'files:read:all', 'admin']) {
      expect(refusalOf(() => give(['files:read', scope]))).toBe('invalid /scopes');
    }
  });

  it('the error for an unknown one names the nearest', () => {
    expect(() => give(['files:raed'])).toThrow(/"files:raed".*the nearest is "files:read"/);
    expect(() => give(['zzzzzzzzzzzzzz'])).toThrow(/does not know$/);
    expect(() => give(['files:raed'])).toThrow(WarderError);
  });

  it('leave alone what a key had before they were set', () => {
    const before = standardKey({ scopes: ['old', 'files:read'] });
    expect(refusalOf(() => give(['old'], before))).toBe('nothing');
    expect(refusalOf(() => give(['old', 'new'], before))).toBe('invalid /scopes');
  });
});
