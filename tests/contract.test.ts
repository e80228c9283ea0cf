// What holds for every call, tried on each that the OpenAPI document names: a new
// route is tested from the day it is written, and cannot be left out.

import { createConfig, lintFromString } from '@redocly/openapi-core';
import { PERMISSIONS, type Permission } from '@warder/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../packages/server/src/dialects/native/dialect.ts';
import { describeApi } from '../packages/server/src/openapi.ts';
import { NOW } from './fixtures/domain.ts';
import { createContract } from './kit/contract.ts';
import { ALSO_NEEDS, INPUTS, type Input } from './kit/inputs.ts';
import { type Answered, type Body, type Service, startService } from './kit/service.ts';

// The table as the source has it, for the titles; the service's own document is what is held against.
const sourceContract = createContract(describeApi(native, '0.0.0', null));
const titled = sourceContract.calls.map((call) => ({ ...call, name: call.operation.operationId }));
const guarded = titled.filter(({ operation }) => operation.security.length > 0);
const permitted = guarded.filter(({ operation }) => operation['x-permission'] !== undefined);
const open = titled.filter(({ operation }) => operation.security.length === 0);

let service: Service;
/** Keys that cannot call, by what is wrong with them. */
const bad: Record<string, string> = {};
/** A key of its workspace that may do everything there, and another workspace. */
let mine: Body;
let theirs: string;

beforeAll(async () => {
  service = await startService();
  theirs = String((await service.createWorkspace()).id);
  mine = await service.manager(['*'], { workspace_id: service.defaultWorkspaceId });

  const end = async (name: string, call: string) => {
    const { id, key } = await service.manager('owner');
    await service.expectCall(200, 'POST', `/v1/keys/${id}/${call}`);
    bad[name] = key;
  };
  await end('revoked', 'revoke');
  await end('disabled', 'disable');
  const erased = await service.manager('owner');
  await service.expectCall(200, 'DELETE', `/v1/keys/${erased.id}`);
  bad.erased = erased.key;
  const soon = new Date(NOW + 1).toISOString();
  bad.expired = (await service.manager('owner', { expires_at: soon })).key;
  bad['not yet valid'] = (
    await service.manager('owner', { not_before: '2027-01-01T00:00:00Z' })
  ).key;
  bad.elsewhere = (await service.manager('owner', { allowed_cidrs: ['192.0.2.1'] })).key;
  const suspended = await service.createWorkspace();
  bad.suspended = (await service.manager(['*'], { workspace_id: suspended.id })).key;
  await service.expectCall(200, 'POST', `/v1/workspaces/${suspended.id}/suspend`);
  bad.unknown = `${service.firstKey.slice(0, 4)}nobody-has-this`;
  bad.cut = service.firstKey.slice(0, -1);
  service.clock.at += 1_000;
});
afterAll(() => service.close());

const prepare = async (name: string, workspaceId = service.defaultWorkspaceId): Promise<Input> => {
  const prepared = INPUTS[name];
  if (!prepared) throw new Error(`${name} has no input in tests/kit/inputs.ts`);
  return await prepared(service, workspaceId);
};
const call = (method: string, { path, body }: Input, key?: string | null): Promise<Answered> =>
  service.call(method, path, { body, key });
const told = ({ status, text }: Answered) => `${status} ${text}`;
/** A reply's body but for what differs in every reply. */
const facts = ({ status, body }: Answered) => ({ status, ...body, request_id: '' });

describe('the document', () => {
  it('is the table of the service, and every call in it has an input here', async () => {
    const served = await service.call('GET', '/openapi.json', { key: null });
    expect(served.body).toEqual(JSON.parse(JSON.stringify(describeApi(native, '0.0.0', null))));
    expect(Object.keys(INPUTS).sort()).toEqual(titled.map(({ name }) => name).sort());
  });

  it('is a sound OpenAPI 3.1 document', async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const source = JSON.stringify(describeApi(native, '0.0.0', 'https://keys.example.org'));
    const problems = await lintFromString({ source, config });
    const found = problems.map(({ ruleId, message, location }) => ({
      ruleId,
      message,
      at: location[0]?.pointer,
    }));
    expect(found.filter(({ ruleId }) => ruleId !== 'info-license')).toEqual([]);
  });

  it('names a permission of the closed set, or by name none, for each call', () => {
    const named = permitted.map(({ operation }) => operation['x-permission'] as Permission);
    expect(named.filter((one) => !PERMISSIONS.includes(one))).toEqual([]);
    expect(guarded.filter((one) => !permitted.includes(one)).map(({ name }) => name)).toEqual([
      'whoami',
    ]);
    expect(open.map(({ path }) => path)).toEqual([
      '/livez',
      '/readyz',
      '/openapi.json',
      '/reference',
    ]);
  });
});

