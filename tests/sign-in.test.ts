// Signing in with a token, over real HTTP on both sides: an issuer of the tests, the
// service, its members.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addCast, startCastIssuer, tokenOf } from './kit/cast.ts';
import { startIssuer, type TestIssuer } from './kit/issuer.ts';
import { type Service, startService } from './kit/service.ts';

let service: Service;
let issuer: TestIssuer;
let claiming: TestIssuer;
let cast: Readonly<Record<string, string>>;
const rows: object[] = [];

beforeAll(async () => {
  const now = () => service.clock.at;
  const started = await startCastIssuer(now);
  issuer = started.issuer;
  claiming = await startIssuer(now);
  const claims = {
    issuer: claiming.url,
    audiences: ['warder'],
    claims: { workspace: 'org', role: 'role' },
    roles: { boss: 'admin', guest: 'viewer' },
    workspaces: [
      { workspace: 'default', claim: 'main' },
      { workspace: 'elsewhere', claim: 'side' },
    ],
  };
  rows.push(started.row, claims);
  service = await startService({ issuers: rows });
  cast = await addCast(service, issuer);
});
afterAll(async () => {
  await service.close();
  await issuer.close();
  await claiming.close();
});

const token = (name: string): string => cast[`token_${name}`] ?? expect.fail(`no ${name}`);
const whoami = (key: string, workspace?: string) =>
  service.call('GET', '/v1/whoami', {
    key,
    headers: workspace === undefined ? {} : { 'x-workspace-id': workspace },
  });
const newWorkspace = async () => (await service.createWorkspace()).id;
const addMember = (subject: string, workspaceId: string, role = 'admin', of = issuer) =>
  service.expectCall(201, 'POST', '/v1/members', {
    body: { issuer: of.url, subject, role, workspace_id: workspaceId },
  });

describe('a member', () => {
  it('is told who it is', async () => {
    const { status, body } = await whoami(token('admin'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ key: null, workspace: { id: service.defaultWorkspaceId } });
    expect(JSON.stringify(body)).toContain(cast.member_admin);
  });

  it('may do what its role may: a viewer lists and makes nothing, an admin manages', async () => {
    const viewer = { key: token('viewer') };
    await service.expectCall(200, 'GET', '/v1/keys', viewer);
    const refused = await service.expectCall(403, 'POST', '/v1/keys', { ...viewer, body: {} });
    expect(refused.detail).toBe('This needs the permission keys:write, which you do not have.');

    const { key_id: id = '', id: made } = await service.createKey({ name: 'x' }, token('admin'));
    const keyId = made ?? id;
    await service.expectCall(200, 'GET', `/v1/keys/${keyId}`, { key: token('owner') });
    await service.expectCall(200, 'DELETE', `/v1/keys/${keyId}`, { key: token('admin') });
  });

  it('is who its keys and events say made them', async () => {
    const key = await service.createKey({}, token('admin'));
    const actor = { type: 'member', id: cast.member_admin };
    expect(key.created_by).toEqual(actor);
    const [event] = await service.events();
    expect(event).toMatchObject({ type: 'key.created', actor });
  });

  it('acts in its own workspace alone', async () => {
    const elsewhere = { workspace_id: cast.elsewhere_id };
    await service.expectCall(403, 'POST', '/v1/keys', { key: token('admin'), body: elsewhere });
    const { id } = await service.createKey(elsewhere);
    await service.expectCall(404, 'GET', `/v1/keys/${id}`, { key: token('admin') });
  });

  it('that was removed is refused from the next call on', async () => {
    const { id } = await addMember('leaving', service.defaultWorkspaceId);
    const signed = tokenOf(issuer, 'leaving');
    expect((await whoami(signed)).status).toBe(200);
    await service.expectCall(200, 'DELETE', `/v1/members/${id}`);
    expect((await whoami(signed)).status).toBe(401);
    expect((await whoami(signed, 'default')).status).toBe(401);
  });

  it('that was removed never comes back by a claim', async () => {
    const claims = { sub: 'leaver', org: 'main', role: 'guest' };
    const signed = claiming.sign(claims);
    const { body } = await whoami(signed);
    const { data } = await service.expectCall(200, 'GET', '/v1/members?search=leaver');
    expect(body).toMatchObject({ workspace: { id: service.defaultWorkspaceId } });
    await service.expectCall(200, 'DELETE', `/v1/members/${data[0]?.id}`);
    const refused = await whoami(signed);
    expect(refused.status).toBe(401);
    expect(refused.body.code).toBe('unauthenticated');
    expect((await whoami(claiming.sign({ ...claims, role: 'boss' }))).status).toBe(401);
  });

  it('of a suspended workspace is refused, and let in again when it goes on', async () => {
    const path = `/v1/workspaces/${cast.elsewhere_id}`;
    expect((await whoami(token('other'))).status).toBe(200);
    await service.expectCall(200, 'POST', `${path}/suspend`);
    expect((await whoami(token('other'))).status).toBe(401);
    expect((await whoami(token('other'), 'elsewhere')).status).toBe(401);
    const claimed = claiming.sign({ sub: 'sider', org: 'side', role: 'boss' });
    expect((await whoami(claimed)).status).toBe(401);
    // Of two workspaces one is left, so it is that one.
    expect((await whoami(token('both'))).body.workspace).toMatchObject({ slug: 'default' });
    await service.expectCall(200, 'POST', `${path}/resume`);
    expect((await whoami(token('other'))).status).toBe(200);
    expect((await whoami(claimed)).body.workspace).toMatchObject({ slug: 'elsewhere' });
  });
});

