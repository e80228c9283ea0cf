// Bad parameters of every list: limits, filters and cursors that are none are refused
// by name, and what only looks like SQL is a text like any other.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../packages/server/src/dialects/native/dialect.ts';
import { describeApi } from '../packages/server/src/openapi.ts';
import { createContract } from './kit/contract.ts';
import { type Answered, type Service, startService } from './kit/service.ts';

const lists = createContract(describeApi(native, '0.0.0', null))
  .calls.map((call) => ({ ...call, name: call.operation.operationId }))
  .filter(({ name }) => name.startsWith('list'));
const told = ({ status, text }: Answered) => `${status} ${text.slice(0, 300)}`;
const pointersOf = ({ body }: Answered) => (body.errors ?? []).map(({ pointer }) => pointer);

let service: Service;
beforeAll(async () => {
  service = await startService();
  await service.createWorkspace();
  for (const owner_id of ['a', 'b', 'c']) {
    await service.createKey({ owner_id });
    const body = { issuer: 'i', subject: owner_id, role: 'viewer' };
    await service.expectCall(201, 'POST', '/v1/members', { body });
  }
});
afterAll(() => service.close());

describe.each(lists)('$name', ({ name, method, path, operation }) => {
  const ask = (query: string) => service.call(method, `${path}?${query}`);

  it('422 for a limit that is none', async () => {
    const limits = ['', '0', '-1', '+1', '1.5', '0x10', '1e3', '201', '1000000000', '9'.repeat(40)];
    for (const limit of [...limits, ' 1', '1 ', '١', 'NaN', 'Infinity', 'null', '1,2', '[]']) {
      const reply = await ask(`limit=${encodeURIComponent(limit)}`);
      expect(`${limit} ${told(reply)}`).toContain(`${limit} 422 `);
      expect(pointersOf(reply)).toEqual(['limit']);
    }
  });

  it('422 for a parameter that is not of its list, 400 for one given twice or not decodable', async () => {
    const enums = (operation.parameters ?? []).filter(
      ({ in: place, schema }) =>
        (place === 'query' && schema.type !== 'string') ||
        schema.enum ||
        schema.const ||
        schema.format,
    );
    for (const { name: parameter } of enums) {
      for (const value of ['', 'x', 'constructor', "active'--", '%27', 'true,false', '*']) {
        const reply = await ask(`${parameter}=${encodeURIComponent(value)}`);
        expect(`${parameter}=${value} ${told(reply)}`).toContain(`${parameter}=${value} 422 `);
        expect(pointersOf(reply)).toEqual([parameter]);
      }
    }
    for (const broken of ['limit=1&limit=1', 'limit=1&%6cimit=2', 'after=%', 'after=%ff']) {
      expect(told(await ask(broken))).toMatch(/^400 /);
    }
    for (const text of ['%00', 'a%00', '%ed%a0%80']) {
      expect(told(await ask(`after=${text}`))).toMatch(/^400 /);
    }
  });

  it('422 for a cursor that is cut, changed, or of another list', async () => {
    const { next } = await service.expectCall(200, method, `${path}?limit=1`);
    if (next === null) throw new Error('the list is too short');
    const flipped = Array.from(
      { length: next.length },
      (_, i) => `${next.slice(0, i)}${next[i] === 'A' ? 'B' : 'A'}${next.slice(i + 1)}`,
    );
    const cut = [1, 2, 10, 40].map((length) => next.slice(0, -length));
    const spelled = [
      `${next}=`,
      `${next}A`,
      ` ${next}`,
      next.toUpperCase(),
      '',
      'null',
      '1',
      'W10',
    ];
    for (const cursor of [...flipped, ...cut, ...spelled].filter((one) => one !== next)) {
      const reply = await ask(`after=${encodeURIComponent(cursor)}`);
      expect(told(reply)).toMatch(/^422 /);
      expect(pointersOf(reply)).toEqual(['after']);
    }
    for (const { path: other } of lists.filter((list) => list.path !== path)) {
      expect((await service.call('GET', `${other}?after=${next}`)).status).toBe(422);
    }
    if (name !== 'listWorkspaces') {
      const { defaultWorkspaceId } = service;
      expect((await ask(`after=${next}&workspace_id=${defaultWorkspaceId}`)).status).toBe(422);
      const { id } = await service.createWorkspace();
      const { key } = await service.manager('*', { workspace_id: id });
      expect((await service.call(method, `${path}?after=${next}`, { key })).status).toBe(422);
    }
    if (name === 'listKeys') expect((await ask(`after=${next}&kind=standard`)).status).toBe(422);
    expect((await ask(`after=${next}&before=${next}`)).status).toBe(422);
    // The cursor itself is good, and an unlike limit does not change its list.
    expect((await ask(`after=${next}&limit=7`)).status).toBe(200);
  });
});

it('text that looks like SQL is text', async () => {
  for (const text of ["' OR 1=1 --", '%', '_', "\\'; DROP TABLE keys;--", '" OR ""="']) {
    const owner = encodeURIComponent(text);
    const found = await service.expectCall(200, 'GET', `/v1/keys?owner_id=${owner}&include=total`);
    expect([found.data, found.total]).toEqual([[], 0]);
    await service.expectCall(404, 'GET', `/v1/owners/${owner}`);
    await service.expectCall(404, 'GET', `/v1/keys/${owner}`);
    await service.expectCall(404, 'GET', `/v1/workspaces/${owner}`);
  }
});

it('no reply was a 5xx, and no line of the log an error', () => {
  expect([...service.contract.seen].filter((one) => / 5\d\d$/.test(one))).toEqual([]);
  expect(service.log.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
});
