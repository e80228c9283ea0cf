// What holds though several processes write at once: each guard of a commit, raced by
// stores of their own over one database.

import {
  type Change,
  DEFAULT_SETTINGS,
  deleteWorkspace,
  eraseOwner,
  newCredits,
  removeMember,
  type Spent,
} from '@warder/core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { NOW, runs } from '../../../../../tests/fixtures/domain.ts';
import { type PostgresServer, startPostgres } from '../../../../../tests/kit/servers.ts';
import { useOf, type World, worldIn } from '../../../../../tests/storage/store.ts';
import { openPostgres } from '../postgres.ts';

const ROUNDS = runs(15, 300);
let server: PostgresServer;
let schemas = 0;
let worlds: World[] = [];
let one: World;
let two: World;

beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  const schema = `warder_${++schemas}`;
  const url = server.url;
  worlds = [];
  for (const seed of [1, 2]) {
    worlds.push(worldIn(await openPostgres({ url, schema, connections: 8 }), seed));
  }
  [one, two] = worlds as [World, World];
});
afterEach(() => Promise.all(worlds.map(({ storage }) => storage.close())));

/** Asks both stores for each of these at once, in any order, and answers what became of them. */
function race(...commits: readonly (readonly Change[])[]): Promise<readonly string[]> {
  const asked = commits.map((changes, i) => ({ changes, i, world: i % 2 === 0 ? one : two }));
  asked.sort(() => Math.random() - 0.5);
  const answers: string[] = [];
  return Promise.all(
    asked.map(async ({ changes, i, world }) => {
      answers[i] = await world.all.commit(changes);
    }),
  ).then(() => answers);
}

const inForce = async (workspaceId: string) =>
  (await one.all.keys({ now: 0, workspaceId }, { limit: 1, from: null, total: 'exact' })).total
    ?.count;

test('no key is made in a workspace that is being deleted', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const acme = await one.workspace(`Acme ${round}`);
    const { workspace } = deleteWorkspace(acme, one.act()) ?? expect.fail();
    const none: Change = { type: 'at_most_keys', workspaceId: acme.id, ownerId: null, most: 0 };
    const [deleted, ...made] = await race(
      [{ type: 'update_workspace', workspace, was: acme.version }, none],
      ...[1, 2, 3].map(() => two.draft({ workspaceId: acme.id }).changes),
    );
    const keys = made.filter((result) => result === 'done').length;
    if (deleted === 'done') {
      expect(made).toEqual(['workspace_gone', 'workspace_gone', 'workspace_gone']);
    } else {
      expect(deleted).toBe('too_many_keys');
      expect(keys).toBeGreaterThan(0);
    }
  }
});

test('keys made at once by several processes never pass a quota, be it small or large', async () => {
  const { id: workspaceId } = await one.workspace('Acme');
  const create = (most: number, count = 1): Change[] => [
    ...Array.from({ length: count }, () => one.draft({ workspaceId }).changes).flat(),
    { type: 'at_most_keys', workspaceId, ownerId: null, most },
  ];
  const small = await race(...Array.from({ length: 20 }, () => create(5)));
  expect(small.filter((result) => result === 'done')).toHaveLength(5);
  expect(new Set(small)).toEqual(new Set(['done', 'too_many_keys']));

  for (let i = 0; i < 22; i++) expect(await one.all.commit(create(3_000, 90))).toBe('done');
  // Across the place from where on each has to wait for the others.
  const large = await race(...Array.from({ length: 40 }, () => create(2_000)));
  expect(large.filter((result) => result === 'done')).toHaveLength(2_000 - 5 - 22 * 90);
  expect(await inForce(workspaceId)).toBe(2_000);
});

test('a workspace keeps an owner, however many leave at once', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id: workspaceId } = await one.workspace(`Acme ${round}`);
    const owners = await Promise.all(
      ['a', 'b', 'c'].map((name) => one.member(workspaceId, name, { role: 'owner' })),
    );
    const left = await race(
      ...owners.map((before): Change[] => [
        { type: 'update_member', member: { ...before, role: 'viewer', version: 2 }, was: 1 },
        { type: 'another_owner', workspaceId, memberId: before.id },
      ]),
    );
    expect([...left].sort()).toEqual(['done', 'done', 'last_owner']);
  }
});

test('an owner that was erased without keys has none, and a member that was removed without keys neither', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id: workspaceId } = await one.workspace(`Acme ${round}`);
    const owner = await one.owner(workspaceId, 'ann');
    const erased = eraseOwner(owner, one.act())?.owner ?? expect.fail();
    const [gone, ...made] = await race(
      [
        { type: 'update_owner', owner: erased, was: owner.version },
        { type: 'no_keys_of_owner', workspaceId, ownerId: 'ann' },
      ],
      ...[1, 2].map(() => two.draft({ workspaceId, ownerId: 'ann' }).changes),
    );
    expect(made.includes('done')).toBe(gone !== 'done');
    expect(gone === 'done' ? made[0] : gone).toBe(
      gone === 'done' ? 'owner_erased' : 'owner_has_keys',
    );

    const member = await one.member(workspaceId, 'bob');
    const removed = removeMember(member, one.act())?.member ?? expect.fail();
    const [left, ...own] = await race(
      [
        { type: 'update_member', member: removed, was: member.version },
        { type: 'no_keys_of_member', member, kept: [] },
      ],
      ...[1, 2].map((): Change[] => [
        { type: 'member_is_there', workspaceId, memberId: member.id },
        ...two.draft({ workspaceId, ownerId: member.id }).changes,
      ]),
    );
    expect(own.includes('done')).toBe(left !== 'done');
    expect(left === 'done' ? own[0] : left).toBe(left === 'done' ? 'member_gone' : 'stale');
  }
});

