// The calls of the seed pages, as their readers copy them: only base URL and
// credential are changed or added, and the replies are held against the examples
// that stand beside them, member by member.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addCast, startCastIssuer } from './kit/cast.ts';
import { type Example, exampleOf } from './kit/example.ts';
import type { TestIssuer } from './kit/issuer.ts';
import { isThere, pageReply, type Replacements, runSnippet } from './kit/snippets.ts';
import { bearer, member, type Surfaces, startSurfaces, textAt } from './kit/surface.ts';

const COBO_CREDENTIAL = 'cobo-service-credential-of-the-seed-pages';

let surfaces: Surfaces;
let url: string;
let issuer: TestIssuer;
let cast: Readonly<Record<string, string>>;
beforeAll(async () => {
  const started = await startCastIssuer(() => surfaces.service.clock.at);
  issuer = started.issuer;
  surfaces = await startSurfaces(['phaseo', 'phaseo-management', 'cobo', 'dreadnode', 'onepin'], {
    issuers: [started.row],
    sharedCredentials: [
      { surface: 'cobo', label: 'pages', secret: COBO_CREDENTIAL, workspaces: ['default'] },
    ],
  });
  url = surfaces.service.url;
  cast = await addCast(surfaces.service, issuer);
});
afterAll(async () => {
  await surfaces.close();
  await issuer.close();
});

/** Holds replies against an example; at the end each of its members was seen with a value, but for those that never have one. */
function holding(example: Example, never: readonly string[] = []) {
  afterAll(() => expect(example.unseen()).toEqual(never));
  return (reply: unknown) => expect(example.faultsOf(reply), JSON.stringify(reply)).toEqual([]);
}

describe.runIf(isThere.fetch)('seed 000, Phaseo: List API keys', () => {
  const KEYS = '/phaseo/v1/keys';
  const isLikePage = holding(
    exampleOf(
      pageReply('000-list'),
      ['name', 'label', 'last_used_at', 'expires_at'].map((name) => `/data/*/${name}`),
    ),
  );
  const list = () =>
    runSnippet('000-list', 'fetch', {
      'https://api.phaseo.app/v1': `${url}/phaseo/v1`,
      '<token>': surfaces.service.firstKey,
    });

  it('lists nothing in the envelope of the page', async () => {
    const reply = await list();
    expect(reply).toEqual({ data: [], total_count: 0 });
    isLikePage(reply);
  });

  it('lists a key with all that can be told of it, and one with nothing that can be left out', async () => {
    const made = await surfaces.expectCall(201, 'POST', KEYS, {
      headers: bearer(surfaces.service.firstKey),
      body: {
        name: 'Analytics Service Key',
        scopes: ['chat.completions', 'responses'],
        expires_at: '2027-12-31T23:59:59Z',
      },
    });
    await surfaces.expectCall(200, 'GET', '/phaseo/v1/key', {
      headers: bearer(textAt(made, '/data/key')),
    });
    await surfaces.service.createKey({ scopes: ['chat.completions'] });
    await surfaces.service.warder.flush();

    const reply = await list();
    isLikePage(reply);
    expect(reply).toMatchObject({
      total_count: 2,
      data: [
        { name: null, label: null, last_used_at: null, expires_at: null },
        {
          prefix: textAt(made, '/data/key').slice(0, 22),
          scopes: '["chat.completions","responses"]',
          expires_at: '2027-12-31T23:59:59Z',
        },
      ],
    });
  });
});

describe.runIf(isThere.curl)('seed 001, Phaseo: Management API keys', () => {
  const isLikePage = holding(exampleOf(pageReply('001-create'), []));
  let caller = '';
  const run = (name: string, more: Replacements = {}) =>
    runSnippet(
      `001-${name}`,
      'curl',
      { 'https://api.phaseo.app/v1': `${url}/phaseo/v1`, ...more },
      { AI_STATS_API_KEY: caller },
    );

  it('creates a key for a management key, and one for the ordinary key that was made', async () => {
    caller = surfaces.service.firstKey;
    const first = await run('create');
    isLikePage(first);
    caller = textAt(first, '/key/key');
    const second = await run('create');
    isLikePage(second);
    expect(second).toMatchObject({
      key: { name: 'CI pipeline key', status: 'active', scopes: '["read","write"]' },
    });
    expect(member(second, '/key/prefix')).toBe(textAt(second, '/key/key').slice(14, 20));
  });

  it('lists, gets, updates and deletes it', async () => {
    const list = await run('list');
    expect(list).toMatchObject({ ok: true, limit: 50, offset: 0 });
    const id = textAt(list, '/keys/0/id');
    const address = { '<key-id>': id };
    expect(await run('get', address)).toMatchObject({
      ok: true,
      key: { id, name: 'CI pipeline key', status: 'active', soft_blocked: false },
    });
    expect(await run('update', address)).toEqual({
      ok: true,
      message: 'Key updated successfully',
    });
    expect(await run('get', address)).toMatchObject({
      key: { name: 'Updated key name', status: 'disabled', soft_blocked: true },
    });
    expect(await run('delete', address)).toEqual({
      ok: true,
      message: 'Key "Updated key name" deleted successfully',
    });
    await expect(run('get', address)).rejects.toThrow('Key not found');
  });
});

