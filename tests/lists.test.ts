// Lists over HTTP: filters, orders, links and totals, and what is answered to those
// who ask for what there is not.

import { NO_ORIGIN } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOW } from './fixtures/domain.ts';
import { type Body, type Service, startService } from './kit/service.ts';

const DAY = 86_400_000;
const at = (offset: number) => encodeURIComponent(new Date(NOW + offset).toISOString());

let service: Service;
let workspace: Body;
let keys: Body[] = [];
beforeAll(async () => {
  service = await startService();
  const settings = { metadata_filters: ['plan', 'a.b'] };
  workspace = await service.createWorkspace({ settings });
  for (let i = 0; i < 12; i++) {
    service.clock.at = NOW + i;
    const key = await service.createKey({
      workspace_id: workspace.id,
      name: ['Straße', 'CAFÉ', null, 'deploy'][i % 4],
      owner_id: `owner ${i % 2}`,
      environment: i % 3 === 0 ? 'test' : 'live',
      scopes: i % 2 === 0 ? ['files:read'] : [],
      expires_at: i % 4 === 0 ? null : new Date(NOW + i * DAY).toISOString(),
      metadata: i < 6 ? { plan: 'gold', 'a.b': i } : { plan: i },
    });
    keys = [key, ...keys];
  }
});
afterAll(() => service.close());

const list = (query: string, key?: string) =>
  service.expectCall(200, 'GET', `/v1/keys?workspace_id=${workspace.id}&${query}`, { key });
const places = ({ data }: Body) => data.map(({ id }) => keys.findIndex((key) => key.id === id));
const those = (holds: (i: number) => boolean) =>
  keys.flatMap((_, place) => (holds(11 - place) ? [place] : []));

describe('a filter', () => {
  it.each<[string, (i: number) => boolean]>([
    ['status=active', () => true],
    ['status=expired,revoked', () => false],
    ['status=expired,active', () => true],
    ['kind=standard', () => true],
    ['owner_id=owner%201', (i) => i % 2 === 1],
    ['scope=files:read', (i) => i % 2 === 0],
    ['environment=test', (i) => i % 3 === 0],
    [`expires_after=${at(3 * DAY)}`, (i) => i % 4 !== 0 && i >= 3],
    [`expires_before=${at(3 * DAY)}`, (i) => i % 4 !== 0 && i < 3],
    [`created_after=${at(4)}&created_before=${at(7)}`, (i) => i >= 4 && i < 7],
    ['never_used=true', () => true],
    [`last_used_after=${at(0)}`, () => false],
    ['metadata.plan=gold', (i) => i < 6],
    ['metadata.plan=7', (i) => i === 7],
    ['metadata.a.b=3&metadata.plan=gold', (i) => i === 3],
    ['search=STRASSE', (i) => i % 4 === 0],
    ['search=cafe%CC%81', (i) => i % 4 === 1],
    ['search=owner%201&environment=live', (i) => i % 2 === 1 && i % 3 !== 0],
  ])('%s finds just the keys it says, the newest first', async (query, holds) => {
    const page = await list(`${query}&include=total`);
    expect(places(page)).toEqual(those(holds));
    expect([page.total, page.total_is_exact]).toEqual([places(page).length, true]);
  });

  it('created_by finds what one caller made', async () => {
    const manager = await service.manager(['*'], { workspace_id: workspace.id });
    const made = await service.createKey({}, manager.key);
    const page = await list(`created_by=${manager.id}`, manager.key);
    expect(page.data.map(({ id }) => id)).toEqual([made.id]);
    await service.expectCall(200, 'DELETE', `/v1/keys/${made.id}`);
    await service.expectCall(200, 'DELETE', `/v1/keys/${manager.id}`);
  });

  it('last_used_after finds what was used, by the day', async () => {
    const [key] = keys;
    if (!key) throw new Error('keys were made');
    await service.verify(key.key);
    const used = async (query: string) => (await list(query)).data.length;
    for (let tries = 0; (await used(`last_used_after=${at(5_000)}`)) === 0; tries++) {
      if (tries > 500) throw new Error('the use was never written');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await used(`last_used_before=${at(DAY)}`)).toBe(1);
    expect(await used(`last_used_after=${at(DAY)}`)).toBe(0);
    expect(await used('never_used=true')).toBe(11);
  });
});

