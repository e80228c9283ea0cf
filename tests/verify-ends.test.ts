// What verification promises beyond its words: that no end of a key is ever a call
// late, that it writes nothing but last uses, and what it does where it cannot know.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { NOW } from './fixtures/domain.ts';
import { type Service, startService } from './kit/service.ts';

const at = (moment: number) => new Date(moment).toISOString();

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const create = (more: object = {}) => service.createKey(more);
const post = (path: string) => service.expectCall(200, 'POST', path);
const codeOf = async (key: string, more: object = {}) => (await service.verify(key, more)).code;

describe('an end is obeyed by the very next verification', () => {
  const rounds = Array.from({ length: 20 }, (_, i) => i);

  it.each([
    ['revoke', 'revoked'],
    ['disable', 'disabled'],
  ])('%s', async (call, code) => {
    for (const _ of rounds) {
      const { id, key } = await create();
      expect(await codeOf(key)).toBe('valid');
      await post(`/v1/keys/${id}/${call}`);
      expect(await codeOf(key)).toBe(code);
    }
  });

  it('erasing a key, which leaves nothing of it but that it was', async () => {
    const { id, key } = await create({ owner_id: 'acme', name: 'A name' });
    expect(await codeOf(key)).toBe('valid');
    await service.expectCall(200, 'DELETE', `/v1/keys/${id}`);
    expect(await service.verify(key)).toMatchObject({
      code: 'revoked',
      key_id: id,
      owner_id: null,
    });
    await service.expectCall(404, 'GET', `/v1/keys/${id}?include_deleted=true`);
  });

  it('suspending an owner or a workspace, and resuming it', async () => {
    for (const _ of rounds.slice(10)) {
      const home = (await service.createWorkspace()).id;
      const { key } = await service.createKey({ workspace_id: home, owner_id: 'a/b' });
      for (const path of [`/v1/workspaces/${home}`, '/v1/owners/a%2Fb']) {
        const query = path.includes('owners') ? `?workspace_id=${home}` : '';
        expect(await codeOf(key)).toBe('valid');
        await post(`${path}/suspend${query}`);
        expect(await codeOf(key)).toBe('suspended');
        await post(`${path}/resume${query}`);
        expect(await codeOf(key)).toBe('valid');
      }
    }
  });

  it('deleting a workspace, for its keys and its callers, before any of them is erased', async () => {
    for (const _ of rounds.slice(10)) {
      const home = (await service.createWorkspace()).id;
      const { key } = await service.createKey({ workspace_id: home });
      const manager = await service.manager('owner', { workspace_id: home });
      expect(await codeOf(key)).toBe('valid');
      await service.expectCall(409, 'DELETE', `/v1/workspaces/${home}`);
      expect(await codeOf(key)).toBe('valid');
      await service.expectCall(200, 'DELETE', `/v1/workspaces/${home}?keys=revoke`);
      expect(await codeOf(key)).toMatch(/^(suspended|revoked)$/);
      await service.expectCall(401, 'GET', '/v1/whoami', { key: manager.key });
    }
  });

  it('expiry to the millisecond, and a clock that goes back makes nothing good that was revoked', async () => {
    const { id, key } = await create({ expires_at: at(NOW + 1_000) });
    service.clock.at = NOW + 999;
    expect(await codeOf(key)).toBe('valid');
    service.clock.at = NOW + 1_000;
    expect(await codeOf(key)).toBe('expired');
    await post(`/v1/keys/${id}/revoke`);
    service.clock.at = NOW;
    expect(await codeOf(key)).toBe('revoked');
  });
});

describe('last_used_at', () => {
  const read = async (id: string) => {
    const { headers, body } = await service.call('GET', `/v1/keys/${id}`);
    return { last_used_at: body.last_used_at, etag: headers.etag, ...body };
  };

  it('appears soon after a use, and changes neither version nor updated_at', async () => {
    const { id, key } = await create();
    const before = await read(id);
    expect(before.last_used_at).toBeNull();
    service.clock.at = NOW + 5_000;
    expect(await codeOf(key)).toBe('valid');
    await vi.waitFor(async () => expect((await read(id)).last_used_at).toBe(at(NOW + 5_000)), {
      timeout: 10_000,
      interval: 25,
    });
    expect(await read(id)).toEqual({ ...before, last_used_at: at(NOW + 5_000) });

    // An earlier use, noted later, moves nothing back; a refusal is no use.
    service.clock.at = NOW + 4_000;
    expect(await codeOf(key)).toBe('valid');
    service.clock.at = NOW + 9_000;
    expect(await codeOf(key, { scopes: ['a'] })).toBe('insufficient_scope');
    await service.restart();
    expect((await read(id)).last_used_at).toBe(at(NOW + 5_000));
    service.clock.at = NOW;
  });

  it('a thousand verifications write nothing but a flush now and then', async () => {
    // A service of its own: no upkeep of other tests among the writes.
    const quiet = await startService();
    const { key } = await quiet.createKey();
    const { key: verifier } = await quiet.manager('verifier');
    const writes = () => ({
      commits: quiet.watch.calls.get('commit') ?? 0,
      flushes: quiet.watch.calls.get('recordUses') ?? 0,
    });
    for (let sealed = false; !sealed; ) {
      sealed = (await quiet.events()).every(({ number }) => number !== null);
    }
    const before = writes();
    const from = performance.now();
    for (let i = 0; i < 20; i++) {
      const some = Array.from({ length: 50 }, () => quiet.verify(key, {}, verifier));
      expect((await Promise.all(some)).every(({ code }) => code === 'valid')).toBe(true);
    }
    const seconds = (performance.now() - from) / 1_000;
    const after = writes();
    expect(after.commits).toBe(before.commits);
    expect(after.flushes - before.flushes).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    await quiet.close();
  });
});