describe('the workspace', () => {
  it('must be named by a member of several, by id or slug', async () => {
    const { status, body } = await whoami(token('both'));
    expect(status).toBe(400);
    expect(body.detail).toContain('X-Workspace-Id');
    const of = async (named: string) => (await whoami(token('both'), named)).body.workspace;
    expect(await of('default')).toMatchObject({ id: service.defaultWorkspaceId });
    expect(await of(service.defaultWorkspaceId.toUpperCase())).toMatchObject({ slug: 'default' });
    expect(await of('elsewhere')).toMatchObject({ id: cast.elsewhere_id });
  });

  it('is none that the subject is no member of, whatever is asked for', async () => {
    for (const named of ['elsewhere', cast.elsewhere_id ?? '', 'nowhere', 'default ']) {
      const { status, body } = await whoami(token('admin'), named);
      expect(`${named} ${status}`).toBe(`${named} ${named === 'default ' ? 200 : 401}`);
      if (status === 401) expect(body.detail).toMatch(/^You are not a member/);
    }
    expect((await whoami(token('stranger'))).status).toBe(401);
  });

  it('is none that the issuer does not speak for, even for a member of it', async () => {
    const workspace = await newWorkspace();
    await addMember('far', workspace);
    expect((await whoami(tokenOf(issuer, 'far'))).status).toBe(401);
    expect((await whoami(tokenOf(issuer, 'far'), workspace)).status).toBe(401);
  });

  it('of a claim is the one without a choice, and another that the token does not claim is none', async () => {
    const boss = claiming.sign({ sub: 'boss', org: 'main', role: 'boss' });
    expect((await whoami(boss)).body.workspace).toMatchObject({ slug: 'default' });
    expect((await whoami(boss, 'default')).status).toBe(200);
    await addMember('boss', cast.elsewhere_id ?? '', 'owner', claiming);
    expect((await whoami(boss, 'elsewhere')).status).toBe(401);
    await service.expectCall(201, 'POST', '/v1/keys', { key: boss, body: {} });
    const guest = claiming.sign({ sub: 'boss', org: 'main', role: 'guest' });
    await service.expectCall(403, 'POST', '/v1/keys', { key: guest, body: {} });
  });

  it('that is asked for beside a key must be its own', async () => {
    const { key } = await service.createKey();
    const by = async (name: string, workspace: string) =>
      (
        await service.call('GET', '/v1/whoami', {
          key: null,
          headers: {
            [name]: name === 'x-api-key' ? key : `Bearer ${key}`,
            'x-workspace-id': workspace,
          },
        })
      ).status;
    for (const header of ['authorization', 'x-api-key']) {
      expect(await by(header, 'default')).toBe(200);
      expect(await by(header, service.defaultWorkspaceId)).toBe(200);
      expect(await by(header, 'elsewhere')).toBe(403);
    }
    expect((await whoami(service.firstKey, 'elsewhere')).status).toBe(200);
  });
});

describe('a token that is not good', () => {
  it.each(['expired', 'wrong_audience', 'none', 'unsigned', 'forged'])(
    '(%s) is 401',
    async (kind) => {
      const { status, body, headers } = await whoami(token(kind));
      expect(status).toBe(401);
      expect(body.code).toBe('unauthenticated');
      expect(headers['www-authenticate']).toContain('invalid_token');
    },
  );

  it('is told nothing of members, nor is one with a good signature of an unknown subject', async () => {
    const before = await service.counts();
    expect((await whoami(token('forged'), 'default')).body.detail).not.toMatch(/member/);
    expect((await whoami(token('stranger'), 'default')).status).toBe(401);
    expect(await service.counts()).toEqual(before);
  });
});

it('a workspace that took the id of a listed one as its slug is not taken for it', async () => {
  const body = { name: 'Squatter', slug: service.defaultWorkspaceId };
  const { id } = await service.expectCall(201, 'POST', '/v1/workspaces', { body });
  await addMember('squatter', id);
  const signed = tokenOf(issuer, 'squatter');
  expect((await whoami(signed, service.defaultWorkspaceId)).status).toBe(401);
  expect((await whoami(signed)).status).toBe(401);

  // Where both are listed, an id is still an id.
  rows[0] = { ...rows[0], workspaces: [{ workspace: id }, { workspace: 'default' }] };
  await service.restart();
  await addMember('squatter', service.defaultWorkspaceId);
  const { workspace } = (await whoami(signed, service.defaultWorkspaceId)).body;
  expect(workspace).toMatchObject({ slug: 'default' });
});

it('without issuers no token is taken', async () => {
  const bare = await startService();
  const { status, body } = await bare.call('GET', '/v1/whoami', { key: token('admin') });
  expect(status).toBe(401);
  expect(body.detail).toBe('Tokens are not taken here.');
  await bare.close();
});

it('an issuer out of reach is 503 with a time to come back, for tokens alone', async () => {
  const away = await startIssuer(() => service.clock.at);
  const row = { issuer: away.url, audiences: ['warder'], workspaces: [{ workspace: 'default' }] };
  const other = await startService({ issuers: [row] });
  away.outage('refuse');
  const { status, headers, body } = await other.call('GET', '/v1/whoami', { key: away.sign() });
  expect(`${status} ${body.code}`).toBe('503 unavailable');
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  await other.expectCall(200, 'GET', '/v1/whoami');
  await other.close();
  await away.close();
});
