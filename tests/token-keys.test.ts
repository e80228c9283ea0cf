// The keys of a real issuer over real HTTP: fetched, rotated, out of reach.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  COOLDOWN_SECONDS,
  MAX_AGE_SECONDS,
  MAX_STALE_SECONDS,
} from '../packages/server/src/auth/tokens/key-cache.ts';
import type { Outage, TestIssuer } from './kit/issuer.ts';
import { NOT_SIGNED, OUT_OF_REACH, refusalOf, refused, rowOf, setUp } from './kit/tokens.ts';

type World = Awaited<ReturnType<typeof setUp>>;
let issuer: TestIssuer;
let another: World['another'];
let verifierOf: World['verifierOf'];
let pass: World['pass'];
let log: World['log'];
beforeEach(async () => {
  ({ issuer, another, verifierOf, pass, log } = await setUp());
});

describe('keys', () => {
  test('are fetched once, by discovery, and again when they are old', async () => {
    const verify = verifierOf(rowOf(issuer));
    const paths = ['/.well-known/openid-configuration', '/.well-known/jwks.json'];
    for (let i = 0; i < 3; i++) await verify(issuer.sign({ jti: String(i) }));
    expect(issuer.requests).toEqual(paths);
    pass(MAX_AGE_SECONDS);
    await verify(issuer.sign());
    expect(issuer.requests).toEqual([...paths, ...paths]);
  });

  test('that were rotated are found at the first token of the new one, and the old ends with the set', async () => {
    const verify = verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }));
    const old = issuer.newest();
    const early = issuer.sign();
    await verify(early);
    pass(COOLDOWN_SECONDS);
    issuer.rotate({ keepOld: true });
    await verify(issuer.sign());
    await verify(early);
    expect(issuer.requests.length).toBe(2);
    issuer.rotate();
    pass(MAX_AGE_SECONDS);
    expect(await refused(verify(issuer.sign({}, { signer: old })))).toBe(NOT_SIGNED);
    await verify(issuer.sign());
    expect(issuer.requests.length).toBe(3);
  });

  test('that nobody has are looked for once each cooldown, however many tokens name them', async () => {
    const verify = verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }));
    await verify(issuer.sign());
    pass(COOLDOWN_SECONDS);
    const forged = () =>
      Array.from({ length: 50 }, (_, i) =>
        refused(verify(issuer.sign({}, { header: { kid: `made-up-${i}` } }))),
      );
    expect(new Set(await Promise.all(forged()))).toEqual(new Set([NOT_SIGNED]));
    await Promise.all(forged());
    expect(issuer.requests.length).toBe(2);
    await verify(issuer.sign());
  });

  test('of a file are read without a network, and anew when the file changes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'warder-keys-'));
    const file = join(folder, 'keys.json');
    const write = () => writeFileSync(file, JSON.stringify(issuer.jwks()));
    write();
    const verify = verifierOf(rowOf(issuer, { jwks_file: file }));
    await verify(issuer.sign());
    issuer.rotate();
    write();
    pass(COOLDOWN_SECONDS);
    await verify(issuer.sign());
    expect(issuer.requests).toEqual([]);
    rmSync(folder, { recursive: true });
    pass(MAX_STALE_SECONDS);
    expect(await refused(verify(issuer.sign()))).toBe(OUT_OF_REACH);
  });

  test('that are none do not take the good ones along', async () => {
    const good = issuer.jwks().keys;
    const strange = [{}, null, 7, { kty: 7 }, { kty: 'XYZ', kid: 'z' }, { kty: 'RSA', kid: 'y' }];
    issuer.answers(JSON.stringify({ keys: [...strange, ...good] }));
    await verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }))(issuer.sign());
  });

  test.each([
    ['is not JSON', 'canary {'],
    ['is no set', '{"keys":"canary"}'],
    ['says a thing twice', '{"keys":[],"canary":1,"canary":2}'],
    ['is too large', `{"keys":[],"x":"${'canary'.repeat(50_000)}"}`],
  ])('of an answer that %s are none, and nothing of it is told', async (_, text) => {
    issuer.answers(text);
    const { code, message, facts } = await refusalOf(
      verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }))(issuer.sign()),
    );
    expect(code).toBe('unavailable');
    expect(log.length).toBe(1);
    expect(JSON.stringify([message, facts, log])).not.toContain('canary');
  });

  test('are not fetched from where discovery must not lead', async () => {
    for (const uri of [
      'http://169.254.169.254/latest',
      'https://[::ffff:a9fe:a9fe]/',
      'https://a:b@keys.example.com/',
      'http://keys.example.com/',
      'file:///etc/passwd',
      'keys.json',
    ]) {
      issuer.pointsTo(uri);
      expect(await refused(verifierOf(rowOf(issuer))(issuer.sign()))).toBe(OUT_OF_REACH);
      expect(JSON.stringify(log.at(-1))).toContain('its jwks_uri must');
    }
  });

  test('are not fetched by the discovery document of another issuer', async () => {
    issuer.answers(JSON.stringify({ issuer: `${issuer.url}/`, jwks_uri: issuer.jwksUrl }));
    expect(await refused(verifierOf(rowOf(issuer))(issuer.sign()))).toBe(OUT_OF_REACH);
    expect(JSON.stringify(log)).toContain('its discovery document is of another issuer');
  });
});

