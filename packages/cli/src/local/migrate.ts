// `warder migrate`: the schema brought up to date without a start, or what a
// start would do about it.

import { existsSync } from 'node:fs';
import { migrateFile, migratePostgres, pendingInPostgres, pendingOf } from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { type Output, plain, table } from '../output.ts';
import { fileIn } from './database.ts';
import { refused, startFailure } from './installation.ts';

interface Migrated {
  readonly applied: readonly { readonly number: number; readonly name: string }[];
  /** Where the file as it was is left, if it is one. */
  readonly copy: string | null;
}

export async function migrate(flags: Flags, checking: boolean, output: Output): Promise<void> {
  const url = readSetting('database', flags);
  const { applied, copy } =
    url === undefined ? ofFile(flags, checking) : await ofDatabase(url, checking);
  const migrations = applied.map(({ number, name }) => ({ number, name }));
  const rows = migrations.map(({ number, name }) => [String(number), name]);
  const none = 'The schema is up to date.';
  const text = rows.length === 0 ? none : table([checking ? 'PENDING' : 'DONE', 'NAME'], rows);
  output.data({ [checking ? 'pending' : 'applied']: migrations, copy }, text);
  if (copy !== null) output.note(`The database as it was is kept in ${plain(copy)}.`);
  if (checking && rows.length > 0) process.exitCode = 1;
}

function ofFile(flags: Flags, checking: boolean): Migrated {
  const file = fileIn(flags);
  if (!existsSync(file)) {
    throw refused(`There is no database ${file}: name the folder it is in by --data.`);
  }
  try {
    return checking ? { applied: pendingOf(file), copy: null } : migrateFile(file);
  } catch (error) {
    throw startFailure(error, file);
  }
}

async function ofDatabase(url: string, checking: boolean): Promise<Migrated> {
  try {
    const run = checking ? pendingInPostgres : migratePostgres;
    return { applied: await run({ url }), copy: null };
  } catch (error) {
    throw startFailure(error);
  }
}
