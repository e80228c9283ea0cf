// Verification over HTTP: the one answer that customers build on. What it says,
// which reason comes first, and what each reason tells to whom.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callerWith, INSTANCE, NOW } from './fixtures/domain.ts';
import { type Body, type Service, startService } from './kit/service.ts';

const DAY = 86_400_000;
const NOBODY = '01900000-0000-7000-8000-0123456789ab';
const at = (moment: number) => new Date(moment).toISOString();

let service: Service;
let workspace: string;
let other: string;
/** Verifiers: of the workspace in both environments, and of the other one. */
const by: Record<'live' | 'test' | 'other' | 'instance', string> = {
  live: '',
  test: '',
  other: '',
  instance: '',
};

beforeAll(async () => {
  service = await startService();
  workspace = (await service.createWorkspace()).id;
  other = (await service.createWorkspace()).id;
  const verifier = async (more: object) => (await service.manager('verifier', more)).key;
  by.live = await verifier({ workspace_id: workspace });
  by.test = await verifier({ workspace_id: workspace, environment: 'test' });
  by.other = await verifier({ workspace_id: other });
  by.instance = await verifier({});
});
afterAll(() => service.close());

const create = (more: object = {}) => service.createKey({ workspace_id: workspace, ...more });
const post = (path: string, body?: object) => service.expectCall(200, 'POST', path, { body });
const patch = (path: string, body: object) => service.expectCall(200, 'PATCH', path, { body });
const members = (verdict: Body) => Object.keys(verdict).sort();
const codeOf = async (key: string, more: object = {}, verifier?: string) =>
  (await service.verify(key, more, verifier)).code;

async function softBlock(id: string): Promise<void> {
  const operations = service.warder.operations.as(callerWith({ home: INSTANCE }));
  await operations.updateKey(id, { softBlocked: true });
}

