// Limits as those meet them who verify keys: on the real service, over HTTP, with a
// clock that is set by hand.

import { describe, expect, it } from 'vitest';
import { NOW } from '../fixtures/domain.ts';
import { counted, figuresOf, type LimitedService, left, limitOf } from './service.ts';

export function verificationGuarantees(of: LimitedService): void {
  describe('a key with limits', () => {
    it('is told how each of its windows stands', async () => {
      const { key } = await of.create([limitOf('minute', 10), limitOf('day', 100, 86_400)]);
      of.service.clock.at += 500;
      expect((await of.service.verify(key)).limits).toEqual([
        {
          name: 'minute',
          per: 'key',
          limit: 10,
          remaining: 9,
          window_seconds: 60,
          reset_at: '2026-11-20T12:01:00.500Z',
        },
        {
          name: 'day',
          per: 'key',
          limit: 100,
          remaining: 99,
          window_seconds: 86_400,
          reset_at: '2026-11-21T12:00:00.500Z',
        },
      ]);
    });

    it('is admitted exactly so often, and refused with a code, the figures and when to come again', async () => {
      const { key, id } = await of.create([limitOf('minute', 2)]);
      await of.codes(key, 1);
      of.service.clock.at += 20_001;
      expect(await of.codes(key, 2)).toEqual(['valid', 'rate_limited']);
      const refused = await of.service.verify(key);
      expect(refused).toEqual({
        valid: false,
        code: 'rate_limited',
        message: expect.stringContaining('limit'),
        key_id: id,
        workspace_id: of.workspace,
        owner_id: null,
        limits: [
          {
            name: 'minute',
            per: 'key',
            limit: 2,
            remaining: 0,
            window_seconds: 60,
            reset_at: '2026-11-20T12:01:00.000Z',
          },
        ],
        retry_after_seconds: 40,
      });
      of.service.clock.at = NOW + 59_999;
      expect(await of.codes(key, 1)).toEqual(['rate_limited']);
      of.service.clock.at = NOW + 60_000;
      expect(await of.codes(key, 3)).toEqual(['valid', 'valid', 'rate_limited']);
    });

    it('is admitted exactly a hundred times of a thousand at once', async () => {
      const { key } = await of.create([limitOf('minute', 100)]);
      const all = await Promise.all(Array.from({ length: 1_000 }, () => of.service.verify(key)));
      expect(counted(all.map(({ code }) => code))).toEqual({ valid: 100, rate_limited: 900 });
    });

    it('is charged in all of its windows or in none', async () => {
      const { key } = await of.create([limitOf('wide', 10), limitOf('narrow', 1)]);
      expect(await of.codes(key, 4)).toEqual(['valid', ...Array(3).fill('rate_limited')]);
      expect(left(await of.service.verify(key, { spend: false }))).toEqual([9, 0]);
    });

    it('takes its cost whole or not at all, and nothing for nothing', async () => {
      const { key } = await of.create([limitOf('units', 10)]);
      expect(left(await of.service.verify(key, { cost: 7 }))).toEqual([3]);
      const beyond = await of.service.verify(key, { cost: 4 });
      expect([beyond.code, left(beyond)]).toEqual(['rate_limited', [3]]);
      expect(left(await of.service.verify(key, { cost: 3 }))).toEqual([0]);
      expect((await of.service.verify(key, { cost: 0 })).code).toBe('valid');
      expect((await of.service.verify(key)).code).toBe('rate_limited');
    });

    it('is judged without being charged where nothing is to be spent', async () => {
      const { key } = await of.create([limitOf('minute', 1)]);
      const asked = await of.service.verify(key, { spend: false });
      expect([asked.code, left(asked)]).toEqual(['valid', [1]]);
      expect(await of.codes(key, 2)).toEqual(['valid', 'rate_limited']);
      expect(await of.codes(key, 1, { spend: false })).toEqual(['rate_limited']);
    });

    it('is charged nothing for a verdict that something else refuses', async () => {
      const { key, id } = await of.create([limitOf('minute', 1)], { scopes: ['a'] });
      expect(await of.codes(key, 3, { scopes: ['b'] })).toEqual(
        Array(3).fill('insufficient_scope'),
      );
      await of.service.expectCall(200, 'POST', `/v1/keys/${id}/disable`);
      expect(await of.codes(key, 2)).toEqual(['disabled', 'disabled']);
      await of.service.expectCall(200, 'POST', `/v1/keys/${id}/enable`);
      expect(await of.codes(key, 2)).toEqual(['valid', 'rate_limited']);
      expect(await of.codes(key, 1, { scopes: ['b'] })).toEqual(['insufficient_scope']);
    });

    it('has another limit for a time, which begins and ends by itself', async () => {
      const until = new Date(NOW + 30_000).toISOString();
      const { key, id } = await of.create([limitOf('minute', 1)]);
      expect(await of.codes(key, 2)).toEqual(['valid', 'rate_limited']);
      const limits = [limitOf('minute', 1, 60, { override: { limit: 3, until } })];
      await of.service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { body: { limits } });
      expect(await of.codes(key, 3)).toEqual(['valid', 'valid', 'rate_limited']);
      expect((await of.service.verify(key)).retry_after_seconds).toBe(30);
      of.service.clock.at = NOW + 30_000;
      const after = await of.service.verify(key);
      expect([after.code, figuresOf(after)[0]?.limit]).toEqual(['rate_limited', 1]);
      of.service.clock.at = NOW + 60_000;
      expect(await of.codes(key, 2)).toEqual(['valid', 'rate_limited']);
    });

    it('goes on in its window when its limit is edited, and begins anew nowhere', async () => {
      const { key, id } = await of.create([limitOf('minute', 5)]);
      await of.codes(key, 3);
      const edit = (limits: readonly object[] | null) =>
        of.service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { body: { limits } });
      await edit([limitOf('minute', 4), limitOf('hour', 9, 3_600)]);
      expect(left(await of.service.verify(key))).toEqual([0, 8]);
      await edit([]);
      expect((await of.service.verify(key)).limits).toEqual([]);
      await edit([limitOf('minute', 5)]);
      expect(left(await of.service.verify(key))).toEqual([0]);
    });

    it('has windows of its own, whatever other keys take', async () => {
      const [one, other] = [
        await of.create([limitOf('minute', 1)]),
        await of.create([limitOf('minute', 1)]),
      ];
      expect(await of.codes(one.key, 2)).toEqual(['valid', 'rate_limited']);
      expect(await of.codes(other.key, 2)).toEqual(['valid', 'rate_limited']);
    });

    it('spends nothing on calls of Warder itself', async () => {
      const { key } = await of.create([limitOf('minute', 1)]);
      for (let i = 0; i < 3; i++) await of.service.expectCall(200, 'GET', '/v1/whoami', { key });
      expect(await of.codes(key, 2)).toEqual(['valid', 'rate_limited']);
      await of.service.expectCall(200, 'GET', '/v1/whoami', { key });
    });
  });

  describe('the limits of a workspace', () => {
    it('are those of each key that has none of its own', async () => {
      await of.settings({ key_limits: [limitOf('minute', 2)] });
      const [one, other] = [await of.create(null), await of.create(null)];
      expect(await of.codes(one.key, 3)).toEqual(['valid', 'valid', 'rate_limited']);
      expect(await of.codes(other.key, 1)).toEqual(['valid']);
      const own = await of.create([limitOf('own', 1)]);
      expect(figuresOf(await of.service.verify(own.key)).map(({ name }) => name)).toEqual(['own']);
      expect((await of.service.verify((await of.create([])).key)).limits).toEqual([]);
    });

    it('bear on keys that are known already, from the change on', async () => {
      const { key } = await of.create(null);
      expect(await of.codes(key, 3)).toEqual(['valid', 'valid', 'valid']);
      await of.settings({ key_limits: [limitOf('minute', 1)] });
      expect(await of.codes(key, 2)).toEqual(['valid', 'rate_limited']);
      await of.settings({ key_limits: null });
      expect(await of.codes(key, 2)).toEqual(['valid', 'valid']);
    });

    it('are shared by all keys of one owner, and by no others', async () => {
      await of.settings({ owner_limits: [limitOf('minute', 3)] });
      const keys = await Promise.all([1, 2].map(() => of.create(null, { owner_id: 'acme' })));
      const [one, two] = keys.map(({ key }) => key);
      const told = await of.service.verify(one ?? '');
      expect(figuresOf(told)).toMatchObject([{ name: 'minute', per: 'owner', remaining: 2 }]);
      expect(await of.codes(two ?? '', 3)).toEqual(['valid', 'valid', 'rate_limited']);
      expect(await of.codes(one ?? '', 1)).toEqual(['rate_limited']);
      const other = await of.create(null, { owner_id: 'other' });
      expect(await of.codes(other.key, 1)).toEqual(['valid']);
      expect((await of.service.verify((await of.create(null)).key)).limits).toEqual([]);
    });

    it('give way to those of an owner that has its own', async () => {
      await of.settings({ owner_limits: [limitOf('minute', 1)] });
      const { key } = await of.create(null, { owner_id: 'acme' });
      const path = `/v1/owners/acme?workspace_id=${of.workspace}`;
      const patch = (limits: readonly object[] | null) =>
        of.service.expectCall(200, 'PATCH', path, { body: { limits } });
      expect((await patch([limitOf('minute', 2)])).limits).toEqual([
        limitOf('minute', 2, 60, { override: null }),
      ]);
      expect(await of.codes(key, 3)).toEqual(['valid', 'valid', 'rate_limited']);
      await patch([]);
      expect((await of.service.verify(key)).limits).toEqual([]);
      await patch(null);
      expect(await of.codes(key, 1)).toEqual(['rate_limited']);
    });

    it('are shared by all of its keys, and by none of another workspace', async () => {
      await of.settings({ workspace_limits: [limitOf('all', 2)] });
      const [one, other] = [await of.create(null), await of.create([limitOf('own', 9)])];
      const told = await of.service.verify(other.key);
      expect(figuresOf(told).map(({ per, name }) => `${per} ${name}`)).toEqual([
        'key own',
        'workspace all',
      ]);
      expect(await of.codes(one.key, 2)).toEqual(['valid', 'rate_limited']);
      // Refused by the window they share, and charged in none.
      expect(left(await of.service.verify(other.key))).toEqual([8, 0]);
      expect(await of.codes((await of.service.createKey({})).key, 1)).toEqual(['valid']);
    });
  });

  it('a batch is charged one after the other, in the order asked', async () => {
    await of.settings({ workspace_limits: [limitOf('all', 4)] });
    const [one, two] = [await of.create(null), await of.create([limitOf('own', 1)])];
    const keys = [two, one, two, one, one, one].map(({ key }) => ({ key }));
    const { data } = await of.service.expectCall(200, 'POST', '/v1/keys/verify-batch', {
      body: { keys },
    });
    expect(data.map(({ code }) => code)).toEqual([
      ...['valid', 'valid', 'rate_limited', 'valid', 'valid', 'rate_limited'],
    ]);
  });
}
