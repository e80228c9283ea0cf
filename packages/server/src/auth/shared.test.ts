// Services that sign in with a shared credential, on a real socket: what they may, what
// the audit log tells of them, and that a wrong one learns nothing.

import { afterEach, describe, expect, it } from 'vitest';
import {
  type DialectService,
  startDialectService,
} from '../../../../tests/fixtures/dialect-service.ts';
import type { SharedCredential } from '../shared-credentials.ts';

const FIRST = 'first-'.repeat(8);
const SECOND = 'second-'.repeat(8);
const OTHER = 'other-'.repeat(8);
const NUTS = '/acorn/v1/nuts';
const row = (differing: Partial<SharedCredential>): SharedCredential => ({
  surface: 'acorn',
  label: 'assistant',
  secret: FIRST,
  workspaces: ['default'],
  ...differing,
});

let service: DialectService;
afterEach(() => service.close());
const start = async (...sharedCredentials: SharedCredential[]) => {
  service = await startDialectService({ sharedCredentials });
};
const workspace = async (slug: string) => {
  const { body } = await service.ask('POST', '/v1/workspaces', { body: { name: slug, slug } });
  return String(body.id);
};
/** What a service with that credential asks for. */
const asks = (credential: string, method: string, path: string, body?: unknown) =>
  service.ask(method, path, { key: null, headers: { 'x-acorn-service': credential }, body });
const makes = (credential: string, more: object = {}) =>
  asks(credential, 'POST', NUTS, { name: 'n', ...more });
const keyOf = async (id: unknown) => (await service.ask('GET', `/v1/keys/${id}`)).body;

describe('a service with a shared credential', () => {
  it('makes standard keys in its one workspace, and its label is what is told of it', async () => {
    await start(row({ workspaces: ['acme'] }));
    const workspace_id = await workspace('acme');
    const { status, body } = await makes(FIRST);
    expect(status).toBe(201);
    expect(await keyOf(body.id)).toMatchObject({
      kind: 'standard',
      workspace_id,
      created_by: { type: 'service', id: 'assistant' },
    });
    const { body: events } = await service.ask('GET', '/v1/events?limit=1');
    expect(events.data).toMatchObject([
      {
        type: 'key.created',
        workspace_id,
        actor: { type: 'service', id: 'assistant' },
        origin: { shared_credential: 'assistant' },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain(FIRST);
  });

  it('is bound to that workspace and to standard keys', async () => {
    await start(row({ workspaces: ['acme'] }));
    const id = await workspace('acme');
    const { body: other } = await service.ask('POST', '/v1/keys', { body: {} });
    const draft = { kind: 'management', workspace_id: id, permissions: ['keys:read'] };
    const { body: manager } = await service.ask('POST', '/v1/keys', { body: draft });
    const { status } = await makes(FIRST, { workspace: String(other.workspace_id) });
    expect(status).toBe(403);
    for (const key of [other, manager]) {
      expect((await asks(FIRST, 'DELETE', `${NUTS}/${key.id}`)).status).toBe(404);
      expect((await keyOf(key.id)).status).toBe('active');
    }
    const { body: own } = await makes(FIRST);
    const { body } = await asks(FIRST, 'GET', NUTS);
    expect(body.nuts).toMatchObject([{ id: own.id }]);
  });

  it('is one of several with credentials of their own, so that one can be replaced', async () => {
    await start(row({}), row({ label: 'next', secret: SECOND }));
    const makers = [await makes(FIRST), await makes(SECOND)].map(({ body }) => body.id);
    const labels = await Promise.all(
      makers.map(async (id) => Object((await keyOf(id)).created_by).id),
    );
    expect(labels).toEqual(['assistant', 'next']);
  });

  it('reaches no route that takes none', async () => {
    await start(row({}));
    expect((await asks(FIRST, 'GET', '/acorn/v1/me')).status).toBe(401);
    const native = { key: FIRST };
    expect((await service.ask('GET', '/v1/keys', native)).status).toBe(401);
    expect((await service.ask('GET', NUTS, native)).status).toBe(401);
  });
});

describe('a shared credential that is not taken', () => {
  it('is answered like any wrong one: unset, of another surface, nearly right, of no workspace', async () => {
    await start();
    const unset = await makes(FIRST);
    expect([unset.status, unset.body]).toEqual([401, { acorn: 'no', why: 'unauthenticated' }]);
    await service.close();
    await start(
      row({ workspaces: ['acme'] }),
      row({ label: 'gone', secret: SECOND, workspaces: ['none-such'] }),
      row({ surface: 'oak', secret: OTHER }),
    );
    const id = await workspace('acme');
    const wrong = [FIRST.slice(0, -1), `${FIRST}x`, FIRST.toUpperCase(), SECOND, OTHER, 'x'];
    for (const credential of wrong) {
      const { status, body } = await makes(credential);
      expect([credential, status, body]).toEqual([credential, 401, unset.body]);
    }
    expect((await makes(FIRST)).status).toBe(201);
    await service.ask('POST', `/v1/workspaces/${id}/suspend`);
    expect((await makes(FIRST)).status).toBe(401);
    await service.ask('POST', `/v1/workspaces/${id}/resume`);
    expect((await makes(FIRST)).status).toBe(201);
    await service.ask('DELETE', `/v1/workspaces/${id}?keys=revoke`);
    expect((await makes(FIRST)).status).toBe(401);
  });
});

it('a shared credential beside a key of the instance lets it name the workspaces it is bound to', async () => {
  await start(row({ workspaces: ['acme'] }));
  const acme = await workspace('acme');
  const other = await workspace('other');
  const asked = (workspace: string | undefined, beside?: string) =>
    service.ask('POST', NUTS, {
      body: { name: 'n', workspace },
      headers: beside === undefined ? {} : { 'x-acorn-internal': beside },
    });
  expect((await asked(acme)).status).toBe(403);
  expect((await asked(acme, 'wrong')).status).toBe(403);
  expect((await asked(other, FIRST)).status).toBe(403);
  const { status, body } = await asked(acme, FIRST);
  expect(status).toBe(201);
  expect((await keyOf(body.id)).workspace_id).toBe(acme);
  const { body: events } = await service.ask('GET', '/v1/events?limit=1');
  expect(events.data).toMatchObject([
    { actor: { type: 'key' }, origin: { shared_credential: 'assistant' } },
  ]);
  const { body: made } = await asked(undefined, FIRST);
  expect((await keyOf(made.id)).workspace_id).toBe(service.defaultWorkspaceId);
});
