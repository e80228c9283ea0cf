// Usage and explanations over HTTP: what is counted of what happened, who may read
// it, and that an explanation is the verdict without being a use.

import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NOW, runs } from './fixtures/domain.ts';
import { type Body, type Service, startService } from './kit/service.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const iso = (at: number) => new Date(at).toISOString();

let service: Service;
let workspace: string;
let by: string;
let reader: string;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  service.clock.at = NOW;
  workspace = (await service.createWorkspace()).id;
  by = (await service.manager('verifier', { workspace_id: workspace })).key;
  reader = (await service.manager('viewer', { workspace_id: workspace })).key;
});

const create = (more: object = {}) => service.createKey({ workspace_id: workspace, ...more });
const verify = (key: string, more: object = {}) => service.verify(key, more, by);
const ask = async (path: string, key = reader): Promise<Figures> => {
  await service.warder.flush();
  return figuresOf(await service.expectCall(200, 'GET', path, { key }));
};

interface Figures {
  readonly step: string;
  readonly from: string;
  readonly to: string;
  readonly total: number;
  readonly valid: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly data: readonly (Omit<Figures, 'data'> & { readonly start: string })[];
}
// The document has been held against it.
const figuresOf = (body: Body) => body as unknown as Figures;
const sums = ({ total, valid, refused }: Figures) => ({ total, valid, refused });

