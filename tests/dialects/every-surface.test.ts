// One domain behind all surfaces: a key made through any of them is the same key
// through every other, and each has its own words for each state.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRODUCTS } from '../../packages/server/src/products.ts';
import { addCast, startCastIssuer } from '../kit/cast.ts';
import type { TestIssuer } from '../kit/issuer.ts';
import { bearer, member, type Surfaces, startSurfaces, textAt } from '../kit/surface.ts';

const CREDENTIAL = 'cobo-service-credential-of-this-scenario';
const [PHASEO, MANAGEMENT, COBO, DREADNODE, ONEPIN] = [
  '/phaseo/v1/keys',
  '/phaseo/v1/management/keys',
  '/cobo/api/v1/api-keys',
  '/dreadnode/api/v1/user/api-keys',
  '/onepin/api/v1/api-keys',
];

let surfaces: Surfaces;
let issuer: TestIssuer;
let row: object;
let cast: Readonly<Record<string, string>>;
/** The member `editor` as a principal of Cobo's surface, with a key of its own. */
let principal: { readonly id: string; readonly headers: Readonly<Record<string, string>> };

beforeAll(async () => {
  ({ issuer, row } = await startCastIssuer(() => surfaces.service.clock.at));
  surfaces = await startSurfaces(
    PRODUCTS.map(({ name }) => name),
    {
      issuers: [row],
      sharedCredentials: [
        { surface: 'cobo', label: 'assistant', secret: CREDENTIAL, workspaces: ['default'] },
      ],
    },
  );
  cast = await addCast(surfaces.service, issuer);
  const headers = { 'x-assistant-service-key': CREDENTIAL };
  const made = await surfaces.expectCall(201, 'POST', '/cobo/api/v1/principals', {
    headers,
    body: { external_id: cast.member_editor, type: 'human', name: 'The editor' },
  });
  const id = textAt(made, '/result/id');
  const body = { principal_id: id, name: 'Its first key' };
  const key = await surfaces.expectCall(201, 'POST', COBO, { headers, body });
  principal = { id, headers: { 'x-api-key': textAt(key, '/result/raw_key') } };
});
afterAll(async () => {
  await surfaces.close();
  await issuer.close();
});

const token = (name: string) => bearer(cast[`token_${name}`] ?? expect.fail(`no ${name}`));
const manager = () => bearer(surfaces.service.firstKey);

interface Made {
  readonly id: string;
  readonly secret: string;
}

/** How a key is made through each surface; those of Cobo and Dreadnode are the editor's own. */
const MAKE: Readonly<Record<string, () => Promise<Made>>> = {
  native: async () => {
    const { id, key } = await surfaces.service.createKey({ owner_id: cast.member_editor });
    return { id, secret: key };
  },
  phaseo: () => made(PHASEO, manager(), '/data/id', '/data/key'),
  'phaseo-management': () => made(MANAGEMENT, manager(), '/key/id', '/key/key'),
  cobo: () => made(COBO, principal.headers, '/result/api_key/id', '/result/raw_key'),
  dreadnode: () => made(DREADNODE, token('editor'), '/id', '/key'),
  onepin: () => made(ONEPIN, token('admin'), '/data/id', '/data/api_key'),
};

let named = 0;
async function made(
  path: string,
  headers: Readonly<Record<string, string>>,
  id: string,
  secret: string,
): Promise<Made> {
  const name = `Key ${++named}`;
  const body = await surfaces.expectCall(201, 'POST', path, { headers, body: { name } });
  return { id: textAt(body, id), secret: textAt(body, secret) };
}

const LEADS: Readonly<Record<string, string>> = {
  native: 'wdr_live_',
  phaseo: 'aistats_v1_sk_',
  'phaseo-management': 'aistats_v1_sk_',
  cobo: 'caw_',
  dreadnode: 'dn_',
  onepin: 'op_live_',
};

/** What each surface says of a key; null where it is not there. */
async function words(id: string) {
  const one = async (path: string, headers: Readonly<Record<string, string>>, at: string) => {
    const { status, body } = await surfaces.call('GET', path, { headers });
    return status === 404 ? null : member(body, at);
  };
  const among = async (path: string, headers: Readonly<Record<string, string>>, at: string) => {
    const body = await surfaces.expectCall(200, 'GET', path, { headers });
    const keys = member(body, at) as readonly { readonly id: string }[];
    return keys.find((key) => key.id === id) ?? null;
  };
  const told = (key: unknown, ...names: string[]) =>
    key === null ? null : names.map((name) => member(key, `/${name}`));
  const phaseo = await one(`${PHASEO}/${id}`, manager(), '/data');
  const management = await one(`${MANAGEMENT}/${id}`, manager(), '/key');
  const cobo = await among(`${COBO}?limit=200`, principal.headers, '/result');
  const dreadnode = await among(DREADNODE, token('editor'), '');
  const onepin = await one(`${ONEPIN}/${id}`, token('viewer'), '/data');
  const native = await surfaces.service.call('GET', `/v1/keys/${id}?include_deleted=true`);
  return {
    phaseo: told(phaseo, 'status', 'disabled', 'soft_blocked'),
    management: told(management, 'status', 'soft_blocked'),
    cobo: told(cobo, 'is_revoked'),
    dreadnode: told(dreadnode, 'active'),
    onepin: onepin && [member(onepin, '/active'), member(onepin, '/revoked_at') !== null],
    native: native.status === 404 ? null : native.body.status,
  };
}

