// One workspace that asks for all it can get, and the others beside it: what they ask is
// answered, verifications always, on a real service over real connections.

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Body, type Service, startService } from './kit/service.ts';

// The machine may be busy with other tests.
vi.setConfig({ testTimeout: 120_000 });

const PER_SECOND = 20;
let service: Service;
let greedy: Body;
let modest: Body;

beforeAll(async () => {
  service = await startService({ callsPerSecond: PER_SECOND });
  const managerOf = async () =>
    service.manager(['*'], { workspace_id: (await service.createWorkspace()).id });
  greedy = await managerOf();
  modest = await managerOf();
});
afterAll(() => service.close());

/** Keeps calling, so many at a time, until it is told to stop; answers how often each status came. */
function flood(key: string, atOnce: number) {
  const statuses: Record<number, number> = {};
  let going = true;
  const caller = async (name: number) => {
    for (let i = 0; going; i++) {
      const reply =
        (i + name) % 2 === 0
          ? await service.call('POST', '/v1/keys', { key, body: { name: `${name} ${i}` } })
          : await service.call('GET', '/v1/keys?search=no-key-has-this&include=total', {
              key,
            });
      statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
    }
  };
  const callers = Array.from({ length: atOnce }, (_, name) => caller(name));
  return {
    statuses,
    async stop() {
      going = false;
      await Promise.all(callers);
    },
  };
}

test('while one workspace asks for all it can get, others are answered and every verification is', async () => {
  const { key } = await service.createKey({ scopes: ['a'], workspace_id: greedy.workspace_id });
  const flooding = flood(greedy.key, 32);
  await expect.poll(() => flooding.statuses[429] ?? 0, { timeout: 60_000 }).toBeGreaterThan(100);
  for (let i = 0; i < 50; i++) {
    await service.createKey({ name: `Of the other ${i}` }, modest.key);
    await service.expectCall(200, 'GET', '/v1/keys?limit=10', { key: modest.key });
    // Also those of the very workspace that floods, by its own key.
    expect(await service.verify(key, {}, greedy.key)).toMatchObject({ valid: true });
    await service.expectCall(200, 'GET', '/v1/whoami', { key: greedy.key });
  }
  await flooding.stop();
  expect(Object.keys(flooding.statuses).sort()).toEqual(['200', '201', '429']);
});

/** More calls at once than the budget of whoever is quiet allows. */
const tooMany = (make: (i: number) => ReturnType<Service['call']>) =>
  Promise.all(Array.from({ length: PER_SECOND * 15 }, (_, i) => make(i)));

test('a call too many is told when to come again, in the shape of every refusal', async () => {
  const { key } = greedy;
  const replies = await tooMany(() => service.call('GET', '/v1/keys?limit=1', { key }));
  const { headers, body } =
    replies.find(({ status }) => status === 429) ?? expect.unreachable('none was refused');
  expect(headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(headers['ratelimit-policy']).toBe(`"calls";q=${PER_SECOND * 10};w=10`);
  expect(headers.ratelimit).toMatch(/^"calls";r=0;t=\d+$/);
  expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({ code: 'rate_limited', title: 'Too many requests' });
});

test('a call too many does nothing, with an Idempotency-Key or without', async () => {
  const before = await service.counts();
  const replies = await tooMany((i) => {
    const headers = i % 2 === 0 ? {} : { 'idempotency-key': `once ${i}` };
    return service.call('POST', '/v1/keys', { key: greedy.key, body: {}, headers });
  });
  const made = replies.filter(({ status }) => status === 201).length;
  expect(made).toBeLessThan(replies.length);
  expect((await service.counts()).keys).toBe(before.keys + made);
});

test('verifications have no budget, one by one, in a batch or by a limit of their own', async () => {
  const { key } = await service.createKey({ scopes: ['a'] }, modest.key);
  for (let i = 0; i < PER_SECOND * 12; i++) await service.verify(key, {}, modest.key);
  for (let i = 0; i < PER_SECOND * 12; i++) {
    const body = { keys: [{ key }] };
    await service.expectCall(200, 'POST', '/v1/keys/verify-batch', { key: modest.key, body });
  }
  const body = { identifier: 'somebody', limit: 10_000, window_seconds: 60 };
  for (let i = 0; i < PER_SECOND * 12; i++) {
    await service.expectCall(200, 'POST', '/v1/limits/calls/take', { key: modest.key, body });
  }
});