describe('usage', () => {
  it('counts one call of a verifier once, whether it is answered from memory or not', async () => {
    const { id: manager, key: own } = await service.manager('verifier', {
      workspace_id: workspace,
    });
    const { key } = await create();
    const { key: paying } = await create({ credits: { remaining: 9 } });
    for (let i = 0; i < 3; i++) {
      await service.verify(key, {}, own);
      await service.verify(paying, {}, own);
    }
    expect(sums(await ask(`/v1/keys/${manager}/usage`))).toEqual({
      total: 6,
      valid: 6,
      refused: {},
    });
  });

  it('counts every verification of a key by its verdict, exactly, however many come at once', async () => {
    const { id, key } = await create({ owner_id: 'ann', allowed_cidrs: ['192.0.2.0/24'] });
    const asks = Array.from({ length: 300 }, (_, i) =>
      i % 3 === 0 ? {} : { ip: '192.0.2.1', ...(i % 3 === 1 ? {} : { scopes: ['no'] }) },
    );
    await Promise.all(asks.map((more) => verify(key, more)));
    const expected = {
      total: 300,
      valid: 100,
      refused: { forbidden_ip: 100, insufficient_scope: 100 },
    };
    expect(sums(await ask(`/v1/keys/${id}/usage`))).toEqual(expected);
    expect(sums(await ask(`/v1/usage?key_id=${id}&step=hour`))).toEqual(expected);
    expect(sums(await ask('/v1/usage?owner_id=ann&step=month'))).toEqual(expected);
    expect(sums(await ask('/v1/usage'))).toEqual(expected);
    await service.restart();
    expect(sums(await ask(`/v1/usage?workspace_id=${workspace}`))).toEqual(expected);
  });

  it('has a bucket for each hour, day or month asked for, with what was in it', async () => {
    const { id, key } = await create();
    for (const at of [NOW, NOW + HOUR, NOW + 26 * HOUR, NOW + 40 * DAY]) {
      service.clock.at = at;
      await verify(key);
    }
    const until = `from=${iso(NOW)}&to=${iso(NOW + 41 * DAY)}`;
    const hours = await ask(
      `/v1/keys/${id}/usage?step=hour&from=${iso(NOW)}&to=${iso(NOW + 27 * HOUR)}`,
    );
    expect(hours.data.map(({ valid }) => valid)).toEqual([1, 1, ...Array(24).fill(0), 1]);
    expect(hours.data[0]?.start).toBe('2026-11-20T12:00:00.000Z');
    expect([hours.from, hours.to]).toEqual([
      '2026-11-20T12:00:00.000Z',
      '2026-11-21T15:00:00.000Z',
    ]);
    const days = await ask(`/v1/keys/${id}/usage?${until}`);
    expect(
      days.data.flatMap(({ start, valid }) => (valid ? [[start.slice(0, 10), valid]] : [])),
    ).toEqual([
      ['2026-11-20', 2],
      ['2026-11-21', 1],
      ['2026-12-30', 1],
    ]);
    const months = await ask(`/v1/keys/${id}/usage?step=month&${until}`);
    expect(months.data.map(({ start, total }) => [start.slice(0, 7), total])).toEqual([
      ['2026-11', 3],
      ['2026-12', 1],
    ]);
    expect((await ask(`/v1/keys/${id}/usage`)).data).toHaveLength(30);
  });

  it('moves the last use of a key forward only, by good verifications alone', async () => {
    const { id, key } = await create({ scopes: ['a'] });
    const lastUse = async () => {
      await service.warder.flush();
      return (await service.expectCall(200, 'GET', `/v1/keys/${id}`)).last_used_at;
    };
    await verify(key, { scopes: ['b'] });
    expect(await lastUse()).toBeNull();
    service.clock.at = NOW + HOUR;
    await verify(key);
    expect(await lastUse()).toBe(iso(NOW + HOUR));
    service.clock.at = NOW;
    await verify(key);
    expect(await lastUse()).toBe(iso(NOW + HOUR));
    expect((await ask(`/v1/keys/${id}/usage?step=hour&to=${iso(NOW + DAY)}`)).valid).toBe(2);
  });

  it('counts what a management key calls for it alone, never in a sum', async () => {
    const { key } = await create();
    const asking = await service.manager('verifier', { workspace_id: workspace });
    for (let i = 0; i < 5; i++) await service.verify(key, {}, asking.key);
    expect((await ask(`/v1/keys/${asking.id}/usage`)).valid).toBe(5);
    expect((await ask('/v1/usage')).valid).toBe(5);
  });

  it('counts nothing of what nobody has, and nothing of what another tenant asks', async () => {
    const { id, key } = await create();
    const other = await service.createWorkspace();
    const theirs = (await service.manager('verifier', { workspace_id: other.id })).key;
    expect((await service.verify(key, {}, theirs)).code).toBe('not_found');
    await verify(key.slice(0, -1) + (key.endsWith('x') ? 'y' : 'x'));
    expect(sums(await ask('/v1/usage'))).toEqual({ total: 0, valid: 0, refused: {} });
    const explained = await service.expectCall(200, 'POST', `/v1/keys/${id}/explain`, {
      key: reader,
    });
    expect(explained.last_refusals).toEqual([]);
    const theirReader = (await service.manager('viewer', { workspace_id: other.id })).key;
    expect((await ask('/v1/usage', theirReader)).total).toBe(0);
  });

  it('stays behind the wall between workspaces, which tells nothing of what is behind it', async () => {
    const { id } = await create({ owner_id: 'ann' });
    const other = await service.createWorkspace();
    const spy = (await service.manager(['*'], { workspace_id: other.id })).key;
    const refused: Readonly<Record<string, number>> = {
      [`/v1/usage?workspace_id=${workspace}`]: 403,
      '/v1/usage?owner_id=ann': 404,
      [`/v1/usage?key_id=${id}`]: 404,
      [`/v1/keys/${id}/usage`]: 404,
      [`/v1/usage?workspace_id=${other.id}&key_id=${id}`]: 404,
    };
    for (const [path, status] of Object.entries(refused)) {
      const reply = await service.call('GET', path, { key: spy });
      expect(`${path} ${reply.status}`).toBe(`${path} ${status}`);
    }
    expect((await service.call('POST', `/v1/keys/${id}/explain`, { key: spy })).status).toBe(404);
    // What is named together must belong together, for whoever sees both.
    for (const more of [`workspace_id=${other.id}`, 'owner_id=bob']) {
      const path = `/v1/usage?key_id=${id}&${more}`;
      expect((await service.call('GET', path)).status).toBe(404);
    }
    for (const path of ['/v1/usage?owner_id=nobody', `/v1/usage?workspace_id=${id}`]) {
      expect((await service.call('GET', path)).status).toBe(404);
    }
  });

  it.each([
    ['step=week', 'step'],
    ['from=yesterday', 'from'],
    ['to=2026-11-20', 'to'],
    ['from=2026-11-20T00:00:00', 'from'],
    ['step=hour&from=2020-01-01T00:00:00Z', 'from'],
    ['from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z', 'from'],
    ['to=1970-01-01T00:00:00Z', 'from'],
    ['from=9999-12-31T23:59:59Z', 'from'],
    ['key_id=x', 'key_id'],
    ['workspace_id=x', 'workspace_id'],
    ['limit=5', 'limit'],
  ])('refuses %s as a fault of %s', async (query, field) => {
    const reply = await service.call('GET', `/v1/usage?${query}`, { key: reader });
    expect(`${reply.status} ${reply.text}`).toMatch(/^422 /);
    expect(reply.body.errors.map(({ pointer }) => pointer)).toEqual([field]);
  });

  it('of a key that is erased is gone with it, and that of a deleted one is there', async () => {
    const { id, key } = await create();
    await verify(key);
    await service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
    expect((await verify(key)).code).toBe('revoked');
    expect(sums(await ask(`/v1/keys/${id}/usage`))).toEqual({
      total: 2,
      valid: 1,
      refused: { revoked: 1 },
    });
    await service.expectCall(200, 'DELETE', `/v1/keys/${id}`);
    await verify(key);
    await service.warder.flush();
    expect((await service.call('GET', `/v1/keys/${id}/usage`)).status).toBe(404);
    expect((await ask('/v1/usage')).total).toBe(2);
  });
});