const codeOf = async (secret: string) => (await surfaces.service.verify(secret)).code;

const USABLE = {
  phaseo: ['active', false, false],
  management: ['active', false],
  cobo: [false],
  dreadnode: [true],
  onepin: [true, false],
  native: 'active',
};

describe('a key', () => {
  it.each(Object.keys(MAKE))(
    'made through %s has its format and is good everywhere',
    async (name) => {
      const { id, secret } = (await MAKE[name]?.()) ?? expect.fail(name);
      expect(secret.startsWith(LEADS[name] ?? '-')).toBe(true);
      expect(await codeOf(secret)).toBe('valid');
      const owned = ['native', 'cobo', 'dreadnode'].includes(name);
      // Cobo's and Dreadnode's surfaces show a caller their own keys alone.
      expect(await words(id)).toEqual(owned ? USABLE : { ...USABLE, cobo: null, dreadnode: null });
      const { body } = await surfaces.call('GET', `${PHASEO}?limit=250`, { headers: manager() });
      expect(JSON.stringify(body)).toContain(id);
    },
  );
});

describe('the words of each surface for a key that is', () => {
  /** A key of the editor's, so that all surfaces show it, brought into a state through one of them. */
  const brought = async (into: (id: string) => Promise<unknown>) => {
    const { id, secret } = (await MAKE.dreadnode?.()) ?? expect.fail();
    await into(id);
    return { words: await words(id), code: await codeOf(secret) };
  };

  it('disabled, by OnePin', async () => {
    const { words, code } = await brought((id) =>
      surfaces.expectCall(200, 'PATCH', `${ONEPIN}/${id}`, {
        headers: token('admin'),
        body: { active: false },
      }),
    );
    expect(code).toBe('disabled');
    expect(words).toEqual({
      phaseo: ['paused', true, false],
      management: ['disabled', false],
      cobo: [false],
      dreadnode: [false],
      onepin: [false, false],
      native: 'disabled',
    });
  });

  it('soft-blocked, by Phaseo', async () => {
    const { words, code } = await brought((id) =>
      surfaces.expectCall(200, 'PATCH', `${PHASEO}/${id}`, {
        headers: manager(),
        body: { soft_blocked: true },
      }),
    );
    expect(code).toBe('soft_blocked');
    expect(words).toEqual({
      phaseo: ['active', true, true],
      management: ['active', true],
      cobo: [false],
      dreadnode: [true],
      onepin: [true, false],
      native: 'soft_blocked',
    });
  });

  it('expired, by Phaseo', async () => {
    const expires_at = new Date(surfaces.service.clock.at).toISOString();
    const { words, code } = await brought((id) =>
      surfaces.expectCall(200, 'PATCH', `${PHASEO}/${id}`, {
        headers: manager(),
        body: { expires_at },
      }),
    );
    expect(code).toBe('expired');
    expect(words).toEqual({ ...USABLE, native: 'expired' });
  });

  const REVOKED = {
    phaseo: ['revoked', true, false],
    management: ['revoked', false],
    cobo: [true],
    dreadnode: [false],
    onepin: [false, true],
    native: 'revoked',
  };
  it.each([
    ['Cobo', (id: string) => surfaces.expectCall(200, 'DELETE', `${COBO}/${id}`, principal)],
    [
      'Dreadnode',
      (id: string) =>
        surfaces.expectCall(204, 'DELETE', `${DREADNODE}/${id}`, { headers: token('editor') }),
    ],
    [
      'OnePin',
      (id: string) =>
        surfaces.expectCall(200, 'DELETE', `${ONEPIN}/${id}`, { headers: token('admin') }),
    ],
    [
      'Phaseo management',
      (id: string) =>
        surfaces.expectCall(200, 'PATCH', `${MANAGEMENT}/${id}`, {
          headers: manager(),
          body: { status: 'revoked' },
        }),
    ],
  ])('revoked, by %s', async (_, revoke) => {
    expect(await brought(revoke)).toEqual({ words: REVOKED, code: 'revoked' });
  });

  it('deleted, by Phaseo', async () => {
    const { words, code } = await brought((id) =>
      surfaces.expectCall(200, 'DELETE', `${PHASEO}/${id}`, { headers: manager() }),
    );
    expect(code).toBe('revoked');
    expect(words).toEqual({
      ...REVOKED,
      phaseo: null,
      management: null,
      native: 'deleted',
    });
  });

  it('deleted for good, by Phaseo management', async () => {
    const { words, code } = await brought((id) =>
      surfaces.expectCall(200, 'DELETE', `${MANAGEMENT}/${id}`, { headers: manager() }),
    );
    expect(code).toBe('revoked');
    expect(words).toEqual({
      phaseo: null,
      management: null,
      cobo: null,
      dreadnode: null,
      onepin: null,
      native: null,
    });
  });

  it('replaced, by OnePin: the old one is revoked everywhere, the new one is good everywhere', async () => {
    const { id, secret } = (await MAKE.cobo?.()) ?? expect.fail();
    const path = `${ONEPIN}/${id}/rotate`;
    const rotated = await surfaces.expectCall(200, 'PATCH', path, { headers: token('admin') });
    expect([await words(id), await codeOf(secret)]).toEqual([REVOKED, 'revoked']);
    expect(await words(textAt(rotated, '/data/new_key/id'))).toEqual(USABLE);
    const renewed = textAt(rotated, '/data/new_key/api_key');
    expect([renewed.startsWith('op_live_'), await codeOf(renewed)]).toEqual([true, 'valid']);
  });
});
