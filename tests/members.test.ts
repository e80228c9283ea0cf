// Members over HTTP: what the routes add to the use cases.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Body, type Service, startService } from './kit/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

let made = 0;
const newWho = (role = 'viewer') => ({
  issuer: 'https://issuer.example',
  subject: `user ${++made}`,
  role,
});
const add = (more: object = {}): Promise<Body> =>
  service.expectCall(201, 'POST', '/v1/members', { body: { ...newWho(), ...more } });

test('a member is made in the default workspace unless one is named, and found where Location says', async () => {
  const { id: workspace } = await service.createWorkspace();
  const body = newWho('owner');
  const reply = await service.call('POST', '/v1/members', { body });
  expect(reply.body).toMatchObject({
    ...body,
    workspace_id: service.defaultWorkspaceId,
    name: null,
    source: 'api',
    removed_at: null,
  });
  expect([reply.headers.location, reply.headers.etag]).toEqual([
    `/v1/members/${reply.body.id}`,
    '"1"',
  ]);
  expect(await service.expectCall(200, 'GET', String(reply.headers.location))).toEqual(reply.body);
  const elsewhere = await add({ ...body, workspace_id: workspace });
  const list = await service.expectCall(200, 'GET', `/v1/members?workspace_id=${workspace}`);
  expect(list.data).toEqual([elsewhere]);
  const again = await service.call('POST', '/v1/members', { body });
  expect([again.status, again.body.detail]).toEqual([
    409,
    `This subject is a member of the workspace already: ${reply.body.id}.`,
  ]);
});

test('a change of a version that is past is refused, and of the one that is not is made', async () => {
  const { id } = await add();
  const path = `/v1/members/${id}`;
  const at = (version: number) => ({ 'if-match': `"${version}"` });
  await service.expectCall(200, 'PATCH', path, { body: { role: 'editor' }, headers: at(1) });
  await service.expectCall(412, 'PATCH', path, { body: { role: 'admin' }, headers: at(1) });
  await service.expectCall(412, 'DELETE', path, { headers: at(1) });
  const removed = await service.expectCall(200, 'DELETE', path, { headers: at(2) });
  expect(removed.role).toBe('editor');
  for (const method of ['GET', 'DELETE']) await service.expectCall(404, method, path);
  await service.expectCall(404, 'PATCH', path, { body: {} });
});

test('a retried addition makes one member', async () => {
  const body = newWho();
  const headers = { 'idempotency-key': 'once' };
  const first = await service.call('POST', '/v1/members', { body, headers });
  const second = await service.call('POST', '/v1/members', { body, headers });
  expect([second.status, second.text]).toEqual([first.status, first.text]);
});

test('keys to keep are named by their ids, and whatever is no id is refused', async () => {
  const { id } = await add();
  const keys = [
    await service.createKey({ owner_id: id }),
    await service.createKey({ owner_id: id }),
  ];
  const [one, two] = keys.map((key) => key.id);
  const path = `/v1/members/${id}?keep_keys=`;
  for (const wrong of ['', `${one},`, 'x', `${one};${two}`, `${one},${id}`]) {
    const reply = await service.expectCall(422, 'DELETE', `${path}${wrong}`);
    for (const { pointer } of reply.errors) expect(pointer).toMatch(/^keep_keys(\.|$)/);
  }
  await service.expectCall(200, 'DELETE', `${path}${one},${two?.toUpperCase()}`);
  for (const { key } of keys) expect((await service.verify(key)).valid).toBe(true);
});

test('what is no role, issuer or subject is refused by name', async () => {
  for (const [wrong, pointer] of [
    [{ role: 'issuer' }, '/role'],
    [{ role: '*' }, '/role'],
    [{ role: ['viewer'] }, '/role'],
    [{ role: undefined }, '/role'],
    [{ issuer: '' }, '/issuer'],
    [{ issuer: undefined }, '/issuer'],
    [{ subject: 'a'.repeat(256) }, '/subject'],
    [{ subject: 7 }, '/subject'],
    [{ name: '' }, '/name'],
    [{ source: 'claim' }, '/source'],
    [{ email: 'ann@example.org' }, '/email'],
  ] as const) {
    const body = { ...newWho(), ...wrong };
    const reply = await service.expectCall(422, 'POST', '/v1/members', { body });
    expect(reply.errors.map((error) => error.pointer)).toEqual([pointer]);
  }
  const { id } = await add();
  for (const fixed of ['issuer', 'subject', 'workspace_id', 'source', 'removed_at']) {
    const body = { [fixed]: 'x' };
    await service.expectCall(422, 'PATCH', `/v1/members/${id}`, { body });
  }
});
