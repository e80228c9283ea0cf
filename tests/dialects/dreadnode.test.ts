// What a transcript cannot show of Dreadnode's API: long lists, the states that other
// surfaces bring about, what a key may, its option.

import { type ErrorCode, WarderError } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialectsOf } from '../../packages/server/src/products.ts';
import { addCast, startCastIssuer, tokenOf } from '../kit/cast.ts';
import type { TestIssuer } from '../kit/issuer.ts';
import { bearer, member, type Surfaces, startSurfaces, textAt } from '../kit/surface.ts';

const BASE = '/dreadnode/api/v1';
const KEYS = `${BASE}/user/api-keys`;

let surfaces: Surfaces;
let issuer: TestIssuer;
let row: object;
let cast: Readonly<Record<string, string>>;
beforeAll(async () => {
  ({ issuer, row } = await startCastIssuer(() => surfaces.service.clock.at));
  surfaces = await startSurfaces(['phaseo', 'dreadnode'], { issuers: [row] });
  cast = await addCast(surfaces.service, issuer);
});
afterAll(async () => {
  await surfaces.close();
  await issuer.close();
});

const as = (name: string) => bearer(cast[`token_${name}`] ?? expect.fail(`no ${name}`));
const byKey = (key: string) => ({ 'x-api-key': key });
const create = (body: object = {}, name = 'editor') =>
  surfaces.expectCall(201, 'POST', KEYS, { headers: as(name), body });
const list = async (name = 'editor') => {
  const body = await surfaces.expectCall(200, 'GET', KEYS, { headers: as(name) });
  return body as readonly Readonly<Record<string, unknown>>[];
};
const shown = async (id: string, name = 'editor') =>
  (await list(name)).find((key) => key.id === id) ?? expect.fail(`${id} is not listed`);

