// A token verifier beside real issuers, with a clock that is set by hand: what the tests of tokens
// and of their keys stand on. Everything begins anew with each test.

import { WarderError } from '@warder/core';
import { expect, onTestFinished } from 'vitest';
import { parseIssuers } from '../../packages/server/src/auth/tokens/issuers.ts';
import { createTokenVerifier } from '../../packages/server/src/auth/tokens.ts';
import { NOW } from '../fixtures/domain.ts';
import { type Alg, startIssuer, type TestIssuer } from './issuer.ts';

export type Row = Readonly<Record<string, unknown>>;

export const NOT_SIGNED = 'unauthenticated: This token is not signed as its issuer signs tokens.';
export const NO_TOKEN = 'unauthenticated: This is not a token that can be signed in with.';
export const OUT_OF_REACH =
  'unavailable: The issuer of this token cannot be reached to check it: try again later.';

/** An issuer, and what judges its tokens. */
export async function setUp() {
  let clock = NOW;
  const log: unknown[] = [];
  const another = async (alg?: Alg): Promise<TestIssuer> => {
    const started = await startIssuer(() => clock, alg);
    onTestFinished(() => started.close());
    return started;
  };
  return {
    issuer: await another(),
    another,
    log,
    pass(seconds: number) {
      clock += seconds * 1000;
    },
    verifierOf(...rows: Row[]) {
      const parts = { now: () => clock, log: { warn: (...said: unknown[]) => log.push(said) } };
      return createTokenVerifier(parseIssuers(JSON.stringify(rows)), parts);
    },
  };
}

/** A row that takes an issuer's usual tokens. */
export function rowOf({ url }: TestIssuer, more: Row = {}): Row {
  return { issuer: url, audiences: ['warder'], workspaces: [{ workspace: 'acme' }], ...more };
}

export async function refusalOf(verified: Promise<unknown>): Promise<WarderError> {
  const error = await verified.then(
    () => expect.unreachable('the token should have been refused'),
    (refused: unknown) => refused,
  );
  if (!(error instanceof WarderError)) throw error;
  return error;
}

/** How a token was refused: the code, and what is said of it to whoever sent it. */
export async function refused(verified: Promise<unknown>): Promise<string> {
  const { code, message } = await refusalOf(verified);
  return `${code}: ${message}`;
}
