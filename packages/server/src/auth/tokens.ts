// Signing in with a JWT, up to who it is: a token of a configured issuer becomes
// verified claims. The token only chooses which row of the configuration judges
// it; keys, algorithms, audience and all else come from that row. RFC 8725.

import { WarderError } from '@warder/core';
import type * as Jose from 'jose';
import type { Log } from '../log.ts';
import { type Claimant, claimantOf } from './tokens/claims.ts';
import { issuerNamedBy } from './tokens/compact.ts';
import type { Fetch } from './tokens/download.ts';
import type { Issuer } from './tokens/issuers.ts';
import { createKeyCache } from './tokens/key-cache.ts';
import { readKeys } from './tokens/key-source.ts';
import { badToken } from './tokens/refusal.ts';

export interface VerifiedToken extends Claimant {
  /** As it was configured, which is exactly as the token has it. */
  readonly issuer: string;
  /** The token's `exp`, in milliseconds, without leeway. */
  readonly expiresAt: number;
}

/**
 * Judges a token.
 * @throws WarderError `unauthenticated` for one that is not good, `unavailable` where its issuer's keys cannot be had
 */
export type TokenVerifier = (jwt: string) => Promise<VerifiedToken>;

export interface TokenVerifierParts {
  /** Milliseconds. */
  readonly now: () => number;
  readonly log: Pick<Log, 'warn'>;
  readonly fetch?: Fetch | undefined;
}

/** How far the clocks of an issuer and of this service may be apart. */
export const LEEWAY_SECONDS = 60;

/** @param issuers as `parseIssuers` gives them: no issuer twice */
export function createTokenVerifier(
  issuers: readonly Issuer[],
  parts: TokenVerifierParts,
): TokenVerifier {
  // Loaded only here, so that a service without issuers starts without it.
  const jose = import('jose');
  const known = new Map(issuers.map((issuer) => [issuer.issuer, rowOf(issuer, parts, jose)]));
  return async (jwt) => {
    const named = issuerNamedBy(jwt);
    const verify = known.get(named);
    if (verify === undefined) {
      const internal = `no such issuer: ${named.slice(0, 200)}`;
      throw badToken('The issuer of this token is not known here.', internal);
    }
    return await verify(jwt);
  };
}

function rowOf(
  issuer: Issuer,
  parts: TokenVerifierParts,
  loaded: Promise<typeof Jose>,
): TokenVerifier {
  const { now, log, fetch = globalThis.fetch } = parts;
  const cache = createKeyCache<Jose.JWTVerifyGetKey>({
    now,
    read: async () => (await loaded).createLocalJWKSet(await readKeys(issuer, fetch)),
    onFault: (error) =>
      log.warn({ issuer: issuer.issuer, reason: reasonOf(error) }, 'keys of an issuer not read'),
  });

  return async (jwt) => {
    const { jwtVerify, errors } = await loaded;
    const keyFor: Jose.JWTVerifyGetKey = async (header, token) => {
      const keys = await cache.get();
      try {
        return await keys(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        const newer = await cache.newerThan(keys);
        if (newer === keys) throw error;
        return await newer(header, token);
      }
    };
    const at = now();
    try {
      const { payload } = await jwtVerify(jwt, keyFor, {
        algorithms: [...issuer.algorithms],
        issuer: issuer.issuer,
        ...(issuer.audiences.length > 0 && { audience: [...issuer.audiences] }),
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(at),
        requiredClaims: ['exp'],
      });
      checkFurther(payload, issuer, at);
      // That it is there has been required.
      const expiresAt = (payload.exp ?? 0) * 1000;
      return { issuer: issuer.issuer, ...claimantOf(payload, issuer), expiresAt };
    } catch (error) {
      throw error instanceof WarderError ? error : refusal(error, errors);
    }
  };
}

/** What jose leaves to its user. */
function checkFurther({ iat, azp, sts }: Jose.JWTPayload, issuer: Issuer, at: number): void {
  if (iat !== undefined && iat * 1000 > at + LEEWAY_SECONDS * 1000) {
    throw badToken('This token was issued in the future.');
  }
  const { authorizedParties, profile } = issuer;
  if (authorizedParties.length > 0 && !authorizedParties.some((party) => party === azp)) {
    throw badToken('This token was issued to another party.');
  }
  // Clerk issues tokens to sessions that still owe a step of signing in.
  if (profile === 'clerk' && sts === 'pending') {
    throw badToken('The session of this token is not complete yet.');
  }
}

const CLAIMS: Readonly<Record<string, string>> = {
  aud: 'This token is for another audience.',
  exp: 'This token does not say when it expires.',
  nbf: 'This token is not valid yet.',
};

function refusal(error: unknown, errors: typeof Jose.errors): WarderError {
  const { JWTExpired, JWTClaimValidationFailed, JOSEError } = errors;
  const internal = error instanceof JOSEError ? error.code : reasonOf(error);
  if (error instanceof JWTExpired) {
    const refusal = 'expired_token';
    return new WarderError('unauthenticated', 'This token has expired.', { internal, refusal });
  }
  const told = error instanceof JWTClaimValidationFailed ? CLAIMS[error.claim] : undefined;
  return badToken(told ?? 'This token is not signed as its issuer signs tokens.', internal);
}

/** Without what was received: a network error may carry some of it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.name;
  if (error.name === 'TimeoutError') return 'it took too long';
  return 'code' in error ? String(error.code) : error.message;
}
