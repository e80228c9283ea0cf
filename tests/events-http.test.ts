// The audit log over HTTP: its filters, its export, and owners erased.

import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOW } from './fixtures/domain.ts';
import { type Body, type Service, startService } from './kit/service.ts';

let service: Service;
let workspace: string;
let manager: string;
let keyId: string;

beforeAll(async () => {
  service = await startService();
  workspace = (await service.createWorkspace()).id;
  const made = await service.manager('owner', { workspace_id: workspace });
  manager = made.key;
  for (let i = 0; i < 12; i++) {
    service.clock.at = NOW + i * 1_000;
    const { id } = await service.createKey({ owner_id: `customer ${i % 3}` }, manager);
    if (i === 4) keyId = id;
  }
  await service.expectCall(200, 'POST', `/v1/keys/${keyId}/disable`, { key: manager });
  await service.createKey({ workspace_id: service.defaultWorkspaceId, owner_id: 'customer 1' });
});
afterAll(() => service.close());

/** Every event that a query finds, walked by pages of three, forth and back. */
async function walk(query: string, key = manager): Promise<readonly Body[]> {
  const forth: Body[] = [];
  let page = await service.expectCall(200, 'GET', `/v1/events?limit=3&${query}`, { key });
  for (;;) {
    forth.push(...page.data);
    if (page.next === null) break;
    page = await service.expectCall(200, 'GET', `/v1/events?limit=3&${query}&after=${page.next}`, {
      key,
    });
  }
  const back: Body[] = [...page.data];
  while (page.prev !== null) {
    page = await service.expectCall(200, 'GET', `/v1/events?limit=3&${query}&before=${page.prev}`, {
      key,
    });
    back.unshift(...page.data);
  }
  // Some of them may have been sealed meanwhile.
  expect(back.map(({ id }) => id)).toEqual(forth.map(({ id }) => id));
  return forth;
}

