// Bad bodies, tried on every call they can be sent to: a 4xx that names the field and
// the rule, never a 5xx, nothing stored, nothing left behind.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonSchema } from '../packages/server/src/components.ts';
import { native } from '../packages/server/src/dialects/native/dialect.ts';
import { describeApi } from '../packages/server/src/openapi.ts';
import { runs } from './fixtures/domain.ts';
import { createContract } from './kit/contract.ts';
import { INPUTS, type Input } from './kit/inputs.ts';
import { type Answered, type Service, startService } from './kit/service.ts';

const contract = createContract(describeApi(native, '0.0.0', null));
const calls = contract.calls
  .filter(({ operation }) => operation.security.length > 0)
  .map((call) => ({ ...call, name: call.operation.operationId }));
const taking = calls.filter(({ operation }) => operation.requestBody);
const told = ({ status, text }: Answered) => `${status} ${text.slice(0, 300)}`;
const pointersOf = ({ body }: Answered) => (body.errors ?? []).map(({ pointer }) => pointer);

let service: Service;
const inputs: Record<string, Input> = {};
let counts: Awaited<ReturnType<Service['counts']>>;
let heap = 0;

beforeAll(async () => {
  service = await startService();
  for (const { name } of calls) {
    const made = await INPUTS[name]?.(service, service.defaultWorkspaceId);
    if (made) inputs[name] = made;
  }
  // Warm, so that what grows from here on is what was left behind.
  await service.call('POST', '/v1/keys', { raw: 'x'.repeat(300_000) });
  counts = await service.counts();
  heap = heapNow();
});
afterAll(() => service.close());

function heapNow(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

const inputOf = (name: string): Input => {
  const input = inputs[name];
  if (!input) throw new Error(`${name} has no input`);
  return input;
};

type Raw = string | Uint8Array;
const json = { 'content-type': 'application/json' };
const latin = (text: string) => Buffer.from(text, 'latin1');
const nested = (depth: number) => `{"metadata":${'['.repeat(depth)}${']'.repeat(depth)}}`;

/** Bodies that no call takes, with what each is answered. */
const bodies: Record<string, [status: number, raw: Raw, headers?: Record<string, string>]> = {
  'one byte more than is read': [413, ' '.repeat(256 * 1024 + 1)],
  'as large, in chunks': [413, 'a'.repeat(300_000), { ...json, 'transfer-encoding': 'chunked' }],
  'a string of 250 KB that does not end': [400, `{"name":"${'a'.repeat(250_000)}`],
  'arrays 100,000 deep': [400, '['.repeat(100_000)],
  'objects 40,000 deep': [400, '{"a":'.repeat(40_000)],
  'metadata 33 deep': [400, nested(32)],
  'no text': [400, ''],
  'a blank': [400, ' '],
  'an object cut short': [400, '{"name":"a"'],
  'two objects': [400, '{}{}'],
  'a comma too many': [400, '{"name":"a",}'],
  'single quotes': [400, "{'name':'a'}"],
  'a comment': [400, '{}//'],
  NaN: [400, '{"name":NaN}'],
  'a hexadecimal number': [400, '{"name":0x10}'],
  'a leading zero': [400, '{"name":01}'],
  'a raw line break in a string': [400, '{"name":"a\nb"}'],
  'a member twice': [400, '{"name":"a","name":"b"}'],
  'a member twice, once escaped': [400, '{"name":"a","n\\u0061me":"b"}'],
  'a member twice, far inside': [400, '{"metadata":{"a":[{"b":1,"b":1}]}}'],
  __proto__: [400, '{"__proto__":{"admin":true}}'],
  '__proto__, escaped and inside': [400, '{"metadata":{"\\u005f_proto__":{"admin":true}}}'],
  'a byte that is no UTF-8': [400, latin('{"name":"caf\xe9"}')],
  'an overlong slash': [400, latin('{"name":"\xc0\xaf"}')],
  'a surrogate in UTF-8': [400, latin('{"name":"\xed\xa0\x80"}')],
  'a byte order mark': [400, '\ufeff{"name":"a"}'],
  'UTF-16': [400, Buffer.from('{"name":"a"}', 'utf16le')],
  null: [422, 'null'],
  'an array': [422, '[]'],
  'a string': [422, '"name"'],
  'a number': [422, '1'],
  NUL: [422, '{"name":"a\\u0000b"}'],
  'NUL in the name of a member': [422, '{"a\\u0000b":1}'],
  'half a surrogate pair': [422, '{"name":"\\ud83d"}'],
  'the other half, far inside': [422, '{"metadata":{"a":["\\udd11"]}}'],
  '1e400': [422, '{"name":1e400}'],
  '-1e400': [422, '{"metadata":{"a":-1e400}}'],
  '2^53 + 1': [422, '{"name":9007199254740993}'],
  'a number of 400 digits': [422, `{"name":${'9'.repeat(400)}}`],
  '10,000 members': [422, `{${Array.from({ length: 10_000 }, (_, i) => `"m${i}":1`).join(',')}}`],
  'a member with a name of 200 KB': [422, `{"${'a'.repeat(200_000)}":1}`],
  'NUL under such a name': [422, `{"metadata":{"${'~'.repeat(200_000)}":"\\u0000"}}`],
  'a gzip bomb': [415, gzipSync(' '.repeat(5_000_000)), { ...json, 'content-encoding': 'gzip' }],
  'another encoding': [415, '{}', { ...json, 'content-encoding': 'br' }],
  'a form': [415, 'name=a', { 'content-type': 'application/x-www-form-urlencoded' }],
  'plain text': [415, '{}', { 'content-type': 'text/plain' }],
  'no type': [415, '{}', {}],
  'a type that only begins like JSON': [415, '{}', { 'content-type': 'application/jsonp' }],
  'two types in one': [415, '{}', { 'content-type': 'text/plain, application/json' }],
};

describe.each(Object.entries(bodies))(
  'a body that is %s',
  (what, [status, raw, headers = json]) => {
    // A call that takes no body does not miss one either.
    const some = what === 'no text' ? taking : calls;

    it(`is ${status} on every call`, async () => {
      for (const { name, method, operation } of some) {
        if (what === 'no text' && !operation.requestBody?.required) continue;
        const reply = await service.call(method, inputOf(name).path, { raw, headers });
        expect(`${name} ${told(reply)}`).toMatch(new RegExp(`^${name} ${status} `));
        expect(reply.text.length).toBeLessThan(20_000);
      }
    });
  },
);

it('10 MB are refused with a reply, not a reset, with and without a length', async () => {
  const raw = 'a'.repeat(10_000_000);
  for (const headers of [json, { ...json, 'transfer-encoding': 'chunked' }]) {
    for (let i = 0; i < 5; i++) {
      expect((await service.call('POST', '/v1/keys', { raw, headers })).status).toBe(413);
    }
  }
});

/** Values of every kind of JSON, and the odd ones among them. */
const odd = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  Number.MAX_SAFE_INTEGER,
  '',
  'text',
  '5',
  '*',
  'constructor',
  [],
  [null],
  [7],
  ['x', {}],
  {},
  { a: 1 },
  { scopes: {} },
];

