// A database as the target of a transfer. While one is under way a table marks it, and no
// program uses it; sums are made where the rows are, so that only what differs travels.

import { hash } from 'node:crypto';
import { SchemaError } from '../../migration.ts';
import {
  type CopiedTable,
  keyOf,
  type Row,
  type Span,
  type Sum,
  type TransferTarget,
  textOf,
} from '../../transfer.ts';
import { inSchema } from './builder.ts';
import type { Connection } from './connection.ts';
import { isPostgresFailure, isTaken, toldOf } from './failure.ts';
import { connected, type MigrateOptions } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';
import { COPYING_TABLE, isBeingCopied, prepareSchema } from './schema.ts';

/** For a statement over a thousand rows, or over a whole table where one is cleared. */
const STEP_MILLISECONDS = 300_000;
/** For the connection of one that was killed to end on the server. */
const WAIT_MILLISECONDS = 10_000;

/** Opens a target for as long as it is used. @throws AddressError, SchemaError, unavailable */
export function withTransferTarget<Result>(
  options: MigrateOptions,
  use: (target: TransferTarget) => Promise<Result>,
): Promise<Result> {
  return connected(options, async ({ connection, open, schema }) => {
    await lockCopies(connection, schema);
    const ready = () => prepareSchema(connection, open, schema, MIGRATIONS, 'run', 'copying');
    return await use(targetOf(connection, schema, ready));
  });
}

