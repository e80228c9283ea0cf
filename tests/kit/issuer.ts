// An issuer of JWTs over real HTTP on this machine, whose keys can be rotated and
// who can go out of reach. It signs with Node alone, so that it can also say what no
// library for tokens would.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NOW } from '../fixtures/domain.ts';

export type Alg = 'RS256' | 'ES256' | 'EdDSA';

/** A pair of keys as an issuer has them. */
export interface Signer {
  readonly alg: Alg;
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** As a JWK Set shows it. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

export interface SignOptions {
  /** Over what the header has otherwise; undefined takes a member out. A text is the whole header. */
  readonly header?: Readonly<Record<string, unknown>> | string;
  /** Signs in place of the issuer's newest. */
  readonly signer?: Signer;
}

/** Over what the claims are otherwise; undefined takes one out. A text is the whole payload. */
export type SignedClaims = Readonly<Record<string, unknown>> | string;

/** How an issuer that is out of reach looks: it hangs up, says 503, redirects, never answers, or never ends. */
export type Outage = 'refuse' | 'error' | 'redirect' | 'hang' | 'endless';

export type TestIssuer = Awaited<ReturnType<typeof startIssuer>>;

let made = 0;

export function newSigner(alg: Alg = 'ES256'): Signer {
  const { privateKey, publicKey } = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
  }[alg]();
  const kid = `key-${++made}`;
  return {
    alg,
    kid,
    privateKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
  };
}

/** The compact form of whatever header and payload, signed. */
export function compact(header: string, payload: string, { alg, privateKey }: Signer): string {
  const signed = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
  const digest = alg === 'EdDSA' ? null : 'sha256';
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return `${signed}.${sign(digest, Buffer.from(signed), key).toString('base64url')}`;
}

/** A set of keys whose beginning is good, and which goes on until the other side has had enough. */
function endless(response: ServerResponse): void {
  response.write('{"keys":[');
  const spaces = ' '.repeat(65_536);
  const more = () => {
    while (!response.destroyed && response.write(spaces));
  };
  response.on('drain', more);
  more();
}

/** @param now what its tokens are issued at, in milliseconds; the moment all tests stand at unless given */
export async function startIssuer(now: () => number = () => NOW, alg: Alg = 'ES256') {
  let signers = [newSigner(alg)];
  let outage: Outage | null = null;
  let answer: string | null = null;
  let jwksUri: string | null = null;
  const requests: string[] = [];
  const waiting: (() => void)[] = [];

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(request.url ?? '');
    for (const tell of waiting.splice(0)) tell();
    if (outage === 'hang') return;
    if (outage === 'refuse') request.socket.destroy();
    else if (outage === 'error') response.writeHead(503).end('{"keys":[]}');
    else if (outage === 'endless') endless(response);
    else if (outage === 'redirect') response.writeHead(302, { location: '/elsewhere' }).end();
    else response.end(answer ?? documentAt(request.url ?? ''));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has such an address.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const jwksUrl = `${url}/.well-known/jwks.json`;

  const jwks = () => ({ keys: signers.map(({ jwk }) => jwk) });

  function newest(): Signer {
    const [signer] = signers;
    if (signer === undefined) throw new Error('the issuer has no key');
    return signer;
  }

  function documentAt(path: string): string {
    if (path !== '/.well-known/openid-configuration') return JSON.stringify(jwks());
    return JSON.stringify({ issuer: url, jwks_uri: jwksUri ?? jwksUrl });
  }

  return {
    /** Its `iss`. */
    url,
    jwksUrl,
    jwks,
    /** The paths that were asked for, in order. */
    requests,
    newest,
    /** A token: of `user_1`, for the audience `warder`, for five minutes, unless claims say otherwise. */
    sign(claims: SignedClaims = {}, { header = {}, signer = newest() }: SignOptions = {}): string {
      const seconds = Math.floor(now() / 1000);
      const usual = { iss: url, sub: 'user_1', aud: 'warder', iat: seconds, exp: seconds + 300 };
      const payload = typeof claims === 'string' ? claims : JSON.stringify({ ...usual, ...claims });
      const { alg, kid } = signer;
      const head =
        typeof header === 'string' ? header : JSON.stringify({ alg, typ: 'JWT', kid, ...header });
      return compact(head, payload, signer);
    },
    /** A new key signs from now on; the old ones are shown until they are dropped. */
    rotate({ keepOld = false, signer = newSigner(alg) } = {}): Signer {
      signers = [signer, ...(keepOld ? signers : [])];
      return signer;
    },
    outage(how: Outage | null) {
      outage = how;
    },
    /** Answers every request with that text; null for what it answers otherwise. */
    answers(text: string | null) {
      answer = text;
    },
    /** What its discovery document gives as the address of its keys. */
    pointsTo(uri: string) {
      jwksUri = uri;
    },
    /** Resolves with the next request. */
    asked: () => new Promise<void>((resolve) => waiting.push(resolve)),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
