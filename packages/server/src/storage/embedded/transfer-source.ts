// A file as the source of a transfer: read some rows at a time beside those who use it, held
// by SQLite's own lock for the last pass, which goes with the process that holds it, and
// given up by triggers that refuse every write of any process, whatever its version.

import Database from 'better-sqlite3';
import { SchemaError } from '../../migration.ts';
import type { CopiedTable, Row, TransferSource, Value } from '../../transfer.ts';
import { carefully, movedAt, pendingIn } from './file.ts';
import { MIGRATIONS } from './migrations.ts';

/** Every table whose rows are not made of others', by its primary key; what rows refer to comes first. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  installation: ['id'],
  secret_checks: ['name'],
  workspaces: ['position'],
  owners: ['position'],
  members: ['position'],
  keys: ['position'],
  key_usage: ['key_position'],
  usage_hours: ['bucket', 'kind', 'position'],
  usage_days: ['bucket', 'kind', 'position'],
  usage_months: ['bucket', 'kind', 'position'],
  usage_rolled: ['step'],
  usage_to_forget: ['kind', 'position'],
  key_refusals: ['number'],
  limit_windows: ['id'],
  balances: ['subject'],
  events: ['position'],
  chains: ['name'],
  replies: ['id'],
};
/** Columns that only this engine has, for its lists. */
const OWN_COLUMNS: readonly string[] = ['workspaces.number'];
/** How long who writes is waited for. */
const WAIT_MILLISECONDS = 30_000;

export interface FileSource extends TransferSource {
  close(): void;
}

/** @throws SchemaError where the file is of another version, or of no installation */
export function openTransferSource(file: string): FileSource {
  const connection = new Database(file, { fileMustExist: true, timeout: WAIT_MILLISECONDS });
  try {
    carefully(connection);
    const [pending] = pendingIn(connection, MIGRATIONS);
    if (pending !== undefined) {
      throw new SchemaError(
        `The database ${file} lacks migration ${pending.number} (${pending.name}): run \`warder migrate\` first.`,
      );
    }
    const installation = connection
      .prepare<[], string>('SELECT default_workspace_id FROM installation')
      .pluck()
      .get();
    if (installation === undefined) {
      throw new SchemaError(`The database ${file} is empty: there is nothing to copy.`);
    }
    return sourceOf(connection, installation);
  } catch (error) {
    connection.close();
    throw error;
  }
}

function sourceOf(connection: Database.Database, installation: string): FileSource {
  const columnsOf = (name: string) =>
    connection
      .prepare<[string], string>('SELECT name FROM pragma_table_info(?) ORDER BY cid')
      .pluck()
      .all(name)
      .filter((column) => !OWN_COLUMNS.includes(`${name}.${column}`));
  const tables = Object.entries(KEYS).map(
    ([name, key]): CopiedTable => ({ name, key, columns: columnsOf(name) }),
  );
  const integers = new Map(
    Object.keys(KEYS).map((name) => [
      name,
      connection
        .prepare<[string], string>("SELECT name FROM pragma_table_info(?) WHERE type = 'INTEGER'")
        .pluck()
        .all(name),
    ]),
  );
  const statements = new Map<string, Database.Statement<unknown[], unknown[]>>();
  const statementOf = ({ name, columns, key }: CopiedTable, isFirst: boolean) => {
    const id = `${name} ${isFirst}`;
    const places = key.map(() => '?').join(', ');
    const statement =
      statements.get(id) ??
      connection
        .prepare<unknown[], unknown[]>(
          `SELECT ${columns.map(quoted).join(', ')} FROM ${name}
          ${isFirst ? '' : `WHERE (${key.join(', ')}) > (${places})`}
          ORDER BY ${key.join(', ')} LIMIT ?`,
        )
        .raw()
        .safeIntegers();
    statements.set(id, statement);
    return statement;
  };

  return {
    installation,
    tables: () => tables,
    count: ({ name }) => Number(connection.prepare(`SELECT count(*) FROM ${name}`).pluck().get()),
    read(table, after, most): readonly Row[] {
      const from = (after ?? []).map((value, i) =>
        integers.get(table.name)?.includes(table.key[i] ?? '') ? BigInt(value ?? 0) : value,
      );
      return statementOf(table, after === null)
        .all(...from, most)
        .map((row) => row.map(written));
    },
    isMoved: () => movedAt(connection) !== null,
    hold: () => void connection.exec('BEGIN IMMEDIATE'),
    release() {
      if (connection.inTransaction) connection.exec('ROLLBACK');
    },
    giveUp() {
      if (movedAt(connection) === null) connection.exec(GIVING_UP);
      connection.exec('COMMIT');
    },
    close: () => void connection.close(),
  };
}

const GIVING_UP = `CREATE TABLE moved (at INTEGER NOT NULL) STRICT;
INSERT INTO moved VALUES (CAST(unixepoch('subsec') * 1000 AS INTEGER));
${Object.keys(KEYS)
  .flatMap((table) =>
    ['INSERT', 'UPDATE', 'DELETE'].map(
      (what) => `CREATE TRIGGER moved_${table}_${what.toLowerCase()} BEFORE ${what} ON ${table}
        BEGIN SELECT RAISE(ABORT, 'the installation was moved to another database'); END;`,
    ),
  )
  .join('\n')}`;

function quoted(column: string): string {
  return `"${column}"`;
}

function written(value: unknown): Value {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
