// Changes that are answered once every process obeys them: over the native API, from the
// client and on the command line.

import { createClient } from '@warder/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startService } from './kit/service.ts';

let service: Awaited<ReturnType<typeof startService>>;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.close());

/** Over one file this process alone is counted; what others trust has ended by then. */
const CONFIRMATION = { obeyed_by: 1, of: 1, after_ms: expect.any(Number) };
const body = { confirm: true };

test('every change of a key, an owner, a workspace and a member is confirmed where that is asked for', async () => {
  const { id: workspace } = await service.createWorkspace();
  const { id } = await service.createKey({ workspace_id: workspace, owner_id: 'customer' });
  const owner = `/v1/owners/customer`;
  const within = `?workspace_id=${workspace}`;
  const draft = { issuer: 'https://issuer.example', subject: 'user', role: 'viewer' };
  const member = await service.expectCall(201, 'POST', '/v1/members', {
    body: { ...draft, workspace_id: workspace },
  });
  const calls: [string, string, object?][] = [
    ['PATCH', `/v1/keys/${id}`, { name: 'Another' }],
    ['POST', `/v1/keys/${id}/disable`],
    ['POST', `/v1/keys/${id}/enable`],
    ['POST', `/v1/keys/${id}/revoke`, { reason: 'Leaked' }],
    ['DELETE', `/v1/keys/${id}`],
    ['PATCH', owner + within, { name: 'Ann' }],
    ['PUT', owner, { name: 'Ann', workspace_id: workspace }],
    ['POST', `${owner}/suspend${within}`],
    ['POST', `${owner}/resume${within}`],
    ['PATCH', `/v1/members/${member.id}`, { name: 'Ann' }],
    ['DELETE', `/v1/members/${member.id}`],
    ['PATCH', `/v1/workspaces/${workspace}`, { name: 'Another' }],
    ['POST', `/v1/workspaces/${workspace}/suspend`],
    ['POST', `/v1/workspaces/${workspace}/resume`],
    ['DELETE', `/v1/workspaces/${workspace}?keys=revoke`],
  ];
  for (const [method, path, more] of calls) {
    const changed = await service.expectCall(200, method, path, { body: { ...more, ...body } });
    expect([path, changed.confirmation]).toEqual([path, CONFIRMATION]);
  }
});

test('a confirmed revoke says who obeys it, also where its reply is given again', async () => {
  const { id, key } = await service.createKey();
  const headers = { 'idempotency-key': 'revoke-it' };
  const path = `/v1/keys/${id}/revoke`;
  const first = await service.expectCall(200, 'POST', path, { body, headers });
  expect(first).toMatchObject({ status: 'revoked', confirmation: CONFIRMATION });
  expect(Number(Object(first.confirmation).after_ms)).toBeGreaterThanOrEqual(49);
  expect((await service.expectCall(200, 'POST', '/v1/keys/verify', { body: { key } })).code).toBe(
    'revoked',
  );
  const again = await service.expectCall(200, 'POST', path, { body, headers });
  expect(again).toMatchObject({ status: 'revoked', confirmation: CONFIRMATION });
  const got = await service.expectCall(200, 'GET', `/v1/keys/${id}`);
  expect(got).not.toHaveProperty('confirmation');
});

test('whether it is asked for is a truth value, of changes of what is there', async () => {
  const { id } = await service.createKey();
  for (const confirm of ['yes', 1, null]) {
    await service.expectCall(422, 'POST', `/v1/keys/${id}/disable`, { body: { confirm } });
  }
  await service.expectCall(422, 'POST', '/v1/keys', { body });
  await service.expectCall(422, 'POST', `/v1/keys/${id}/explain`, { body });
  const refused = await service.expectCall(200, 'POST', `/v1/keys/${id}/disable`, {
    body: { confirm: false },
  });
  expect(refused).not.toHaveProperty('confirmation');
});

test('the client asks for it by an option of each change', async () => {
  const client = createClient({ baseUrl: service.url, key: service.firstKey });
  const { id } = await client.keys.create({ scopes: [], owner_id: 'ann' });
  const confirm = true;
  const changed = [
    await client.keys.update(id, { name: 'Another' }, { confirm }),
    await client.keys.disable(id, { confirm }),
    await client.keys.enable(id, { confirm }),
    await client.owners.suspend('ann', {}, { confirm }),
    await client.owners.update('ann', { name: 'Ann' }, {}, { confirm }),
    await client.keys.revoke(id, {}, { confirm }),
    await client.keys.delete(id, { confirm }),
  ];
  for (const { confirmation } of changed) expect(confirmation).toEqual(CONFIRMATION);
  expect(await client.owners.get('ann')).not.toHaveProperty('confirmation');
});
