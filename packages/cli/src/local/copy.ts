// `warder copy`: an installation taken from its file to a database in PostgreSQL, beside a
// running service, whole and compared, or begun again where it ended.

import { existsSync, statSync } from 'node:fs';
import { transferToPostgres } from '@warder/server';
import { readSetting } from '../config.ts';
import { usage } from '../failure.ts';
import { endOnSignals } from '../interruption.ts';
import { type Output, plain, table } from '../output.ts';
import { progressLine } from '../progress.ts';
import { databaseIn } from './database.ts';
import { refused, startFailure } from './installation.ts';

export interface CopyOptions {
  readonly from?: string;
  readonly to?: string;
}

export async function copy({ from, to }: CopyOptions, output: Output): Promise<void> {
  const file = sourceIn(from ?? readSetting('data', {}));
  const url = readSetting('database', to === undefined ? {} : { database: to });
  if (url === undefined) {
    throw usage('Say where to: --to postgres://user@host:5432/name, or DATABASE_URL.');
  }
  endOnSignals();
  const progress = progressLine(output, 'Copying');
  try {
    const { tables, heldMilliseconds } = await transferToPostgres(file, { url }, (pass, share) =>
      progress.tell(pass === 1 ? 0.8 * share : 0.8 + 0.2 * share),
    );
    progress.end();
    if (tables === null) {
      output.data({ tables: null }, 'It was copied before: there is nothing left to do.');
      return;
    }
    const rows = tables.map((one) => [one.table, String(one.rows), one.sha256.slice(0, 16)]);
    output.data(
      { tables, held_ms: heldMilliseconds },
      `${table(['TABLE', 'ROWS', 'SHA-256'], rows)}\n\nBoth databases hold the same.`,
    );
    output.note(
      `For ${(heldMilliseconds / 1000).toFixed(1)} s nothing could be changed. ${plain(file)} takes no more changes, and its service still says which keys are good: start the service with --database, with the same secret, and stop the old one now.`,
    );
  } catch (error) {
    throw startFailure(error, file);
  } finally {
    progress.end();
  }
}

/** @throws Failure */
function sourceIn(from: string): string {
  if (/^postgres(ql)?:/.test(from)) {
    throw refused(
      'Copies are made from a file alone: for PostgreSQL there are pg_dump and replicas.',
    );
  }
  if (!existsSync(from)) throw refused(`There is no ${from}: name the data folder by --from.`);
  const file = statSync(from).isDirectory() ? databaseIn(from) : from;
  if (!existsSync(file)) throw refused(`There is no database ${file}: name its folder by --from.`);
  return file;
}
