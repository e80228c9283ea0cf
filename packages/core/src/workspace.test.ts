import { describe, expect, it } from 'vitest';
import { actAt, NOW, refusalOf, workspaceWith } from '../../../tests/fixtures/domain.ts';
import {
  createWorkspace,
  DEFAULT_SETTINGS,
  deleteWorkspace,
  describeWorkspace,
  editWorkspace,
  MAX_LIFE_SECONDS,
  resumeWorkspace,
  suspendWorkspace,
  type WorkspaceSettings,
} from './workspace.ts';

const ID = '01900000-0000-7000-8000-00000000000f';
const act = { ...actAt(), newId: () => ID };
const create = (name: string, slug?: string) =>
  createWorkspace(slug === undefined ? { name } : { name, slug }, act).workspace;

describe('a new workspace', () => {
  it('needs only a name', () => {
    const { workspace, event } = createWorkspace({ name: 'Acme' }, act);
    expect(workspace).toEqual({
      id: ID,
      name: 'Acme',
      slug: 'acme',
      settings: DEFAULT_SETTINGS,
      isDefault: false,
      createdBy: actAt().actor,
      createdAt: NOW,
      updatedAt: NOW,
      suspendedAt: null,
      deletedAt: null,
      version: 1,
    });
    expect(event).toMatchObject({
      type: 'workspace.created',
      workspaceId: ID,
      before: null,
      after: describeWorkspace(workspace),
    });
  });

  it.each([
    ['Acme Inc.', 'acme-inc'],
    ['  --a  B--  ', 'a-b'],
    ['Ångström & Söhne', 'angstrom-sohne'],
    ['日本', ID],
    ['🔑', ID],
    ['!', ID],
    ['x'.repeat(255), 'x'.repeat(50)],
    [`${'x'.repeat(49)} y`, 'x'.repeat(49)],
    ['a', 'a'],
    ['constructor', 'constructor'],
  ])('%j makes a slug of its name, or of its id: %s', (name, slug) =>
    expect(create(name).slug).toBe(slug),
  );

  it.each(['a', '0', 'a-b', 'a'.repeat(50), 'a--b'])('may have the slug %s', (slug) => {
    expect(create('n', slug).slug).toBe(slug);
  });

  it.each(['', '-', '-a', 'a-', 'A', 'é', 'a b', 'a_b', 'a\n', 'a/b', 'a'.repeat(51)])(
    'is refused with the slug %j',
    (slug) => expect(refusalOf(() => create('n', slug))).toBe('invalid /slug'),
  );

  it('has a name of 1 to 255 code points', () => {
    expect(create('🔑'.repeat(255)).name).toBe('🔑'.repeat(255));
    for (const name of ['', 'a'.repeat(256)]) {
      expect(refusalOf(() => create(name))).toBe('invalid /name');
    }
  });
});

