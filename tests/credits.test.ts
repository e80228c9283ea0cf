// Credits over HTTP: what is taken and given, what a mistake is answered with, and
// that a retry tops up once.

import { MAX_CREDITS } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW } from './fixtures/domain.ts';
import { type Body, type Service, startService } from './kit/service.ts';

const at = (moment: number) => new Date(moment).toISOString();
const REFILL = { amount: 1_000, interval: 'month' };

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const create = (credits: object, more: object = {}) => service.createKey({ credits, ...more });
const credit = (id: string, body: object, headers: Record<string, string> = {}) =>
  service.call('POST', `/v1/keys/${id}/credits`, { body, headers });
const read = (id: string) => service.expectCall(200, 'GET', `/v1/keys/${id}`);
const told = async (key: string, more: object = {}) => {
  const { code, credits } = await service.verify(key, more);
  return { code, credits };
};

describe('credits', () => {
  it('are shown with the key, with when they are filled up next', async () => {
    const { id, credits } = await create({ remaining: 5, refill: REFILL });
    const next = '2026-12-20T12:00:00.000Z';
    const shown = { remaining: 5, refill_at: next, refill: { ...REFILL, anchor: at(NOW) } };
    expect(credits).toEqual(shown);
    expect((await read(id)).credits).toEqual(shown);
    const { data } = await service.expectCall(200, 'GET', '/v1/keys?limit=1');
    expect(data[0]?.credits).toEqual(shown);
    expect((await service.createKey()).credits).toBeNull();
    expect((await create({ refill: REFILL })).credits).toMatchObject({ remaining: 1_000 });
  });

  it('that are due are shown as they will be spent, wherever they are read', async () => {
    const anchor = at(NOW + 1_000);
    const { id } = await create({ remaining: 5, refill: { ...REFILL, anchor } });
    const owner = { credits: { remaining: 5, refill: { ...REFILL, anchor } } };
    await service.expectCall(201, 'PUT', '/v1/owners/due', { body: owner });
    service.clock.at += 2_000;
    const full = { remaining: 1_000, refill_at: '2026-12-20T12:00:01.000Z' };
    expect((await read(id)).credits).toMatchObject(full);
    expect((await service.expectCall(200, 'GET', '/v1/owners/due')).credits).toMatchObject(full);
    const { data } = await service.expectCall(200, 'GET', '/v1/owners');
    expect(data.find(({ owner_id }) => owner_id === 'due')?.credits).toMatchObject(full);
    service.clock.at = NOW;
  });

  it('are told with each verdict that hangs on them, and with no other', async () => {
    const { key } = await create({ remaining: 3, refill: REFILL });
    const refill_at = '2026-12-20T12:00:00.000Z';
    const verdict = async (more: object, code: string, remaining: number) =>
      expect(await told(key, more)).toEqual({ code, credits: { remaining, refill_at } });
    await verdict({}, 'valid', 2);
    await verdict({ cost: 3 }, 'insufficient_credits', 2);
    await verdict({ cost: 2, spend: false }, 'valid', 2);
    await verdict({ cost: 2, spend: true }, 'valid', 0);
    await verdict({ cost: 0 }, 'valid', 0);
    expect(await told(key, { scopes: ['x'] })).toEqual({ code: 'insufficient_scope' });
    expect(await told((await service.createKey()).key, { cost: 9 })).toEqual({ code: 'valid' });
  });

  it('of an owner are spent by its keys', async () => {
    const path = '/v1/owners/acme';
    const body = { name: 'Acme', credits: { remaining: 2 } };
    const owner = await service.expectCall(201, 'PUT', path, { body });
    expect(owner.credits).toEqual({ remaining: 2, refill_at: null, refill: null });
    const { key } = await service.createKey({ owner_id: 'acme' });
    expect(await told(key)).toMatchObject({ code: 'valid', credits: { remaining: 1 } });
    const added = await service.expectCall(200, 'POST', `${path}/credits`, { body: { add: 9 } });
    expect(added.credits).toMatchObject({ remaining: 10 });
    await service.expectCall(200, 'PUT', path, { body: { name: 'Acme Corp' } });
    expect((await told(key)).credits).toMatchObject({ remaining: 9 });
    await service.expectCall(200, 'PATCH', path, { body: { credits: null } });
    expect(await told(key)).toEqual({ code: 'valid' });
  });

  it('are edited by a merge patch: what is absent stays, null ends it', async () => {
    const { id } = await create({ remaining: 5, refill: REFILL });
    const edit = async (credits: object | null) =>
      (await service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { body: { credits } })).credits;
    expect(await edit({ refill: { amount: 7 } })).toMatchObject({
      remaining: 5,
      refill: { amount: 7, interval: 'month' },
    });
    expect(await edit({ remaining: 9 })).toMatchObject({ remaining: 9, refill: { amount: 7 } });
    expect(await edit({ refill: null })).toEqual({ remaining: 9, refill_at: null, refill: null });
    expect(await edit(null)).toBeNull();
    const events = (await service.events()).filter(({ subject }) => (subject as Body).id === id);
    expect(events.filter(({ type }) => type === 'key.updated')).toHaveLength(4);
    expect(events[0]).toMatchObject({ after: { credits: null } });
  });

  it('in a batch are spent in its order', async () => {
    const { key } = await create({ remaining: 3 });
    const keys = [{ key }, { key, cost: 3 }, { key, cost: 2 }, { key }];
    const path = '/v1/keys/verify-batch';
    const { data } = await service.expectCall(200, 'POST', path, { body: { keys } });
    expect(data.map(({ code }) => code)).toEqual([
      'valid',
      'insufficient_credits',
      'valid',
      'insufficient_credits',
    ]);
  });

  it('are still what was acknowledged after a restart', async () => {
    const { key } = await create({ remaining: 5 });
    await told(key, { cost: 2 });
    await service.restart();
    expect(await told(key)).toMatchObject({ credits: { remaining: 2 } });
  });
});

