import { expect, test } from 'vitest';
import { fetchable } from './address.ts';

function ruleAgainst(text: string, local = true): string {
  try {
    fetchable(text, local);
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return 'none';
}

test.each([
  'https://issuer.example.com/jwks',
  'https://issuer.example.com:8443/realms/a@b/jwks?x=1',
  'https://10.1.2.3/jwks',
  'https://172.16.0.1/jwks',
  'https://192.168.1.1/jwks',
  'https://[2a00:1450::1]/jwks',
  'http://127.0.0.1:7000/jwks',
  'http://[::1]/jwks',
  'http://localhost:8080/jwks',
  'http://issuer.localhost/jwks',
])('%s may be fetched from', (text) => {
  expect(ruleAgainst(text)).toBe('none');
});

test.each([
  'http://issuer.example.com/jwks',
  'http://10.1.2.3/jwks',
  'http://localhost.example.com/jwks',
])('%s must be https', (text) => {
  expect(ruleAgainst(text)).toMatch(/^must be https/);
});

test.each([
  'ftp://issuer.example.com/jwks',
  'file:///etc/passwd',
  'data:application/json,{}',
  'javascript:1',
  'issuer.example.com/jwks',
  '//issuer.example.com/jwks',
  '',
  'https://',
  'https://issuer.example.com /jwks',
  'https://issuer.example.com\n',
])('%j is no address', (text) => {
  expect(ruleAgainst(text)).toBe('must be an https:// address');
});

test.each([
  'https://user@issuer.example.com/',
  'https://user:word@issuer.example.com/',
  'https://@issuer.example.com/',
  'https:issuer.example.com@127.0.0.1/',
  'https:\\\\issuer.example.com@127.0.0.1/',
  'https://issuer.example.com#@127.0.0.1/',
])('%s has a user name or a fragment', (text) => {
  expect(ruleAgainst(text)).toMatch(/^must have no user name/);
});

test.each([
  ['a dot at its end', 'https://localhost./'],
  ['metadata', 'https://169.254.169.254/'],
  ['metadata, decimal', 'https://2852039166/'],
  ['metadata, octal', 'https://0251.0376.0251.0376/'],
  ['metadata, hexadecimal', 'https://0xa9fea9fe/'],
  ['metadata, short', 'https://169.16689662/'],
  ['metadata, a dot at its end', 'https://169.254.169.254./'],
  ['metadata, wide digits', 'https://１６９.２５４.１６９.２５４/'],
  ['metadata, mapped', 'https://[::ffff:a9fe:a9fe]/'],
  ['metadata, mapped with dots', 'https://[::ffff:169.254.169.254]/'],
  ['metadata, translated', 'https://[64:ff9b::a9fe:a9fe]/'],
  ['metadata, 6to4', 'https://[2002:a9fe:a9fe::]/'],
  ['metadata, compatible', 'https://[::a9fe:a9fe]/'],
  ['metadata by IPv6', 'https://[fd00:ec2::254]/'],
  ['loopback, mapped', 'http://[::ffff:7f00:1]/'],
  ['loopback, mapped, https', 'https://[::ffff:127.0.0.1]/'],
  ['private, mapped', 'https://[::ffff:10.0.0.1]/'],
  ['shared', 'https://100.64.0.1/'],
  ['shared, to its end', 'https://100.127.255.254/'],
  ['any', 'https://0.0.0.0/'],
  ['any, short', 'https://0/'],
  ['any, IPv6', 'https://[::]/'],
  ['link-local', 'https://[fe80::1]/'],
  ['multicast', 'https://224.0.0.1/'],
  ['broadcast', 'https://255.255.255.255/'],
])('%s is refused: %s', (_, text) => {
  expect(ruleAgainst(text)).toMatch(/^must /);
});

test.each([
  'http://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0177.0.0.1/',
  'https://[::1]/',
  'https://localhost/',
  'https://a.localhost/',
])('%s is on this machine, and refused where that is not wanted', (text) => {
  expect(ruleAgainst(text, false)).toBe('must not be on this machine');
});