describe('an order', () => {
  it.each(['created_at', 'expires_at', 'last_used_at', 'name'])(
    '%s and its reverse list the same keys the other way round, by links',
    async (sort) => {
      const walk = async (order: string) => {
        const seen: number[] = [];
        let path = `/v1/keys?workspace_id=${workspace.id}&sort=${order}&limit=5`;
        const back: string[] = [];
        for (;;) {
          const { status, body, headers } = await service.call('GET', path);
          expect(status).toBe(200);
          seen.push(...places(body));
          const links = linksOf(headers.link);
          expect(links.next === undefined).toBe(body.next === null);
          if (links.prev) back.push(links.prev);
          if (!links.next) break;
          path = links.next;
        }
        expect(seen).toHaveLength(12);
        const before = await service.call('GET', back.at(-1) ?? '');
        expect(places(before.body)).toEqual(seen.slice(5, 10));
        return seen;
      };
      expect(await walk(`-${sort}`)).toEqual((await walk(sort)).toReversed());
    },
  );

  it('by name puts accents and capitals where people look for them', async () => {
    const names = (await list('sort=name&limit=12')).data.map(({ name }) => name);
    expect(names).toEqual([
      ...[null, null, null],
      ...['CAFÉ', 'CAFÉ', 'CAFÉ'],
      ...['deploy', 'deploy', 'deploy'],
      ...['Straße', 'Straße', 'Straße'],
    ]);
  });
});

describe('owners and workspaces', () => {
  it('are searched, bounded in time and sorted the same way', async () => {
    const owners = (query: string) =>
      service.expectCall(200, 'GET', `/v1/owners?workspace_id=${workspace.id}&${query}`);
    const ids = ({ data }: Body) => data.map(({ owner_id }) => owner_id);
    expect(ids(await owners('search=OWNER'))).toEqual(['owner 1', 'owner 0']);
    expect(ids(await owners('search=ner%201&include=total'))).toEqual(['owner 1']);
    expect(ids(await owners('sort=created_at'))).toEqual(['owner 0', 'owner 1']);
    expect(ids(await owners(`created_after=${at(1)}`))).toEqual(['owner 1']);
    const { headers } = await service.call('GET', '/v1/workspaces?limit=1&sort=-created_at');
    const { next } = linksOf(headers.link);
    expect((await service.call('GET', next ?? '')).body.data).toHaveLength(1);
    const found = await service.expectCall(200, 'GET', '/v1/workspaces?search=DEFAULT');
    expect(found.data.map(({ slug }) => slug)).toEqual(['default']);
  });
});

