import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../tests/fixtures/domain.ts';
import { native } from './dialects/native/dialect.ts';
import { createRouter } from './router.ts';

const find = createRouter(native.routes);
const found = (method: string, path: string) => {
  const { route, params } = find(method, path);
  return [route.operationId, params];
};
const refused = (method: string, path: string) => refusalOf(() => find(method, path));

describe('a route', () => {
  it('is found by the one spelling of its path, a fixed segment before a parameter', () => {
    expect(found('POST', '/v1/keys')).toEqual(['createKey', {}]);
    expect(found('POST', '/v1/keys/verify')).toEqual(['verifyKey', {}]);
    expect(found('GET', '/v1/keys/verify')).toEqual(['getKey', { id: 'verify' }]);
    expect(found('POST', '/v1/keys/verify/revoke')).toEqual(['revokeKey', { id: 'verify' }]);
  });

  it('takes a parameter as one segment, decoded once', () => {
    const spelled: Record<string, string> = {
      'a%2Fb': 'a/b',
      'a%252Fb': 'a%2Fb',
      'a+b': 'a+b',
      'a;b=c': 'a;b=c',
      '%2e%2e': '..',
      '%F0%9F%94%91': '🔑',
      __proto__: '__proto__',
    };
    for (const [sent, owner_id] of Object.entries(spelled)) {
      expect(found('GET', `/v1/owners/${sent}`)).toEqual(['getOwner', { owner_id }]);
    }
  });

  it('is not found by any other spelling', () => {
    for (const path of [
      '',
      '/',
      'v1/keys',
      '/v1/keys/',
      '//v1/keys',
      '/v1//keys',
      '/V1/keys',
      '/v1/Keys',
      '/v1/ke%79s',
      '/v1%2fkeys',
      '/v1/keys;a=b',
      '/v1/keys%00',
      '/v1/./keys',
      '/v1/x/../keys',
      '/v1/keys#a',
      '/v1/owners/',
      '/v1/owners/.',
      '/v1/owners/..',
      '/v1/owners/%',
      '/v1/owners/%00',
      '/v1/owners/%ff',
      '/v1/owners/%ed%a0%80',
      '/v1/owners/a/b',
    ]) {
      expect(`${path} ${refused('GET', path)}`).toBe(`${path} not_found`);
    }
  });

  it('names the methods of a path that has others', () => {
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'get', '', 'PUT']) {
      expect(refused(method, '/v1/keys')).toBe('method_not_allowed');
    }
    expect(() => find('PUT', '/v1/keys')).toThrow(
      expect.objectContaining({ facts: { allow: ['POST', 'GET'] } }),
    );
  });
});