describe.each(permitted)('$name asks for its permission', ({ name, method, operation }) => {
  const permission = operation['x-permission'] as Permission;

  it('403 for a key that holds every other, and nothing happens', async () => {
    const others = PERMISSIONS.filter((one) => one !== permission);
    const { key } = await service.manager(others);
    const input = await prepare(name);
    const before = await service.counts();
    const reply = await call(method, input, key);
    expect(told(reply)).toMatch(/^403 /);
    expect(reply.body.detail).toContain(permission);
    expect(reply.headers['www-authenticate']).toContain(`scope="${permission}"`);
    expect(await service.counts()).toEqual(before);
  });

  it('success for a key that holds it alone, or with what the call hands out', async () => {
    const { key } = await service.manager([permission, ...(ALSO_NEEDS[name] ?? [])]);
    expect(told(await call(method, await prepare(name), key))).toMatch(/^20[01] /);
  });

  it('403 for a standard key, with the message that ends the mistake', async () => {
    const { key } = await service.createKey({ scopes: ['*', ...PERMISSIONS] });
    const reply = await call(method, await prepare(name), key);
    expect(told(reply)).toMatch(/^403 /);
    expect(reply.body.detail).toMatch(/ordinary key.*management key/);
  });
});

describe.each(guarded)('$name asks for a good credential', ({ name, method }) => {
  it('401 without one, and says how to do better', async () => {
    const reply = await call(method, await prepare(name), null);
    expect(told(reply)).toMatch(/^401 /);
    expect(reply.headers['www-authenticate']).toMatch(/^Bearer /);
  });

  it('401 for a management key that is not good, whatever is wrong with it', async () => {
    const input = await prepare(name);
    for (const [what, key] of Object.entries(bad)) {
      const reply = await call(method, input, key);
      expect(`${what}: ${told(reply)}`).toContain(`${what}: 401 `);
      expect(reply.headers['www-authenticate']).toMatch(/^Bearer /);
    }
  });
});

describe.each(open)('$name', ({ name, method }) => {
  it('needs no credential and minds none', async () => {
    const input = await prepare(name);
    expect(told(await call(method, input, null))).toMatch(/^200 /);
    expect(told(await call(method, input, bad.revoked))).toMatch(/^200 /);
  });
});

it('whoami asked for another workspace than the key is of answers 403', async () => {
  const headers = { 'x-workspace-id': theirs };
  await service.expectCall(403, 'GET', '/v1/whoami', { key: mine.key, headers });
});

it('whoami tells a standard key about itself', async () => {
  const { key, id } = await service.createKey({ scopes: ['a'] });
  const body = await service.expectCall(200, 'GET', '/v1/whoami', { key });
  expect(body).toMatchObject({ kind: 'standard', instance: false, permissions: [] });
  expect(body.key).toMatchObject({ id, scopes: ['a'] });
});

// A PUT that finds nothing makes the caller's own owner of that name, and a limit is there by its name.
const addressed = guarded.filter(
  ({ path, method, name }) => path.includes('{') && method !== 'PUT' && name !== 'takeLimit',
);
describe.each(addressed)('$name keeps workspaces apart', ({ name, method, path }) => {
  it('an id of another workspace is answered exactly like one that nobody has', async () => {
    const input = await prepare(name, theirs);
    // The caller's own workspace is the one meant where none is named.
    const foreign = { ...input, path: input.path.replace(/\?workspace_id=.*/, '') };
    const nobody = path.startsWith('/v1/owners')
      ? 'nobody'
      : '01900000-0000-7000-8000-0123456789ab';
    const part = foreign.path.split('/')[3]?.split('?')[0] ?? '';
    const random = { ...foreign, path: foreign.path.replace(part, nobody) };
    const replies = [await call(method, foreign, mine.key), await call(method, random, mine.key)];
    expect(replies.map(({ status }) => status)).toEqual([404, 404]);
    expect(replies.map(facts)[0]).toEqual(replies.map(facts)[1]);
  });
});

