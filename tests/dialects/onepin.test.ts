// What a transcript cannot show of OnePin's API: whole lists, many values of one
// parameter, the states that other surfaces bring about, its options.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRODUCTS } from '../../packages/server/src/products.ts';
import { addCast, startCastIssuer, tokenOf } from '../kit/cast.ts';
import type { TestIssuer } from '../kit/issuer.ts';
import { bearer, member, type Surfaces, startSurfaces, textAt } from '../kit/surface.ts';

const BASE = '/onepin/api/v1';
const KEYS = `${BASE}/api-keys`;

let surfaces: Surfaces;
let issuer: TestIssuer;
let row: object;
let cast: Readonly<Record<string, string>>;
beforeAll(async () => {
  ({ issuer, row } = await startCastIssuer(() => surfaces.service.clock.at));
  surfaces = await startSurfaces(['phaseo', 'onepin'], { issuers: [row] });
  cast = await addCast(surfaces.service, issuer);
});
afterAll(async () => {
  await surfaces.close();
  await issuer.close();
});

const as = (name: string) => bearer(cast[`token_${name}`] ?? expect.fail(`no ${name}`));
const create = (body: object = {}, of: Surfaces = surfaces) =>
  of.expectCall(201, 'POST', KEYS, { headers: as('admin'), body: { name: 'x', ...body } });
const list = (query = '', of: Surfaces = surfaces) =>
  of.expectCall(200, 'GET', `${KEYS}?${query}`, { headers: as('viewer') });
const idsOf = (body: unknown) =>
  (member(body, '/data') as readonly { id: string }[]).map(({ id }) => id);

/** The ids of a whole list, by following its links. */
async function whole(query: string, link: 'next' | 'prev' = 'next'): Promise<string[]> {
  const pages: string[][] = [];
  for (let path: unknown = `${KEYS}?${query}`; path !== null; ) {
    const url = String(path).replace(surfaces.service.url, '');
    const body = await surfaces.expectCall(200, 'GET', url, { headers: as('viewer') });
    pages.push(idsOf(body));
    path = member(body, `/pagination/${link}`);
  }
  return (link === 'next' ? pages : pages.reverse()).flat();
}

describe('a list', () => {
  it('shows each key as active or as revoked, never as both, and counts exactly', async () => {
    const { service } = surfaces;
    const made: string[] = [];
    for (let i = 0; i < 7; i++) made.push(textAt(await create({ name: `${i}` }), '/data/id'));
    const [paused, revoked, blocked, deleted, expired] = made;
    const path = (id = '') => `${KEYS}/${id}`;
    const headers = as('admin');
    const phaseo = { headers: bearer(service.firstKey) };
    await surfaces.expectCall(200, 'PATCH', path(paused), { headers, body: { active: false } });
    await surfaces.expectCall(200, 'DELETE', path(revoked), { headers });
    const block = { ...phaseo, body: { soft_blocked: true } };
    await surfaces.expectCall(200, 'PATCH', `/phaseo/v1/keys/${blocked}`, block);
    await surfaces.expectCall(200, 'DELETE', `/phaseo/v1/keys/${deleted}`, phaseo);
    const expires = { body: { expires_at: new Date(service.clock.at + 1000).toISOString() } };
    await service.expectCall(200, 'PATCH', `/v1/keys/${expired}`, expires);
    service.clock.at += 1000;

    const total = async (status: string) =>
      member(await list(`status=${status}`), '/pagination/total');
    const [active, gone, all] = [
      await whole('limit=2'),
      await whole('limit=3&status=revoked'),
      await whole('limit=1&status=all'),
    ];
    expect(new Set(gone)).toEqual(new Set([paused, revoked, deleted]));
    expect(active).toEqual(expect.arrayContaining([blocked, expired]));
    expect([...active, ...gone].sort()).toEqual([...all].sort());
    expect(all).toEqual([...all].sort().reverse());
    expect([await total('active'), await total('revoked'), await total('all')]).toEqual([
      active.length,
      gone.length,
      all.length,
    ]);
    expect(await whole(`limit=2&offset=${all.length - 1}&status=all`, 'prev')).toContain(all[0]);

    const word = async (id = '') => {
      const body = await surfaces.expectCall(200, 'GET', path(id), { headers });
      return [member(body, '/data/active'), member(body, '/data/revoked_at') !== null];
    };
    expect(await word(paused)).toEqual([false, false]);
    expect(await word(revoked)).toEqual([false, true]);
    expect(await word(blocked)).toEqual([true, false]);
    expect(await word(deleted)).toEqual([false, true]);
    expect(await word(expired)).toEqual([true, false]);
    const verdict = async (id = '') =>
      (await service.expectCall(200, 'GET', `/v1/keys/${id}?include_deleted=true`)).status;
    expect([await verdict(blocked), await verdict(expired)]).toEqual(['soft_blocked', 'expired']);
  });

  it('never links beyond itself, and not back from its beginning', async () => {
    const total = Number(member(await list('status=all'), '/pagination/total'));
    const links = async (query: string) => {
      const { next, prev } = member(await list(query), '/pagination') as Record<string, unknown>;
      return [next, prev].map((link) => link && String(link).replace(/^.*\?/, ''));
    };
    expect(await links(`status=all&limit=${total}`)).toEqual([null, null]);
    expect(await links(`status=all&limit=${total - 1}`)).toEqual([
      `offset=${total - 1}&limit=${total - 1}&status=all`,
      null,
    ]);
    expect(await links('limit=2&offset=1&unknown=1')).toEqual([
      'offset=3&limit=2',
      'offset=0&limit=2',
    ]);
    expect(await links(`limit=3&offset=${total + 9}`)).toEqual([
      null,
      `offset=${total + 6}&limit=3`,
    ]);
  });

  it.each(['limit=0', 'limit=-1', 'limit=101', 'limit=251', 'limit=abc', 'limit=1e9', 'limit=1.5'])(
    'refuses %s',
    async (query) => {
      const refused = await surfaces.call('GET', `${KEYS}?${query}`, { headers: as('viewer') });
      expect([refused.status, member(refused.body, '/error/code')]).toEqual([
        422,
        'VALIDATION_ERROR',
      ]);
    },
  );

  it.each(['offset=-1', 'offset=x', 'offset=1000000001', 'status=', 'status=ACTIVE'])(
    'refuses %s',
    async (query) => {
      const refused = await surfaces.call('GET', `${KEYS}?${query}`, { headers: as('viewer') });
      expect(refused.status).toBe(422);
    },
  );
});