describe('a parameter that cannot be', () => {
  const dates = ['0000-01-01T00:00:00Z', '2027-02-30T00:00:00Z', '2027-01-01T00:00:00', '2027', ''];
  const moments =
    'expires_before expires_after created_before created_after last_used_before last_used_after';
  it.each<[string, string]>([
    ...['', '0x10', '1e3', '-1', '0', '201', '1000000000', '1.5', ' 5'].map(
      (limit): [string, string] => [`limit=${encodeURIComponent(limit)}`, 'limit'],
    ),
    ...moments
      .split(' ')
      .flatMap((name) => dates.map((date): [string, string] => [`${name}=${date}`, name])),
    ['sort=name;drop', 'sort'],
    ['sort=--name', 'sort'],
    ['sort=toString', 'sort'],
    ['status=', 'status'],
    ['status=active,gone', 'status'],
    ['status[$ne]=active', 'status[$ne]'],
    ['never_used=yes', 'never_used'],
    ['search=ab', 'search'],
    ['search=', 'search'],
    [`search=${'a'.repeat(201)}`, 'search'],
    ['metadata.other=1', 'metadata.other'],
    ['metadata.=1', 'metadata.'],
    ['metadata=1', 'metadata'],
    ['metadata.constructor=1', 'metadata.constructor'],
    ['after=AAAA', 'after'],
    ['before=', 'before'],
    [`after=${'A'.repeat(12_000)}`, 'after'],
    ['offset=5', 'offset'],
  ])('%s is refused by its name', async (query, name) => {
    const path = `/v1/keys?workspace_id=${workspace.id}&${query}`;
    const { status, body } = await service.call('GET', path);
    expect(status).toBe(422);
    expect(body.detail).toContain(name);
    expect(body.errors[0]?.pointer.split('.0')[0]).toContain(name);
  });

  it('metadata needs a workspace to be declared in', async () => {
    const { status, body } = await service.call('GET', '/v1/keys?metadata.plan=gold');
    expect(status).toBe(422);
    expect(body.detail).toBe('metadata.plan needs a workspace_id');
  });

  it.each([
    ['a search', `search=${'a'.repeat(100_000)}`],
    ['a cursor', `after=${'A'.repeat(100_000)}`],
    ['many of one', `status=${'active,'.repeat(1_700)}`],
    ['a value', `metadata.other=${encodeURIComponent('é'.repeat(2_000))}`],
    ['one very often', `${'never_used=true&'.repeat(6_000)}x=1`],
    ['a number', 'limit=1000000000'],
    ['an order', 'sort=name;drop'],
    ['a day', 'expires_after=2027-02-30T00:00:00Z'],
  ])('costs under a millisecond of CPU: %s', async (_, query) => {
    const target = `/v1/keys?workspace_id=${workspace.id}&${query}`;
    const ask = async () => {
      const headers = { authorization: `Bearer ${service.firstKey}` };
      const origin = { ...NO_ORIGIN, requestId: 'request', to: service.url };
      const arrival = { method: 'GET', target, headers, body: new Uint8Array(), origin };
      const before = process.cpuUsage();
      const { status } = await service.warder.handle(arrival);
      const { user, system } = process.cpuUsage(before);
      expect([400, 422]).toContain(status);
      return user + system;
    };
    // What else the machine and the other threads do only ever adds to it.
    const spent: number[] = [];
    while (spent.length < 200) spent.push(await ask());
    expect(Math.min(...spent)).toBeLessThan(1_000);
  });

  it('of 100 KB is refused by the listener, before a key is looked at', async () => {
    const { replies } = await service.shout(
      `GET /v1/keys?search=${'a'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    );
    expect(replies.map(({ status }) => status)).toEqual([431]);
    expect((await service.call('GET', `/v1/keys?search=${'a'.repeat(12_000)}`)).status).toBe(422);
  });

  it('a cursor of another list, filter, order or workspace is refused, and one that was changed', async () => {
    const { next } = await list('limit=2&owner_id=owner%201');
    const cursor = String(next);
    const flipped = `${cursor.slice(0, 20)}${cursor[20] === 'A' ? 'B' : 'A'}${cursor.slice(21)}`;
    const own = `workspace_id=${workspace.id}&owner_id=owner%201`;
    for (const path of [
      `/v1/keys?workspace_id=${workspace.id}&after=${cursor}`,
      `/v1/keys?workspace_id=${workspace.id}&owner_id=owner%200&after=${cursor}`,
      `/v1/keys?${own}&sort=name&after=${cursor}`,
      `/v1/keys?${own}&include_deleted=true&after=${cursor}`,
      `/v1/keys?owner_id=owner%201&after=${cursor}`,
      `/v1/owners?workspace_id=${workspace.id}&after=${cursor}`,
      `/v1/keys?${own}&after=${cursor.slice(0, -1)}`,
      `/v1/keys?${own}&after=${flipped}`,
    ]) {
      const { status, body } = await service.call('GET', path);
      expect(`${status} ${body.detail}`).toMatch(/^422 after must be a cursor of this very list/);
    }
    await list(`owner_id=owner%201&after=${cursor}`);
  });
});

/** The targets of a Link header, by relation. */
function linksOf(header: unknown): Readonly<Record<string, string>> {
  const found = String(header ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g);
  return Object.fromEntries([...found].map(([, target, relation]) => [relation, target]));
}