describe('what is kept of usage', () => {
  it('is hours for 90 days, days for 25 months and months for ever, without anybody asking', async () => {
    const { id, key } = await create();
    await verify(key);
    const at = `from=${iso(NOW)}&to=${iso(NOW + HOUR)}`;
    const kept = async () => {
      const steps = ['hour', 'day', 'month'].map((step) =>
        ask(`/v1/keys/${id}/usage?step=${step}&${at}`),
      );
      return (await Promise.all(steps)).map(({ valid }) => valid);
    };
    const soon = { timeout: 20_000 };
    service.clock.at = NOW + 89 * DAY;
    expect(await kept()).toEqual([1, 1, 1]);
    service.clock.at = NOW + 91 * DAY;
    await expect.poll(kept, soon).toEqual([0, 1, 1]);
    service.clock.at = NOW + 761 * DAY;
    expect(await kept()).toEqual([0, 1, 1]);
    service.clock.at = NOW + 764 * DAY;
    await expect.poll(kept, soon).toEqual([0, 0, 1]);
  });
});

describe('an explanation', () => {
  const explain = (id: string, body: object = {}, key = reader) =>
    service.expectCall(200, 'POST', `/v1/keys/${id}/explain`, { key, body });

  it('is the verdict that a verification gives, for keys and questions of every kind', async () => {
    const drawn = fc.record({
      key: fc.record({
        environment: fc.constantFrom('live', 'test'),
        scopes: fc.subarray(['a', 'b']),
        allowed_cidrs: fc.constantFrom([], ['192.0.2.0/24']),
        expires_at: fc.constantFrom(null, iso(NOW + 5)),
        not_before: fc.constantFrom(null, iso(NOW + 2)),
      }),
      state: fc.constantFrom('enable', 'disable', 'revoke'),
      ask: fc.record(
        {
          scopes: fc.subarray(['a', 'b', 'c']),
          query: fc.constantFrom('a or c', 'b and c'),
          ip: fc.constantFrom('192.0.2.9', '2001:db8::1'),
        },
        { requiredKeys: [] },
      ),
      at: fc.constantFrom(NOW + 1, NOW + 3, NOW + 6),
    });
    const judge = (await service.manager(['keys:verify', 'keys:read'], { workspace_id: workspace }))
      .key;
    const codes = new Set<unknown>();
    await fc.assert(
      fc.asyncProperty(drawn, async ({ key: draft, state, ask, at }) => {
        service.clock.at = NOW;
        const { id, key } = await create(draft);
        await service.expectCall(200, 'POST', `/v1/keys/${id}/${state}`);
        const ahead = await explain(id, { ...ask, at: iso(at) }, judge);
        service.clock.at = at;
        const verdict = await service.verify(key, ask, judge);
        const now = await explain(id, ask, judge);
        const told = now.verdict as Body;
        expect(told.code).toBe(verdict.code);
        if (!verdict.valid) expect(told).toEqual(verdict);
        expect({ ...ahead, last_refusals: [] }).toEqual({ ...now, last_refusals: [] });
        const checks = now.checks as { code: string; passed: boolean }[];
        expect(checks.find(({ passed }) => !passed)?.code ?? 'valid').toBe(verdict.code);
        codes.add(verdict.code);
      }),
      { numRuns: runs(60, 600) },
    );
    expect(codes.size).toBeGreaterThan(4);
  });

  it('counts nothing, uses nothing and writes nothing', async () => {
    const { id } = await create();
    const before = await service.counts();
    for (const body of [{}, { scopes: ['x'] }, { ip: '192.0.2.1' }]) await explain(id, body);
    expect((await ask(`/v1/keys/${id}/usage`)).total).toBe(0);
    expect((await service.expectCall(200, 'GET', `/v1/keys/${id}`)).last_used_at).toBeNull();
    expect(await service.counts()).toEqual(before);
    expect((await explain(id)).last_refusals).toEqual([]);
  });

  it('tells the last refusals with time, code, missing scopes and address, also after a restart', async () => {
    const { id, key } = await create({ scopes: ['files:read'], allowed_cidrs: ['2001:db8::/32'] });
    await verify(key, { ip: '::ffff:192.0.2.1' });
    service.clock.at += 1_000;
    await verify(key, { ip: '2001:DB8:0:0::1', scopes: ['files:write', 'files:read'] });
    await verify(key, { ip: '2001:db8::1' });
    await service.warder.flush();
    const told = [
      {
        at: iso(NOW + 1_000),
        code: 'insufficient_scope',
        missing_scopes: ['files:write'],
        ip: '2001:db8::1',
      },
      { at: iso(NOW), code: 'forbidden_ip', missing_scopes: [], ip: '192.0.2.1' },
    ];
    expect((await explain(id)).last_refusals).toEqual(told);
    await service.restart();
    expect((await explain(id)).last_refusals).toEqual(told);
    // Personal as an address is, it goes with the key.
    await service.expectCall(200, 'DELETE', `/v1/keys/${id}`);
    expect((await service.call('POST', `/v1/keys/${id}/explain`)).status).toBe(404);
  });

  it('is given of keys of every state, deleted ones and management keys too', async () => {
    const { id } = await create({ expires_at: iso(NOW + 1) });
    service.clock.at = NOW + 1;
    expect((await explain(id)).verdict).toMatchObject({ code: 'expired' });
    expect((await explain(id, { at: iso(NOW) })).verdict).toMatchObject({ valid: true });
    await service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`, { body: { reason: 'leaked' } });
    const revoked = await explain(id);
    expect(revoked.verdict).toMatchObject({ code: 'revoked' });
    expect(JSON.stringify(revoked.checks)).toContain(
      'Revoked at 2026-11-20T12:00:00.001Z: leaked.',
    );
    const manager = await service.manager('viewer', { workspace_id: workspace });
    expect((await explain(manager.id)).verdict).toMatchObject({ code: 'wrong_kind' });
  });

  it.each([
    [{ at: 'now' }, '/at'],
    [{ ip: 'home' }, '/ip'],
    [{ query: 'a and' }, '/query'],
    [{ scopes: 'a' }, '/scopes'],
    [{ workspace_id: 'x' }, '/workspace_id'],
    [{ key: 'x' }, '/key'],
  ])('refuses %j as a fault of %s', async (body, pointer) => {
    const { id } = await create();
    const reply = await service.call('POST', `/v1/keys/${id}/explain`, { key: reader, body });
    expect(`${reply.status} ${reply.text}`).toMatch(/^422 /);
    expect(reply.body.errors.map((one) => one.pointer)).toEqual([pointer]);
  });
});
