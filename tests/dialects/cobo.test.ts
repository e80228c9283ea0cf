// What a transcript cannot show of Cobo's API: many values of one parameter, whole
// lists page by page, keys that come from elsewhere, and several service credentials.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { member, type Surfaces, startSurfaces, textAt } from '../kit/surface.ts';

const KEYS = '/cobo/api/v1/api-keys';
const PRINCIPALS = '/cobo/api/v1/principals';
const CREDENTIAL = 'cobo-service-credential-of-these-tests';
const NEXT_CREDENTIAL = 'cobo-service-credential-that-comes-next';
const ELSEWHERE = 'cobo-service-credential-of-another-workspace';

const apiKey = (key: string) => ({ 'x-api-key': key });
const service = (secret = CREDENTIAL) => ({ 'x-assistant-service-key': secret });

let surfaces: Surfaces;
beforeAll(async () => {
  surfaces = await startSurfaces(['phaseo', 'cobo'], {
    sharedCredentials: [
      { surface: 'cobo', label: 'now', secret: CREDENTIAL, workspaces: ['default'] },
      { surface: 'cobo', label: 'next', secret: NEXT_CREDENTIAL, workspaces: ['default'] },
      { surface: 'cobo', label: 'elsewhere', secret: ELSEWHERE, workspaces: ['elsewhere'] },
    ],
  });
  await surfaces.service.createWorkspace({ slug: 'elsewhere' });
});
afterAll(() => surfaces.close());

let named = 0;
/** A new principal with its first key. */
async function principal(first: object = {}, secret = CREDENTIAL) {
  const headers = service(secret);
  const externalId = `principal-${++named}`;
  const body = { external_id: externalId, type: 'agent', name: 'An agent' };
  const made = await surfaces.expectCall(201, 'POST', PRINCIPALS, { headers, body });
  const id = textAt(made, '/result/id');
  const key = await create({ principal_id: id, ...first }, headers);
  return { id, externalId, key, headers: apiKey(textAt(key, '/raw_key')) };
}

async function create(body: object, headers: Readonly<Record<string, string>>) {
  const made = await surfaces.expectCall(201, 'POST', KEYS, {
    headers,
    body: { name: 'A key', ...body },
  });
  return member(made, '/result');
}

const list = async (headers: Readonly<Record<string, string>>, query = '') => {
  const body = await surfaces.expectCall(200, 'GET', `${KEYS}?${query}`, { headers });
  return { keys: member(body, '/result') as readonly object[], meta: member(body, '/meta') };
};
const ids = (keys: readonly object[]) => keys.map((key) => textAt(key, '/id'));
const types = (body: unknown) =>
  (member(body, '/error/detail') as readonly unknown[]).map((one) => [
    String(member(one, '/loc')),
    member(one, '/type'),
  ]);

