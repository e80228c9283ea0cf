// What a transcript cannot show of Phaseo's management API: many values of one
// parameter, its sibling beside it, and its option.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bearer, member, type Surfaces, startSurfaces, textAt } from '../kit/surface.ts';

const BASE = '/phaseo/v1/management';
const KEYS = `${BASE}/keys`;

let surfaces: Surfaces;
let manager: Readonly<Record<string, string>>;
let ordinary: Readonly<Record<string, string>>;
beforeAll(async () => {
  surfaces = await startSurfaces(['phaseo', 'phaseo-management']);
  manager = bearer(surfaces.service.firstKey);
  ordinary = bearer(textAt(await create({ name: 'Manager' }), '/key/key'));
});
afterAll(() => surfaces.close());

const create = (body: object, headers = manager) =>
  surfaces.expectCall(201, 'POST', KEYS, { headers, body });

describe('paging', () => {
  it.each([
    ['', 50, 0],
    ['limit=', 50, 0],
    ['limit=0', 50, 0],
    ['limit=-1', 50, 0],
    ['limit=abc&offset=abc', 50, 0],
    ['limit=NaN&offset=-Infinity', 50, 0],
    ['limit=1.9&offset=0.9', 1, 0],
    ['limit=250', 250, 0],
    ['limit=251', 250, 0],
    ['limit=1e9', 250, 0],
    ['limit=Infinity', 250, 0],
    ['limit=2&limit=3', 2, 0],
    ['offset=-1', 50, 0],
    ['limit=7&offset=1', 7, 1],
    ['offset=9223372036854775807', 50, 1_000_000_000],
  ])('lists with %j and tells what it listed with', async (query, limit, offset) => {
    const body = await surfaces.expectCall(200, 'GET', `${KEYS}?${query}`, { headers: ordinary });
    expect(body).toMatchObject({ ok: true, limit, offset, total: expect.any(Number) });
  });

  it('neither repeats nor loses a key, and counts all of them on every page', async () => {
    for (let i = 0; i < 4; i++) await create({ name: `Page ${i}`, status: 'disabled' }, ordinary);
    const whole = await surfaces.expectCall(200, 'GET', KEYS, { headers: ordinary });
    const total = Number(member(whole, '/total'));
    const pages = [];
    for (let offset = 0; offset < total; offset += 2) {
      const query = `limit=2&offset=${offset}`;
      const page = await surfaces.expectCall(200, 'GET', `${KEYS}?${query}`, { headers: ordinary });
      expect(member(page, '/total')).toBe(total);
      pages.push(member(page, '/keys'));
    }
    expect(pages.flat()).toEqual(member(whole, '/keys'));
  });
});

describe('beside its sibling', () => {
  it('shows the scopes as they were typed there, and there as they were typed here', async () => {
    const made = await surfaces.expectCall(201, 'POST', '/phaseo/v1/keys', {
      headers: manager,
      body: { name: 'There', scopes: 'read, write' },
    });
    const there = `${KEYS}/${textAt(made, '/data/id')}`;
    const shown = await surfaces.expectCall(200, 'GET', there, { headers: ordinary });
    expect(member(shown, '/key/scopes')).toBe('read, write');

    const id = textAt(await create({ name: 'Here', scopes: 'a,b' }), '/key/id');
    const seen = await surfaces.expectCall(200, 'GET', `/phaseo/v1/keys/${id}`, {
      headers: manager,
    });
    expect(member(seen, '/data/scopes')).toBe('a,b');
    await surfaces.service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { body: { scopes: ['c'] } });
    const changed = await surfaces.expectCall(200, 'GET', `${KEYS}/${id}`, { headers: ordinary });
    expect(member(changed, '/key/scopes')).toBe('["c"]');
  });

  it('has its own word for every state', async () => {
    const id = textAt(await create({ name: 'Changing' }), '/key/id');
    const status = async () => {
      const body = await surfaces.expectCall(200, 'GET', `${KEYS}/${id}`, { headers: ordinary });
      return [member(body, '/key/status'), member(body, '/key/soft_blocked')];
    };
    const change = (body: object) =>
      surfaces.expectCall(200, 'PATCH', `/phaseo/v1/keys/${id}`, { headers: manager, body });
    expect(await status()).toEqual(['active', false]);
    await change({ disabled: true, soft_blocked: true });
    expect(await status()).toEqual(['disabled', true]);
    await change({ disabled: false, expires_at: '2026-01-01T00:00:00Z' });
    expect(await status()).toEqual(['active', true]);
    await surfaces.service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
    expect(await status()).toEqual(['revoked', true]);
  });

  it('does not know a key that was deleted there', async () => {
    const id = textAt(await create({ name: 'Deleted there' }), '/key/id');
    await surfaces.expectCall(200, 'DELETE', `/phaseo/v1/keys/${id}`, { headers: manager });
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined;
      const gone = await surfaces.expectCall(404, method, `${KEYS}/${id}`, {
        headers: manager,
        body,
      });
      expect(gone).toEqual({ ok: false, error: 'Key not found' });
    }
    const list = await surfaces.expectCall(200, 'GET', KEYS, { headers: manager });
    expect(JSON.stringify(list)).not.toContain(id);
  });

  it('answers what it has, and leaves the rest of the path to it', async () => {
    const workspaces = await surfaces.expectCall(200, 'GET', '/phaseo/v1/workspaces', {
      headers: manager,
    });
    expect(workspaces).toHaveProperty('data');
    const here = await surfaces.call('GET', `${BASE}/workspaces`, { headers: manager });
    expect([here.status, member(here.body, '/ok')]).toEqual([404, false]);
  });
});