/** Of the session, so that it goes with the process. @throws SchemaError */
async function lockCopies(connection: Connection, schema: string): Promise<void> {
  for (const giveUpAt = performance.now() + WAIT_MILLISECONDS; ; ) {
    const { rows } = await connection.run<{ taken: boolean }>({
      sql: 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
      parameters: [`${schema} copying`],
    });
    if (rows[0]?.taken) return;
    if (performance.now() > giveUpAt) {
      throw new SchemaError('Another `warder copy` into this database is under way.');
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function targetOf(
  connection: Connection,
  schema: string,
  ready: () => Promise<void>,
): TransferTarget {
  const types = new Map<string, ReadonlyMap<string, string>>();
  const run = <Found>(sql: string, parameters: readonly unknown[] = []) =>
    connection.run<Found>({ sql: inSchema(schema, sql), parameters }, STEP_MILLISECONDS, 'rare');
  /** All of it or nothing. */
  const whole = async <Result>(body: () => Promise<Result>): Promise<Result> => {
    await connection.script('BEGIN');
    try {
      const result = await body();
      await connection.script('COMMIT', STEP_MILLISECONDS);
      return result;
    } catch (error) {
      await connection.script('ROLLBACK').catch(() => connection.destroy());
      throw error;
    }
  };
  const typesOf = async ({ name, columns }: CopiedTable) => {
    const known = types.get(name);
    if (known !== undefined) return known;
    const { rows } = await run<{ column: string; type: string }>(
      `SELECT attname AS column, format_type(atttypid, atttypmod) AS type FROM pg_catalog.pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
      [`${schema}.${name}`],
    );
    const found = new Map(rows.map(({ column, type }) => [column, type]));
    if (columns.length !== found.size || columns.some((column) => !found.has(column))) {
      throw new SchemaError(`Both databases must be of one version: ${name} has other columns.`);
    }
    types.set(name, found);
    return found;
  };
  /** A row as `textOf` writes it. */
  const textIn = async (table: CopiedTable) => {
    const found = await typesOf(table);
    const terms = table.columns.map((column) => {
      const value =
        found.get(column) === 'bytea' ? `encode("${column}", 'hex')` : `"${column}"::text`;
      return `coalesce(octet_length(${value}) || ':' || ${value}, '-') || ';'`;
    });
    return terms.join(' || ');
  };
  const recordOf = async (table: CopiedTable, columns: readonly string[]) => {
    const found = await typesOf(table);
    return columns.map((column) => `"${column}" ${found.get(column)}`).join(', ');
  };
  const rowsAsJson = async (
    table: CopiedTable,
    columns: readonly string[],
    rows: readonly Row[],
  ) => {
    const found = await typesOf(table);
    const written = rows.map((row) =>
      Object.fromEntries(
        columns.map((column, i) => {
          const value = row[i] ?? null;
          return [column, value !== null && found.get(column) === 'bytea' ? `\\x${value}` : value];
        }),
      ),
    );
    return JSON.stringify(written);
  };
  const insert = async (table: CopiedTable, rows: readonly Row[]) => {
    const { name, columns, key } = table;
    const list = columns.map((column) => `"${column}"`).join(', ');
    const others = columns.filter((column) => !key.includes(column));
    const update =
      others.length === 0
        ? 'NOTHING'
        : `UPDATE SET ${others.map((column) => `"${column}" = excluded."${column}"`).join(', ')}`;
    await run(
      `INSERT INTO warder.${name} (${list}) OVERRIDING SYSTEM VALUE
      SELECT ${list} FROM json_to_recordset($1::text::json) AS new (${await recordOf(table, columns)})
      ON CONFLICT (${key.join(', ')}) DO ${update}`,
      [await rowsAsJson(table, columns, rows)],
    );
  };

  return {
    async begin(installation) {
      await ready();
      await connection.script(DURABLE);
      return whole(async () => {
        await connection.script(
          inSchema(schema, 'LOCK TABLE warder.installation IN EXCLUSIVE MODE'),
          WAIT_MILLISECONDS,
        );
        const found = await run<{ id: string }>(
          'SELECT default_workspace_id AS id FROM warder.installation',
        );
        if (await isBeingCopied(connection, schema)) {
          const { rows } = await run<{ installation: string }>(
            'SELECT installation FROM warder.copying',
          );
          if (rows[0]?.installation === installation) return 'begun';
          throw new SchemaError('A copy of another installation into this database was begun.');
        }
        if (found.rows[0]?.id === installation) return 'finished before';
        const used = await run('SELECT 1 FROM warder.workspaces LIMIT 1');
        if (found.count > 0 || used.count > 0) {
          throw new SchemaError('The database has an installation already: name an empty one.');
        }
        await connection.script(inSchema(schema, COPYING_TABLE));
        await run('INSERT INTO warder.copying VALUES (1, $1)', [installation]);
        return 'begun';
      });
    },
    async sumOf(table, span): Promise<Sum> {
      const { text, parameters } = conditionOf(table, span);
      const { rows } = await run<{ rows: number; sha256: string }>(
        `SELECT count(*) AS rows, encode(sha256(convert_to(coalesce(
          string_agg(${await textIn(table)}, E'\\n' ORDER BY ${table.key.join(', ')}), ''), 'UTF8')), 'hex') AS sha256
        FROM warder.${table.name} ${text}`,
        parameters,
      );
      return { rows: Number(rows[0]?.rows ?? 0), sha256: rows[0]?.sha256 ?? '' };
    },
    async replace(table, span, rows) {
      try {
        return await whole(async () => {
          const { text, parameters } = conditionOf(table, span);
          const keys = table.key.map((column) => `"${column}"::text AS "${column}"`).join(', ');
          const found = await run<Record<string, string>>(
            `SELECT ${keys}, encode(sha256(convert_to(${await textIn(table)}, 'UTF8')), 'hex') AS sha256
            FROM warder.${table.name} ${text}`,
            parameters,
          );
          const there = new Map(
            found.rows.map((row) => {
              const key = table.key.map((column) => row[column] ?? null);
              return [textOf(key), { key, sha256: row.sha256 }];
            }),
          );
          const changed: Row[] = [];
          for (const row of rows) {
            const id = textOf(keyOf(table, row));
            if (there.get(id)?.sha256 !== hash('sha256', textOf(row))) changed.push(row);
            there.delete(id);
          }
          const gone = Array.from(there.values(), ({ key }) => key);
          if (gone.length > 0) {
            await run(
              `DELETE FROM warder.${table.name} WHERE (${table.key.join(', ')}) IN
              (SELECT ${table.key.join(', ')} FROM json_to_recordset($1::text::json)
                AS gone (${await recordOf(table, table.key)}))`,
              [await rowsAsJson(table, table.key, gone)],
            );
          }
          if (changed.length > 0) await insert(table, changed);
          return changed.length + gone.length;
        });
      } catch (error) {
        if (isTaken(error)) return 'clash';
        throw unstorable(error, table) ?? toldOf(error, 'write');
      }
    },
    async clear({ name }) {
      await run(`DELETE FROM warder.${name}`);
    },
    async finish() {
      await whole(async () => {
        await run(
          `SELECT setval(pg_get_serial_sequence($1, 'number'),
            greatest(1, (SELECT max(number) FROM warder.key_refusals)))`,
          [`${schema}.key_refusals`],
        );
        await connection.script(inSchema(schema, 'DROP TABLE warder.copying'));
      });
      // So that the first lists are planned for what is there.
      await connection.script(inSchema(schema, ANALYSE), STEP_MILLISECONDS).catch(() => {});
    },
  };
}

const ANALYSE = 'ANALYZE warder.keys; ANALYZE warder.events; ANALYZE warder.owners';
/** As transactions.ts has it: what is finished here is given up there. */
const DURABLE = `SELECT set_config('synchronous_commit',
  CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN 'on'
    ELSE current_setting('synchronous_commit') END, false);
  SET statement_timeout = 0; SET lock_timeout = 0`;

function conditionOf({ key }: CopiedTable, { after, upTo }: Span) {
  const parameters = [...(after ?? []), ...(upTo ?? [])];
  const columns = key.join(', ');
  const places = (from: number) => key.map((_, i) => `$${from + i}`).join(', ');
  const conditions = [
    ...(after === null ? [] : [`(${columns}) > (${places(1)})`]),
    ...(upTo === null ? [] : [`(${columns}) <= (${places((after?.length ?? 0) + 1)})`]),
  ];
  const text = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return { text, parameters };
}

/** A text that SQLite keeps and PostgreSQL does not take. */
function unstorable(error: unknown, { name }: CopiedTable): SchemaError | null {
  if (!isPostgresFailure(error) || !/^22(021|P05)$/.test(error.code)) return null;
  return new SchemaError(
    `A text in ${name} has a character that PostgreSQL cannot keep (U+0000, or half of one): edit it in the source, then copy again.`,
  );
}
