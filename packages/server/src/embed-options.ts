// What an app decides about a service that it embeds: read and refused before anything
// is opened or made, and the secret, which is kept beside the database unless it is given.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Network, parseNetwork } from '@warder/core';
import type { Issuer } from './auth/tokens/issuers.ts';
import type { Pepper } from './host.ts';
import { StartRefused } from './installation.ts';
import type { Log } from './log.ts';
import { makeFolder, readIfThere, writeOnce } from './private-file.ts';
import { dialectsOf, PRODUCTS } from './products.ts';

export interface EmbedOptions {
  /** Path of the database file. It and a missing folder are made for their owner alone. */
  readonly database: string;
  /**
   * The installation's secret, 64 hexadecimal digits. Unless given it is in the file `secret`
   * beside the database, as `warder serve` has it, and is made there with the database.
   */
  readonly secret?: string | undefined;
  /** Keys mixed into stored digests. */
  readonly peppers?: readonly Pepper[] | undefined;
  /** The path of the app that the service is mounted below: `/warder`. Its root unless given. */
  readonly basePath?: string | undefined;
  /** The address that others reach it by, `basePath` included; links are relative unless given. */
  readonly publicUrl?: string | undefined;
  /** Names of the products' dialects that are served beside the native API; none unless given. */
  readonly dialects?: readonly string[] | undefined;
  /** Whose JWTs sign in; nobody's unless given. */
  readonly issuers?: readonly Issuer[] | undefined;
  /** Networks of proxies whose X-Forwarded-For counts. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Bound of the memory that known keys take: 1 MiB to 4 GiB, 64 MiB unless given. */
  readonly cacheBytes?: number | undefined;
  /** Where the log goes; warnings and errors to standard error unless given. */
  readonly log?: Log | undefined;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: (() => number) | undefined;
}

/** @throws TypeError that names the option and its rule */
export function readOptions(options: EmbedOptions) {
  return {
    basePath: readBasePath(options.basePath ?? ''),
    publicUrl: options.publicUrl?.replace(/\/+$/, '') ?? null,
    trustedProxies: (options.trustedProxies ?? []).map(readNetwork),
    dialects: dialectsOf((options.dialects ?? []).map(readProduct)),
    cacheBytes: readCacheBytes(options.cacheBytes),
  };
}

/** The secret beside the database. It is made where neither of them is yet. */
export function keptSecret(database: string): string {
  const folder = dirname(database);
  const file = join(folder, 'secret');
  if (!existsSync(database)) {
    makeFolder(folder);
    writeOnce(file, `${randomBytes(32).toString('hex')}\n`);
  }
  const kept = readIfThere(file);
  if (kept !== null) return kept.trimEnd();
  throw new StartRefused(
    `The installation secret is missing: put it back as ${file}, or give it as \`secret\`, since no key in ${database} can be used without it.`,
  );
}

/** @throws TypeError, which does not quote it */
export function readSecret(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) {
    throw new TypeError('secret must be 64 hexadecimal digits and nothing else.');
  }
  return Buffer.from(text, 'hex');
}

function readCacheBytes(bytes: number | undefined): number | undefined {
  const fits =
    Number.isInteger(bytes) && Number(bytes) >= 1024 ** 2 && Number(bytes) <= 4 * 1024 ** 3;
  if (bytes === undefined || fits) return bytes;
  throw new TypeError('cacheBytes must be a whole number of bytes, from 1 MiB to 4 GiB.');
}

function readBasePath(text: string): string {
  if (text === '' || /^(?:\/[\w.~-]+)+$/.test(text)) return text;
  throw new TypeError('basePath must be a path like /warder, without a slash at its end.');
}

function readNetwork(text: string): Network {
  const network = parseNetwork(text);
  if (network !== null) return network;
  throw new TypeError('trustedProxies must be networks, for example 10.0.0.0/8.');
}

function readProduct(name: string): string {
  if (PRODUCTS.some((product) => product.name === name)) return name;
  const names = PRODUCTS.map((product) => product.name).join(', ');
  throw new TypeError(`dialects must be names of dialects that there are: ${names}.`);
}