describe('the list', () => {
  it('by cursors, forwards and back, shows every key once and in one order', async () => {
    const { headers } = await principal();
    for (let i = 0; i < 10; i++) await create({ name: `Key ${i}` }, headers);
    const all = ids((await list(headers, 'limit=200')).keys);
    expect(all).toHaveLength(11);
    expect(all).toEqual(all.toSorted().toReversed());

    const forwards: string[] = [];
    let last: unknown = null;
    for (let after = ''; ; after = `&after=${textAt(last, '/after')}`) {
      const page = await list(headers, `limit=3${after}`);
      forwards.push(...ids(page.keys));
      last = page.meta;
      expect(member(last, '/has_more')).toBe(member(last, '/after') !== null);
      if (!member(last, '/has_more')) break;
    }
    expect(forwards).toEqual(all);

    let backwards = ids((await list(headers, 'limit=3&offset=9')).keys);
    while (member(last, '/before') !== null) {
      const page = await list(headers, `limit=3&before=${textAt(last, '/before')}`);
      backwards = [...ids(page.keys), ...backwards];
      last = page.meta;
    }
    expect(backwards).toEqual(all);
  });

  it('by offset tells of limit, offset and total, and of nothing else', async () => {
    const { headers } = await principal();
    await create({}, headers);
    for (const [offset, shown] of [[0, 2] as const, [1, 1] as const, [2, 0] as const]) {
      const { keys, meta } = await list(headers, `offset=${offset}`);
      expect(keys).toHaveLength(shown);
      expect(meta).toEqual({
        total: 2,
        offset,
        limit: 50,
        has_more: null,
        after: null,
        before: null,
      });
    }
  });

  it.each([
    ['limit=0', 'query,limit', 'greater_than_equal'],
    ['limit=-1', 'query,limit', 'greater_than_equal'],
    ['limit=201', 'query,limit', 'less_than_equal'],
    ['limit=251', 'query,limit', 'less_than_equal'],
    ['limit=1e9', 'query,limit', 'int_parsing'],
    ['limit=abc', 'query,limit', 'int_parsing'],
    ['limit=1.5', 'query,limit', 'int_parsing'],
    ['limit=', 'query,limit', 'int_parsing'],
    [`limit=${'9'.repeat(60)}`, 'query,limit', 'int_parsing'],
    ['offset=-1', 'query,offset', 'greater_than_equal'],
    ['offset=9223372036854775808', 'query,offset', 'less_than_equal'],
    ['offset=0x1', 'query,offset', 'int_parsing'],
    ['after=', 'query,after', 'value_error'],
    ['before=nothing', 'query,before', 'value_error'],
    ['before=x&after=x', 'query,before', 'value_error'],
    ['before=x&offset=0', 'query,offset', 'value_error'],
  ])('refuses %s', async (query, loc, type) => {
    const { headers } = await principal();
    const body = await surfaces.expectCall(422, 'GET', `${KEYS}?${query}`, { headers });
    expect(types(body)).toEqual([[loc, type]]);
  });

  it.each(['limit=1', 'limit=200', 'limit=%2B5', 'offset=0', 'offset=9223372036854775807', 'x=1'])(
    'takes %s',
    async (query) => {
      const { headers } = await principal();
      await list(headers, query);
    },
  );

  it('has keys that were made elsewhere for the principal, and management keys never', async () => {
    const { id, externalId, headers } = await principal();
    const native = await surfaces.service.createKey({ owner_id: externalId, scopes: ['a:b'] });
    await surfaces.service.createKey({
      kind: 'management',
      permissions: ['keys:read'],
      owner_id: externalId,
    });
    const { keys } = await list(headers);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatchObject({
      id: native.id,
      principal_id: id,
      name: '',
      key_prefix: native.key.slice(0, 17),
      scopes: ['a:b'],
    });
    const refused = await surfaces.expectCall(401, 'GET', KEYS, { headers: apiKey(native.key) });
    expect(member(refused, '/error')).toBe('Missing or invalid API key');
  });

  it('shows a disabled and a blocked key as not revoked, a deleted one as revoked, an erased one not at all', async () => {
    const { headers } = await principal();
    const bearer = { authorization: `Bearer ${surfaces.service.firstKey}` };
    const states = {
      disabled: { disabled: true },
      blocked: { soft_blocked: true },
      deleted: null,
    };
    for (const [name, body] of Object.entries(states)) {
      const key = await create({ name }, headers);
      const path = `/phaseo/v1/keys/${textAt(key, '/api_key/id')}`;
      const method = body === null ? 'DELETE' : 'PATCH';
      await surfaces.expectCall(200, method, path, { headers: bearer, body: body ?? undefined });
      const refused = { headers: apiKey(textAt(key, '/raw_key')) };
      await surfaces.expectCall(401, 'GET', KEYS, refused);
    }
    const erased = textAt(await create({ name: 'erased' }, headers), '/api_key/id');
    await surfaces.service.expectCall(200, 'DELETE', `/v1/keys/${erased}`);
    const { keys } = await list(headers);
    expect(
      keys.map((key) => [
        member(key, '/name'),
        member(key, '/is_revoked'),
        member(key, '/revoked_at') !== null,
      ]),
    ).toEqual([
      ['deleted', true, true],
      ['blocked', false, false],
      ['disabled', false, false],
      ['A key', false, false],
    ]);
    const deleted = `${KEYS}/${ids(keys)[0]}`;
    await surfaces.expectCall(200, 'DELETE', deleted, { headers });
    await surfaces.expectCall(404, 'DELETE', `${KEYS}/${erased}`, { headers });
  });
});

