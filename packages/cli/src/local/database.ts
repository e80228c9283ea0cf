// The database that the settings name: a PostgreSQL server, or the file in the data folder.

import { join } from 'node:path';
import { type Log, openPostgres } from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { Failure } from '../failure.ts';

/** Where the file of an installation is that has one. */
export function databaseIn(data: string): string {
  return join(data, 'warder.db');
}

/** The file of the installation. @throws Failure where it is in PostgreSQL, for what works on a file alone */
export function fileIn(flags: Flags): string {
  if (readSetting('database', flags) !== undefined) {
    throw new Failure(
      'start_refused',
      'This works on a database in a file, and --database (DATABASE_URL) names one in PostgreSQL: use what PostgreSQL has for it, as docs/postgres.md tells.',
    );
  }
  return databaseIn(readSetting('data', flags));
}

/** Opens the database in PostgreSQL; undefined where none is named. */
export async function openDatabase(flags: Flags, log?: Log) {
  const url = readSetting('database', flags);
  if (url === undefined) return undefined;
  const directUrl = readSetting('databaseDirect', flags);
  const prepare = readSetting('databasePrepare', flags) === 'on';
  if (!prepare) log?.info('statements are not prepared, which makes every one of them slower');
  return await openPostgres({
    url,
    ...(directUrl === undefined ? {} : { directUrl }),
    prepare,
    pending: readSetting('migrate', flags) === 'auto' ? 'run' : 'refuse',
    // What the others may count on when they ask whether all obey.
    staleMilliseconds: readSetting('staleLimit', flags),
    onFeedError: (error) => log?.warn({ err: error }, 'changes cannot be heard: reading anew'),
  });
}
