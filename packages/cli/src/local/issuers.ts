// The file of issuers that --issuers names, read and checked whole before the
// service starts. A file of keys is looked for beside it.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { WarderError } from '@warder/core';
import { type Issuer, parseIssuers, readKeyFile } from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { type Failure, usage } from '../failure.ts';

/** @throws Failure that names the file, the field and the rule */
export async function readIssuers(flags: Flags): Promise<readonly Issuer[] | undefined> {
  const file = readSetting('issuers', flags);
  if (file === undefined) return undefined;
  const refusal = (why: string): Failure =>
    usage(`The file ${file}, which --issuers (WARDER_ISSUERS) names, cannot be used: ${why}.`);
  let issuers: readonly Issuer[];
  try {
    issuers = parseIssuers(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof WarderError) throw refusal(error.message.replace(/\.$/, ''));
    throw refusal(`it cannot be read (${reasonOf(error)})`);
  }
  return await Promise.all(
    issuers.map(async (issuer, i) => {
      if (!('jwksFile' in issuer.keys)) return issuer;
      const jwksFile = resolve(dirname(file), issuer.keys.jwksFile);
      await readKeyFile(jwksFile).catch((error: unknown) => {
        throw refusal(`issuers[${i}].jwks_file must be a file of public keys: ${reasonOf(error)}`);
      });
      return { ...issuer, keys: { jwksFile } };
    }),
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error ? String(error.code) : error.message;
}
