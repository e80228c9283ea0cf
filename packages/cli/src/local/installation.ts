// The installation on this machine: the data folder with the database and the
// secret, opened together. A secret is made only where no database is yet; every
// other fault is a refusal in one sentence, with nothing made.

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DrawnToken, type Installation, WarderError } from '@warder/core';
import {
  createHost,
  type EmbeddedOptions,
  type Log,
  makeFolder,
  openEmbedded,
  openInstallation,
  type Pending,
  type ServerHost,
  type Writing,
  writeOnce,
} from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { Failure } from '../failure.ts';
import { databaseIn, openDatabase } from './database.ts';

export interface Opened extends ReturnType<typeof openEmbedded> {
  readonly host: ServerHost;
  readonly installation: Installation;
}

/**
 * Opens what a first start has made. @throws Failure where anything is missing
 * @param writing who writes a file; a thread of this process unless given
 */
export async function openExisting(
  flags: Flags,
  pending: Pending = 'run',
  writing?: Writing,
  log?: Log,
): Promise<Opened> {
  if (readSetting('database', flags) !== undefined) return await openInPostgres(flags, null, log);
  const data = readSetting('data', flags);
  if (!existsSync(databaseIn(data))) {
    throw refused(`There is no database ${databaseIn(data)}: name the folder it is in by --data.`);
  }
  const none = () => {
    throw refused(`The database ${databaseIn(data)} is empty: start the service first.`);
  };
  return await open(flags, none, pending, writing);
}

/**
 * Opens the installation, or makes it at the very first start.
 * @param writing who writes the file; a thread of this process unless given
 */
export async function openOrMake(
  flags: Flags,
  firstToken: (host: ServerHost) => DrawnToken,
  log?: Log,
  writing?: Writing,
): Promise<Opened> {
  const data = readSetting('data', flags);
  try {
    makeFolder(data);
    if (readSetting('database', flags) !== undefined) {
      return await openInPostgres(flags, firstToken, log);
    }
    const isNew = readSetting('secret', flags) === undefined && !existsSync(databaseIn(data));
    if (isNew) writeOnce(join(data, 'secret'), `${randomBytes(32).toString('hex')}\n`);
    return await open(flags, firstToken, pendingFor(flags), writing);
  } catch (error) {
    throw startFailure(error);
  }
}

async function open(
  flags: Flags,
  firstToken: (host: ServerHost) => DrawnToken,
  pending: Pending = 'run',
  writing?: Writing,
): Promise<Opened> {
  const data = readSetting('data', flags);
  const file = databaseIn(data);
  // Another first start may have made secret and database since: it makes them in this order.
  const host = hostOf(flags, file);
  const store = opened({ file, pending, writing });
  try {
    const token = async () => firstToken(host);
    return { ...store, host, installation: await openInstallation(store.storage, host, token) };
  } catch (error) {
    await store.storage.close();
    throw startFailure(error);
  }
}

/** @param firstToken null where an empty database is refused */
async function openInPostgres(
  flags: Flags,
  firstToken: ((host: ServerHost) => DrawnToken) | null,
  log?: Log,
): Promise<Opened> {
  try {
    const store = await openDatabase(flags, log);
    if (store === undefined) throw refused('No database is named.');
    try {
      const made = await store.storage.installation();
      if (made === null && firstToken === null) {
        throw refused('The database is empty: start the service first.');
      }
      const data = readSetting('data', flags);
      if (made === null && readSetting('secret', flags) === undefined) {
        writeOnce(join(data, 'secret'), `${randomBytes(32).toString('hex')}\n`);
      }
      const host = hostOf(flags, 'the database');
      const token = async () => firstToken?.(host) ?? null;
      return { ...store, host, installation: await openInstallation(store.storage, host, token) };
    } catch (error) {
      await store.storage.close();
      throw error;
    }
  } catch (error) {
    throw startFailure(error);
  }
}

/** @throws Failure without the secret, without which no key in `where` can be used */
function hostOf(flags: Flags, where: string): ServerHost {
  const secret = readSetting('secret', flags);
  if (secret === undefined) {
    const file = join(readSetting('data', flags), 'secret');
    throw refused(
      `The installation secret is missing: put it back as ${file}, or give it by WARDER_SECRET_FILE or WARDER_SECRET, since no key in ${where} can be used without it.`,
    );
  }
  return createHost({ secret, peppers: readSetting('pepper', flags) ?? [] });
}

/** What a start does about a file of an earlier version. */
function pendingFor(flags: Flags): Pending {
  return readSetting('migrate', flags) === 'check' ? 'refuse' : 'run';
}

function opened(options: EmbeddedOptions): ReturnType<typeof openEmbedded> {
  try {
    return openEmbedded(options);
  } catch (error) {
    throw startFailure(error, options.file);
  }
}

export function refused(message: string): Failure {
  return new Failure('start_refused', message);
}

/** What is known to stop a start, as one sentence; anything else as it is. @param file the database, where one is worked on */
export function startFailure(error: unknown, file: string | null = null): unknown {
  if (!(error instanceof Error)) return error;
  if (REFUSALS.includes(error.name)) return refused(error.message);
  if (error instanceof WarderError) {
    const { internal } = error.facts;
    return refused(internal === undefined ? error.message : `${error.message} (${internal})`);
  }
  const code = codeOf(error);
  if (file !== null && code?.startsWith('SQLITE_')) {
    return refused(`The database ${file} cannot be opened (${code}).`);
  }
  const why = code === null ? undefined : SYSTEM[code];
  if (why === undefined) return error;
  const path = 'path' in error ? `${error.path} ` : 'A file ';
  return refused(`${path}cannot be used: ${why} (${code}).`);
}

const REFUSALS = ['StartRefused', 'SchemaError', 'FileRefused', 'AddressError', 'TransferError'];

const SYSTEM: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EPERM: 'the system does not allow it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENOTDIR: 'something on the path is no folder',
  EEXIST: 'something else has that name',
  EISDIR: 'it is a folder',
  ENOENT: 'there is no such file or folder',
  EMFILE: 'too many files are open',
};

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null;
}
