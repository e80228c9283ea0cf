// What members cost, told by the plans that SQLite makes: each list and each
// condition reads an index from where it begins.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MemberFilter, SliceRequest } from '@warder/core';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memberWith, NOW, WORKSPACE_ID } from '../../../tests/fixtures/domain.ts';
import { listMembers, memberStatements } from './members.ts';
import { builder } from './storage/embedded/builder.ts';
import { walksIn } from './storage/embedded/walk.ts';
import { openEmbedded } from './storage/embedded.ts';
import { at, type Query } from './storage.ts';

const walks = walksIn(builder);
const folder = mkdtempSync(join(tmpdir(), 'warder-'));
const file = join(folder, 'warder.db');
const statements = memberStatements(builder);
let database: Database.Database;

beforeAll(async () => {
  await openEmbedded({ file }).storage.close();
  database = new Database(file, { readonly: true });
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const planOf = ({ sql, parameters }: Query): string =>
  database
    .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...parameters)
    .map(({ detail }) => detail)
    .join('\n');

const deep = (side: 'after' | 'before'): SliceRequest => ({
  limit: 50,
  from: { side, place: { value: null, position: 1n << 60n } },
  total: 'none',
});

test.each<[string, string | null, MemberFilter, string]>([
  ['all', null, {}, 'members_list '],
  ['by time', null, { created: { after: NOW - 1_000, before: NOW } }, 'members_list '],
  ['of a workspace', WORKSPACE_ID, {}, 'members_list_in_workspace '],
  ['of a role in it', WORKSPACE_ID, { role: 'owner' }, 'members_of_role '],
  ['by part of a name', WORKSPACE_ID, { search: 'ann' }, 'members_list_in_workspace '],
])('a list, %s, is read from one index in its order', (_, within, filter, index) => {
  for (const side of ['after', 'before'] as const) {
    const [page, ...rest] = listMembers(walks, within, filter, deep(side)).queries;
    const plans = [page, ...rest.filter(({ sql }) => sql !== 'select 1 where false')];
    for (const query of plans) {
      const plan = query ? planOf(query) : '';
      expect(plan).toContain(`INDEX ${index}`);
      expect(plan).toMatch(/position[<>]\?/);
      expect(plan).not.toMatch(/TEMP B-TREE|SCAN members/);
    }
  }
});

test('a subject is found from its own index, all its memberships in their order', () => {
  const who = { issuer: 'i', subject: 's' };
  const all = planOf(statements.membersOf.with(who));
  expect(all).toContain('INDEX members_of_subject (issuer=? AND subject=?)');
  expect(all).not.toMatch(/TEMP B-TREE|SCAN (?!CONSTANT ROW)/);
  for (const query of [
    statements.memberOf.with({ ...who, workspaceId: WORKSPACE_ID }),
    statements.removedMember.with({ ...who, workspaceId: WORKSPACE_ID }),
  ]) {
    expect(planOf(query)).toMatch(/INDEX members_of_subject \(issuer=\? AND subject=\?/);
  }
});

test('what a commit looks at is found from an index that holds just that', () => {
  const member = memberWith();
  const there = { ...at(member.id), workspaceId: WORKSPACE_ID };
  expect(planOf(statements.liveMember.with(there))).toContain('INTEGER PRIMARY KEY');
  const owners = { workspaceId: WORKSPACE_ID, memberId: member.id };
  expect(planOf(statements.anotherOwner.with(owners))).toContain(
    'INDEX members_of_role (workspace_id=? AND role=?)',
  );
  const [owned = '', made = ''] = statements.keysOfMember(member, ['kept'], 1).map(planOf);
  expect(owned).toContain('INDEX keys_in_force (workspace_id=? AND owner_id=?');
  expect(made).toContain('INDEX keys_made_by_member (workspace_id=? AND created_by_id=?)');
});