describe.runIf(isThere.requests)('seed 002, Cobo: List API keys', () => {
  const isLikePage = holding(
    exampleOf(pageReply('002-list'), [
      ...['expires_at', 'last_used_at', 'revoked_at', 'delegation_id', 'pact_id'].map(
        (name) => `/result/*/${name}`,
      ),
      ...['total', 'offset', 'limit', 'has_more', 'after', 'before'].map((name) => `/meta/${name}`),
    ]),
  );
  let headers: Readonly<Record<string, string>> = {};
  /** @param query what the page says may be asked for */
  const list = (query = '') =>
    runSnippet('002-list', 'requests', {
      'https://api.example.com/api/v1/api-keys': `${url}/cobo/api/v1/api-keys${query}`,
      // The page's call has no credential at all.
      'requests.get(url)': `requests.get(url, headers=${JSON.stringify(headers)})`,
    });
  const call = (status: number, method: string, path: string, body?: object) =>
    surfaces.expectCall(status, method, `/cobo/api/v1${path}`, {
      headers,
      ...(body ? { body } : {}),
    });

  beforeAll(async () => {
    headers = { 'X-Assistant-Service-Key': COBO_CREDENTIAL };
    const body = { external_id: 'pages', type: 'agent', name: 'Pages' };
    const principal_id = textAt(await call(201, 'POST', '/principals', body), '/result/id');
    const first = await call(201, 'POST', '/api-keys', { principal_id, name: 'First' });
    headers = { 'X-API-Key': textAt(first, '/result/raw_key') };
  });

  it('lists a key with nothing that can be left out', async () => {
    const reply = await list();
    isLikePage(reply);
    expect(reply).toMatchObject({
      result: [{ name: 'First', expires_at: null, is_revoked: false }],
    });
  });

  it('lists a key with all that can be told of it', async () => {
    const expires_at = '2030-01-02T03:04:05Z';
    const made = await call(201, 'POST', '/api-keys', { name: 'Second', expires_at });
    const id = textAt(made, '/result/api_key/id');
    const other = { 'X-API-Key': textAt(made, '/result/raw_key') };
    await surfaces.expectCall(200, 'GET', '/cobo/api/v1/api-keys', { headers: other });
    await surfaces.service.warder.flush();
    await call(200, 'DELETE', `/api-keys/${id}`);
    await keepWith(id, { delegation_id: id, pact_id: id });
    const reply = await list();
    isLikePage(reply);
    expect(reply).toMatchObject({ result: [{ id, is_revoked: true }, { name: 'First' }] });
  });

  it('pages by cursors and by the deprecated offset', async () => {
    const first = await list('?limit=1');
    isLikePage(first);
    const second = await list(`?limit=1&after=${textAt(first, '/meta/after')}`);
    isLikePage(second);
    const again = await list(`?limit=1&before=${textAt(second, '/meta/before')}`);
    isLikePage(again);
    expect(member(again, '/result')).toEqual(member(first, '/result'));
    const byOffset = await list('?limit=1&offset=1');
    isLikePage(byOffset);
    expect(member(byOffset, '/result')).toEqual(member(second, '/result'));
  });
});

describe('seed 003, Dreadnode: List Api Keys', () => {
  const KEYS = '/dreadnode/api/v1/user/api-keys';
  const token = () => cast.token_editor ?? '';
  // Ids in capitals are of the page's making: those of every other example of it are not.
  const page = JSON.stringify(pageReply('003-list')).replace(/[0-9A-F-]{36}/g, (id) =>
    id.toLowerCase(),
  );
  const isLikePage = holding(
    exampleOf(
      JSON.parse(page),
      ['allowed_scopes', 'last_used_at', 'name', 'org_id', 'workspace_id'].map(
        (name) => `/*/${name}`,
      ),
    ),
  );
  const list = (runner: 'fetch' | 'curl', with_ = token()) =>
    runSnippet('003-list', runner, { 'https://example.com': `${url}/dreadnode`, '<token>': with_ });

  beforeAll(async () => {
    const org = '2489E9AD-2EE2-8E00-8EC9-32D5F69181C0';
    const given = { name: 'example', allowed_scopes: ['example'], org_id: org, workspace_id: org };
    const headers = bearer(token());
    const made = await surfaces.expectCall(201, 'POST', KEYS, { headers, body: given });
    const byKey = { headers: { 'x-api-key': textAt(made, '/key') } };
    await surfaces.expectCall(200, 'GET', '/dreadnode/api/v1/user', byKey);
    await surfaces.service.warder.flush();
    const bare = { allow_self_revoke: true };
    await surfaces.expectCall(201, 'POST', KEYS, { headers, body: bare });
  });

  it('lists a key with all that can be told of it, and one with nothing that can be left out', async () => {
    const reply = await list('fetch');
    isLikePage(reply);
    expect(reply).toMatchObject([
      { active: true, allow_self_revoke: true, allowed_scopes: null, name: null, org_id: null },
      { active: true, allow_self_revoke: false, allowed_scopes: ['example'], name: 'example' },
    ]);
  });

  it.runIf(isThere.curl)('lists the same with curl', async () => {
    expect(await list('curl')).toEqual(await list('fetch'));
  });

  it('answers a token that is not good as the page does', async () => {
    expect(await list('fetch', cast.token_expired)).toEqual(pageReply('003-error'));
  });
});