test('of what there may be once, one is written, and the others are told so', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const { id: workspaceId } = await one.workspace(`Acme ${round}`);
    const { key } = await one.key({ workspaceId });
    const renamed = { ...key, name: 'renamed', version: 2 };
    const edit: Change = { type: 'update_key', key: renamed, was: 1 };
    const edits = await race(...Array.from({ length: 6 }, () => [edit]));
    expect([...edits].sort()).toEqual(['done', ...Array(5).fill('stale')]);

    const workspaces = await race(
      ...[one, two, one, two].map((world): Change[] => {
        const id = world.host.newId(world.host.at);
        const workspace = { ...acmeOf(round), id };
        return [{ type: 'insert_workspace', workspace }];
      }),
    );
    expect(workspaces.filter((result) => result === 'done')).toHaveLength(1);
    expect(workspaces.every((result) => /done|stale|slug_taken/.test(result))).toBe(true);

    const reply = { id: `r${round}`, fingerprint: 'f', keyId: null, sealed: 'x', expiresAt: NOW };
    const kept = await race(
      ...Array.from({ length: 6 }, (): Change[] => [
        ...one.draft({ workspaceId }).changes,
        { type: 'insert_reply', reply, now: 0 },
      ]),
    );
    expect([...kept].sort()).toEqual(['done', ...Array(5).fill('replied')]);
  }

  function acmeOf(round: number) {
    return {
      id: '',
      name: 'Same',
      slug: `same-${round}`,
      settings: DEFAULT_SETTINGS,
      isDefault: false,
      createdBy: { type: 'system', id: 'test' } as const,
      createdAt: NOW,
      updatedAt: NOW,
      suspendedAt: null,
      deletedAt: null,
      version: 1,
    };
  }
});

test('credits are given once, to whichever process takes them, and never for a key that has changed', async () => {
  const { key } = await one.key({ credits: newCredits({ remaining: 300 }, NOW) });
  const judged = { keyId: key.id, key: 1, owner: null, workspace: null };
  const wish = { subject: key.id, refill: null, cost: 1, charge: true, judged, now: NOW };
  const taken: number[] = [];
  const spendAll = async ({ storage }: World) => {
    for (;;) {
      const spent: Spent = await storage.spend(wish);
      if (spent === 'stale' || !spent.enough) return;
      taken.push(spent.remaining);
    }
  };
  await Promise.all([one, two, one, two, one, two].map(spendAll));
  expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i));

  for (let round = 0; round < ROUNDS; round++) {
    const made = await one.key({ credits: newCredits({ remaining: 100 }, NOW) });
    const { id } = made.key;
    const mine = { ...wish, subject: id, judged: { ...judged, keyId: id } };
    let changed = false;
    const late: Spent[] = [];
    await Promise.all([
      one.all
        .commit([
          { type: 'update_key', key: { ...made.key, enabled: false, version: 2 }, was: 1 },
          {
            type: 'write_credits',
            write: {
              workspaceId: null,
              subject: id,
              due: null,
              does: { what: 'set', remaining: 1_000 },
            },
          },
        ])
        .then(() => {
          changed = true;
        }),
      ...Array.from({ length: 8 }, async () => {
        const after = changed;
        const spent = await two.storage.spend(mine);
        if (after) late.push(spent);
        // What it was set to is for a key that is another than was judged.
        if (spent !== 'stale') expect(spent.remaining).toBeLessThan(100);
      }),
    ]);
    expect(late.every((spent) => spent === 'stale')).toBe(true);
    const left = (await one.all.key(id))?.credits?.remaining;
    expect(left).toBe(1_000);
  }
});

test('processes that count, roll up and erase at once add everything once', async () => {
  const { id: workspaceId } = await one.workspace('Acme');
  const keys: string[] = [];
  for (let i = 0; i < 12; i++) keys.push((await one.key({ workspaceId })).key.id);
  const HOUR = 3_600_000;
  const keep = { hours: 0, days: 0, refusals: 0 };
  let counted = 0;
  await Promise.all([
    ...[one, two].map(async ({ storage }, process) => {
      for (let i = 0; i < 40; i++) {
        const shuffled = [...keys].sort(() => Math.random() - 0.5);
        const at = NOW + (i % 5) * 13 * HOUR + process;
        await storage.recordUses(shuffled.map((id) => useOf(id, at)));
        counted += keys.length;
      }
    }),
    ...[one, two].map(async ({ storage }) => {
      for (let i = 0; i < 60; i++) await storage.tendUsage(NOW + 100 * 24 * HOUR, keep);
    }),
  ]);
  while (await one.storage.tendUsage(NOW + 100 * 24 * HOUR, keep));
  for (const step of ['hour', 'day', 'month'] as const) {
    const length = { hour: HOUR, day: 24 * HOUR, month: 0 }[step];
    const span =
      step === 'month'
        ? { step, from: 0, to: 100_000 }
        : { step, from: Math.floor(NOW / length) - 1, to: Math.floor(NOW / length) + 2_400 };
    const found = await one.all.usage({ type: 'workspace', id: workspaceId }, span);
    expect(found.reduce((sum, { counts }) => sum + counts.valid, 0)).toBe(counted);
  }
});
