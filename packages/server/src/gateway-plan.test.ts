// The file of a gateway: what it says, and how it is refused.

import { describe, expect, it } from 'vitest';
import { parseGatewayPlan } from './gateway-plan.ts';
import { nginx } from './gateways/nginx.ts';

const RULE = { path: '/v1/files', scopes: ['files:read'] };
const PLAN = { kind: 'nginx', environment: 'live', workspace: 'default', rules: [RULE] };
const parse = (more: object) => parseGatewayPlan(JSON.stringify({ ...PLAN, ...more }));
const rule = (more: object) => ({ rules: [{ ...RULE, ...more }] });

describe('the plan of a gateway', () => {
  it('takes a key as a bearer token or in X-API-Key, and the address from X-Forwarded-For', () => {
    expect(parse({})).toEqual({
      kind: nginx,
      environment: 'live',
      workspace: 'default',
      carriages: [{ in: 'bearer' }, { in: 'header', name: 'x-api-key' }],
      clientAddress: 'x-forwarded-for',
      rules: [
        {
          methods: null,
          segments: ['v1', 'files'],
          open: false,
          scopes: ['files:read'],
          query: undefined,
        },
      ],
    });
  });

  it('serves every environment and workspace only where it says so', () => {
    expect(parse({ environment: '*', workspace: '*' })).toMatchObject({
      environment: null,
      workspace: null,
    });
  });

  it('has exact paths, paths with any one segment, and all that begin with one', () => {
    const patternOf = (path: string) => parse(rule({ path })).rules[0];
    expect(patternOf('/')).toMatchObject({ segments: [], open: false });
    expect(patternOf('/**')).toMatchObject({ segments: [], open: true });
    expect(patternOf('/v1/*/parts')).toMatchObject({ segments: ['v1', null, 'parts'] });
    expect(patternOf('/v1/*/**')).toMatchObject({ segments: ['v1', null], open: true });
  });

  it.each<[more: object, message: string | RegExp]>([
    [{ kind: 'apache' }, 'kind must be nginx, forward-auth or envoy'],
    [{ kind: undefined }, 'kind must be a text'],
    [{ environment: 'prod' }, 'environment must be live, test or *'],
    [{ environment: undefined }, 'environment must be a text'],
    [{ workspace: 'a b' }, 'workspace must be an id, a slug, or * for every workspace'],
    [{ workspace: undefined }, 'workspace must be a text'],
    [{ client_address: 'x y' }, 'client_address must be the name of a header'],
    [{ carriages: 'bearer' }, 'carriages must be a list'],
    [{ carriages: [1] }, 'carriages must be a list of texts'],
    [{ carriages: [] }, 'carriages must name one place at least, and none twice'],
    [
      { carriages: ['header:X-A', 'header:x-a'] },
      'carriages must name one place at least, and none twice',
    ],
    ...[
      'cookie',
      'header:',
      'header:Cookie',
      'header:x-forwarded-uri',
      'header:X-Warder-Key-Id',
    ].map((one): [object, RegExp] => [
      { carriages: ['bearer', one] },
      /^carriages\[1\] must be bearer, header:NAME or /,
    ]),
    [{ rule: [] }, /^rule is no field: there are kind, environment, /],
    [{ rules: undefined }, 'rules must be a list'],
    [{ rules: [] }, 'rules must have one rule at least'],
    [{ rules: ['/'] }, 'rules[0] must be an object'],
    [rule({ scope: 'a' }), 'rules[0].scope is no field: there are methods, path, scopes, query'],
    [rule({ scopes: undefined }), 'rules[0].scopes must be a list'],
    [rule({ scopes: ['a b'] }), /^rules\[0\]\.scopes must be scopes: printable ASCII /],
    [rule({ query: 'a and' }), 'rules[0].query ends where a scope is expected'],
    [rule({ methods: [] }), /^rules\[0\]\.methods must be a list of methods in capitals/],
    [rule({ methods: ['get'] }), /^rules\[0\]\.methods must be a list of methods in capitals/],
    ...[
      '',
      'v1',
      '/v1/',
      '//v1',
      '/a/../b',
      '/%61',
      '/caf%c3%a9',
      '/a*',
      '/**/a',
      '/a;b',
      '/é',
    ].map((path): [object, RegExp] => [
      rule({ path }),
      /^rules\[0\]\.path must begin with \/ and be canonical/,
    ]),
  ])('%j is refused by its field and rule', (more, message) => {
    expect(() => parse(more)).toThrow(message);
  });

  it.each(['', '[]', 'null', '{"kind": '])('%j is no plan', (text) => {
    expect(() => parseGatewayPlan(text)).toThrow('must hold a JSON object');
  });

  it.each([
    ['/**', '/admin'],
    ['/**', '/admin/**'],
    ['/v1/*', '/v1/admin'],
    ['/v1/*/**', '/v1/*/a'],
    ['/V1/*', '/v1/admin'],
  ])('a rule for %s may not stand before one for %s, which would never be asked', (first, then) => {
    const rules = [
      { path: first, scopes: [] },
      { path: then, methods: ['GET', 'PUT'], scopes: ['admin'] },
    ];
    expect(() => parse({ rules })).toThrow('rules[1] is never reached: rules[0] fits before it');
    expect(() => parse({ rules: rules.toReversed() })).not.toThrow();
    const [open, admin] = rules;
    const apart = [{ ...open, methods: ['POST'] }, admin];
    expect(() => parse({ rules: apart })).not.toThrow();
    const meeting = [{ ...open, methods: ['POST', 'PUT'] }, admin];
    expect(() => parse({ rules: meeting })).toThrow('rules[1] is never reached');
  });
});
