// Tokens of a real issuer over real HTTP: which are taken, which are refused, and in which words.

import { createHmac, createPublicKey } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { MAX_AGE_SECONDS } from '../packages/server/src/auth/tokens/key-cache.ts';
import { LEEWAY_SECONDS } from '../packages/server/src/auth/tokens.ts';
import { NOW } from './fixtures/domain.ts';
import { compact, newSigner, type TestIssuer } from './kit/issuer.ts';
import { NO_TOKEN, NOT_SIGNED, refusalOf, refused, rowOf, setUp } from './kit/tokens.ts';

type World = Awaited<ReturnType<typeof setUp>>;
let issuer: TestIssuer;
let another: World['another'];
let verifierOf: World['verifierOf'];
let pass: World['pass'];
beforeEach(async () => {
  ({ issuer, another, verifierOf, pass } = await setUp());
});

describe('a good token', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as const)('signed by %s says who it is of', async (alg) => {
    const signing = await another(alg);
    const verify = verifierOf(rowOf(signing));
    expect(await verify(signing.sign({ name: 'Ann' }))).toEqual({
      issuer: signing.url,
      subject: 'user_1',
      name: 'Ann',
      workspaces: ['acme'],
      claimed: null,
      expiresAt: NOW + 300_000,
    });
  });

  test('is of any kind meant for signing in', async () => {
    const verify = verifierOf(rowOf(issuer));
    for (const typ of ['JWT', 'jwt', 'at+jwt', 'application/at+jwt', undefined]) {
      await verify(issuer.sign({}, { header: { typ } }));
    }
  });

  test('may have several audiences, one of them ours', async () => {
    await verifierOf(rowOf(issuer))(issuer.sign({ aud: ['other', 'warder'] }));
  });

  test('needs no kid while one key alone fits it', async () => {
    const verify = verifierOf(rowOf(issuer));
    const bare = () => issuer.sign({}, { header: { kid: undefined } });
    await verify(bare());
    issuer.rotate({ keepOld: true });
    pass(MAX_AGE_SECONDS);
    expect(await refused(verify(bare()))).toBe(NOT_SIGNED);
    await verify(issuer.sign());
  });

  test('of Clerk is taken without an audience, from a named origin alone', async () => {
    const verify = verifierOf({
      profile: 'clerk',
      issuer: issuer.url,
      authorized_parties: ['https://app.example.com'],
      roles: { admin: 'admin' },
      workspaces: [{ workspace: 'acme', claim: 'org_1' }],
    });
    const claims = {
      aud: undefined,
      azp: 'https://app.example.com',
      o: { id: 'org_1', rol: 'admin' },
      sts: 'active',
    };
    expect(await verify(issuer.sign(claims))).toMatchObject({
      workspaces: ['acme'],
      claimed: { workspace: 'acme', role: 'admin' },
    });
    expect(issuer.requests).toEqual(['/.well-known/jwks.json']);
    for (const azp of [undefined, 'https://evil.example.com', '', ['https://app.example.com']]) {
      expect(await refused(verify(issuer.sign({ ...claims, azp })))).toBe(
        'unauthenticated: This token was issued to another party.',
      );
    }
    expect(await refused(verify(issuer.sign({ ...claims, sts: 'pending' })))).toBe(
      'unauthenticated: The session of this token is not complete yet.',
    );
  });
});

