// Retries that are safe: a change asked for twice with one Idempotency-Key happens
// once and is answered twice, to the same caller, for 24 hours, and a secret only
// while its key is good.

import type { Change } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../packages/server/src/dialects/native/dialect.ts';
import { describeApi } from '../packages/server/src/openapi.ts';
import { NOW } from './fixtures/domain.ts';
import { createContract } from './kit/contract.ts';
import { ALSO_NEEDS, INPUTS } from './kit/inputs.ts';
import { type Answered, type CallOptions, type Service, startService } from './kit/service.ts';

const HOUR = 3_600_000;
const calls = createContract(describeApi(native, '0.0.0', null)).calls.map((call) => ({
  ...call,
  name: call.operation.operationId,
}));
const retryable = calls.filter(({ operation }) =>
  operation.parameters?.some(({ name }) => name === 'Idempotency-Key'),
);

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

let drawn = 0;
const newKey = () => `retry-canary-${++drawn}`;
const call = (
  path: string,
  idempotencyKey: string,
  { method = 'POST', ...options }: CallOptions & { method?: string } = {},
) =>
  service.call(method, path, {
    ...options,
    headers: { 'idempotency-key': idempotencyKey, ...options.headers },
  });
const create = (idempotencyKey: string, key?: string, body: object = { name: 'A key' }) =>
  call('/v1/keys', idempotencyKey, { key, body });
const told = ({ status, text }: Answered) => `${status} ${text}`;
const isReplay = ({ headers }: Answered) => headers['idempotency-replayed'] === 'true';

it('every POST that changes something takes an Idempotency-Key, one that asks does not', () => {
  const posts = calls.filter(({ method }) => method === 'POST').map(({ name }) => name);
  const asking = ['verifyKey', 'verifyKeys', 'takeLimit', 'explainKey'];
  expect(posts).toEqual(expect.arrayContaining(asking));
  expect(retryable.map(({ name }) => name)).toEqual(posts.filter((name) => !asking.includes(name)));
});

describe.each(retryable)('$name', ({ name }) => {
  const input = async () => {
    const prepared = INPUTS[name];
    if (!prepared) throw new Error(`${name} has no input`);
    return await prepared(service, service.defaultWorkspaceId);
  };

  it('happens once and is answered twice', async () => {
    const { path, body } = await input();
    const idempotencyKey = newKey();
    const before = await service.counts();
    const first = await call(path, idempotencyKey, { body });
    const between = await service.counts();
    const second = await call(path, idempotencyKey, { body });
    expect([first.status, isReplay(first)]).toEqual([
      /^(create|add)/.test(name) ? 201 : 200,
      false,
    ]);
    expect([told(second), isReplay(second)]).toEqual([told(first), true]);
    for (const header of ['etag', 'location', 'content-type', 'cache-control']) {
      expect(second.headers[header]).toBe(first.headers[header]);
    }
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect(between.events).toBeGreaterThan(before.events);
    expect(await service.counts()).toEqual(between);
  });

  it('422 for another request with the same Idempotency-Key, and nothing happens', async () => {
    const idempotencyKey = newKey();
    const { path, body } = await input();
    const first = await call(path, idempotencyKey, { body });
    const other = await input();
    const before = await service.counts();
    const changed = { path: other.path, body: other.path === path ? { name: 'Other' } : body };
    expect(told(await call(changed.path, idempotencyKey, { body: changed.body }))).toMatch(/^422 /);
    expect(await service.counts()).toEqual(before);
    expect(told(await call(path, idempotencyKey, { body }))).toBe(told(first));
  });

  it('nothing is kept of an attempt that was refused', async () => {
    const { path, body } = await input();
    const idempotencyKey = newKey();
    // The commit of the call itself, not one of what goes on beside it.
    service.watch.before.set('commit', (changes) => {
      if (!(changes as readonly Change[]).some(({ type }) => type === 'insert_reply')) return;
      service.watch.before.clear();
      throw new Error('the disk is full');
    });
    expect((await call(path, idempotencyKey, { body })).status).toBe(500);
    const reader = (await service.manager('viewer')).key;
    expect((await call(path, idempotencyKey, { body, key: reader })).status).toBe(403);
    const first = await call(path, idempotencyKey, { body });
    expect([first.status < 300, isReplay(first)]).toEqual([true, false]);
  });

  it('a caller that lost its permission is refused the reply it once got', async () => {
    const { path, body } = await input();
    const writing = ['keys:write', 'owners:write', 'workspaces:write', 'members:write'];
    const { id, key } = await service.manager([...writing, ...(ALSO_NEEDS[name] ?? [])]);
    const idempotencyKey = newKey();
    expect((await call(path, idempotencyKey, { body, key })).status).toBeLessThan(300);
    await service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { body: { permissions: 'viewer' } });
    expect((await call(path, idempotencyKey, { body, key })).status).toBe(403);
    await service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
    expect((await call(path, idempotencyKey, { body, key })).status).toBe(401);
  });
});

