// What a start may find in the file, and when it must not go on.

import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import type { Migration } from '../../migration.ts';
import { checkSqliteVersion, openFile } from './file.ts';
import { shareFile, takeFile } from './lock.ts';
import { migrateFile, pendingOf } from './migrate.ts';
import { MIGRATIONS } from './migrations.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${++files}.db`);

const one: Migration = { number: 1, name: 'one', oldestProgram: 1, sql: 'CREATE TABLE a (x)' };
const two: Migration = { number: 2, name: 'two', oldestProgram: 1, sql: 'CREATE TABLE b (x)' };
const three: Migration = { number: 3, name: 'three', oldestProgram: 3, sql: 'DROP TABLE a' };

test('migrations run once, in order, and are remembered', () => {
  const file = newFile();
  openFile(file, [one]).close();
  openFile(file, [one, two]).close();
  const connection = openFile(file, [one, two]);
  const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck();
  expect(tables.all().sort()).toEqual(['a', 'b', 'migrations']);
  expect(connection.pragma('foreign_keys', { simple: true })).toBe(1);
  expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(connection.pragma('synchronous', { simple: true })).toBe(2);
  connection.close();
});

test('an edited migration is refused', () => {
  const file = newFile();
  openFile(file, [one]).close();
  const edited = { ...one, sql: `${one.sql} -- harmless` };
  expect(() => openFile(file, [edited])).toThrow(/Migration 1 \(one\) is not the one/);
});

test('a program goes on with a later schema that allows it, and refuses one that does not', () => {
  const file = newFile();
  openFile(file, [one, two]).close();
  openFile(file, [one]).close();
  openFile(file, [one, two, three]).close();
  expect(() => openFile(file, [one, two])).toThrow(/too old for its database .* 2, .* needs 3/);
});

test('a migration that a later one overtook is refused', () => {
  const file = newFile();
  openFile(file, [one]).close();
  const later = { ...three, oldestProgram: 1, sql: 'CREATE TABLE c (x)' };
  openFile(file, [one, later]).close();
  expect(() => openFile(file, [one, two, later])).toThrow(/lacks migration 2 \(two\)/);
});

test('a migration that fails leaves the file as it was', () => {
  const file = newFile();
  openFile(file, [one]).close();
  const broken = { ...two, sql: 'CREATE TABLE b (x); CREATE TABLE a (x)' };
  expect(() => openFile(file, [one, broken])).toThrow(/already exists/);
  openFile(file, [one, two]).close();
});

/** The names of the tables of a file, and how many rows `a` has. */
function look(file: string) {
  const connection = new Database(file, { readonly: true });
  const tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck();
  const found = {
    tables: tables.all().sort(),
    rows: connection.prepare('SELECT count(*) FROM a').pluck().get(),
    mode: statSync(file).mode & 0o777,
  };
  connection.close();
  return found;
}

test('before a migration changes a file, a whole copy of it is left beside it', () => {
  const file = newFile();
  const first = openFile(file, [one]);
  expect(existsSync(`${file}.before-1`)).toBe(false);
  first.exec('INSERT INTO a VALUES (1), (2)');
  // The service of the version before goes on meanwhile: what it wrote last is in its log only.
  openFile(file, [one, two]).close();
  expect(look(`${file}.before-2`)).toEqual({ tables: ['a', 'migrations'], rows: 2, mode: 0o600 });
  expect(look(file)).toMatchObject({ tables: ['a', 'b', 'migrations'], rows: 2 });
  first.close();
  openFile(file, [one, two]).close();
  expect(existsSync(`${file}.before-3`)).toBe(false);
});

test('a migration without room for its copy does not run', () => {
  const file = newFile();
  openFile(file, [one]).close();
  // Nothing can take the place of a folder.
  mkdirSync(`${file}.before-2/inside`, { recursive: true });
  expect(() => openFile(file, [one, two])).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(look(file).tables).toEqual(['a', 'migrations']);
});

test('what is pending is told without a change, and run on its own', () => {
  const file = newFile();
  openFile(file, [one]).close();
  const before = readFileSync(file);
  expect(pendingOf(file, [one, two]).map(({ number }) => number)).toEqual([2]);
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(() => openFile(file, [one, two], 'refuse')).toThrow(
    /lacks migration 2 \(two\): run `warder/,
  );
  const { applied, copy } = migrateFile(file, [one, two]);
  expect([applied.map(({ name }) => name), copy]).toEqual([['two'], `${file}.before-2`]);
  expect(migrateFile(file, [one, two])).toEqual({ applied: [], copy: null });
});

test('a file in use is not replaced, and one that is being replaced not opened', () => {
  const file = newFile();
  const shared = [shareFile(file), shareFile(file)];
  expect(() => takeFile(file)).toThrow(/is in use, by a running service or another command/);
  for (const release of shared) release();
  const release = takeFile(file);
  expect(() => shareFile(file)).toThrow(/is being restored/);
  release();
  shareFile(file)();
});

test('the migrations of this program are numbered without a gap', () => {
  expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, i) => i + 1));
});

test('a SQLite that can damage the file is refused', () => {
  expect(() => checkSqliteVersion('3.51.2')).toThrow(/needs SQLite 3.51.3/);
  expect(() => checkSqliteVersion('3.9.9')).toThrow(/needs SQLite 3.51.3/);
  checkSqliteVersion('3.51.3');
  checkSqliteVersion('3.100.0');
});

test('a first start waits for another process that has the file, which SQLite itself does not', async () => {
  const file = newFile();
  const holder = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
    const database = new (require('better-sqlite3'))(workerData);
    database.exec('BEGIN IMMEDIATE; CREATE TABLE a (x)');
    parentPort.postMessage('held');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    database.exec('ROLLBACK');
    database.close();`,
    { eval: true, workerData: file },
  );
  await once(holder, 'message');
  openFile(file, [one]).close();
});