describe('a verdict', () => {
  it('on a good key tells its name, scopes, dates and owner, and metadata where asked', async () => {
    const facts = {
      name: 'CI 🔑',
      owner_id: 'acme',
      scopes: ['files:*', 'admin'],
      metadata: { plan: { seats: 5 }, constructor: 'x' },
      not_before: at(NOW - 1),
      expires_at: at(NOW + DAY),
    };
    const created = await create(facts);
    const path = `/v1/owners/acme?workspace_id=${workspace}`;
    const owner = await patch(path, { name: 'Acme', type: 'team', metadata: { tier: 1 } });
    const { metadata, ...rest } = facts;
    const told = {
      valid: true,
      code: 'valid',
      key_id: created.id,
      workspace_id: workspace,
      environment: 'live',
      created_at: created.created_at,
      limits: [],
      ...rest,
    };
    const itsOwner = { id: owner.id, owner_id: 'acme', type: 'team', name: 'Acme' };
    expect(await service.verify(created.key)).toEqual({ ...told, owner: itsOwner });
    expect(await service.verify(created.key, { include: ['metadata'] })).toEqual({
      ...told,
      owner: { ...itsOwner, metadata: { tier: 1 } },
      metadata,
    });
    expect((await service.verify((await create()).key)).owner).toBeNull();
  });

  it('is compact JSON that nobody may keep', async () => {
    const { key } = await create();
    const reply = await service.call('POST', '/v1/keys/verify', { body: { key } });
    expect(reply.text).toBe(JSON.stringify(reply.body));
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('names the first reason that holds, and the next one once that is gone', async () => {
    const { id, key } = await create({ owner_id: 'first reason' });
    const ask = { scopes: ['files:write'] };
    const reason = (more: object = {}, verifier?: string) =>
      codeOf(key, { ...ask, ...more }, verifier);
    expect(await codeOf(key)).toBe('valid');
    expect(await reason()).toBe('insufficient_scope');
    await patch(`/v1/keys/${id}`, { allowed_cidrs: ['192.0.2.0/24'] });
    expect(await reason()).toBe('forbidden_ip');
    const dates = { not_before: at(NOW + DAY), expires_at: at(NOW + 2 * DAY) };
    await patch(`/v1/keys/${id}`, dates);
    expect(await reason()).toBe('not_yet_valid');
    service.clock.at = NOW + 2 * DAY;
    expect(await reason()).toBe('expired');
    service.clock.at = NOW;
    await softBlock(id);
    expect(await reason()).toBe('soft_blocked');
    await post(`/v1/keys/${id}/disable`);
    expect(await reason()).toBe('disabled');
    await post(`/v1/owners/first%20reason/suspend?workspace_id=${workspace}`);
    expect(await reason()).toBe('suspended');
    await post(`/v1/keys/${id}/revoke`);
    expect(await reason()).toBe('revoked');
    expect(await reason({}, by.test)).toBe('wrong_environment');
    expect(await reason({ workspace_id: other })).toBe('wrong_workspace');
    expect(await reason({}, by.other)).toBe('not_found');
    expect(await codeOf(`${key.slice(0, -1)}${key.endsWith('0') ? 1 : 0}`)).toBe('malformed');
  });

  it('on a management key is wrong_kind, whatever else is wrong with it, and says what to do', async () => {
    const { id, key } = await service.manager('owner', { workspace_id: workspace });
    await post(`/v1/keys/${id}/revoke`);
    const verdict = await service.verify(key, { scopes: ['a'] });
    expect(verdict).toMatchObject({ valid: false, code: 'wrong_kind' });
    expect(verdict.message).toMatch(/management key.*your own caller/);
    expect(await codeOf(service.firstKey)).toBe('wrong_kind');
  });
});

describe('what a refusal tells', () => {
  const nothing = ['code', 'message', 'valid'];
  const ids = ['code', 'key_id', 'message', 'owner_id', 'valid', 'workspace_id'];

  it('is nothing of the key, up to wrong_kind', async () => {
    const { key } = await create({ owner_id: 'acme' });
    const test = await create({ environment: 'test' });
    const hidden = [
      await service.verify(`${key}x`),
      await service.verify('somebody-elses-key'),
      await service.verify(key, {}, by.other),
      await service.verify(key, { workspace_id: other }),
      await service.verify(key, { workspace_id: NOBODY }),
      await service.verify(test.key, {}, by.live),
      await service.verify(service.firstKey),
    ];
    expect(hidden.map(({ code }) => code)).toEqual([
      'not_found',
      'not_found',
      'not_found',
      'wrong_workspace',
      'wrong_workspace',
      'wrong_environment',
      'wrong_kind',
    ]);
    expect(hidden.map(members)).toEqual(hidden.map(() => nothing));
    // Another tenant's key is answered in the very words of one that never was.
    expect(hidden[2]).toEqual(hidden[1]);
  });

  it('is whose key it is, from revoked on', async () => {
    const refused: Body[] = [];
    const refuse = async (more: object, end: (id: string) => unknown, ask: object = {}) => {
      const { id, key } = await create({ owner_id: 'acme', ...more });
      await end(id);
      refused.push(await service.verify(key, ask));
      expect(refused.at(-1)).toMatchObject({ key_id: id, workspace_id: workspace });
    };
    await refuse({}, (id) => post(`/v1/keys/${id}/revoke`));
    await refuse({}, (id) => post(`/v1/keys/${id}/disable`));
    await refuse({}, softBlock);
    await refuse({ expires_at: at(NOW) }, () => undefined);
    await refuse({ not_before: at(NOW + 1) }, () => undefined);
    await refuse({ allowed_cidrs: ['192.0.2.1'] }, () => undefined, { ip: '192.0.2.2' });
    const suspend = () => post(`/v1/owners/gone/suspend?workspace_id=${workspace}`);
    await refuse({ owner_id: 'gone' }, suspend);
    expect(refused.map(({ code }) => code)).toEqual([
      'revoked',
      'disabled',
      'soft_blocked',
      'expired',
      'not_yet_valid',
      'forbidden_ip',
      'suspended',
    ]);
    expect(refused.map(members)).toEqual(refused.map(() => ids));

    const { key } = await create({ scopes: ['a'] });
    const lacking = await service.verify(key, { scopes: ['a', 'b:c', 'd'], query: 'a and e' });
    expect(members(lacking)).toEqual([...ids, 'missing_scopes'].sort());
    expect(lacking.missing_scopes).toEqual(['b:c', 'd', 'e']);
  });
});

describe('who asks', () => {
  it('a verifier of one workspace and environment sees the keys of just those', async () => {
    const live = (await create()).key;
    const test = (await create({ environment: 'test' })).key;
    const seen = async (verifier: string) => [
      await codeOf(live, {}, verifier),
      await codeOf(test, {}, verifier),
    ];
    expect(await seen(by.live)).toEqual(['valid', 'wrong_environment']);
    expect(await seen(by.test)).toEqual(['wrong_environment', 'valid']);
    expect(await seen(by.other)).toEqual(['not_found', 'not_found']);
    expect(await seen(by.instance)).toEqual(['valid', 'valid']);
    expect(await codeOf(live, { workspace_id: workspace }, by.instance)).toBe('valid');
    expect(await codeOf(live, { workspace_id: workspace }, by.live)).toBe('valid');
  });

  it('the same key is the same key in every carriage', async () => {
    const { key } = await create({ allowed_cidrs: ['10.0.0.0/8'] });
    const ask = { ip: '10.1.2.3' };
    expect(await service.verify(`secret-token:${key}`, ask)).toEqual(
      await service.verify(key, ask),
    );
    expect(await codeOf(`secret-token:${key}`)).toBe('forbidden_ip');
    expect(await codeOf(`secret-token:secret-token:${key}`, ask)).not.toBe('valid');
    const carriages: Record<string, string>[] = [
      { authorization: `Bearer ${by.live}` },
      { authorization: `bEaReR   ${by.live}` },
      { authorization: `Bearer secret-token:${by.live}` },
      { 'x-api-key': by.live },
      { 'x-api-key': `secret-token:${by.live}` },
    ];
    for (const headers of carriages) {
      const given = { key: null, headers, body: { key, ...ask } };
      expect((await service.expectCall(200, 'POST', '/v1/keys/verify', given)).code).toBe('valid');
      const me = await service.expectCall(200, 'GET', '/v1/whoami', { key: null, headers });
      expect(me.permissions).toEqual(['keys:verify', 'limits:take']);
    }
  });
});

describe('what is asked', () => {
  it('scopes are all needed, a query is read as written, exact and by segment', async () => {
    const { key } = await create({ scopes: ['keys:*', 'Admin', 'files:read'] });
    const asked: [object, string][] = [
      [{ scopes: [] }, 'valid'],
      [{ scopes: ['keys:read', 'files:read'] }, 'valid'],
      [{ scopes: ['keysadmin:x'] }, 'insufficient_scope'],
      [{ scopes: ['keys:read:all'] }, 'insufficient_scope'],
      [{ scopes: ['admin'] }, 'insufficient_scope'],
      [{ query: 'admin or (keys:write and files:read)' }, 'valid'],
      [{ query: 'admin and keys:write' }, 'insufficient_scope'],
      [{ scopes: ['nope'], query: 'Admin' }, 'insufficient_scope'],
    ];
    for (const [ask, code] of asked) expect([ask, await codeOf(key, ask)]).toEqual([ask, code]);
    const all = await create({ scopes: ['*'] });
    expect(await codeOf(all.key, { scopes: ['any:thing', 'at-all'] })).toBe('valid');
    const none = await create();
    expect([await codeOf(none.key), await codeOf(none.key, { scopes: ['a'] })]).toEqual([
      'valid',
      'insufficient_scope',
    ]);
  });

  it('an address counts in either notation; a key with networks is refused without one', async () => {
    const { key } = await create({ allowed_cidrs: ['192.0.2.0/24', '2001:db8::/32'] });
    const from = (ip?: string) => codeOf(key, ip === undefined ? {} : { ip });
    expect(await from('192.0.2.7')).toBe('valid');
    expect(await from('::ffff:192.0.2.7')).toBe('valid');
    expect(await from('2001:db8:1::1')).toBe('valid');
    expect(await from('192.0.3.1')).toBe('forbidden_ip');
    expect(await from()).toBe('forbidden_ip');
  });

  it('what cannot be understood is refused by field, never guessed', async () => {
    const { key } = await create();
    const faulty: [object, string][] = [
      [{ ip: '192.0.2' }, '/ip'],
      [{ ip: '192.0.2.1:80' }, '/ip'],
      [{ query: 'a and' }, '/query'],
      [{ query: '('.repeat(500) }, '/query'],
      [{ include: ['digest'] }, '/include/0'],
      [{ workspace_id: 'acme' }, '/workspace_id'],
      [{ scopes: 'a' }, '/scopes'],
      [{ key: null }, '/key'],
      [{ ips: '192.0.2.1' }, '/ips'],
    ];
    for (const [more, pointer] of faulty) {
      const body = { key, ...more };
      const { errors } = await service.expectCall(422, 'POST', '/v1/keys/verify', { body });
      expect(errors).toMatchObject([{ pointer }]);
    }
  });
});

describe('a batch', () => {
  const batch = (keys: readonly object[], key?: string) =>
    service.call('POST', '/v1/keys/verify-batch', { body: { keys }, key });

  it('answers each as the single call does, in the order asked', async () => {
    const { key, id } = await create({ scopes: ['a'], metadata: { plan: 'x' } });
    const { key: revoked, id: revokedId } = await create();
    await post(`/v1/keys/${revokedId}/revoke`);
    const asks = [
      { key },
      { key: revoked },
      { key: 'nonsense' },
      { key, scopes: ['b'] },
      { key, include: ['metadata'] },
      { key, workspace_id: other },
      { key, query: 'a or b' },
    ];
    const { status, body } = await batch(asks);
    expect(status).toBe(200);
    const single = await Promise.all(asks.map(({ key, ...more }) => service.verify(key, more)));
    expect(body.data).toEqual(single);
    expect(body.data.map(({ code }) => code)).toEqual([
      'valid',
      'revoked',
      'not_found',
      'insufficient_scope',
      'valid',
      'wrong_workspace',
      'valid',
    ]);
    expect(body.data[0]?.key_id).toBe(id);
  });

  it('takes a thousand and no more, at least one, and refuses it whole for one that is wrong', async () => {
    const { key } = await create();
    expect((await batch(Array.from({ length: 1_000 }, () => ({ key })))).body.data).toHaveLength(
      1_000,
    );
    expect((await batch(Array.from({ length: 1_001 }, () => ({ key })))).status).toBe(422);
    expect((await batch([])).status).toBe(422);
    const wrong = await batch([{ key }, { key, query: 'and' }]);
    expect([wrong.status, 'data' in wrong.body]).toEqual([422, false]);
  });
});
