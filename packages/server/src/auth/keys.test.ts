import { type Caller, type KeyDraft, parseNetwork, WarderError } from '@warder/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ACORN_ADMITS, ACORN_FORMAT } from '../../../../tests/fixtures/dialect.ts';
import { laterRefusalOf, NOW } from '../../../../tests/fixtures/domain.ts';
import {
  type Service as Domain,
  startService as startDomain,
} from '../../../../tests/fixtures/service.ts';
import { type Service, startService } from '../../../../tests/kit/service.ts';
import type { Admission, Credential, OrdinaryKeys } from '../admission.ts';
import type { FoundCredential } from '../shared-credentials.ts';
import { signInByKey } from './keys.ts';

const proxies = [parseNetwork('127.0.0.1')].flatMap((one) => one ?? []);
const publicUrl = 'https://keys.example.org/warder';

let service: Service;
/** The same behind a proxy that is trusted, with a pepper and an address of its own. */
let behind: Service;
beforeAll(async () => {
  service = await startService();
  behind = await startService({
    listen: { trustedProxies: proxies },
    publicUrl,
    peppers: [{ version: 1, key: new Uint8Array(32).fill(1) }],
  });
});
afterAll(async () => {
  await service.close();
  await behind.close();
});

const whoami = (at: Service, key: string, forwarded?: string) =>
  at.call('GET', '/v1/whoami', {
    key,
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  });

describe('signing in with a key', () => {
  it('tells who holds the right secret what is wrong with it, and a guesser nothing', async () => {
    const refused = async (more: object, call?: string) => {
      const { id, key } = await service.manager('owner', more);
      if (call) await service.expectCall(200, 'POST', `/v1/keys/${id}/${call}`);
      const { status, body } = await whoami(service, key);
      return `${status} ${body.detail}`;
    };
    expect(await refused({}, 'revoke')).toBe('401 This key is revoked.');
    expect(await refused({}, 'disable')).toBe('401 This key is disabled.');
    expect(await refused({ expires_at: new Date(NOW).toISOString() })).toBe(
      '401 This key has expired.',
    );
    expect(await refused({ not_before: '2030-01-01T00:00:00Z' })).toBe(
      '401 This key is not valid yet.',
    );
    expect(await refused({ allowed_cidrs: ['192.0.2.0/24'] })).toBe(
      '401 This key may not be used from this address.',
    );
    const guesses = ['a', 'sk_live_0123456789', `wdr_live_${'0'.repeat(40)}`];
    const said = await Promise.all(guesses.map((guess) => whoami(service, guess)));
    expect(new Set(said.map(({ status, body }) => `${status} ${body.detail}`))).toEqual(
      new Set(['401 No key like this is known.']),
    );
  });

  it('makes a caller of its workspace, its permissions and its own life', async () => {
    const { id: workspace_id } = await service.createWorkspace({ slug: 'acme' });
    const { id, key } = await service.manager(['keys:read', 'keys:write'], { workspace_id });
    expect(await service.expectCall(200, 'GET', '/v1/whoami', { key })).toMatchObject({
      identity: { type: 'key', id },
      kind: 'management',
      instance: false,
      workspace: { id: workspace_id, slug: 'acme' },
      permissions: ['keys:read', 'keys:write'],
      key: { id, status: 'active' },
    });
    const made = await service.createKey({}, key);
    expect([made.workspace_id, made.created_by]).toEqual([workspace_id, { type: 'key', id }]);
    const first = await service.expectCall(200, 'GET', '/v1/whoami');
    expect(first).toMatchObject({ instance: true, workspace: null, permissions: ['*'] });
  });

  it('counts the address that trusted proxies vouch for, and no other’s word for it', async () => {
    const bound = { allowed_cidrs: ['192.0.2.7'] };
    const direct = (await service.manager('owner', bound)).key;
    expect((await whoami(service, direct, '192.0.2.7')).status).toBe(401);
    const { key } = await behind.manager('owner', bound);
    expect((await whoami(behind, key, '192.0.2.7')).status).toBe(200);
    expect((await whoami(behind, key, '192.0.2.7, 198.51.100.1')).status).toBe(401);
    expect((await whoami(behind, key)).status).toBe(401);
  });

  it('works with a pepper like without one', async () => {
    const { key } = await behind.createKey({ scopes: ['a'] });
    expect((await behind.verify(key, { scopes: ['a'] })).code).toBe('valid');
  });
});

