// What limits, costs and takes cannot be, over HTTP.

import { describe, expect, it } from 'vitest';
import type { Body } from '../kit/service.ts';
import { limitedService, limitOf } from './service.ts';

const of = limitedService();

describe('bad input names the field and the rule', () => {
  const told = ({ status, body }: { status: number; body: Body }) => [
    status,
    body.errors?.[0]?.pointer,
    body.errors?.[0]?.message,
  ];
  const UNITS = 'must be a whole number from 0 to 1000000000';
  const WINDOW = 'must be a whole number from 1 to 31622400';
  const NAME = 'must be 1 to 64 of a-z, 0-9, "_", "." and "-", and begin with a letter or digit';
  const many = Array.from({ length: 11 }, (_, i) => limitOf(`n${i}`, 1));

  it.each([
    [[limitOf('A', 1)], '/limits/0/name', NAME],
    [[limitOf('a', -1)], '/limits/0/limit', UNITS],
    [[limitOf('a', 1.5)], '/limits/0/limit', UNITS],
    [[limitOf('a', 2_000_000_000)], '/limits/0/limit', UNITS],
    [[limitOf('a', 1), limitOf('b', 1, 0)], '/limits/1/window_seconds', WINDOW],
    [[limitOf('a', 1, 367 * 86_400)], '/limits/0/window_seconds', WINDOW],
    [[{ name: 'a', limit: 1 }], '/limits/0/window_seconds', WINDOW],
    [
      [limitOf('a', 1), limitOf('a', 2)],
      '/limits/1/name',
      'must be given to one limit of the list only',
    ],
    [many, '/limits', 'must be at most 10'],
    [
      [limitOf('a', 1, 60, { override: { limit: -1, until: '2027-01-01T00:00:00Z' } })],
      '/limits/0/override/limit',
      UNITS,
    ],
  ])('limits %j', async (limits, pointer, message) => {
    const body = { workspace_id: of.workspace, limits };
    expect(told(await of.service.call('POST', '/v1/keys', { body }))).toEqual([
      422,
      pointer,
      message,
    ]);
    const put = await of.service.call('PUT', '/v1/owners/x', { body });
    expect(told(put)).toEqual([422, pointer, message]);
    for (const name of ['key_limits', 'owner_limits', 'workspace_limits']) {
      const path = `/v1/workspaces/${of.workspace}`;
      const patch = await of.service.call('PATCH', path, {
        body: { settings: { [name]: limits } },
      });
      expect(told(patch)).toEqual([422, `/settings${pointer.replace('limits', name)}`, message]);
    }
  });

  it.each([
    [[limitOf('a', 1, 60, { override: { limit: 1 } })], '/limits/0/override/until'],
    [[limitOf('a', 1, 60, { override: { limit: 1, until: 'soon' } })], '/limits/0/override/until'],
    [[limitOf('a', 1, 60, { burst: 1 })], '/limits/0/burst'],
    [['a'], '/limits/0'],
    ['a', '/limits'],
  ])('limits %j too', async (limits, pointer) => {
    const reply = await of.service.call('POST', '/v1/keys', { body: { limits } });
    expect(told(reply).slice(0, 2)).toEqual([422, pointer]);
  });

  it('limits are for standard keys only', async () => {
    const body = { kind: 'management', permissions: ['keys:read'], limits: [limitOf('a', 1)] };
    const made = await of.service.call('POST', '/v1/keys', { body });
    expect(told(made)).toEqual([422, '/limits', 'is for standard keys only']);
    const { id } = await of.service.manager(['keys:read']);
    const edit = { body: { limits: [limitOf('a', 1)] } };
    const edited = await of.service.call('PATCH', `/v1/keys/${id}`, edit);
    expect(told(edited)).toEqual([422, '/limits', 'is for standard keys only']);
  });

  it.each([
    [{ cost: -1 }, '/cost', UNITS],
    [{ cost: 0.5 }, '/cost', UNITS],
    [{ cost: 1_000_000_001 }, '/cost', UNITS],
    [{ cost: '1' }, '/cost', UNITS],
  ])('a verification with %j', async (more, pointer, message) => {
    const { key } = await of.create(null);
    const one = await of.service.call('POST', '/v1/keys/verify', { body: { key, ...more } });
    expect(told(one)).toEqual([422, pointer, message]);
    const body = { keys: [{ key }, { key, ...more }] };
    const batch = await of.service.call('POST', '/v1/keys/verify-batch', { body });
    expect(told(batch)).toEqual([422, `/keys/1${pointer}`, message]);
  });

  it.each([
    [{ identifier: '' }, '/identifier', 'must have 1 to 255 characters'],
    [{ identifier: 'x'.repeat(256) }, '/identifier', 'must have 1 to 255 characters'],
    [{ limit: -1 }, '/limit', UNITS],
    [{ window_seconds: 0 }, '/window_seconds', WINDOW],
    [{ window_seconds: 1e9 }, '/window_seconds', WINDOW],
    [{ cost: -1 }, '/cost', UNITS],
  ])('a take with %j', async (more, pointer, message) => {
    const body = { identifier: 'x', limit: 1, window_seconds: 60, ...more };
    const reply = await of.service.call('POST', '/v1/limits/a/take', { body });
    expect(told(reply)).toEqual([422, pointer, message]);
  });

  it.each(['A', 'a%20b', '_', 'a%3Ab', 'x'.repeat(65), '%C3%A9'])('a take of %s', async (name) => {
    const body = { identifier: 'x', limit: 1, window_seconds: 60 };
    const reply = await of.service.call('POST', `/v1/limits/${name}/take`, { body });
    expect(told(reply)).toEqual([422, 'name', NAME]);
  });
});