const naming = guarded.filter(({ operation }) => {
  const parameters = (operation.parameters ?? []).map((parameter) => parameter.name);
  const members = Object.keys(Object(sourceContract.bodySchema(operation)?.properties));
  return [...parameters, ...members].includes('workspace_id');
});
describe.each(naming)('$name takes no other workspace from a key of one', ({ name, method }) => {
  it('403 for another one and for one that nobody has, in the same words', async () => {
    const named = async (workspaceId: string): Promise<Input> => {
      const { path, body } = await prepare(name, service.defaultWorkspaceId);
      if (path.includes('workspace_id=')) {
        return { path: path.replace(/(?<=workspace_id=)[^&]*/, workspaceId), body };
      }
      return { path, body: { ...(body as object), workspace_id: workspaceId } };
    };
    const other = await call(method, await named(theirs), mine.key);
    const none = await call(method, await named('01900000-0000-7000-8000-0123456789ab'), mine.key);
    expect(told(other)).toMatch(/^403 /);
    expect(facts(none)).toEqual(facts(other));
    const own = await call(method, await named(service.defaultWorkspaceId), mine.key);
    expect(told(own)).toMatch(/^20[01] /);
  });
});

describe.each(guarded)('$name takes what it names and nothing else', ({ name, method }) => {
  it('422 for a parameter it does not have, by name', async () => {
    const { path, body } = await prepare(name);
    for (const parameter of ['nonsense', 'status[$ne]', 'sort', 'constructor', '__proto__']) {
      const given = `${encodeURIComponent(parameter)}=%27;drop`;
      const reply = await service.call(method, `${path}${path.includes('?') ? '&' : '?'}${given}`, {
        body,
      });
      expect(told(reply)).toMatch(/^422 /);
      expect(reply.body.errors).toMatchObject([{ pointer: parameter }]);
      expect(reply.body.detail).toContain(parameter);
    }
  });

  it('422 for a member that cannot be set, by pointer', async () => {
    const { path, body = {} } = await prepare(name);
    const reserved = [
      'nonsense',
      'status',
      'handle',
      'created_by',
      'created_at',
      'usage',
      'digest',
    ];
    for (const member of [...reserved, 'limits', 'credits', 'extension', 'isAdmin', 'a/b~c']) {
      const reply = await service.call(method, path, {
        body: { ...(body as object), [member]: 1 },
      });
      expect(told(reply)).toMatch(/^422 /);
      const pointer = `/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      expect(reply.body.errors).toMatchObject([{ pointer }]);
    }
  });
});

const bare = guarded.filter(({ operation }) => !operation.requestBody);
it.each(bare)('$name takes the empty object that many clients send', async ({ name, method }) => {
  const { path } = await prepare(name);
  expect(told(await service.call(method, path, { body: {} }))).toMatch(/^20[01] /);
});

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];
describe.each([...new Set(titled.map(({ path }) => path))])('%s', (path) => {
  const sent = path.replace(/\{.*?\}/, '01900000-0000-7000-8000-0123456789ab');

  it('answers 405 with Allow to any method it does not have, and allows no other origin', async () => {
    const known = METHODS.filter((method) => service.contract.callOf(method, sent));
    for (const method of METHODS.filter((one) => !known.includes(one))) {
      const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
      const reply = await service.call(method, sent, { headers });
      expect(`${method} ${reply.status}`).toBe(`${method} 405`);
      expect(reply.headers.allow?.split(', ').sort()).toEqual(known.sort());
      expect(reply.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('has one spelling: any other is 404', async () => {
    const parts = sent.split('/').slice(1);
    const last = parts.at(-1) ?? '';
    const spelled = [
      `/${sent}`,
      `${sent}/`,
      `${sent}//`,
      `${sent}/.`,
      `/.${sent}`,
      `/x/..${sent}`,
      sent.replace('/', '//'),
      sent.replace('/', '/%2e/'),
      sent.replace(/\/([^/]+)$/, '//$1'),
      sent.replace(/\/([^/]+)$/, '%2f$1'),
      sent.replace(/\/([^/]+)$/, '\\$1'),
      sent.replace(parts[0] ?? '', (text) => text.toUpperCase()),
      sent.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
      sent.replace(parts[0] ?? '', (text) => `${text};a=b`),
      sent.replace(parts[0] ?? '', (text) => `${text}/..;/${text}`),
      `${sent}/..%2f${last}`,
      `${sent}%00/x`,
      ...(path.endsWith('}') ? [] : [`${sent};a=b`, `${sent}%00`, `${sent}%20`, `${sent}.json`]),
    ];
    // What a parameter takes is another address, and what has no slash in front is no path.
    const isOther = (spelling: string) =>
      METHODS.some((method) => service.contract.callOf(method, spelling));
    for (const spelling of spelled.filter((one) => one.startsWith('/') && !isOther(one))) {
      for (const method of ['GET', 'POST']) {
        const reply = await service.call(method, spelling, {});
        expect(`${method} ${spelling} ${reply.status}`).toBe(`${method} ${spelling} 404`);
      }
    }
  });
});