describe('where no verdict can be given', () => {
  afterAll(() => service.watch.before.clear());

  it('503 without `valid`, says when to try again, and good again as soon as the store is', async () => {
    let finds = 0;
    for (const failing of [1, 2]) {
      // Neither the caller nor the key is known yet.
      const caller = await service.manager(['keys:verify']);
      const { key } = await create();
      finds = 0;
      service.watch.before.set('find', () => {
        if (++finds === failing) throw new Error('the disk is on fire');
      });
      const reply = await service.call('POST', '/v1/keys/verify', {
        body: { key },
        key: caller.key,
      });
      expect([reply.status, reply.body.code, 'valid' in reply.body]).toEqual([
        503,
        'unavailable',
        false,
      ]);
      expect(reply.headers['retry-after']).toBe('1');
      expect(reply.text).not.toContain('fire');
      expect(service.log.at(-1)).toContain('fire');
      service.watch.before.clear();
      expect(await codeOf(key)).toBe('valid');
    }
  });

  it('a store that cannot be read: alive, not ready, and neither a reply nor a guess', async () => {
    service.watch.before.set('check', () => {
      throw new Error('gone');
    });
    expect((await service.expectCall(200, 'GET', '/livez', { key: null })).status).toBe('alive');
    await service.expectCall(503, 'GET', '/readyz', { key: null });
    service.watch.before.clear();
    await service.expectCall(200, 'GET', '/readyz', { key: null });
  });

  it('a fault nobody foresaw is a 500 that tells nothing and is logged under its request id', async () => {
    service.watch.before.set('commit', () => {
      throw new TypeError(`cannot read ${service.firstKey}`);
    });
    const reply = await service.call('POST', '/v1/keys', { body: {} });
    service.watch.before.clear();
    expect([reply.status, reply.body.code]).toEqual([500, 'internal']);
    expect(reply.text).not.toContain('cannot read');
    const line = JSON.parse(service.log.at(-1) ?? '{}');
    expect(line).toMatchObject({ level: 'error', request_id: reply.headers['x-request-id'] });
    expect(line.err.message).toContain('cannot read wdr_live_');
  });
});

describe('a key that is no key', () => {
  const texts = [
    '',
    "' OR '1'='1",
    '"; DROP TABLE keys; --',
    'a%b_c\\d*?',
    'wdr_live_',
    'x'.repeat(10_000),
    '🔑'.repeat(20),
    'ключ',
    'a b',
    'a\tb',
    'null',
    '[object Object]',
    '__proto__',
  ];

  it('is malformed or not found, costs one read at most, and leaves no error in the log', async () => {
    const log = service.log.length;
    for (const key of texts) {
      const before = service.watch.calls.get('find') ?? 0;
      expect(['malformed', 'not_found']).toContain(await codeOf(key));
      // One for the caller, one for the key.
      expect((service.watch.calls.get('find') ?? 0) - before).toBeLessThanOrEqual(2);
    }
    expect(service.log.slice(log).filter((line) => /"level":"error"|SQL/i.test(line))).toEqual([]);
  });

  it('a slip is refused by its checksum, without a read', async () => {
    const { key } = await create();
    for (const i of [9, 20, key.length - 1]) {
      const slipped = `${key.slice(0, i)}${key[i] === 'a' ? 'b' : 'a'}${key.slice(i + 1)}`;
      const before = service.watch.calls.get('find') ?? 0;
      expect(await codeOf(slipped)).toBe('malformed');
      expect((service.watch.calls.get('find') ?? 0) - before).toBe(0);
      await service.expectCall(401, 'GET', '/v1/whoami', { key: slipped });
      expect((service.watch.calls.get('find') ?? 0) - before).toBe(0);
    }
  });

  it('as a credential is 401 in one shape', async () => {
    const printable = texts.filter((text) => /^[\x21-\x7e]+$/.test(text));
    for (const key of printable) {
      const reply = await service.call('GET', '/v1/keys', { key });
      expect(reply.status).toBe(401);
      expect(Object.keys(reply.body).sort()).toEqual(
        ['code', 'detail', 'request_id', 'status', 'title', 'type'].sort(),
      );
    }
  });
});
