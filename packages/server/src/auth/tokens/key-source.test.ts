import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { newSigner } from '../../../../../tests/kit/issuer.ts';
import { parseIssuers } from './issuers.ts';
import { readKeyFile, readKeys } from './key-source.ts';

/** Reads keys from an issuer elsewhere, each of whose addresses answers what stands there. */
async function readFrom(answers: Readonly<Record<string, unknown>>) {
  const issuer = 'https://login.example.com';
  const row = { issuer, audiences: ['a'], workspaces: [{ workspace: 'w' }] };
  const asked: string[] = [];
  const [parsed] = parseIssuers(JSON.stringify([row]));
  if (parsed === undefined) throw new Error('no row');
  const read = readKeys(parsed, async (input) => {
    asked.push(String(input));
    return Response.json(answers[String(input)]);
  });
  return { asked, ended: await read.catch((error: unknown) => String(error)) };
}

const DISCOVERY = 'https://login.example.com/.well-known/openid-configuration';

test('the keys may be on another host than their issuer', async () => {
  const issuer = 'https://login.example.com';
  const { jwk } = newSigner();
  const { ended } = await readFrom({
    [DISCOVERY]: { issuer, jwks_uri: 'https://keys.example.net/jwks' },
    'https://keys.example.net/jwks': { keys: [jwk] },
  });
  expect(ended).toEqual({ keys: [jwk] });
});

test.each(['http://127.0.0.1:9000/', 'https://127.0.0.1/', 'http://[::1]/', 'https://localhost/'])(
  'an issuer elsewhere cannot make this service ask its own machine: %s',
  async (jwks_uri) => {
    const issuer = 'https://login.example.com';
    const { asked, ended } = await readFrom({ [DISCOVERY]: { issuer, jwks_uri } });
    expect(ended).toBe('Error: its jwks_uri must not be on this machine');
    expect(asked).toEqual([DISCOVERY]);
  },
);

test.each<[string, object, string | null]>([
  ['a public key', newSigner().jwk, null],
  ['a private key', newSigner().privateKey.export({ format: 'jwk' }), 'it holds a private'],
  ['a shared key', { kty: 'oct', k: 'AAAA' }, 'it holds a private or shared key'],
  ['no key', {}, 'it holds no key'],
])('a file that holds %s', async (_, key, fault) => {
  const folder = mkdtempSync(join(tmpdir(), 'warder-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys: [key] }));
  const read = readKeyFile(join(folder, 'keys.json'));
  if (fault === null) expect(await read).toEqual({ keys: [key] });
  else await expect(read).rejects.toThrow(fault);
});