/** Every member of a schema, and of what is inside it, with the schema of its own. */
function membersOf(schema: JsonSchema, path: readonly string[] = []): [string[], JsonSchema][] {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).flatMap(([name, own]) => [
    [[...path, name], own] as [string[], JsonSchema],
    ...membersOf(own, [...path, name]),
  ]);
}

describe.each(taking)('$name', ({ name, method, operation }) => {
  const schema = contract.bodySchema(operation) ?? {};

  it.each(membersOf(schema).map(([path, own]) => ({ at: `/${path.join('/')}`, path, own })))(
    '422 for every value of $at that its schema does not have, naming it',
    async ({ at, path, own }) => {
      const { body = {}, path: target } = inputOf(name);
      const isValid = contract.compile(own);
      for (const value of odd.filter((one) => !isValid(one))) {
        const wrong = path.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
        const sent = { ...(body as object), ...(wrong as object) };
        const reply = await service.call(method, target, { body: sent });
        expect(`${JSON.stringify(value)} ${told(reply)}`).toContain(
          `${JSON.stringify(value)} 422 `,
        );
        expect(pointersOf(reply).every((one) => one === at || one.startsWith(`${at}/`))).toBe(true);
        expect(pointersOf(reply).length).toBeGreaterThan(0);
      }
    },
  );
});

