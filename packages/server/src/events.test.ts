// Lists of events as SQLite plans them: each filter by itself is one index in order.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventFilter } from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { listErasure, listPrunable, listUnlogged, listUnsealed } from './chains.ts';
import { listEvents } from './events.ts';
import { builder } from './storage/embedded/builder.ts';
import { openEmbedded } from './storage/embedded.ts';

const folder = mkdtempSync(join(tmpdir(), 'warder-'));
const file = join(folder, 'warder.db');
await openEmbedded({ file }).storage.close();
const database = new Database(file, { readonly: true });
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

function plan({ sql, parameters }: { sql: string; parameters: readonly unknown[] }): string {
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
  return (rows as { detail: string }[]).map(({ detail }) => detail).join('\n');
}

const FILTERS: readonly (readonly [string, EventFilter])[] = [
  ['events_list_in_workspace', {}],
  ['events_of_subject', { keyId: 'k' }],
  ['events_of_owner', { ownerId: 'o' }],
  ['events_of_actor', { actorId: 'a' }],
  ['events_of_type', { types: ['key.created'] }],
  ['events_of_type', { types: ['key.created', 'key.revoked'] }],
  ['events_list_in_workspace', { created: { after: 1, before: 2 } }],
];
const SLICES = [null, 'after', 'before'] as const;

test.each(FILTERS)('%s is what %j is read from, in order', (index, filter) => {
  for (const side of SLICES) {
    const from = side && { side, place: { value: null, position: 5n } };
    const { queries } = listEvents(builder, 'w', filter, { limit: 50, from, total: 'none' });
    for (const query of queries) {
      expect(plan(query)).toMatch(new RegExp(`^SEARCH events USING INDEX ${index} \\([^\\n]*$`));
    }
  }
});

test('all events are read in the order of the table', () => {
  const { queries } = listEvents(builder, null, {}, { limit: 50, from: null, total: 'none' });
  expect(queries.map(plan)).toEqual(['SCAN events']);
});

test('what is to be sealed, pruned, logged and erased is found without looking at the rest', () => {
  for (const { queries } of [
    listUnsealed(builder, null, 100),
    listPrunable(builder, null, 5, 100),
    listUnlogged(builder, null, 100),
    listErasure(builder, null, 100),
  ]) {
    for (const query of queries) {
      const found = plan(query);
      expect(found).not.toMatch(/TEMP B-TREE/);
      expect(found).not.toMatch(/SCAN (events|owners|keys)(?! USING)/);
    }
  }
});
