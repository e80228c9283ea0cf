// How large each table is and how fast it grows, for the doctor: rows, bytes with its
// indices, and rows of the last day, told by the newest of them.

import type Database from 'better-sqlite3';
import { growthOfDay, MOST_LOOKED_AT, type TableSize } from '../../table-size.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** When a row came, as milliseconds, and what the newest rows are found by; null where all are looked at. */
const ARRIVALS: Readonly<Record<string, readonly [at: string, order: string | null]>> = {
  workspaces: ['created_at', 'position'],
  owners: ['created_at', 'position'],
  members: ['created_at', 'position'],
  keys: ['created_at', 'position'],
  events: ['created_at', 'position'],
  key_refusals: ['at', 'number'],
  usage_hours: [`bucket * ${HOUR}`, 'bucket'],
  usage_days: [`bucket * ${DAY}`, 'bucket'],
  limit_windows: ['started_at', null],
  replies: [`expires_at - ${DAY}`, 'expires_at'],
};

/** The tables that there are, largest first. */
export function tableSizes(connection: Database.Database, now: number): readonly TableSize[] {
  const bytes = new Map(
    connection
      .prepare<[], { name: string; bytes: number }>(
        `SELECT tbl_name AS name, sum(pgsize) AS bytes FROM dbstat('main', 1) AS pages
        JOIN sqlite_schema ON sqlite_schema.name = pages.name GROUP BY tbl_name`,
      )
      .all()
      .map(({ name, bytes }) => [name, bytes]),
  );
  const tables = connection
    .prepare<[], { name: string; sql: string }>(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
    )
    .all();
  const virtual = tables.filter(({ sql }) => sql.startsWith('CREATE VIRTUAL')).map(nameOf);
  // Its parts are tables too; they count as the index they are of.
  const wholeOf = (name: string) =>
    virtual.find((whole) => PARTS.some((part) => name === `${whole}_${part}`)) ?? name;
  const whole = tables.map(nameOf).filter((name) => wholeOf(name) === name);
  return whole
    .map((table): TableSize => {
      const parts = tables.map(nameOf).filter((name) => wholeOf(name) === table);
      return {
        table,
        rows: virtual.includes(table) ? null : count(connection, table),
        bytes: parts.reduce((sum, part) => sum + (bytes.get(part) ?? 0), 0),
        lastDay: growthOf(connection, table, now),
      };
    })
    .sort((one, other) => other.bytes - one.bytes || (one.table < other.table ? -1 : 1));
}

const PARTS = ['data', 'idx', 'config', 'docsize', 'content'];

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

function count(connection: Database.Database, table: string): number {
  return Number(connection.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
}

function growthOf(connection: Database.Database, table: string, now: number): number | null {
  const arrival = ARRIVALS[table];
  if (arrival === undefined) return null;
  const [at, order] = arrival;
  const newest = order === null ? '' : `ORDER BY ${order} DESC LIMIT ${MOST_LOOKED_AT}`;
  const found = connection
    .prepare<[number], { rows: number; oldest: number | null }>(
      `SELECT count(*) AS rows, min(at) AS oldest
      FROM (SELECT ${at} AS at FROM ${table} ${newest}) WHERE at > ?`,
    )
    .get(now - DAY);
  const { rows = 0, oldest = null } = found ?? {};
  return order === null ? rows : growthOfDay(rows, oldest, now);
}