describe('a retried creation', () => {
  it('shows the same secret again, also after a restart', async () => {
    const idempotencyKey = newKey();
    const first = await create(idempotencyKey);
    expect((await create(idempotencyKey)).body.key).toBe(first.body.key);
    await service.restart();
    const again = await create(idempotencyKey);
    expect([again.body.key, isReplay(again)]).toEqual([first.body.key, true]);
    expect((await service.verify(first.body.key)).code).toBe('valid');
  });

  it('is the same request whatever the spaces in its body', async () => {
    const idempotencyKey = newKey();
    const headers = { 'content-type': 'application/json' };
    const first = await call('/v1/keys', idempotencyKey, { raw: '{"name":"a"}', headers });
    const spaced = await call('/v1/keys', idempotencyKey, { raw: ' { "name" : "a" } ', headers });
    expect(told(spaced)).toBe(told(first));
  });

  it('409 for the second while the first is under way, and exactly one key', async () => {
    const idempotencyKey = newKey();
    const before = await service.counts();
    let release = () => {};
    const reached = new Promise<void>((resolve) => {
      service.watch.before.set('commit', (changes) => {
        if (!(changes as readonly Change[]).some(({ type }) => type === 'insert_reply')) return;
        service.watch.before.clear();
        resolve();
        return new Promise<void>((go) => {
          release = go;
        });
      });
    });
    const first = create(idempotencyKey);
    await reached;
    const second = await create(idempotencyKey);
    expect([second.status, second.body.code]).toEqual([409, 'conflict']);
    release();
    const { status, body } = await first;
    expect(status).toBe(201);
    expect((await create(idempotencyKey)).body.key).toBe(body.key);
    expect((await service.counts()).keys).toBe(before.keys + 1);
  });

  it('of many at once makes one key, and shows no other', async () => {
    const idempotencyKey = newKey();
    const before = await service.counts();
    const all = await Promise.all(Array.from({ length: 20 }, () => create(idempotencyKey)));
    const made = all.filter(({ status }) => status === 201);
    expect(all.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    expect(new Set(made.map(({ body }) => body.key)).size).toBe(1);
    expect((await service.counts()).keys).toBe(before.keys + 1);
  });

  it('is independent of another caller with the same Idempotency-Key', async () => {
    const idempotencyKey = newKey();
    const workspace = await service.createWorkspace();
    const callers = [
      service.firstKey,
      (await service.manager('issuer')).key,
      (await service.manager('issuer', { workspace_id: workspace.id })).key,
    ];
    const made = [];
    for (const key of callers) made.push(await create(idempotencyKey, key));
    expect(made.map(isReplay)).toEqual([false, false, false]);
    expect(new Set(made.map(({ body }) => body.key)).size).toBe(3);
    expect((await create(idempotencyKey, callers[2])).body.key).toBe(made[2]?.body.key);
  });

  it('is one for 24 hours by the clock, and a new one after that', async () => {
    const idempotencyKey = newKey();
    const first = await create(idempotencyKey);
    service.clock.at = NOW + 24 * HOUR - 1;
    expect((await create(idempotencyKey)).body.key).toBe(first.body.key);
    service.clock.at = NOW + 24 * HOUR;
    const later = await create(idempotencyKey);
    expect([later.status, isReplay(later)]).toEqual([201, false]);
    expect(later.body.key).not.toBe(first.body.key);
    expect((await create(idempotencyKey)).body.key).toBe(later.body.key);
    service.clock.at = NOW;
  });

  it('409 with the id, and no secret, once the key is not active', async () => {
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => service.expectCall(200, 'POST', `/v1/keys/${id}/disable`),
      (id) => service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`),
      (id) => service.expectCall(200, 'DELETE', `/v1/keys/${id}`),
      (id) =>
        service.expectCall(200, 'PATCH', `/v1/keys/${id}`, {
          body: { expires_at: new Date(NOW).toISOString() },
        }),
    ];
    for (const end of ends) {
      const idempotencyKey = newKey();
      const { body } = await create(idempotencyKey);
      await end(body.id);
      const again = await create(idempotencyKey);
      expect([again.status, again.body.code]).toEqual([409, 'conflict']);
      expect(again.body.detail).toContain(body.id);
    }
  });

  it('of a management key is shown again only to who may still make one', async () => {
    const maker = await service.manager(['keys:write', 'management_keys:write', 'keys:read']);
    const body = { kind: 'management', workspace_id: null, permissions: ['keys:read'] };
    const idempotencyKey = newKey();
    const first = await create(idempotencyKey, maker.key, body);
    expect((await create(idempotencyKey, maker.key, body)).body.key).toBe(first.body.key);
    await service.expectCall(200, 'PATCH', `/v1/keys/${maker.id}`, {
      body: { permissions: ['keys:write'] },
    });
    expect((await create(idempotencyKey, maker.key, body)).status).toBe(403);
  });

  it('leaves nothing to read in the files: not the reply, nor the secret, nor the Idempotency-Key', async () => {
    const idempotencyKey = newKey();
    const { text, body } = await create(idempotencyKey);
    expect((await create(idempotencyKey)).text).toBe(text);
    for (const bytes of service.files()) {
      for (const clear of [text, '"key":"', body.key, 'retry-canary']) {
        expect(bytes.includes(clear)).toBe(false);
      }
    }
  });
});

describe('an Idempotency-Key', () => {
  it('that cannot be one is refused, whatever it came with', async () => {
    const before = await service.counts();
    for (const faulty of ['', ' ', 'a b', 'x'.repeat(256), 'caf\u00e9']) {
      expect((await create(faulty)).status).toBe(400);
    }
    expect(await service.counts()).toEqual(before);
    expect((await create('x'.repeat(255))).status).toBe(201);
  });

  it('is never minded on a verification: the second verdict is of the second moment', async () => {
    const { id, key } = await service.createKey();
    const verify = async (idempotencyKey: string, more: object = {}) =>
      (await call('/v1/keys/verify', idempotencyKey, { body: { key, ...more } })).body.code;
    const idempotencyKey = newKey();
    expect(await verify(idempotencyKey)).toBe('valid');
    expect(await verify(idempotencyKey, { scopes: ['a'] })).toBe('insufficient_scope');
    await service.expectCall(200, 'POST', `/v1/keys/${id}/revoke`);
    expect(await verify(idempotencyKey)).toBe('revoked');
    expect(await verify('')).toBe('revoked');
  });

  it('is not minded where nothing can be made twice', async () => {
    const { id } = await service.createKey();
    const idempotencyKey = newKey();
    const patch = (name: string) =>
      call(`/v1/keys/${id}`, idempotencyKey, { method: 'PATCH', body: { name } });
    expect((await patch('a')).body.name).toBe('a');
    expect((await patch('b')).body.name).toBe('b');
    expect((await call(`/v1/keys/${id}`, idempotencyKey, { method: 'GET' })).body.name).toBe('b');
  });
});

it('a retry with the version it was meant for is answered, though the version has moved on', async () => {
  const { id } = await service.createKey();
  const idempotencyKey = newKey();
  const headers = { 'if-match': '"1"' };
  const disable = (key: string) => call(`/v1/keys/${id}/disable`, key, { headers });
  const first = await disable(idempotencyKey);
  expect(first.status).toBe(200);
  expect(told(await disable(idempotencyKey))).toBe(told(first));
  expect((await disable(newKey())).status).toBe(412);
});
