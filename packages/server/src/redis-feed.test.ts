// Changes that are told in a real Redis: what is heard, and that nothing waits for it.

import type { Change, CommitResult, Heard, Reach, Storage } from '@warder/core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { INSTANCE, standardKey } from '../../../tests/fixtures/domain.ts';
import { type RedisServer, startRedis } from '../../../tests/kit/redis.ts';
import { openRedisFeed } from './redis-feed.ts';

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

const CHANNEL = 'warder:changes:test';
const key = standardKey();
const revoked: Change = { type: 'update_key', key, was: 1 };

/** One process, whose store does what it is told to and hears of nothing by itself. */
async function process(commit: () => Promise<CommitResult> = async () => 'done') {
  const reach = { commit } as unknown as Reach;
  const store = {
    within: () => reach,
    everywhere: () => reach,
    watch: () => ({ age: () => 7, trusted: 50, close() {} }),
  };
  const feed = await openRedisFeed({ addresses: [redis.address], channel: CHANNEL });
  const storage = feed.over(store as unknown as Storage);
  const heard: Heard[] = [];
  const watch = storage.watch((change) => heard.push(change));
  const all = storage.everywhere(INSTANCE.instance);
  return { heard, watch, feed, commit: (...changes: Change[]) => all.commit(changes) };
}

const subscribers = async () => Number((await numbers())[1]);
const numbers = async () => (await redis.ask('PUBSUB', 'NUMSUB', CHANNEL)) as unknown[];

test('what one process commits another hears of, and nobody is surer of anything for it', async () => {
  const [one, two] = await Promise.all([process(), process()]);
  await vi.waitFor(async () => expect(await subscribers()).toBe(2), 5_000);
  expect(
    await one.commit(revoked, { type: 'insert_key', key, digest: { hex: '', pepperVersion: 0 } }),
  ).toBe('done');
  await vi.waitFor(() => expect(two.heard).toEqual([{ type: 'key', id: key.id }]));
  expect([two.watch.age(), two.watch.trusted]).toEqual([7, 50]);
  two.watch.close();
  await one.commit(revoked);
  await vi.waitFor(() => expect(one.heard.length).toBe(2));
  expect(two.heard.length).toBe(1);
  for (const { feed } of [one, two]) feed.close();
});

test('a commit whose outcome nobody knows is told too, and one that changes nothing in memory is not', async () => {
  const one = await process();
  const lost = await process(async () => {
    throw new Error('the answer was lost');
  });
  await vi.waitFor(async () => expect(await subscribers()).toBe(2), 5_000);
  await lost.commit({ type: 'no_keys_of_owner', workspaceId: 'w', ownerId: 'o' }).catch(() => {});
  await expect(lost.commit(revoked)).rejects.toThrow('the answer was lost');
  await vi.waitFor(() => expect(one.heard).toEqual([{ type: 'key', id: key.id }]));
  for (const { feed } of [one, lost]) feed.close();
});

test.each(['no JSON', '[{"type":"later"}]', '{}'])(
  'what cannot be read (%s) may be anything',
  async (text) => {
    const one = await process();
    await vi.waitFor(async () => expect(await subscribers()).toBe(1), 5_000);
    await redis.ask('PUBLISH', CHANNEL, text);
    await vi.waitFor(() => expect(one.heard).toEqual([{ type: 'everything' }]));
    one.feed.close();
    await vi.waitFor(async () => expect(await subscribers()).toBe(0));
  },
);

test('without Redis commits are answered as ever, and are heard of again once it is back', async () => {
  const [one, two] = await Promise.all([process(), process()]);
  await vi.waitFor(async () => expect(await subscribers()).toBe(2), 5_000);
  await redis.kill();
  expect(await one.commit(revoked)).toBe('done');
  expect(two.heard).toEqual([]);
  await redis.start();
  await vi.waitFor(async () => expect(await subscribers()).toBe(2), 10_000);
  await vi.waitFor(async () => {
    await one.commit(revoked);
    expect(two.heard.length).toBeGreaterThan(0);
  }, 10_000);
  for (const { feed } of [one, two]) feed.close();
});
