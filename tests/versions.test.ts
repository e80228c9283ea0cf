// ETag and If-Match, on every call that changes what was there: obeyed where sent,
// so that of many who read one version one writes; required nowhere.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../packages/server/src/dialects/native/dialect.ts';
import { describeApi } from '../packages/server/src/openapi.ts';
import { createContract } from './kit/contract.ts';
import { INPUTS, type Input } from './kit/inputs.ts';
import { type Answered, type Service, startService } from './kit/service.ts';

const guarded = createContract(describeApi(native, '0.0.0', null))
  .calls.filter(({ operation }) => operation.security.length > 0)
  .map((call) => ({ ...call, name: call.operation.operationId }));

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

const prepare = async (name: string): Promise<Input> => {
  const prepared = INPUTS[name];
  if (!prepared) throw new Error(`${name} has no input in tests/kit/inputs.ts`);
  return await prepared(service, service.defaultWorkspaceId);
};
const told = ({ status, text }: Answered) => `${status} ${text}`;

const versioned = guarded.filter(({ operation }) =>
  operation.parameters?.some((parameter) => parameter.name === 'If-Match'),
);
/** A balance is no part of a version: what changes it alone leaves the version to be matched again. */
const OF_BALANCES = ['creditKey', 'creditOwner'];
describe.each(versioned)('$name minds If-Match', ({ name, method, path }) => {
  const send = (input: Input, ifMatch: string) =>
    service.call(method, input.path, { body: input.body, headers: { 'if-match': ifMatch } });

  it('412 for another version or what is none, and nothing happens', async () => {
    const input = await prepare(name);
    const before = await service.counts();
    for (const other of ['"99"', '"0"', '1', 'W/"1"', '"1", "2"', '"1"x', '""', '']) {
      expect(`${other} ${told(await send(input, other))}`).toContain(`${other} 412 `);
    }
    expect(await service.counts()).toEqual(before);
    // `*` is whatever is there (RFC 9110, 13.1.1), which is nothing yet for an owner that is made.
    expect((await send(input, '*')).status).toBe(name === 'putOwner' ? 412 : 200);
  });

  it('of many at once with the version they all read, one happens, or all that leave it', async () => {
    const input = await prepare(name);
    const [, base, noun, id = ''] = input.path.split('?')[0]?.split('/') ?? [];
    const query = path.startsWith('/v1/owners')
      ? `?workspace_id=${service.defaultWorkspaceId}`
      : '';
    const read = () => service.call('GET', `/${base}/${noun}/${id}${query}`);
    const bare = { workspace_id: service.defaultWorkspaceId };
    if (name === 'putOwner') await service.call(method, input.path, { body: bare });
    const isEnd = /^(delete|remove)/.test(name);
    const { etag } = (await read()).headers;
    expect(etag).toMatch(/^"\d+"$/);
    const all = await Promise.all(Array.from({ length: 8 }, () => send(input, String(etag))));
    const done = all.filter(({ status }) => status === 200);
    if (OF_BALANCES.includes(name)) {
      expect(done.map(({ headers }) => headers.etag)).toEqual(Array(8).fill(etag));
      return;
    }
    expect(done.length).toBe(1);
    expect(new Set(all.filter((one) => !done.includes(one)).map(({ status }) => status))).toEqual(
      new Set([isEnd ? 404 : 412]),
    );
    if (!isEnd) {
      expect((await read()).headers.etag).toBe(done[0]?.headers.etag);
      expect(done[0]?.headers.etag).not.toBe(etag);
    }
  });
});

const unversioned = guarded.filter((one) => !versioned.includes(one));
it.each(unversioned)('$name has no version to match and minds none', async ({ name, method }) => {
  const { path, body } = await prepare(name);
  for (const ifMatch of ['"99"', 'nonsense']) {
    const reply = await service.call(method, path, { body, headers: { 'if-match': ifMatch } });
    if (reply.status !== 409) expect(told(reply)).toMatch(/^20[01] /);
  }
});
