// Where the keys of an issuer are: at an address, at the address that the issuer's
// discovery document names (OpenID Connect Discovery 1.0), or in a file. Each call
// reads them anew.

import { readFile } from 'node:fs/promises';
import type { JSONWebKeySet, JWK } from 'jose';
import { fetchable, isLocal } from './address.ts';
import { download, type Fetch, parseDocument } from './download.ts';
import type { Issuer } from './issuers.ts';

/** For all that one reading fetches. */
export const FETCH_SECONDS = 5;

/** @throws Error whose message quotes nothing of what was read */
export async function readKeys(issuer: Issuer, fetch: Fetch): Promise<JSONWebKeySet> {
  const { keys } = issuer;
  if ('jwksFile' in keys) return await readKeyFile(keys.jwksFile);
  const signal = AbortSignal.timeout(FETCH_SECONDS * 1000);
  const url =
    'jwksUrl' in keys
      ? new URL(keys.jwksUrl)
      : await discovered(issuer.issuer, new URL(keys.discoveryUrl), fetch, signal);
  return keySet(await download(url, fetch, signal));
}

/** Reads a file of public keys (a JWK Set, RFC 7517). @throws Error that says what is wrong with it */
export async function readKeyFile(file: string): Promise<JSONWebKeySet> {
  const { keys } = keySet(parseDocument(await readFile(file)));
  if (keys.length === 0) throw new Error('it holds no key');
  if (keys.some((key) => 'd' in key || 'k' in key)) {
    throw new Error('it holds a private or shared key, and must hold public keys only');
  }
  return { keys };
}

async function discovered(
  issuer: string,
  url: URL,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<URL> {
  const document = await download(url, fetch, signal);
  if (!isObject(document) || document.issuer !== issuer) {
    throw new Error('its discovery document is of another issuer');
  }
  if (typeof document.jwks_uri !== 'string') {
    throw new Error('its discovery document has no jwks_uri');
  }
  try {
    // An issuer elsewhere must not make this service ask its own machine.
    return fetchable(document.jwks_uri, isLocal(url));
  } catch (error) {
    throw new Error(`its jwks_uri ${error instanceof Error ? error.message : 'is not usable'}`);
  }
}

function keySet(value: unknown): JSONWebKeySet {
  if (!isObject(value) || !Array.isArray(value.keys)) {
    throw new Error('what it holds is not a JWK Set');
  }
  // A key that is none must not take the others along (RFC 7517, 5).
  return { keys: value.keys.filter(isKey) };
}

function isKey(value: unknown): value is JWK {
  return isObject(value) && typeof value.kty === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
