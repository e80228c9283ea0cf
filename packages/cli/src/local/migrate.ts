// `warder migrate`: the schema brought up to date without a start, or what a
// start would do about it.

import { existsSync } from 'node:fs';
import { migrateFile, pendingOf } from '@warder/server';
import { type Flags, readSetting } from '../config.ts';
import { type Output, plain, table } from '../output.ts';
import { databaseIn, refused, startFailure } from './installation.ts';

export function migrate(flags: Flags, checking: boolean, output: Output): void {
  const file = databaseIn(readSetting('data', flags));
  if (!existsSync(file)) {
    throw refused(`There is no database ${file}: name the folder it is in by --data.`);
  }
  try {
    const { applied, copy } = checking
      ? { applied: pendingOf(file), copy: null }
      : migrateFile(file);
    const migrations = applied.map(({ number, name }) => ({ number, name }));
    const rows = migrations.map(({ number, name }) => [String(number), name]);
    const none = 'The schema is up to date.';
    const text = rows.length === 0 ? none : table([checking ? 'PENDING' : 'DONE', 'NAME'], rows);
    output.data({ [checking ? 'pending' : 'applied']: migrations, copy }, text);
    if (copy !== null) output.note(`The database as it was is kept in ${plain(copy)}.`);
    if (checking && rows.length > 0) process.exitCode = 1;
  } catch (error) {
    throw startFailure(error, file);
  }
}