describe('an ordinary key', () => {
  it('gives any scope that the workspace knows, and none that it does not', async () => {
    const known = (scopes: readonly string[] | null) =>
      surfaces.service.expectCall(
        200,
        'PATCH',
        `/v1/workspaces/${surfaces.service.defaultWorkspaceId}`,
        { body: { settings: { known_scopes: scopes } } },
      );
    await known(['files:read']);
    await create({ name: 'Known', scopes: ['files:read'] }, ordinary);
    const refused = await surfaces.call('POST', KEYS, {
      headers: ordinary,
      body: { name: 'Unknown', scopes: ['files:write'] },
    });
    expect([refused.status, member(refused.body, '/error')]).toEqual([400, 'validation_error']);
    await known(null);
  });

  it('can delete itself, and is no key from then on', async () => {
    const made = await create({ name: 'Itself' });
    const headers = bearer(textAt(made, '/key/key'));
    await surfaces.expectCall(200, 'DELETE', `${KEYS}/${textAt(made, '/key/id')}`, { headers });
    const refused = await surfaces.expectCall(401, 'GET', KEYS, { headers });
    expect(member(refused, '/reason')).toBe('key_not_found_or_revoked');
  });
});

it('leaves nothing of a deleted key to read, whoever asks', async () => {
  const { service } = surfaces;
  const id = textAt(await create({ name: 'Erased' }), '/key/id');
  await surfaces.expectCall(200, 'DELETE', `${KEYS}/${id}`, { headers: manager });
  await service.expectCall(404, 'GET', `/v1/keys/${id}?include_deleted=true`);
});

it('verifies everywhere what it makes', async () => {
  const made = await create({ name: 'Verified', scopes: ['files:read'] });
  const { service } = surfaces;
  const verdict = await service.call('POST', '/v1/keys/verify', {
    body: { key: textAt(made, '/key/key'), scopes: ['files:read'] },
  });
  expect(verdict.body).toMatchObject({ valid: true, key_id: textAt(made, '/key/id') });
});

it('is pretty-printed, but for the body of a 401, and never kept', async () => {
  const list = await surfaces.call('GET', KEYS, { headers: ordinary });
  expect(list.text).toBe(JSON.stringify(list.body, null, 2));
  const refused = await surfaces.call('GET', KEYS);
  expect(refused.text).toBe(JSON.stringify(refused.body));
  for (const { headers } of [list, refused]) {
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  }
});

it('has the key prefix that was chosen for it alone', async () => {
  const chosen = { 'phaseo-management': { token_prefix: 'acme_' } };
  const own = await startSurfaces(['phaseo', 'phaseo-management'], { chosen });
  const headers = bearer(own.service.firstKey);
  const made = await own.expectCall(201, 'POST', KEYS, { headers, body: { name: 'Own' } });
  const secret = textAt(made, '/key/key');
  expect(secret).toMatch(/^acme_[A-Za-z0-9]{12}_[A-Za-z0-9]{40}$/);
  expect(member(made, '/key/prefix')).toBe(secret.slice(5, 11));
  await own.expectCall(200, 'GET', KEYS, { headers: bearer(secret) });
  const there = await own.expectCall(201, 'POST', '/phaseo/v1/keys', {
    headers,
    body: { name: 'There' },
  });
  expect(textAt(there, '/data/key')).toMatch(/^aistats_v1_sk_/);
  await own.close();
});