it('what is made is found at the public address', async () => {
  const reply = await behind.call('POST', '/v1/keys', { body: {} });
  expect(reply.headers.location).toBe(`${publicUrl}/v1/keys/${reply.body.id}`);
  const { body } = await behind.call('GET', '/openapi.json', { key: null });
  expect(body.servers).toEqual([{ url: publicUrl }]);
  const { id: workspace_id } = await service.createWorkspace();
  for (const more of [{}, { workspace_id }]) {
    const made = await service.call('PUT', '/v1/owners/a%20b%2Fc', { body: more });
    const { location } = made.headers;
    expect(location).toMatch(/^\/v1\/owners\/a%20b%2Fc\?/);
    expect(await service.expectCall(200, 'GET', String(location))).toEqual(made.body);
  }
});

describe('signing in on the surface of a product', () => {
  const ORIGIN = { address: '192.0.2.1', requestId: 'request', sharedCredential: null };
  let domain: Domain;
  let workspaceId: string;
  let found: FoundCredential | null;
  beforeAll(async () => {
    domain = await startDomain();
  });
  afterAll(() => domain.close());
  beforeEach(async () => {
    workspaceId = (await domain.workspace()).id;
    found = null;
  });

  const signIn = (
    secret: string,
    differing: Partial<Admission>,
    more: Partial<Credential> = {},
  ) => {
    const shared = {
      find: async (surface: string | null, text: string) =>
        surface === 'acorn' && text === 'the shared one' ? found : null,
    };
    const way = signInByKey(domain.verifier, shared, domain.defaultWorkspaceId);
    return way({ kind: 'key', text: secret, ...more }, { ...ACORN_ADMITS, ...differing }, ORIGIN);
  };
  /** Why a key is not taken; what it may, where it is. */
  const taken = (secret: string, ordinaryKeys: OrdinaryKeys | null) =>
    signIn(secret, { ordinaryKeys }).then(
      ({ permissions, bounds }: Caller) => [...permissions, bounds.ownerId].join(' '),
      (error: unknown) => {
        if (!(error instanceof WarderError)) throw error;
        return `${error.code} ${error.facts.refusal}`;
      },
    );
  const create = async (draft: KeyDraft = {}) =>
    (await domain.create({ workspaceId, format: ACORN_FORMAT, ownerId: 'mine', ...draft })).secret;
  const REFUSED = 'unauthenticated ordinary_key';
  const MANAGES = 'keys:read keys:write';

  it('an ordinary key may what its format, its workspace and its owner allow together', async () => {
    const rows: [OrdinaryKeys | null, on: string, off: string, other: string, nobodys: string][] = [
      [null, REFUSED, REFUSED, REFUSED, REFUSED],
      [{ format: null, may: 'ask' }, '', '', '', ''],
      [{ format: 'acorn', may: 'ask' }, '', '', REFUSED, ''],
      [
        { format: 'acorn', may: 'manage_workspace' },
        `${MANAGES} `,
        REFUSED,
        REFUSED,
        `${MANAGES} `,
      ],
      [{ format: 'acorn', may: 'manage_own' }, `${MANAGES} mine`, REFUSED, REFUSED, REFUSED],
    ];
    const own = await create();
    const other = (await domain.create({ workspaceId, ownerId: 'mine' })).secret;
    const { secret: nobodys } = await domain.create({ workspaceId, format: ACORN_FORMAT });
    const manage = (ordinaryKeysManage: boolean) =>
      domain.owner.updateWorkspace(workspaceId, { settings: { ordinaryKeysManage } });
    for (const [admits, ...expected] of rows) {
      await manage(false);
      const off = await taken(own, admits);
      await manage(true);
      const seen = [
        await taken(own, admits),
        off,
        await taken(other, admits),
        await taken(nobodys, admits),
      ];
      expect([admits, ...seen]).toEqual([admits, ...expected]);
    }
  });

  it('an ordinary key that is not good is told what is wrong with it, as everywhere', async () => {
    const { key, secret } = await domain.create({
      workspaceId,
      format: ACORN_FORMAT,
      ownerId: 'mine',
    });
    const admits = { format: 'acorn', may: 'manage_own' } as const;
    await domain.owner.disableKey(key.id);
    expect(await taken(secret, admits)).toBe('unauthenticated disabled');
    await domain.owner.suspendWorkspace(workspaceId);
    expect(await taken(secret, admits)).toBe('unauthenticated suspended');
    expect(await taken(`${secret}x`, admits)).toBe('unauthenticated not_found');
  });

  it('one that manages its workspace gives any scope known there, and makes no manager', async () => {
    const expiresAt = domain.clock.at + 60_000;
    const secret = await create({ expiresAt, scopes: ['files:read'] });
    const caller = await signIn(secret, {
      ordinaryKeys: { format: 'acorn', may: 'manage_workspace' },
    });
    const operations = domain.of(caller);
    const { key } = await operations.createKey({ scopes: ['billing:read'], ownerId: 'another' });
    expect(key).toMatchObject({
      kind: 'standard',
      workspaceId,
      environment: 'live',
      scopes: ['billing:read'],
      expiresAt,
      createdBy: { type: 'key', id: caller.key?.id },
    });
    const refused: KeyDraft[] = [
      { expiresAt: null },
      { expiresAt: expiresAt + 1 },
      { environment: 'test' },
      { kind: 'management', permissions: ['keys:read'] },
      { kind: 'management', permissions: ['keys:read'], workspaceId: null },
      { workspaceId: domain.defaultWorkspaceId },
    ];
    for (const draft of refused) {
      expect([draft, await laterRefusalOf(operations.createKey(draft))]).toEqual([
        draft,
        'forbidden',
      ]);
    }
    await domain.owner.updateWorkspace(workspaceId, { settings: { knownScopes: ['files:read'] } });
    const unknown = operations.createKey({ scopes: ['billing:read'] });
    expect(await laterRefusalOf(unknown)).toBe('invalid /scopes');
    const manager = await domain.create({
      kind: 'management',
      workspaceId,
      permissions: ['keys:read'],
    });
    expect(await laterRefusalOf(operations.revokeKey(manager.key.id))).toBe('not_found');
    expect(await laterRefusalOf(operations.listWorkspaces({}))).toBe('forbidden');
    expect(await laterRefusalOf(operations.verifyKey({ secret }))).toBe('forbidden');
  });

  it('one that manages its own gives scopes within its own, to its owner', async () => {
    const secret = await create({ scopes: ['files:*'] });
    const others = await domain.create({ workspaceId, format: ACORN_FORMAT, ownerId: 'theirs' });
    const caller = await signIn(secret, { ordinaryKeys: { format: 'acorn', may: 'manage_own' } });
    const operations = domain.of(caller);
    const { key } = await operations.createKey({ scopes: ['files:read'] });
    expect(key).toMatchObject({ ownerId: 'mine', scopes: ['files:read'], expiresAt: null });
    for (const draft of [{ scopes: ['billing:read'] }, { scopes: ['*'] }, { ownerId: 'theirs' }]) {
      expect([draft, await laterRefusalOf(operations.createKey(draft))]).toEqual([
        draft,
        'forbidden',
      ]);
    }
    expect(await laterRefusalOf(operations.getKey(others.key.id))).toBe('not_found');
    const { items } = await operations.listKeys({});
    expect(new Set(items.map(({ ownerId }) => ownerId))).toEqual(new Set(['mine']));
  });

  it('a management key is taken whatever its format, or nowhere', async () => {
    const draft = { kind: 'management', permissions: ['keys:read'], workspaceId } as const;
    for (const format of [ACORN_FORMAT, undefined]) {
      const { key, secret } = await domain.create({ ...draft, format });
      const caller = await signIn(secret, {});
      expect(caller).toMatchObject({
        identity: { type: 'key', id: key.id },
        home: { workspaceId },
        bounds: { kind: 'standard', ownerId: null, deleted: 'gone' },
        permissions: ['keys:read'],
      });
      await expect(signIn(secret, { managementKeys: null })).rejects.toMatchObject({
        code: 'unauthenticated',
        facts: { refusal: 'wrong_kind' },
      });
    }
  });

  it('a key of the instance acts in the default workspace, unless a shared credential names more', async () => {
    const { secret } = await domain.create({
      kind: 'management',
      workspaceId: null,
      permissions: ['*'],
    });
    found = { label: 'assistant', workspaceIds: [workspaceId] };
    const sees = async (beside?: string, differing: Partial<Admission> = {}) => {
      const { home, origin } = await signIn(secret, differing, { beside });
      return [Object(home).workspaces, origin.sharedCredential];
    };
    const alone = [domain.defaultWorkspaceId];
    expect(await sees()).toEqual([alone, null]);
    expect(await sees('a wrong one')).toEqual([alone, null]);
    expect(await sees('the shared one', { shared: null })).toEqual([alone, null]);
    expect(await sees('the shared one')).toEqual([[...alone, workspaceId], 'assistant']);
    const everywhere = { managementKeys: { ofInstance: 'everywhere' } } as const;
    expect(await sees('the shared one', everywhere)).toEqual([undefined, null]);
  });

  it("a workspace's key gets nowhere else by a shared credential", async () => {
    const draft = { kind: 'management', permissions: ['*'], workspaceId } as const;
    const { secret } = await domain.create(draft);
    found = { label: 'assistant', workspaceIds: [domain.defaultWorkspaceId] };
    const { home, origin } = await signIn(secret, {}, { beside: 'the shared one' });
    expect([home, origin.sharedCredential]).toEqual([{ workspaceId }, null]);
    const own = await create();
    const ordinary = await signIn(own, {}, { beside: 'the shared one' });
    expect(ordinary.home).toEqual({ workspaceId });
  });
});