it('404 for a workspace to make something in that is not there, in the same words once it is gone', async () => {
  const { id } = await service.createWorkspace();
  await service.expectCall(200, 'DELETE', `/v1/workspaces/${id}`);
  for (const [method, path] of [
    ['POST', '/v1/keys'],
    ['PUT', '/v1/owners/nobody'],
    ['POST', '/v1/members'],
  ] as const) {
    const who = { issuer: 'i', subject: 's', role: 'viewer' };
    const inWorkspace = (workspace_id: string) =>
      service.call(method, path, {
        body: { ...(path === '/v1/members' ? who : {}), workspace_id },
      });
    const gone = await inWorkspace(id);
    expect(told(gone)).toMatch(/^404 /);
    expect(facts(await inWorkspace('01900000-0000-7000-8000-0123456789ab'))).toEqual(facts(gone));
  }
});

it('a parameter of a path is one segment, decoded once', async () => {
  const ids = ['a/b', 'a b', '..', '.', 'a%2Fb', 'ä🔑', "' OR 1=1 --", 'a;b', 'a?b#c', '*'];
  for (const owner of ids) {
    // `.` and `..` have no spelling of their own that every hop keeps.
    const sent = encodeURIComponent(owner).replaceAll('.', '%2E');
    const body = await service.expectCall(201, 'PUT', `/v1/owners/${sent}`, { body: {} });
    expect(body.owner_id).toBe(owner);
    await service.expectCall(200, 'GET', `/v1/owners/${sent}`);
  }
  for (const broken of ['%', '%zz', '%c3%28', '%00', 'a%00b', '%ed%a0%80']) {
    await service.expectCall(404, 'GET', `/v1/owners/${broken}`);
  }
});

it('a limit is taken in a workspace that there is', async () => {
  const workspace_id = '01900000-0000-7000-8000-0123456789ab';
  const body = { identifier: 'somebody', limit: 1, window_seconds: 1, workspace_id };
  await service.expectCall(404, 'POST', '/v1/limits/calls/take', { body });
});

it('PUT of an owner makes it once and then replaces it, never that of another workspace', async () => {
  const path = '/v1/owners/twice';
  const there = await service.expectCall(201, 'PUT', path, {
    body: { name: 'Theirs', workspace_id: theirs },
  });
  const first = await service.expectCall(201, 'PUT', path, {
    body: { name: 'Ann' },
    key: mine.key,
  });
  const second = await service.expectCall(200, 'PUT', path, { body: { type: 'a' }, key: mine.key });
  expect([second.id, second.name, second.type]).toEqual([first.id, null, 'a']);
  const after = await service.expectCall(200, 'GET', `${path}?workspace_id=${theirs}`);
  expect(after).toEqual(there);
});

it('usage is not found for whom there is not, nor for whom is elsewhere', async () => {
  const path = '/v1/usage?owner_id=nobody-has-this-id';
  for (const key of [service.firstKey, mine.key]) {
    expect((await service.call('GET', path, { key })).status).toBe(404);
  }
});

it('every call of the document was answered with each success, 401, 403, 404 and 422 it names', () => {
  const { seen } = service.contract;
  // Nobody names a workspace that is not there to make one.
  const never = ['createWorkspace 404'];
  const missed = titled.flatMap(({ name, operation }) =>
    Object.keys(operation.responses)
      .filter((status) => /^20|401|403|404|422/.test(status) && !seen.has(`${name} ${status}`))
      .map((status) => `${name} ${status}`),
  );
  expect(missed.filter((one) => !never.includes(one))).toEqual([]);
});
