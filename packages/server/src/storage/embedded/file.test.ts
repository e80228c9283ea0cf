// What a start may find in the file, and when it must not go on.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, test } from 'vitest';
import type { Migration } from '../../migration.ts';
import { checkSqliteVersion, openFile } from './file.ts';
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