describe('a token is refused', () => {
  test('of an issuer that is not known, to the letter', async () => {
    const verify = verifierOf(rowOf(issuer));
    for (const iss of [
      'https://evil.example.com',
      `${issuer.url}/`,
      issuer.url.toUpperCase(),
      '',
    ]) {
      expect(await refused(verify(issuer.sign({ iss })))).toBe(
        'unauthenticated: The issuer of this token is not known here.',
      );
    }
    expect(issuer.requests).toEqual([]);
  });

  test('signed by one issuer in the name of another', async () => {
    const other = await another();
    const verify = verifierOf(rowOf(issuer), rowOf(other, { audiences: ['elsewhere'] }));
    await verify(issuer.sign());
    await verify(other.sign({ aud: 'elsewhere' }));
    const { kid } = issuer.newest();
    expect(await refused(verify(other.sign({ iss: issuer.url }, { header: { kid } })))).toBe(
      NOT_SIGNED,
    );
    expect(await refused(verify(other.sign()))).toContain('another audience');
  });

  test.each([
    ['another audience', { aud: 'other' }, 'This token is for another audience.'],
    ['no audience', { aud: undefined }, 'This token is for another audience.'],
    [
      'an audience that only begins like ours',
      { aud: 'warder2' },
      'This token is for another audience.',
    ],
    ['no end', { exp: undefined }, 'This token does not say when it expires.'],
    ['an end that is a text', { exp: '9999999999' }, 'This token does not say when it expires.'],
    ['no subject', { sub: undefined }, 'This token does not say whom it is for.'],
    ['an empty subject', { sub: '' }, 'This token does not say whom it is for.'],
    ['a subject that is a number', { sub: 7 }, 'This token does not say whom it is for.'],
    [
      'a subject that is too long',
      { sub: 'x'.repeat(256) },
      'This token does not say whom it is for.',
    ],
  ])('with %s', async (_, claims, message) => {
    expect(await refused(verifierOf(rowOf(issuer))(issuer.sign(claims)))).toBe(
      `unauthenticated: ${message}`,
    );
  });

  test('from the second its end, or not until its beginning, is 60 seconds away', async () => {
    const verify = verifierOf(rowOf(issuer));
    const now = NOW / 1000;
    await verify(issuer.sign({ exp: now - LEEWAY_SECONDS + 1 }));
    const late = verify(issuer.sign({ exp: now - LEEWAY_SECONDS }));
    expect(await refused(late)).toBe('unauthenticated: This token has expired.');
    await verify(issuer.sign({ nbf: now + LEEWAY_SECONDS }));
    const early = verify(issuer.sign({ nbf: now + LEEWAY_SECONDS + 1 }));
    expect(await refused(early)).toBe('unauthenticated: This token is not valid yet.');
    await verify(issuer.sign({ iat: now + LEEWAY_SECONDS }));
    const future = verify(issuer.sign({ iat: now + LEEWAY_SECONDS + 1 }));
    expect(await refused(future)).toBe('unauthenticated: This token was issued in the future.');
    expect(await refused(verify(issuer.sign({ iat: 'now' })))).toContain('unauthenticated: ');
  });

  test('made for another purpose', async () => {
    const verify = verifierOf(rowOf(issuer));
    for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'JOSE', '', 7, null]) {
      expect(await refused(verify(issuer.sign({}, { header: { typ } })))).toBe(NO_TOKEN);
    }
  });

  test('that is not signed, in whatever case that is said', async () => {
    const verify = verifierOf(rowOf(issuer));
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', undefined, null]) {
      const [head, payload, signature] = issuer.sign({}, { header: { alg } }).split('.');
      expect(await refused(verify(`${head}.${payload}.`))).toBe(NO_TOKEN);
      expect(await refused(verify(`${head}.${payload}.${signature}`))).toBe(NOT_SIGNED);
    }
    expect(issuer.requests).toEqual([]);
    const [head, payload] = issuer.sign().split('.');
    expect(await refused(verify(`${head}.${payload}.`))).toBe(NO_TOKEN);
    expect(await refused(verify(`${head}.${payload}.AAAA`))).toBe(NOT_SIGNED);
  });

  test('whose payload or header was changed after it was signed', async () => {
    const verify = verifierOf(rowOf(issuer));
    const [head, , signature] = issuer.sign().split('.');
    const [other, payload] = issuer.sign({ sub: 'admin' }, { header: { x: 1 } }).split('.');
    expect(await refused(verify(`${head}.${payload}.${signature}`))).toBe(NOT_SIGNED);
    expect(await refused(verify(`${other}.${payload}.${signature}`))).toBe(NOT_SIGNED);
  });

  test('whose shared secret is the public key', async () => {
    const rsa = await another('RS256');
    const verify = verifierOf(rowOf(rsa));
    const { jwk, kid } = rsa.newest();
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const [, payload] = rsa.sign().split('.');
    const head = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid })).toString(
      'base64url',
    );
    for (const secret of [
      key.export({ type: 'spki', format: 'pem' }),
      key.export({ type: 'spki', format: 'der' }),
      JSON.stringify(jwk),
    ]) {
      const signature = createHmac('sha256', secret)
        .update(`${head}.${payload}`)
        .digest('base64url');
      expect(await refused(verify(`${head}.${payload}.${signature}`))).toBe(NOT_SIGNED);
    }
  });

  test('signed by an algorithm that its issuer is not listed with', async () => {
    const verify = verifierOf(rowOf(issuer, { algorithms: ['RS256'] }));
    expect(await refused(verify(issuer.sign()))).toBe(NOT_SIGNED);
  });

  test.each([
    ['another algorithm', { alg: 'ES384' }],
    ['another use', { use: 'enc' }],
    ['other operations', { use: undefined, key_ops: ['sign'] }],
    ['a private part', { d: 'AAAA' }],
    ['another type', { kty: 'oct', k: 'AAAA' }],
    ['no coordinates', { x: undefined }],
  ])('by a key that has %s', async (_, more) => {
    const signer = newSigner();
    issuer.rotate({ signer: { ...signer, jwk: { ...signer.jwk, ...more } } });
    expect(await refused(verifierOf(rowOf(issuer))(issuer.sign()))).toBe(NOT_SIGNED);
  });

  test('that brings its own key along, and nothing is fetched for it', async () => {
    const evil = await another();
    const signer = evil.newest();
    const { kid } = issuer.newest();
    const verify = verifierOf(rowOf(issuer));
    for (const header of [
      { jwk: signer.jwk, kid },
      { jku: evil.jwksUrl, kid },
      { x5u: evil.jwksUrl, kid },
      { jku: evil.jwksUrl, jwk: signer.jwk, kid: signer.kid },
    ]) {
      expect(await refused(verify(issuer.sign({}, { signer, header })))).toBe(NOT_SIGNED);
    }
    expect(evil.requests).toEqual([]);
  });

  test('that asks for extensions', async () => {
    const verify = verifierOf(rowOf(issuer));
    for (const header of [{ crit: ['b64'], b64: true }, { crit: [] }, { crit: ['exp'], exp: 1 }]) {
      expect(await refused(verify(issuer.sign({}, { header })))).toBe(NO_TOKEN);
    }
  });

  test('that says a thing twice', async () => {
    const verify = verifierOf(rowOf(issuer));
    const { kid } = issuer.newest();
    const claims = `"iss":"${issuer.url}","aud":"warder","exp":${NOW / 1000 + 60}`;
    await verify(issuer.sign(`{${claims},"sub":"a"}`));
    for (const payload of [
      `{${claims},"sub":"a","sub":"b"}`,
      `{${claims},"sub":"a","\\u0073ub":"b"}`,
      `{${claims},"sub":"a","o":{"id":"1","id":"2"}}`,
      `{"iss":"https://evil.example.com",${claims},"sub":"a"}`,
      `{${claims},"sub":"a","__proto__":{"x":1}}`,
      `[{${claims},"sub":"a"}]`,
      `{${claims},"sub":"a"} {}`,
      'null',
    ]) {
      expect(await refused(verify(issuer.sign(payload)))).toBe(NO_TOKEN);
    }
    const header = `{"alg":"ES256","alg":"none","kid":"${kid}"}`;
    expect(await refused(verify(issuer.sign({}, { header })))).toBe(NO_TOKEN);
  });

  test('that is larger than 8192 characters', async () => {
    const verify = verifierOf(rowOf(issuer));
    const longest = (length: number) => issuer.sign({ x: 'x'.repeat(length) });
    const slack = Math.floor(((8192 - longest(0).length) * 3) / 4);
    expect(longest(slack).length).toBeLessThanOrEqual(8192);
    await verify(longest(slack));
    expect(await refused(verify(longest(slack + 3)))).toBe(NO_TOKEN);
  });

  test.each(['', '.', '..', 'a.b', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e', 'not a token', 'e30.e30.e30'])(
    'that is none: %j',
    async (text) => {
      expect(await refused(verifierOf(rowOf(issuer))(text))).toBe(NO_TOKEN);
    },
  );

  test('without a word of it in what is said', async () => {
    const marked = { sub: 'canary_1', aud: 'canary_2', x: 'canary_3' };
    const token = issuer.sign(marked, { header: { kid: 'canary_4' } });
    const verify = verifierOf(rowOf(issuer));
    for (const jwt of [token, issuer.sign(marked), issuer.sign({ ...marked, iss: 'canary_5' })]) {
      const { message, facts } = await refusalOf(verify(jwt));
      expect(message).not.toMatch(/canary|eyJ/);
      expect(`${facts.internal}`).not.toMatch(/canary_[1-4]|eyJ/);
    }
  });
});

test('a token in compact form may be anything but long, and none ends in an internal error', async () => {
  const verify = verifierOf(rowOf(issuer));
  const { kid } = issuer.newest();
  const header = JSON.stringify({ alg: 'ES256', kid });
  const deep = `${'['.repeat(2000)}${']'.repeat(2000)}`;
  for (const payload of [
    deep,
    '"',
    '{"iss":',
    '{"iss":1e400}',
    '\u0000',
    `{"iss":"${issuer.url}"}`,
  ]) {
    const { code } = await refusalOf(verify(compact(header, payload, issuer.newest())));
    expect(code).toBe('unauthenticated');
  }
});