describe('a number that bounds something', () => {
  const settings = ['default_life_seconds', 'max_life_seconds', 'max_keys', 'max_keys_per_owner'];
  const bounds = [
    ...settings.map((name) => ['POST', '/v1/workspaces', `/settings/${name}`] as const),
    ...settings.map((name) => ['PATCH', '', `/settings/${name}`] as const),
    ['POST', '/v1/keys', '/grants/max_life_seconds'] as const,
  ];

  it.each(bounds)('%s %s 422 for %s that is none', async (method, path, at) => {
    const [, outer = '', inner = ''] = at.split('/');
    const more = method === 'POST' ? { name: 'A', kind: 'management', permissions: ['*'] } : {};
    const { name: _, ...terms } = more as Record<string, unknown>;
    const base = outer === 'settings' ? (method === 'POST' ? { name: 'A' } : {}) : terms;
    const target = path || inputOf('updateWorkspace').path;
    const zero = inner.startsWith('max_keys') ? [] : ['0'];
    for (const text of [
      ...zero,
      '-1',
      '1.5',
      '"5"',
      '9007199254740992',
      '1e309',
      'true',
      '[]',
      '-0.5',
    ]) {
      const json = JSON.stringify({ ...base, [outer]: { [inner]: 'HERE' } });
      const raw = json.replace('"HERE"', text);
      const headers = { 'content-type': 'application/json' };
      const reply = await service.call(method, target, { raw, headers });
      expect(`${text} ${told(reply)}`).toContain(`${text} 422 `);
      expect(pointersOf(reply)).toEqual([at]);
    }
  });
});

describe('a date', () => {
  const dates = [
    '2027-02-30T00:00:00Z',
    '2027-02-29T00:00:00Z',
    '2027-13-01T00:00:00Z',
    '2027-01-01T25:00:00Z',
    '2027-01-01T00:00:00',
    '2027-01-01 00:00:00Z',
    '2027-01-01',
    '0000-01-01T00:00:00Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '10000-01-01T00:00:00Z',
    '+010000-01-01T00:00:00Z',
    '2027-01-01T00:00:00+25:00',
    '2027-01-01T00:00:00Zzz',
    'now',
    '1e12',
    1_800_000_000,
  ];

  it.each(['expires_at', 'not_before'])('422 for a %s that is no moment', async (member) => {
    for (const [method, path] of [
      ['POST', '/v1/keys'],
      ['PATCH', inputOf('updateKey').path],
    ] as const) {
      for (const date of dates) {
        const reply = await service.call(method, path, { body: { [member]: date } });
        expect(`${date} ${told(reply)}`).toContain(`${date} 422 `);
        expect(pointersOf(reply)).toEqual([`/${member}`]);
      }
    }
  });
});

describe('after all of this', () => {
  it('nothing was stored, and what stood there stands as it was', async () => {
    expect(await service.counts()).toEqual(counts);
    const key = await service.expectCall(200, 'GET', inputOf('updateKey').path);
    expect([key.name, key.status, key.updated_at]).toEqual(['A key', 'active', key.created_at]);
  });

  it('no reply was a 5xx, and no line of the log an error', () => {
    expect([...service.contract.seen].filter((one) => / 5\d\d$/.test(one))).toEqual([]);
    expect(service.log.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
    expect(Math.max(...service.log.map((line) => line.length))).toBeLessThan(10_000);
  });

  it('every call was answered with each 400, 413, 415 and 422 it names', () => {
    const missed = calls.flatMap(({ name, operation }) =>
      Object.keys(operation.responses)
        .filter((status) => /400|413|415|422/.test(status))
        .map((status) => `${name} ${status}`)
        .filter((one) => !service.contract.seen.has(one)),
    );
    expect(missed).toEqual([]);
  });

  it('no prototype was touched, and the memory is what it was', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Object.getOwnPropertyNames(Object.prototype).length).toBe(12);
    expect((heapNow() - heap) / 1e6).toBeLessThan(50);
  });
});

it('whatever JSON is sent, the reply is one that the document names, and never a 5xx', async () => {
  const alone = await startService();
  const made: Record<string, Input> = {};
  for (const { name } of taking) {
    const input = await INPUTS[name]?.(alone, alone.defaultWorkspaceId);
    if (input) made[name] = input;
  }
  const names = new Map(
    taking.map(({ name, operation }) => [
      name,
      membersOf(contract.bodySchema(operation) ?? {}).map(([[first = '']]) => first),
    ]),
  );
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom<unknown>(...odd),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...taking),
      fc.array(fc.tuple(fc.nat(), anything), { maxLength: 4 }),
      async ({ name, method }, members) => {
        const own = names.get(name) ?? [];
        const body = Object.fromEntries(
          members.map(([which, value]) => [own[which % own.length] ?? '', value]),
        );
        const { status } = await alone.call(method, made[name]?.path ?? '', { body });
        expect(status).toBeLessThan(500);
      },
    ),
    { numRuns: runs(400, 5_000) },
  );
  await alone.close();
});