describe('a new key', () => {
  it.each([
    ['2030-01-02T03:04:05Z', '2030-01-02T03:04:05Z'],
    ['2030-01-02t03:04:05z', '2030-01-02T03:04:05Z'],
    ['2030-01-02T03:04:05.678+02:00', '2030-01-02T01:04:05Z'],
    ['2030-01-02 03:04:05', '2030-01-02T03:04:05Z'],
    ['2030-01-02T03:04', '2030-01-02T03:04:00Z'],
    [null, null],
  ])('that is to end at %s ends at %s', async (given, expires_at) => {
    const { key } = await principal({ expires_at: given });
    expect(member(key, '/api_key/expires_at')).toBe(expires_at);
  });

  it.each(['', 'soon', '2030-01-02', '2030-13-02T03:04:05Z', '2030-01-02T03:04:05+25:00', 7, true])(
    'cannot end at %j',
    async (expires_at) => {
      const { headers } = await principal();
      const body = { name: 'x', expires_at };
      const refused = await surfaces.expectCall(422, 'POST', KEYS, { headers, body });
      expect(types(refused)).toEqual([['body,expires_at', 'datetime_parsing']]);
    },
  );

  it('counts its name in characters', async () => {
    const { headers } = await principal({ name: '🔑'.repeat(255) });
    const body = { name: '🔑'.repeat(256) };
    const refused = await surfaces.expectCall(422, 'POST', KEYS, { headers, body });
    expect(types(refused)).toEqual([['body,name', 'string_too_long']]);
  });

  it('has the text, the prefix and the principal it says', async () => {
    const { id, key } = await principal();
    expect(textAt(key, '/raw_key')).toMatch(/^caw_[0-9A-Za-z]{40}$/);
    expect(member(key, '/api_key/key_prefix')).toBe(textAt(key, '/raw_key').slice(0, 12));
    const seen = await surfaces.service.expectCall(
      200,
      'GET',
      `/v1/keys/${textAt(key, '/api_key/id')}`,
    );
    expect(seen).toMatchObject({ format: 'cobo', kind: 'standard' });
    expect(member(key, '/api_key/principal_id')).toBe(id);
  });

  it.each([{}, { expires_at: null }])(
    'of a maker that ends, asked for with %j, ends with it',
    async (end) => {
      const { headers } = await principal({ expires_at: '2030-01-02T03:04:05Z' });
      const made = await create(end, headers);
      expect(member(made, '/api_key/expires_at')).toBe('2030-01-02T03:04:05Z');
    },
  );

  it('of a maker with nothing has nothing', async () => {
    const { headers } = await principal({ scopes: [] });
    expect(member(await create({}, headers), '/api_key/scopes')).toEqual([]);
    await surfaces.expectCall(403, 'POST', KEYS, {
      headers,
      body: { name: 'x', scopes: ['wallet:read'] },
    });
  });

  it('of a maker with everything beside more has everything', async () => {
    const { headers } = await principal({ scopes: ['wallet:read', '*'] });
    expect(member(await create({}, headers), '/api_key/scopes')).toEqual(['*']);
  });

  it('made under an Idempotency-Key by one principal is not shown to another', async () => {
    const [one, other] = [await principal(), await principal()];
    const made = await create({}, { ...one.headers, 'idempotency-key': 'shared-by-chance' });
    const second = await create({}, { ...other.headers, 'idempotency-key': 'shared-by-chance' });
    expect(member(second, '/raw_key')).not.toBe(member(made, '/raw_key'));
  });
});