describe('the list', () => {
  it('is whole however long it is, the newest first, and the own keys alone', async () => {
    const { service } = surfaces;
    const ids: unknown[] = [];
    for (let i = 0; i < 260; i++) {
      const { id } = await service.createKey({ owner_id: cast.member_owner, name: `${i}` });
      ids.unshift(id);
    }
    await create({}, 'admin');
    expect((await list('owner')).map(({ id }) => id)).toEqual(ids);
  });

  it('says of every state what it can', async () => {
    const { service } = surfaces;
    const made = await Promise.all(Array.from({ length: 5 }, () => create()));
    const [off, revoked, blocked, deleted, expired] = made.map((body) => textAt(body, '/id'));
    const phaseo = { headers: bearer(service.firstKey) };
    const block = { ...phaseo, body: { soft_blocked: true } };
    await service.expectCall(200, 'POST', `/v1/keys/${off}/disable`);
    await surfaces.expectCall(204, 'DELETE', `${KEYS}/${revoked}`, { headers: as('editor') });
    await surfaces.expectCall(200, 'PATCH', `/phaseo/v1/keys/${blocked}`, block);
    await surfaces.expectCall(200, 'DELETE', `/phaseo/v1/keys/${deleted}`, phaseo);
    const expires = { body: { expires_at: new Date(service.clock.at + 1000).toISOString() } };
    await service.expectCall(200, 'PATCH', `/v1/keys/${expired}`, expires);
    service.clock.at += 1000;
    const active = async (id = '') => (await shown(id)).active;
    expect([await active(off), await active(revoked), await active(deleted)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([await active(blocked), await active(expired)]).toEqual([true, true]);
    // Whatever is shown, only a usable one signs in.
    for (const body of made) {
      const given = { headers: byKey(textAt(body, '/key')) };
      const refused = await surfaces.call('GET', `${BASE}/user`, given);
      expect([refused.status, refused.body]).toEqual([
        401,
        { code: 401, detail: 'Authentication failed', type: 'authentication_error' },
      ]);
    }
  });

  it('shows of a key no more than its own format allows', async () => {
    const { id, key } = await surfaces.service.createKey({ owner_id: cast.member_editor });
    expect((await shown(id)).masked_key).toBe(`wdr_liv...${key.slice(-10, -6)}`);
    const made = await create();
    const secret = textAt(made, '/key');
    expect(secret).toMatch(/^dn_[0-9A-Za-z]{40}$/);
    expect(member(made, '/masked_key')).toBe(`${secret.slice(0, 7)}...${secret.slice(-4)}`);
  });
});

describe('a key', () => {
  it('without allowed scopes may do everything, with an empty list nothing', async () => {
    const { verify } = surfaces.service;
    const codeOf = async (allowed_scopes: readonly string[] | null | undefined) => {
      const secret = textAt(await create({ allowed_scopes }), '/key');
      return (await verify(secret, { scopes: ['runs:read'] })).code;
    };
    expect(await codeOf(undefined)).toBe('valid');
    expect(await codeOf(null)).toBe('valid');
    expect(await codeOf(['runs:read', 'runs:read'])).toBe('valid');
    expect(await codeOf(['runs:write'])).toBe('insufficient_scope');
    expect(await codeOf([])).toBe('insufficient_scope');
  });

  it('is shown with the scopes it has once they were changed elsewhere', async () => {
    const id = textAt(await create({ allowed_scopes: ['b', 'a', 'b'] }), '/id');
    expect((await shown(id)).allowed_scopes).toEqual(['b', 'a', 'b']);
    const change = (body: object) =>
      surfaces.service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { body });
    await change({ scopes: ['c'] });
    expect((await shown(id)).allowed_scopes).toEqual(['c']);
    await change({ scopes: ['*'] });
    expect((await shown(id)).allowed_scopes).toBeNull();
    await change({ scopes: ['b', 'a'] });
    expect((await shown(id)).allowed_scopes).toEqual(['b', 'a', 'b']);
    const all = textAt(await create({ allowed_scopes: ['*'] }), '/id');
    expect((await shown(all)).allowed_scopes).toEqual(['*']);
  });

  it('gives no scope that the workspace does not know', async () => {
    const path = `/v1/workspaces/${surfaces.service.defaultWorkspaceId}`;
    const known = (known_scopes: readonly string[] | null) =>
      surfaces.service.expectCall(200, 'PATCH', path, { body: { settings: { known_scopes } } });
    await known(['runs:read']);
    await create({ allowed_scopes: ['runs:read'] });
    await create();
    const body = { allowed_scopes: ['runs:write'] };
    const refused = await surfaces.call('POST', KEYS, { headers: as('editor'), body });
    expect([refused.status, member(refused.body, '/errors/0/loc')]).toEqual([
      422,
      ['body', 'scopes'],
    ]);
    await known(null);
  });

  it('belongs to the member that made it, and ends with its membership', async () => {
    const { service } = surfaces;
    const body = { issuer: issuer.url, subject: 'leaver', role: 'editor' };
    const { id } = await service.expectCall(201, 'POST', '/v1/members', { body });
    const headers = bearer(tokenOf(issuer, 'leaver'));
    const made = await surfaces.expectCall(201, 'POST', KEYS, { headers, body: {} });
    const key = await service.expectCall(200, 'GET', `/v1/keys/${textAt(made, '/id')}`);
    expect(key).toMatchObject({ owner_id: id, created_by: { type: 'member', id } });
    const user = await surfaces.expectCall(200, 'GET', `${BASE}/user`, {
      headers: byKey(textAt(made, '/key')),
    });
    expect(user).toMatchObject({ id, username: 'leaver' });
    await service.expectCall(200, 'DELETE', `/v1/members/${id}`);
    expect((await service.verify(textAt(made, '/key'))).code).toBe('disabled');
    expect((await surfaces.call('GET', KEYS, { headers })).status).toBe(403);
  });

  it('ends itself once, of several calls at once', async () => {
    const headers = byKey(textAt(await create({ allow_self_revoke: true }), '/key'));
    const all = await Promise.all(
      Array.from({ length: 4 }, () => surfaces.call('DELETE', `${KEYS}/self`, { headers })),
    );
    // Those that had signed in before it ended change nothing.
    for (const { status } of all) expect([204, 401]).toContain(status);
    expect((await surfaces.call('DELETE', `${KEYS}/self`, { headers })).status).toBe(401);
  });

  it('has a name that no other active key of its owner has, on whatever page that is', async () => {
    const headers = as('owner');
    const refused = await surfaces.call('POST', KEYS, { headers, body: { name: '0' } });
    expect([refused.status, member(refused.body, '/type')]).toEqual([409, 'conflict_error']);
    const body = { name: 'blocked' };
    const made = await surfaces.expectCall(201, 'POST', KEYS, { headers, body });
    const set = (state: object) =>
      surfaces.expectCall(200, 'PATCH', `/phaseo/v1/keys/${textAt(made, '/id')}`, {
        headers: bearer(surfaces.service.firstKey),
        body: state,
      });
    await set({ soft_blocked: true });
    expect((await surfaces.call('POST', KEYS, { headers, body })).status).toBe(409);
    await set({ disabled: true });
    await surfaces.expectCall(201, 'POST', KEYS, { headers, body });
  });
});

describe('an error', () => {
  const [dialect] = dialectsOf(['dreadnode']);
  const told = (code: ErrorCode, message: string) =>
    dialect?.errors[code](new WarderError(code, message), { now: 0, requestId: 'x', url: '' });

  it('has its own status as its code, and a text', () => {
    for (const code of Object.keys(dialect?.errors ?? {})) {
      // The keys of the table are the codes.
      const { status, body } = told(code as ErrorCode, 'Why.') ?? expect.fail();
      expect(body).toMatchObject({ code: status, type: expect.stringMatching(/^[a-z_]+_error$/) });
      expect(member(body, '/detail')).toMatch(/.+/);
    }
  });

  it('that says "later" never reads like an empty account', () => {
    const { body } = told('rate_limited', 'You are out of credits.') ?? expect.fail();
    expect(JSON.stringify(body)).not.toMatch(/credit/i);
  });
});

it('an operator chooses what keys begin with, and no more of them is shown for it', async () => {
  const chosen = { dreadnode: { token_prefix: 'a_' } };
  const own = await startSurfaces(['dreadnode'], { issuers: [row], chosen });
  const body = { issuer: issuer.url, subject: 'editor', role: 'editor' };
  await own.service.expectCall(201, 'POST', '/v1/members', { body });
  const made = await own.expectCall(201, 'POST', KEYS, { headers: as('editor'), body: {} });
  const secret = textAt(made, '/key');
  expect(secret).toMatch(/^a_[0-9A-Za-z]{40}$/);
  expect(member(made, '/masked_key')).toBe(`${secret.slice(0, 6)}...${secret.slice(-4)}`);
  await own.close();
});
