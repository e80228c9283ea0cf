// What changes while a verification waits for windows that are counted elsewhere: who
// was told of a change is never contradicted by one that was asked before it.

import { beforeEach, expect, it } from 'vitest';
import { createLimitMemory } from '../../packages/server/src/limits/memory.ts';
import type { Body } from '../kit/service.ts';
import { left, limitedService, limitOf } from './service.ts';

/** Windows in memory that answer when they are let go. */
const memory = createLimitMemory();
let asked = 0;
let holding = false;
const waiting: (() => void)[] = [];
const of = limitedService(async () => ({
  fallback: 'refuse',
  deadlineMilliseconds: 60_000,
  store: {
    ...memory,
    name: 'the store',
    takeNow: () => null,
    async take(windows, use, now) {
      asked++;
      const told = await memory.take(windows, use, now);
      if (holding) await new Promise<void>((resolve) => waiting.push(resolve));
      return told;
    },
    async close() {},
  },
}));

beforeEach(() => {
  asked = 0;
  holding = false;
});

/** A verification that waits for its windows until it is let go. */
async function heldVerification(key: string, more: object = {}) {
  holding = true;
  const verdict = of.service.verify(key, more);
  await expect.poll(() => waiting.length).toBe(1);
  holding = false;
  return async (): Promise<Body> => {
    for (const letGo of waiting.splice(0)) letGo();
    return await verdict;
  };
}

const owned = (limits: readonly object[] = []) => of.create(limits, { owner_id: 'acme' });
const post = (path: string) => of.service.expectCall(200, 'POST', path);

it('a key that is revoked meanwhile is told as revoked, and nothing was charged for it', async () => {
  await of.settings({ owner_limits: [limitOf('hour', 5, 3_600)] });
  const [{ key, id }, other] = [await owned(), await owned()];
  const letGo = await heldVerification(key);
  await post(`/v1/keys/${id}/revoke`);
  expect((await of.service.verify(key)).code).toBe('revoked');
  expect((await letGo()).code).toBe('revoked');
  expect(left(await of.service.verify(other.key))).toEqual([4]);
});

it('a key whose windows change meanwhile is charged in those that it has now', async () => {
  const { key, id } = await of.create([limitOf('hour', 5, 3_600)]);
  const letGo = await heldVerification(key);
  const body = { limits: [limitOf('hour', 5, 3_600), limitOf('day', 9, 86_400)] };
  await of.service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { body });
  expect(left(await letGo())).toEqual([4, 8]);
  expect(left(await of.service.verify(key))).toEqual([3, 7]);
});

it('a change of its workspace or of its owner is obeyed too', async () => {
  const { key } = await owned([limitOf('hour', 5, 3_600)]);
  const suspended = await heldVerification(key);
  await post(`/v1/workspaces/${of.workspace}/suspend`);
  expect((await suspended()).code).not.toBe('valid');
  await post(`/v1/workspaces/${of.workspace}/resume`);
  const limited = await heldVerification(key);
  await of.service.expectCall(200, 'PATCH', `/v1/owners/acme?workspace_id=${of.workspace}`, {
    body: { limits: [limitOf('own', 1)] },
  });
  expect(left(await limited())).toEqual([4, 0]);
});

it('what bears on other keys changes nothing, and nothing is asked twice', async () => {
  const [{ key }, other] = [await of.create([limitOf('hour', 5, 3_600)]), await owned()];
  await of.service.verify(key);
  asked = 0;
  const letGo = await heldVerification(key);
  await post(`/v1/keys/${other.id}/revoke`);
  await of.service.createKey({ workspace_id: of.workspace });
  expect(left(await letGo())).toEqual([3]);
  expect(asked).toBe(1);
});

it('a use whose credits are refused gives its windows back', async () => {
  const { key } = await of.create([limitOf('hour', 5, 3_600)], { credits: { remaining: 1 } });
  expect((await of.service.verify(key)).code).toBe('valid');
  expect((await of.service.verify(key)).code).toBe('insufficient_credits');
  expect(left(await of.service.verify(key, { cost: 0 }))).toEqual([4]);
});
