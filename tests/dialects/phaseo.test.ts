// What a transcript cannot show of Phaseo's key API: how often a leak may be
// reported, what an operator can choose, and browsers of other origins.

import { parseNetwork } from '@warder/core';
import { describe, expect, it } from 'vitest';
import { bearer, member, startSurfaces, textAt } from '../kit/surface.ts';

const BASE = '/phaseo/v1';
const KEYS = `${BASE}/keys`;
const REPORT = `${BASE}/security/report-leaked-key`;

async function withKey(options: Parameters<typeof startSurfaces>[1] = {}) {
  const surfaces = await startSurfaces(['phaseo'], options);
  const headers = bearer(surfaces.service.firstKey);
  const body = { name: 'A key', scopes: ' read,write ' };
  const made = await surfaces.expectCall(201, 'POST', KEYS, { headers, body });
  return {
    surfaces,
    headers,
    made,
    id: textAt(made, '/data/id'),
    secret: textAt(made, '/data/key'),
  };
}

describe('reports of leaked keys', () => {
  it('are taken thirty times a minute from one address, whoever else reports', async () => {
    const loopback = parseNetwork('127.0.0.1');
    if (loopback === null) throw new Error('unreachable');
    const listen = { trustedProxies: [loopback] };
    const { surfaces, secret, id } = await withKey({ listen });
    const report = (address: string, token = 'unknown') =>
      surfaces.call('POST', REPORT, { headers: { 'x-forwarded-for': address }, body: { token } });
    const statuses = async (address: string, times: number) => {
      const replies = [];
      for (let i = 0; i < times; i++) replies.push((await report(address)).status);
      return [...new Set(replies)];
    };

    expect(await statuses('192.0.2.1', 30)).toEqual([202]);
    surfaces.service.clock.at += 18_000;
    const refused = await report('192.0.2.1', secret);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '42']);
    expect(refused.body).toEqual({
      error: 'rate_limited',
      message: 'Too many calls from this address: wait a minute.',
    });
    const untouched = await surfaces.service.expectCall(200, 'GET', `/v1/keys/${id}`);
    expect(untouched).toMatchObject({ status: 'active' });

    expect(await statuses('192.0.2.2', 1)).toEqual([202]);
    expect(await statuses('2001:db8::1', 30)).toEqual([202]);
    expect(await statuses('2001:db8::2', 1)).toEqual([429]);
    expect(await statuses('2001:db8:0:1::1', 1)).toEqual([202]);

    surfaces.service.clock.at += 41_999;
    expect((await report('192.0.2.1')).status).toBe(429);
    surfaces.service.clock.at += 1;
    expect((await report('192.0.2.1', secret)).status).toBe(202);
    const revoked = await surfaces.service.expectCall(200, 'GET', `/v1/keys/${id}`);
    expect(revoked).toMatchObject({ status: 'revoked' });
    await surfaces.close();
  });

  it('leave the key as it is, and an event, where that was chosen', async () => {
    const { surfaces, secret, id } = await withKey({ chosen: { phaseo: { leaks: 'report' } } });
    const body = { token: secret, source: 'a scanner' };
    await surfaces.expectCall(202, 'POST', REPORT, { body });
    const key = await surfaces.service.expectCall(200, 'GET', `/v1/keys/${id}`);
    expect(key).toMatchObject({ status: 'active' });
    const events = await surfaces.service.events();
    const types = events
      .filter(({ subject }) => member(subject, '/id') === id)
      .map(({ type }) => type);
    expect(types).toEqual(['key.leak_reported', 'key.created']);
    await surfaces.close();
  });
});

describe('scopes', () => {
  it('are answered as lists where that was chosen, in every reply', async () => {
    const { surfaces, headers, made, id, secret } = await withKey({
      chosen: { phaseo: { scopes: 'array' } },
    });
    const scopes = ['read', 'write'];
    const list = await surfaces.expectCall(200, 'GET', KEYS, { headers });
    expect(member(made, '/data/scopes')).toEqual(scopes);
    expect(member(list, '/data/0/scopes')).toEqual(scopes);
    for (const [method, path, by] of [
      ['GET', `${KEYS}/${id}`, headers],
      ['PATCH', `${KEYS}/${id}`, headers],
      ['GET', `${BASE}/key`, bearer(secret)],
    ] as const) {
      const body = method === 'PATCH' ? {} : undefined;
      const shown = await surfaces.expectCall(200, method, path, { headers: by, body });
      expect(member(shown, '/data/scopes')).toEqual(scopes);
    }
    await surfaces.close();
  });
});

describe('browsers of other origins', () => {
  const ALLOWED = {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    'access-control-max-age': '86400',
  };
  const headers = {
    origin: 'https://example.com',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  };

  it('are let in where it was switched on, to every path and with every reply', async () => {
    const { surfaces, headers: manager } = await withKey({ dialectCors: true });
    for (const path of [KEYS, `${KEYS}/anything`, `${BASE}/nothing`]) {
      const asked = await surfaces.call('OPTIONS', path, { headers });
      expect([asked.status, asked.text]).toEqual([204, '']);
      expect(asked.headers).toMatchObject(ALLOWED);
      expect(asked.headers['access-control-allow-headers']).toMatch(/Authorization, Content-Type/);
    }
    const listed = await surfaces.call('GET', KEYS, { headers: manager });
    const refused = await surfaces.call('GET', KEYS, {
      headers: { origin: 'https://example.com' },
    });
    expect([listed.status, refused.status]).toEqual([200, 401]);
    for (const reply of [listed, refused]) expect(reply.headers).toMatchObject(ALLOWED);
    await surfaces.close();
  });

  it('are told nothing otherwise, nor ever by the native API', async () => {
    const { surfaces } = await withKey();
    const asked = await surfaces.call('OPTIONS', KEYS, { headers });
    expect([asked.status, asked.headers.allow]).toEqual([405, 'GET, POST']);
    expect(asked.headers).not.toHaveProperty('access-control-allow-origin');
    await surfaces.close();

    const open = await withKey({ dialectCors: true });
    const native = await open.surfaces.service.call('OPTIONS', '/v1/keys', { headers });
    expect(native.headers).not.toHaveProperty('access-control-allow-origin');
    await open.surfaces.close();
  });
});
