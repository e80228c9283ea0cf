// Several workers are as exact as one process: what is acknowledged by one the others
// obey with the very next verification, windows and credits admit as many as they
// say, and no use is lost or counted twice.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runs } from '../fixtures/domain.ts';
import { killServices, type Service, startService, stopService } from '../kit/crash-child.ts';
import type { Json } from '../kit/kill-load.ts';
import { type Connection, connectionToEach } from '../kit/workers.ts';

const WORKERS = 3;
const timeout = runs(120_000, 600_000);
const folder = mkdtempSync(join(tmpdir(), 'warder-workers-'));
let service: Service;
let each: Connection[];

beforeAll(async () => {
  service = startService(join(folder, 'data'), null, ['--workers', `${WORKERS}`]);
  await service.url;
  each = await connectionToEach(service, WORKERS);
}, 120_000);
afterAll(async () => {
  for (const connection of each) connection.close();
  await killServices();
  rmSync(folder, { recursive: true, force: true });
});

const one = (i: number): Connection => {
  const found = each[i % WORKERS];
  if (found === undefined) throw new Error('there is a connection to each');
  return found;
};

async function create(by: Connection, facts: Json = {}): Promise<{ id: string; key: string }> {
  const { status, body } = await by.ask('POST', '/v1/keys', facts);
  expect([status, body]).toEqual([201, body]);
  return { id: String(body.id), key: String(body.key) };
}

const codes = (key: string, more: Json = {}) =>
  Promise.all(each.map((connection) => connection.verify(key, more)));

test('what one worker acknowledged every other obeys with its next verification', {
  timeout,
}, async () => {
  const rounds = runs(40, 1_000);
  for (let round = 0; round < rounds; round++) {
    const by = one(round);
    const { id, key } = await create(one(round + 1));
    // Twice: from the file, and from memory.
    expect(await codes(key)).toEqual(Array(WORKERS).fill('valid'));
    expect(await codes(key)).toEqual(Array(WORKERS).fill('valid'));
    expect((await by.ask('POST', `/v1/keys/${id}/disable`)).status).toBe(200);
    expect(await codes(key)).toEqual(Array(WORKERS).fill('disabled'));
    expect((await one(round + 2).ask('POST', `/v1/keys/${id}/enable`)).status).toBe(200);
    expect(await codes(key)).toEqual(Array(WORKERS).fill('valid'));
    expect((await by.ask('POST', `/v1/keys/${id}/revoke`)).status).toBe(200);
    expect(await codes(key)).toEqual(Array(WORKERS).fill('revoked'));
  }
});

test('changes of owners and workspaces are obeyed by every worker as well', {
  timeout,
}, async () => {
  const { body: workspace } = await one(0).ask('POST', '/v1/workspaces', { name: 'elsewhere' });
  const facts = { workspace_id: workspace.id, owner_id: 'ada' };
  const { key } = await create(one(1), facts);
  expect(await codes(key)).toEqual(Array(WORKERS).fill('valid'));
  const at = `/v1/owners/ada/suspend?workspace_id=${workspace.id}`;
  const suspended = await one(2).ask('POST', at);
  expect([suspended.status, suspended.body]).toEqual([200, suspended.body]);
  expect(await codes(key)).toEqual(Array(WORKERS).fill('suspended'));
});

test('a window admits as many as it says, whichever workers are asked', { timeout }, async () => {
  const limit = 50;
  const { key } = await create(one(0), { limits: [{ name: 'a', limit, window_seconds: 3_600 }] });
  const told = await Promise.all(
    each.map(async (connection) => {
      const found: string[] = [];
      for (let i = 0; i < limit; i++) found.push(await connection.verify(key));
      return found;
    }),
  );
  const valid = told.flat().filter((code) => code === 'valid');
  expect(valid.length).toBe(limit);
  expect(new Set(told.flat())).toEqual(new Set(['valid', 'rate_limited']));
});

test('windows of whatever is no key are shared as well', { timeout }, async () => {
  const body = { identifier: 'a', limit: 5, window_seconds: 3_600 };
  const told = await Promise.all(
    each.flatMap((connection) =>
      [1, 2, 3].map(() => connection.ask('POST', '/v1/limits/a/take', body)),
    ),
  );
  expect(told.map(({ status }) => status)).toEqual(Array(told.length).fill(200));
  expect(told.filter(({ body: taken }) => taken.allowed === true).length).toBe(5);
});

test('the last credits are given once each', { timeout }, async () => {
  const { key } = await create(one(0), { credits: { remaining: 40 } });
  const told = await Promise.all(
    each.map(async (connection) => {
      const found: string[] = [];
      for (let i = 0; i < 40; i++) found.push(await connection.verify(key));
      return found;
    }),
  );
  expect(told.flat().filter((code) => code === 'valid').length).toBe(40);
  expect(new Set(told.flat())).toEqual(new Set(['valid', 'insufficient_credits']));
});

test('the same request at several workers at once makes one key, and a retry is given its reply', {
  timeout,
}, async () => {
  // A connection of its own for each, which go to the workers in turn.
  const create = async () => {
    const reply = await fetch(`${await service.url}/v1/keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.firstKey()}`,
        'content-type': 'application/json',
        'idempotency-key': 'the-same',
        connection: 'close',
      },
      body: '{"name":"once"}',
    });
    return { status: reply.status, body: (await reply.json()) as Json };
  };
  const told = await Promise.all(Array.from({ length: 2 * WORKERS }, create));
  expect(told.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
  const made = told.filter(({ status }) => status === 201);
  expect(made.length).toBeGreaterThan(0);
  const again = await create();
  expect(again.status).toBe(201);
  expect(new Set([again, ...made].map(({ body }) => body.id)).size).toBe(1);
});

test('a stop loses no use, and leaves no process behind', { timeout }, async () => {
  const { id, key } = await create(one(0));
  await Promise.all(
    each.map(async (connection) => {
      for (let i = 0; i < 100; i++) expect(await connection.verify(key)).toBe('valid');
    }),
  );
  expect(await stopService(service)).toEqual({ code: 0, signal: null });
  expect(service.said()).not.toMatch(/"level":"(warn|error)"/);
  const database = new Database(join(folder, 'data/warder.db'), { readonly: true });
  const sum = database.prepare(
    'SELECT sum(valid) FROM usage_hours WHERE kind = 3 AND position = (SELECT position FROM keys WHERE id = ?)',
  );
  expect(sum.pluck().get(id)).toBe(WORKERS * 100);
  database.close();
});