describe('settings', () => {
  const set = (settings: Partial<WorkspaceSettings>) =>
    editWorkspace(workspaceWith(), { settings }, act);

  const good: Partial<WorkspaceSettings>[] = [
    { tokenPrefix: 'a' },
    { tokenPrefix: 'abcdefghij1' },
    { defaultLifeSeconds: 1, maxLifeSeconds: 1 },
    { defaultLifeSeconds: MAX_LIFE_SECONDS },
    { maxLifeSeconds: MAX_LIFE_SECONDS },
    { maxKeys: 0, maxKeysPerOwner: Number.MAX_SAFE_INTEGER },
    { maxKeys: 2 ** 31 },
    { knownScopes: [] },
    { knownScopes: ['a', 'b:*', '*'] },
    { metadataFilters: ['plan', 'tier.x', '__proto__'] },
  ];
  it.each(good)('%j are kept', (settings) => {
    expect(set(settings)?.workspace.settings).toEqual({ ...DEFAULT_SETTINGS, ...settings });
  });

  const bad: [Partial<WorkspaceSettings>, pointer: string][] = [
    [{ tokenPrefix: '' }, 'token_prefix'],
    [{ tokenPrefix: 'abcdefghijkl' }, 'token_prefix'],
    [{ tokenPrefix: '1a' }, 'token_prefix'],
    [{ tokenPrefix: 'Ab' }, 'token_prefix'],
    [{ tokenPrefix: 'a_b' }, 'token_prefix'],
    [{ tokenPrefix: 'a\n' }, 'token_prefix'],
    ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, MAX_LIFE_SECONDS + 1, 2 ** 53].flatMap(
      (seconds): [Partial<WorkspaceSettings>, string][] => [
        [{ defaultLifeSeconds: seconds }, 'default_life_seconds'],
        [{ maxLifeSeconds: seconds }, 'max_life_seconds'],
      ],
    ),
    ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53].flatMap(
      (count): [Partial<WorkspaceSettings>, string][] => [
        [{ maxKeys: count }, 'max_keys'],
        [{ maxKeysPerOwner: count }, 'max_keys_per_owner'],
      ],
    ),
    [{ defaultLifeSeconds: 61, maxLifeSeconds: 60 }, 'default_life_seconds'],
    [{ knownScopes: ['a', 'b c'] }, 'known_scopes/1'],
    [{ metadataFilters: ['a', 'b', 'c', 'd'] }, 'metadata_filters'],
    [{ metadataFilters: [''] }, 'metadata_filters'],
    [{ metadataFilters: ["a'; drop table keys"] }, 'metadata_filters'],
    [{ metadataFilters: ['a'.repeat(65)] }, 'metadata_filters'],
  ];
  it.each(bad)('%j are refused', (settings, pointer) => {
    expect(refusalOf(() => set(settings))).toBe(`invalid /settings/${pointer}`);
    expect(refusalOf(() => createWorkspace({ name: 'n', settings }, act))).toBe(
      `invalid /settings/${pointer}`,
    );
  });

  it('are merged: what an edit does not name stays, and is checked together with what it names', () => {
    const before = workspaceWith({ maxLifeSeconds: 60, knownScopes: ['a'] });
    const after = editWorkspace(before, { settings: { defaultLifeSeconds: 60 } }, act)?.workspace;
    expect(after?.settings).toEqual({ ...before.settings, defaultLifeSeconds: 60 });
    const refusal = refusalOf(() =>
      editWorkspace(before, { settings: { defaultLifeSeconds: 61 } }, act),
    );
    expect(refusal).toBe('invalid /settings/default_life_seconds');
  });

  it('hold each scope and filter once', () => {
    const twice = set({ knownScopes: ['a', 'a'], metadataFilters: ['p', 'p', 'p', 'p'] });
    expect(twice?.workspace.settings).toMatchObject({ knownScopes: ['a'], metadataFilters: ['p'] });
  });
});

describe('changing a workspace', () => {
  it('an edit bumps the version and tells what it changed; one that changes nothing answers null', () => {
    const before = workspaceWith({ maxKeys: 5 });
    expect(editWorkspace(before, {}, act)).toBeNull();
    expect(
      editWorkspace(before, { name: 'Acme', slug: 'acme', settings: { maxKeys: 5 } }, act),
    ).toBeNull();
    const change = editWorkspace(before, { name: 'Apex', slug: 'apex' }, act);
    expect(change?.workspace).toEqual({
      ...before,
      name: 'Apex',
      slug: 'apex',
      version: 2,
      updatedAt: NOW,
    });
    const updated_at = new Date(before.updatedAt).toISOString();
    expect(change?.event.before).toEqual({ name: 'Acme', slug: 'acme', updated_at });
  });

  it('suspending and resuming twice is the same as once', () => {
    const suspended = suspendWorkspace(workspaceWith(), act) ?? expect.fail();
    expect(suspended.workspace).toMatchObject({ suspendedAt: NOW, version: 2 });
    expect(suspended.event.type).toBe('workspace.suspended');
    expect(suspendWorkspace(suspended.workspace, actAt(NOW + 1))).toBeNull();
    const resumed = resumeWorkspace(suspended.workspace, act) ?? expect.fail();
    expect(resumed.workspace).toMatchObject({ suspendedAt: null, version: 3 });
    expect(resumed.event.type).toBe('workspace.resumed');
    expect(resumeWorkspace(resumed.workspace, act)).toBeNull();
  });

  it('deleting suspends at once and keeps an earlier suspension', () => {
    const { workspace, event } = deleteWorkspace(workspaceWith(), act);
    expect(workspace).toMatchObject({ suspendedAt: NOW, deletedAt: NOW, version: 2 });
    expect(event.type).toBe('workspace.deleted');
    const earlier = deleteWorkspace(workspaceWith({}, { suspendedAt: NOW - 9 }), act);
    expect(earlier.workspace).toMatchObject({ suspendedAt: NOW - 9, deletedAt: NOW });
  });

  it('the default workspace is never deleted', () => {
    const { workspace } = createWorkspace({ name: 'Default' }, act, true);
    expect(refusalOf(() => deleteWorkspace(workspace, act))).toBe('conflict');
    expect(suspendWorkspace(workspace, act)?.workspace.suspendedAt).toBe(NOW);
  });
});