async function exported(query: string, key = manager): Promise<readonly Body[]> {
  const { status, text } = await service.call('GET', `/v1/events/export?${query}`, { key });
  expect(status).toBe(200);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Resolves once every event is sealed: within a second or so. */
async function allSealed(): Promise<void> {
  for (;;) {
    if ((await service.events()).every(({ number }) => number !== null)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('GET /v1/events', () => {
  test('shows each event’s number within a second, and null until then', async () => {
    const start = performance.now();
    await allSealed();
    expect(performance.now() - start).toBeLessThan(1_500);
    const numbers = (await walk('')).map(({ number }) => number as number);
    expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
    expect(numbers.at(-1)).toBe(1);
  });

  const filters: readonly (readonly [string, () => string, (event: Body) => boolean])[] = [
    ['key_id', () => `key_id=${keyId}`, (event) => subject(event).id === keyId],
    ['actor_id', () => `actor_id=${actorOf()}`, (event) => actor(event).id === actorOf()],
    ['type', () => 'type=key.created', (event) => event.type === 'key.created'],
    [
      'several types',
      () => 'type=key.disabled,owner.created',
      ({ type }) => type === 'key.disabled' || type === 'owner.created',
    ],
    [
      'created_after and created_before',
      () => `created_after=${iso(3_000)}&created_before=${iso(7_000)}`,
      ({ created_at }) => String(created_at) >= iso(3_000) && String(created_at) < iso(7_000),
    ],
    [
      'type and time',
      () => `type=key.created,key.disabled&created_after=${iso(3_000)}`,
      ({ type, created_at }) => /^key\./.test(String(type)) && String(created_at) >= iso(3_000),
    ],
  ];
  const iso = (offset: number) => new Date(NOW + offset).toISOString();
  const actorOf = () => actor(creation).id;
  let creation: Body;
  beforeAll(async () => {
    [creation] = (await walk('type=key.disabled')) as [Body];
  });

  test.each(filters)('by %s gives exactly what matches', async (_, query, matches) => {
    await allSealed();
    const all = await walk('');
    const expected = all.filter(matches);
    expect(expected.length).toBeGreaterThan(0);
    expect(await walk(query())).toEqual(expected);
    const lines = (await exported(query())).filter(({ type }) => type !== 'events.exported');
    expect(lines).toEqual(expected.filter(({ type }) => type !== 'events.exported').toReversed());
    const { total } = await service.expectCall(
      200,
      'GET',
      `/v1/events?include=total&limit=1&${query()}`,
      { key: manager },
    );
    expect(total).toBe((await walk(query())).length);
  });

  test('by owner_id gives what is about the owner and its keys, in one workspace', async () => {
    const mine = await walk('owner_id=customer%201');
    expect(mine.map(({ type }) => type).sort()).toEqual(
      [
        'key.created',
        'key.created',
        'key.created',
        'key.created',
        'key.disabled',
        'owner.created',
      ].sort(),
    );
    expect(new Set(mine.map(({ workspace_id }) => workspace_id))).toEqual(new Set([workspace]));
    const everywhere = await walk('owner_id=customer%201', service.firstKey);
    expect(everywhere.map(({ workspace_id }) => workspace_id)).toEqual(
      Array.from({ length: 2 }, () => service.defaultWorkspaceId),
    );
    expect(await walk('owner_id=nobody')).toEqual([]);
    expect(await exported('owner_id=nobody')).toEqual([]);
  });

  test.each([
    ['type=key.created,', 'type'],
    ['type=', 'type'],
    ['type=nothing', 'type'],
    ['key_id=x', 'key_id'],
    ['created_after=2026-02-30T00:00:00Z', 'created_after'],
    ['created_after=2026-02-03T00:00:00', 'created_after'],
    ['created_before=0000-01-01T00:00:00Z', 'created_before'],
    ['owner%5B%24ne%5D=x', 'owner[$ne]'],
  ])('refuses %s and names the parameter', async (query, name) => {
    for (const path of ['/v1/events', '/v1/events/export']) {
      const { errors } = await service.expectCall(422, 'GET', `${path}?${query}`, { key: manager });
      expect(errors[0]?.pointer).toMatch(name.startsWith('owner[') ? name : new RegExp(`^${name}`));
    }
  });

  test('refuses a cursor of another filter', async () => {
    const { next } = await service.expectCall(200, 'GET', '/v1/events?limit=1', { key: manager });
    await service.expectCall(422, 'GET', `/v1/events?type=key.created&after=${next}`, {
      key: manager,
    });
  });
});

describe('GET /v1/events/export', () => {
  test('gives what the list gives, oldest first, and leaves an event that says so', async () => {
    await allSealed();
    const before = await walk('');
    const lines = await exported('');
    const last = lines.at(-1);
    expect(lines.slice(0, -1)).toEqual(before.toReversed());
    expect(last).toMatchObject({
      type: 'events.exported',
      subject: { type: 'workspace', id: workspace },
      after: {},
    });
    await exported('owner_id=customer%201&type=key.created');
    const [event] = await walk('type=events.exported');
    expect(event?.after).toMatchObject({
      owner_id: expect.stringMatching(/^[\da-f-]{36}$/),
      type: ['key.created'],
    });
    const [ofAll] = (await exported('', service.firstKey)).slice(-1);
    expect(ofAll).toMatchObject({
      type: 'events.exported',
      workspace_id: null,
      subject: { type: 'installation' },
    });
  });

  test('needs events:read', async () => {
    const { key } = await service.manager(['keys:read', 'keys:write']);
    await service.expectCall(403, 'GET', '/v1/events/export', { key });
    await service.expectCall(401, 'GET', '/v1/events/export', { key: null });
  });

  test('reads no further than its client does, and ends with it', async () => {
    const { calls } = service.watch;
    for (let i = 0; i < 40; i++) {
      const metadata = { text: 'x'.repeat(15_000) };
      const { id } = await service.createKey({ metadata }, manager);
      for (const name of ['disable', 'enable']) {
        await service.expectCall(200, 'POST', `/v1/keys/${id}/${name}`, { key: manager });
      }
      for (let change = 0; change < 10; change++) {
        const body = { metadata: { text: String(change).repeat(15_000) } };
        await service.expectCall(200, 'PATCH', `/v1/keys/${id}`, { key: manager, body });
      }
    }
    const bytes = (await exported('')).reduce((sum, line) => sum + JSON.stringify(line).length, 0);
    expect(bytes).toBeGreaterThan(10_000_000);
    const before = calls.get('events') ?? 0;
    const whole = Math.ceil((await walkCount()) / 100);
    const heard = await new Promise<number>((resolve, reject) => {
      const call = request(`${service.url}/v1/events/export`, {
        headers: { authorization: `Bearer ${manager}` },
      });
      call.on('error', reject).on('response', (response) => {
        response.pause();
        setTimeout(() => {
          resolve((calls.get('events') ?? 0) - before);
          call.destroy();
        }, 700);
      });
      call.end();
    });
    expect(heard).toBeLessThan(whole - 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = calls.get('events') ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(calls.get('events')).toBe(stopped);
  });

  test('that breaks in the middle is cut, so that nobody takes it for whole, and is logged', async () => {
    let reads = 0;
    service.watch.before.set('events', () => {
      if (++reads === 2) throw new Error('the disk broke');
    });
    const cut = await new Promise<string>((resolve) => {
      const call = request(`${service.url}/v1/events/export`, {
        headers: { authorization: `Bearer ${manager}` },
      });
      call.on('response', (response) => {
        response
          .resume()
          .on('error', (error) => resolve(error.message))
          .on('end', () => resolve('whole'));
      });
      call.end();
    });
    service.watch.before.delete('events');
    expect(cut).toBe('aborted');
    expect(service.log.some((line) => line.includes('the disk broke'))).toBe(true);
  });
});

async function walkCount(): Promise<number> {
  return (
    await service.expectCall(200, 'GET', '/v1/events?include=total&limit=1', { key: manager })
  ).total;
}

describe('POST /v1/owners/{owner_id}/erase', () => {
  test('erases, once more changes nothing, and is refused while keys name it', async () => {
    const path = '/v1/owners/customer%202/erase';
    const { detail } = await service.expectCall(409, 'POST', path, { key: manager });
    expect(detail).toContain('keys=erase');
    const erased = await service.expectCall(200, 'POST', `${path}?keys=erase`, { key: manager });
    expect(erased).toMatchObject({
      owner_id: 'customer 2',
      name: null,
      erased_at: expect.any(String),
    });
    for (;;) {
      const { status } = await service.call('GET', '/v1/owners/customer%202', { key: manager });
      if (status === 404) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const gone = await service.expectCall(200, 'POST', `/v1/owners/${erased.id}/erase`, {
      key: manager,
    });
    expect(gone).toMatchObject({ id: erased.id, owner_id: erased.id });
    expect(JSON.stringify(await walk(''))).not.toContain('customer 2');
    await service.expectCall(422, 'POST', `${path}?keys=revoke`, { key: manager });
  });
});

function subject(event: Body): { id: string } {
  return event.subject as { id: string };
}

function actor(event: Body): { id: string } {
  return event.actor as { id: string };
}