describe.runIf(isThere.curl)('seed 004, OnePin: List Api Keys', () => {
  const KEYS = '/onepin/api/v1/api-keys';
  const isLikePage = holding(
    exampleOf(pageReply('004-list'), [
      '/data/*/last_used_at',
      '/data/*/rate_limit_per_min',
      '/pagination/next',
    ]),
  );
  // Of a workspace of its own, where members alone made keys.
  const token = () => cast.token_other ?? '';
  const list = () =>
    runSnippet('004-list', 'curl', {
      'https://api.onepin.ai': `${url}/onepin`,
      '<token>': token(),
    });
  const create = (body: object) =>
    surfaces.expectCall(201, 'POST', KEYS, { headers: bearer(token()), body });

  it('lists keys with and without what can be left out', async () => {
    const scopes = ['workflows:read', 'voices:read', 'workspace:read'];
    const made = await create({ name: 'Production API Key', scopes, rate_limit_per_min: 1000 });
    const key = bearer(textAt(made, '/data/api_key'));
    await surfaces.expectCall(200, 'GET', '/onepin/api/v1/auth/whoami', { headers: key });
    await surfaces.service.warder.flush();
    await create({ name: 'Bare' });
    const reply = await list();
    isLikePage(reply);
    expect(reply).toMatchObject({
      data: [
        { name: 'Bare', scopes: [] },
        { name: 'Production API Key', scopes },
      ],
      pagination: { limit: 50, total: 2, next: null, prev: null },
    });
    const [suffix, preview] = ['key_suffix', 'preview'].map((name) =>
      textAt(reply, `/data/1/${name}`),
    );
    expect(preview).toBe(`op_live_${suffix}`);
  });

  it('links to the next page, of which the link tells all', async () => {
    for (let i = 0; i < 50; i++) await create({ name: `${i}` });
    const reply = await list();
    isLikePage(reply);
    const next = textAt(reply, '/pagination/next');
    expect(next).toBe(`${url}${KEYS}?offset=50&limit=50`);
    const rest = await surfaces.expectCall(200, 'GET', next.slice(url.length), {
      headers: bearer(token()),
    });
    expect(rest).toMatchObject({
      data: [{ name: 'Bare' }, { name: 'Production API Key' }],
      pagination: { total: 52, next: null, prev: `${url}${KEYS}?offset=0&limit=50` },
    });
  });
});

/** Nothing that is served makes a delegation or a pact: a key may have them all the same. */
async function keepWith(id: string, cobo: Readonly<Record<string, string>>): Promise<void> {
  const { storage, defaultWorkspaceId } = surfaces.service;
  const reach = storage.within(defaultWorkspaceId);
  const key = await reach.key(id);
  if (key === null) throw new Error('unreachable');
  const changed = { ...key, extension: { cobo }, version: key.version + 1 };
  await reach.commit([{ type: 'update_key', key: changed, was: key.version }]);
}

// The example itself is held against the checker: a fault of each kind is found.
describe('an example', () => {
  const example = exampleOf(pageReply('002-list'), ['/result/*/pact_id']);
  const page = JSON.stringify(pageReply('002-list'));
  it.each([
    ['another order', '"success":true,"suggestion":""', '"suggestion":"","success":true'],
    ['a member too many', '"success":true', '"success":true,"more":1'],
    ['a member too few', '"success":true,', ''],
    ['another type', '"total":123', '"total":"123"'],
    ['a fraction', '"total":123', '"total":1.5'],
    ['another form of time', '05:31:56Z","last', '05:31:56.000Z","last'],
    ['another form of id', '"pact_id":"3c90c3cc-', '"pact_id":"3c90c3cc_'],
    ['null where it must not be', '"name":"<string>"', '"name":null'],
    ['no list', '["<string>"]', '"<string>"'],
    ['another type in a list', '["<string>"]', '[1]'],
  ])('tells %s', (_, there, changed) => {
    expect(page.split(there)).toHaveLength(2);
    expect(example.faultsOf(JSON.parse(page.replace(there, changed)))).toHaveLength(1);
  });

  it('is like itself, also with null where that may be', () => {
    expect(example.faultsOf(JSON.parse(page))).toEqual([]);
    const bare = page.replace(/"pact_id":"[^"]*"/, '"pact_id":null');
    expect(example.faultsOf(JSON.parse(bare))).toEqual([]);
  });
});