describe('a key', () => {
  it('is written as its product writes them, and verifies everywhere', async () => {
    const made = await create({ scopes: ['voices:read', 'voices:read'] });
    const secret = textAt(made, '/data/api_key');
    expect(secret).toMatch(/^op_live_[0-9A-Za-z]{32}$/);
    expect(member(made, '/data/preview')).toBe(`op_live_${secret.slice(-8)}`);
    expect(member(made, '/data/scopes')).toEqual(['voices:read']);
    const { service } = surfaces;
    expect(await service.verify(secret, { scopes: ['voices:read'] })).toMatchObject({
      valid: true,
    });
    const verdict = await service.verify(secret, { scopes: ['voices:write'] });
    expect(verdict.code).toBe('insufficient_scope');
  });

  it('is called what its maker calls it, in 1 to 120 characters', async () => {
    const longest = '🔑'.repeat(120);
    expect(member(await create({ name: longest }), '/data/name')).toBe(longest);
    for (const name of ['', `${longest}x`, null, 7]) {
      const refused = await surfaces.call('POST', KEYS, { headers: as('admin'), body: { name } });
      expect(refused.status).toBe(422);
    }
  });

  it('that is paused is refused until it is active again', async () => {
    const made = await create();
    const path = `${KEYS}/${textAt(made, '/data/id').toUpperCase()}`;
    const secret = textAt(made, '/data/api_key');
    const set = (active: boolean) =>
      surfaces.expectCall(200, 'PATCH', path, { headers: as('admin'), body: { active } });
    await set(false);
    expect((await surfaces.service.verify(secret)).code).toBe('disabled');
    await set(true);
    expect((await surfaces.service.verify(secret)).code).toBe('valid');
  });

  it('is rotated by one of several at once, and the others are told so', async () => {
    const made = await create();
    const path = `${KEYS}/${textAt(made, '/data/id')}/rotate`;
    const all = await Promise.all(
      Array.from({ length: 4 }, () => surfaces.call('PATCH', path, { headers: as('admin') })),
    );
    expect(all.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const won = all.find(({ status }) => status === 200)?.body;
    const { verify } = surfaces.service;
    expect((await verify(textAt(made, '/data/api_key'))).code).toBe('revoked');
    expect((await verify(textAt(won, '/data/new_key/api_key'))).code).toBe('valid');
  });

  it('of a management kind is not there', async () => {
    const { id } = await surfaces.service.manager(['keys:read'], {
      workspace_id: surfaces.service.defaultWorkspaceId,
    });
    await surfaces.expectCall(404, 'GET', `${KEYS}/${id}`, { headers: as('admin') });
    expect(await whole('limit=100&status=all')).not.toContain(id);
  });
});

describe('whoever calls', () => {
  it('as a key may name its own workspace, in whatever case, and no other', async () => {
    const headers = bearer(textAt(await create(), '/data/api_key'));
    const named = async (workspace: string) => {
      const given = { headers: { ...headers, 'x-workspace-id': workspace } };
      return (await surfaces.call('GET', `${BASE}/auth/whoami`, given)).status;
    };
    const { defaultWorkspaceId } = surfaces.service;
    expect(await named(defaultWorkspaceId)).toBe(200);
    expect(await named(defaultWorkspaceId.toUpperCase())).toBe(200);
    expect(await named('')).toBe(200);
    expect(await named(cast.elsewhere_id ?? '')).toBe(403);
    expect(await named('x'.repeat(51))).toBe(400);
  });

  it('as a removed member is told of no workspace', async () => {
    const { service } = surfaces;
    const body = { issuer: issuer.url, subject: 'gone', role: 'admin' };
    const { id } = await service.expectCall(201, 'POST', '/v1/members', { body });
    const headers = bearer(tokenOf(issuer, 'gone'));
    const made = await surfaces.expectCall(201, 'POST', KEYS, { headers, body: { name: 'Left' } });
    await service.expectCall(200, 'DELETE', `/v1/members/${id}`);
    const refused = await surfaces.call('GET', KEYS, { headers });
    expect([refused.status, member(refused.body, '/error/code')]).toEqual([404, 'NOT_FOUND']);
    // A key that it made for the workspace stays, and says who made it.
    const kept = await surfaces.expectCall(200, 'GET', `${KEYS}/${textAt(made, '/data/id')}`, {
      headers: as('viewer'),
    });
    expect(member(kept, '/data/created_by')).toBe(id);
    expect(member(kept, '/data/active')).toBe(true);
  });
});

describe('an operator', () => {
  const chosen = { onepin: { token_prefix: 'acme_', scopes: 'any', offset: 'pages' } };
  let own: Surfaces;
  beforeAll(async () => {
    own = await startSurfaces(['onepin'], {
      issuers: [row],
      chosen,
      publicUrl: 'https://k.example',
    });
    for (const role of ['viewer', 'admin']) {
      const body = { issuer: issuer.url, subject: role, role };
      await own.service.expectCall(201, 'POST', '/v1/members', { body });
    }
    for (let i = 0; i < 3; i++) await create({ name: `${i}`, scopes: ['files:read'] }, own);
  });
  afterAll(() => own.close());

  it('chooses what keys begin with, and which scopes there are', async () => {
    const made = await create({ scopes: ['files:*', '*'] }, own);
    expect(textAt(made, '/data/api_key')).toMatch(/^acme_[0-9A-Za-z]{32}$/);
    expect(member(made, '/data/scopes')).toEqual(['files:*', '*']);
    const body = { name: 'x', scopes: ['no scope'] };
    expect((await own.call('POST', KEYS, { headers: as('admin'), body })).status).toBe(422);
    await own.expectCall(200, 'DELETE', `${KEYS}/${textAt(made, '/data/id')}`, {
      headers: as('admin'),
    });
  });

  it('may name the scopes there are', async () => {
    const chosenScopes = { onepin: { scopes: 'files:read admin' } };
    const closed = await startSurfaces(['onepin'], { issuers: [row], chosen: chosenScopes });
    const member_ = { issuer: issuer.url, subject: 'admin', role: 'admin' };
    await closed.service.expectCall(201, 'POST', '/v1/members', { body: member_ });
    await create({ scopes: ['admin', 'files:read'] }, closed);
    for (const scope of ['workflows:read', 'any', 'files:read admin']) {
      const body = { name: 'x', scopes: [scope] };
      expect((await closed.call('POST', KEYS, { headers: as('admin'), body })).status).toBe(422);
    }
    await closed.close();
    const [kind] = PRODUCTS.filter(({ name }) => name === 'onepin');
    const { default: usual = '', pattern = /^never$/ } = kind?.options.scopes ?? {};
    for (const good of [usual, 'any', 'a', 'files:* *']) expect(good).toMatch(pattern);
    // With a comma between them a list of options could not hold them.
    for (const bad of ['', ' a', 'a  b', 'a,b', 'a"b', 'a\\b']) expect(bad).not.toMatch(pattern);
  });

  it('may have offsets count pages', async () => {
    const page = async (query: string) => {
      const body = await list(query, own);
      return { names: (member(body, '/data') as { name: string }[]).map(({ name }) => name), body };
    };
    const first = await page('limit=2');
    const second = await page('limit=2&offset=1');
    expect([first.names, second.names]).toEqual([['2', '1'], ['0']]);
    expect(member(first.body, '/pagination')).toEqual({
      limit: 2,
      total: 3,
      next: `https://k.example${KEYS}?offset=1&limit=2`,
      prev: null,
    });
    expect(member(second.body, '/pagination')).toMatchObject({
      next: null,
      prev: `https://k.example${KEYS}?offset=0&limit=2`,
    });
  });
});