describe('a principal', () => {
  it('never sees or revokes what is another one’s', async () => {
    const [one, other] = [await principal(), await principal()];
    const foreign = textAt(other.key, '/api_key/id');
    expect(ids((await list(one.headers)).keys)).not.toContain(foreign);
    await surfaces.expectCall(404, 'DELETE', `${KEYS}/${foreign}`, { headers: one.headers });
    expect((await list(other.headers)).keys).toHaveLength(1);
  });

  it('has no principals to make or to list with its own key', async () => {
    const { headers } = await principal();
    const body = { external_id: 'more', type: 'human', name: 'More' };
    for (const refused of [
      await surfaces.expectCall(401, 'POST', PRINCIPALS, { headers, body }),
      await surfaces.expectCall(401, 'GET', PRINCIPALS, { headers }),
    ]) {
      expect(member(refused, '/error')).toBe('Invalid service credential');
    }
  });

  it('that was erased is not listed, and gets no key', async () => {
    const { id, externalId } = await principal();
    await surfaces.service.expectCall(200, 'POST', `/v1/owners/${externalId}/erase?keys=erase`);
    const body = await surfaces.expectCall(200, 'GET', PRINCIPALS, { headers: service() });
    expect(JSON.stringify(body)).not.toContain(id);
    await surfaces.expectCall(404, 'POST', KEYS, {
      headers: service(),
      body: { name: 'x', principal_id: id },
    });
  });

  it('is listed page by page, once', async () => {
    for (let i = 0; i < 5; i++) await principal();
    const headers = service();
    const whole = await surfaces.expectCall(200, 'GET', `${PRINCIPALS}?limit=200`, { headers });
    const seen: unknown[] = [];
    for (let after = ''; ; ) {
      const path = `${PRINCIPALS}?limit=4${after}`;
      const page = await surfaces.expectCall(200, 'GET', path, { headers });
      seen.push(...(member(page, '/result') as readonly unknown[]));
      if (!member(page, '/meta/has_more')) break;
      after = `&after=${textAt(page, '/meta/after')}`;
    }
    expect(seen).toEqual(member(whole, '/result'));
  });
});

describe('the service credential', () => {
  it('has a label that the events of its calls carry', async () => {
    const { key } = await principal({}, NEXT_CREDENTIAL);
    const id = textAt(key, '/api_key/id');
    const events = await surfaces.service.events();
    expect(events.find(({ subject }) => member(subject, '/id') === id)).toMatchObject({
      actor: { type: 'service', id: 'next' },
      origin: { shared_credential: 'next' },
    });
  });

  it('makes and finds nothing in another workspace than its own', async () => {
    const { id } = await principal();
    const headers = service(ELSEWHERE);
    const body = { name: 'x', principal_id: id };
    await surfaces.expectCall(404, 'POST', KEYS, { headers, body });
    expect(
      member(await surfaces.expectCall(200, 'GET', PRINCIPALS, { headers }), '/result'),
    ).toEqual([]);
  });

  it('is answered like a wrong one where none is configured', async () => {
    const without = await startSurfaces(['cobo']);
    const ask = (secret: string) => without.call('GET', PRINCIPALS, { headers: service(secret) });
    const [one, other] = [await ask(CREDENTIAL), await ask('wrong')];
    expect([one.status, one.text]).toEqual([other.status, other.text]);
    expect(one.status).toBe(401);
    await without.close();
  });
});

it('gives back the delegation and the pact that are kept with a key, and null for what is no id', async () => {
  const { key, headers } = await principal();
  const id = textAt(key, '/api_key/id');
  const delegation_id = '3c90c3cc-0d44-4b50-8888-8dd25736052a';
  const { storage } = surfaces.service;
  const reach = storage.within(surfaces.service.defaultWorkspaceId);
  const stored = await reach.key(id);
  if (stored === null) throw new Error('unreachable');
  const changed = {
    ...stored,
    extension: { cobo: { delegation_id, pact_id: 'none' } },
    version: stored.version + 1,
  };
  await reach.commit([{ type: 'update_key', key: changed, was: stored.version }]);
  expect((await list(headers)).keys[0]).toMatchObject({ delegation_id, pact_id: null });
});

it('has the key prefix that was chosen', async () => {
  const own = await startSurfaces(['cobo'], {
    chosen: { cobo: { token_prefix: 'acme_' } },
    sharedCredentials: [
      { surface: 'cobo', label: 'now', secret: CREDENTIAL, workspaces: ['default'] },
    ],
  });
  const headers = service();
  const body = { external_id: 'x', type: 'human', name: 'X' };
  const made = await own.expectCall(201, 'POST', PRINCIPALS, { headers, body });
  const key = await own.expectCall(201, 'POST', KEYS, {
    headers,
    body: { principal_id: textAt(made, '/result/id').toUpperCase(), name: 'Own' },
  });
  expect(textAt(key, '/result/raw_key')).toMatch(/^acme_[0-9A-Za-z]{40}$/);
  await own.close();
});
