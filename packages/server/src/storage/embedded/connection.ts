// A connection to the file, its statements prepared once, and what they find or write.

import type Database from 'better-sqlite3';
import type { Query } from '../../storage.ts';

export type Connected = ReturnType<typeof connected>;

export function connected(connection: Database.Database) {
  const prepared = new Map<string, Database.Statement>();
  const prepare = (sql: string): Database.Statement => {
    const found = prepared.get(sql) ?? connection.prepare(sql);
    prepared.set(sql, found);
    return found;
  };
  const rows = <Row>({ sql, parameters }: Query) => prepare(sql).all(...parameters) as Row[];
  const row = <Row>({ sql, parameters }: Query) =>
    (prepare(sql).get(...parameters) ?? null) as Row | null;
  return {
    rows,
    row,
    /** How many rows a statement found (one at the most) or wrote. */
    affected(query: Query): number {
      const statement = prepare(query.sql);
      if (statement.reader) return row(query) === null ? 0 : 1;
      return statement.run(...query.parameters).changes;
    },
  };
}