describe('a top-up', () => {
  it('that is repeated with its Idempotency-Key is done once', async () => {
    const { id } = await create({ remaining: 1 });
    const headers = { 'idempotency-key': 'payment-1' };
    const first = await credit(id, { add: 100 }, headers);
    const again = await credit(id, { add: 100 }, headers);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.text).toBe(first.text);
    expect((await read(id)).credits).toMatchObject({ remaining: 101 });
    expect((await credit(id, { add: 50 }, headers)).status).toBe(422);
  });

  it('of many at once adds each', async () => {
    const { id } = await create({ remaining: 0 });
    const replies = await Promise.all(Array.from({ length: 30 }, () => credit(id, { add: 3 })));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await read(id)).credits).toMatchObject({ remaining: 90 });
  });

  it('obeys If-Match', async () => {
    const { id } = await create({ remaining: 0 });
    expect((await credit(id, { add: 3 }, { 'if-match': '"2"' })).status).toBe(412);
    expect((await credit(id, { add: 3 }, { 'if-match': '"1"' })).status).toBe(200);
  });

  it('is a conflict without credits, on a revoked key and on an erased owner', async () => {
    const bare = await service.createKey();
    expect((await credit(bare.id, { add: 1 })).status).toBe(409);
    const { id } = await create({ remaining: 1 });
    await service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
    expect((await credit(id, { set: 1 })).status).toBe(409);
    await service.expectCall(201, 'PUT', '/v1/owners/gone', {
      body: { credits: { remaining: 1 } },
    });
    await service.expectCall(200, 'POST', '/v1/owners/gone/erase');
    const path = '/v1/owners/gone/credits';
    expect((await service.call('POST', path, { body: { add: 1 } })).status).not.toBe(200);
  });
});

const NO_AMOUNTS = [-1, 0.5, 2 ** 53, 1e300, '5', true, [], {}];

describe('a mistake is answered with its field and its rule', () => {
  const refused = async (method: string, path: string, body: unknown, pointer: string) => {
    const reply = await service.call(method, path, { body });
    expect([JSON.stringify(body), reply.status]).toEqual([JSON.stringify(body), 422]);
    expect(reply.body.errors.map((one) => one.pointer)).toContain(pointer);
  };

  it('in what a key or an owner is given', async () => {
    for (const remaining of [...NO_AMOUNTS, null]) {
      const body = { credits: { remaining } };
      await refused('POST', '/v1/keys', body, '/credits/remaining');
      await refused('PUT', '/v1/owners/o', body, '/credits/remaining');
    }
    for (const amount of [...NO_AMOUNTS, null, 0]) {
      const body = { credits: { refill: { ...REFILL, amount } } };
      await refused('POST', '/v1/keys', body, '/credits/refill/amount');
    }
    const refills = [
      [{ amount: 1 }, '/credits/refill/interval'],
      [{ interval: 'day' }, '/credits/refill/amount'],
      [{ amount: 1, interval: 'hour' }, '/credits/refill/interval'],
      [{ ...REFILL, anchor: 'soon' }, '/credits/refill/anchor'],
      [{ ...REFILL, anchor: '1969-12-31T00:00:00Z' }, '/credits/refill/anchor'],
      [{ ...REFILL, every: 5 }, '/credits/refill/every'],
    ] as const;
    for (const [refill, pointer] of refills) {
      await refused('POST', '/v1/keys', { credits: { refill } }, pointer);
    }
    await refused('POST', '/v1/keys', { credits: {} }, '/credits/remaining');
    await refused('POST', '/v1/keys', { credits: { refill: null } }, '/credits/remaining');
    await refused('POST', '/v1/keys', { credits: 5 }, '/credits');
    await refused('POST', '/v1/keys', { credits: { balance: 5 } }, '/credits/balance');
    const management = { kind: 'management', permissions: ['keys:read'] };
    await refused('POST', '/v1/keys', { ...management, credits: { remaining: 5 } }, '/credits');
  });

  it('in a top-up', async () => {
    const { id } = await create({ remaining: 1 });
    const path = `/v1/keys/${id}/credits`;
    for (const amount of NO_AMOUNTS) {
      await refused('POST', path, { add: amount }, '/add');
      await refused('POST', path, { set: amount }, '/set');
    }
    await refused('POST', path, { add: 0 }, '/add');
    await refused('POST', path, { add: MAX_CREDITS }, '/add');
    for (const body of [{}, { add: 1, set: 1 }]) await refused('POST', path, body, '');
    expect((await read(id)).credits).toMatchObject({ remaining: 1 });
  });

  it('in a verification', async () => {
    const { key } = await create({ remaining: 1 });
    for (const cost of [...NO_AMOUNTS, 1_000_000_001]) {
      await refused('POST', '/v1/keys/verify', { key, cost }, '/cost');
    }
    await refused('POST', '/v1/keys/verify', { key, spend: 'no' }, '/spend');
    expect(await told(key, { cost: 1 })).toMatchObject({ code: 'valid' });
  });
});