describe('an outage', () => {
  test.each<Outage>(['refuse', 'error', 'redirect', 'hang'])(
    'at start (%s) answers 503, with one request for a hundred tokens, until it ends',
    async (how) => {
      const verify = verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }));
      issuer.outage(how);
      const tokens = Array.from({ length: 100 }, (_, i) => issuer.sign({ jti: String(i) }));
      const said = await Promise.all(tokens.map((token) => refused(verify(token))));
      expect(new Set(said)).toEqual(new Set([OUT_OF_REACH]));
      const { facts } = await refusalOf(verify(issuer.sign()));
      expect(facts.retryAfterSeconds).toBe(COOLDOWN_SECONDS);
      expect(issuer.requests).toEqual(['/.well-known/jwks.json']);
      expect(log.length).toBe(1);
      issuer.outage(null);
      pass(COOLDOWN_SECONDS);
      await verify(issuer.sign());
      expect(issuer.requests.length).toBe(2);
    },
  );

  test('by an answer that does not end is cut at its bound', async () => {
    const verify = verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }));
    issuer.outage('endless');
    expect(await refused(verify(issuer.sign()))).toBe(OUT_OF_REACH);
    expect(JSON.stringify(log)).toContain('it is larger than');
  });

  test('later is survived with the last keys for an hour, and then answers 503', async () => {
    const verify = verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }));
    await verify(issuer.sign());
    issuer.outage('error');
    pass(MAX_AGE_SECONDS);
    await Promise.all(Array.from({ length: 100 }, () => verify(issuer.sign())));
    expect(issuer.requests.length).toBe(2);
    pass(MAX_STALE_SECONDS - MAX_AGE_SECONDS - 1);
    const asked = issuer.asked();
    await verify(issuer.sign());
    await asked;
    expect(issuer.requests.length).toBe(3);
    pass(1);
    expect(await refused(verify(issuer.sign()))).toBe(OUT_OF_REACH);
    issuer.outage(null);
    pass(COOLDOWN_SECONDS);
    await verify(issuer.sign());
  });

  test('while keys are rotated asks the holder of a new token to wait, and goes on with the old', async () => {
    const verify = verifierOf(rowOf(issuer, { jwks_url: issuer.jwksUrl }));
    const old = issuer.newest();
    await verify(issuer.sign());
    issuer.rotate({ keepOld: true });
    issuer.outage('refuse');
    pass(COOLDOWN_SECONDS);
    expect(await refused(verify(issuer.sign()))).toBe(OUT_OF_REACH);
    await verify(issuer.sign({}, { signer: old }));
    issuer.outage(null);
    pass(COOLDOWN_SECONDS);
    await verify(issuer.sign());
  });

  test('of one issuer leaves the others alone', async () => {
    const other = await another();
    const verify = verifierOf(rowOf(issuer), rowOf(other));
    issuer.outage('error');
    expect(await refused(verify(issuer.sign()))).toBe(OUT_OF_REACH);
    await verify(other.sign());
  });
});
