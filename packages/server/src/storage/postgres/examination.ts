// A look at a database for whoever asks whether all is well: read over one connection, with
// nothing changed, also beside running services.

import type { SecretCheck } from '@warder/core';
import type { Migration } from '../../migration.ts';
import { growthOfDay, MOST_LOOKED_AT, type TableSize } from '../../table-size.ts';
import { addressOf } from './address.ts';
import { inSchema } from './builder.ts';
import { connected, type MigrateOptions } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import { isBeingCopied, pendingIn } from './schema.ts';

export interface DatabaseExamination {
  /** Of the server. */
  readonly version: string;
  readonly pending: readonly Migration[];
  /** Whether a copy into it was begun and is not finished. */
  readonly copying: boolean;
  /** The standbys that a commit waits for, as the server has them set; empty for none. */
  readonly synchronousStandbys: string;
  readonly synchronousCommit: string;
  /** The port that was asked, and the one that answered: another where something stands between. */
  readonly ports: { readonly asked: readonly number[]; readonly answered: number | null };
  /** How far the clock of the database is ahead of this machine's, at least; 0 within the time of the call. */
  readonly clockAheadMilliseconds: number;
  /** Of the installation in it; null where there is none. */
  readonly installation: {
    readonly checks: readonly SecretCheck[];
    /** Every table with its size, the largest first. */
    readonly tables: readonly TableSize[];
  } | null;
}

const DAY = 86_400_000;
/** When a row came, and what the newest rows are found by. */
const ARRIVALS: Readonly<Record<string, readonly [at: string, order: string]>> = {
  workspaces: ['created_at', 'position'],
  owners: ['created_at', 'position'],
  members: ['created_at', 'position'],
  keys: ['created_at', 'position'],
  events: ['created_at', 'position'],
  key_refusals: ['at', 'number'],
};

/** @throws AddressError, SchemaError where this program must not run on it, unavailable */
export function examineDatabase(
  options: MigrateOptions,
  now: () => number,
): Promise<DatabaseExamination> {
  return connected(options, async ({ connection, schema }) => {
    const all = async <Row>(sql: string, parameters: readonly unknown[] = []) =>
      (await connection.run<Row>({ sql: inSchema(schema, sql), parameters })).rows;
    const before = now();
    const [server] = await all<{
      version: string;
      names: string;
      commit: string;
      port: number | null;
      clock: number;
    }>(
      `SELECT current_setting('server_version') AS version,
        current_setting('synchronous_standby_names') AS names,
        current_setting('synchronous_commit') AS commit, inet_server_port() AS port,
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS clock`,
    );
    const after = now();
    const clock = server?.clock ?? before;
    const pending = await pendingIn(connection, schema, MIGRATIONS);

    const tablesIn = async (): Promise<readonly TableSize[]> => {
      const found = await all<{ table: string; rows: number; bytes: number }>(
        `SELECT relname AS table, pg_stat_get_live_tuples(oid) AS rows,
          pg_total_relation_size(oid) AS bytes FROM pg_catalog.pg_class
        WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' ORDER BY 3 DESC, 1`,
        [schema],
      );
      const sizes: TableSize[] = [];
      for (const { table, rows, bytes } of found) {
        const [at, order] = ARRIVALS[table] ?? [];
        const [newest] =
          at === undefined
            ? []
            : await all<{ rows: number; oldest: number | null }>(
                `SELECT count(*) AS rows, min(at) AS oldest FROM
                (SELECT ${at} AS at FROM warder.${table} ORDER BY ${order} DESC LIMIT ${MOST_LOOKED_AT}) AS newest
                WHERE at > $1`,
                [before - DAY],
              );
        const lastDay =
          newest === undefined ? null : growthOfDay(newest.rows, newest.oldest, before);
        sizes.push({ table, rows, bytes, lastDay });
      }
      return sizes;
    };

    return {
      version: server?.version ?? '',
      pending,
      copying: await isBeingCopied(connection, schema),
      synchronousStandbys: server?.names ?? '',
      synchronousCommit: server?.commit ?? '',
      ports: {
        asked: addressOf(options.url).hosts.map(({ port }) => port),
        answered: server?.port ?? null,
      },
      clockAheadMilliseconds: clock > after ? clock - after : Math.min(0, clock - before),
      installation:
        pending.length > 0
          ? null
          : {
              checks: await all<SecretCheck>('SELECT name, value FROM warder.secret_checks'),
              tables: await tablesIn(),
            },
    };
  });
}
