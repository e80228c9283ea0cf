import { expect, test } from 'vitest';
import { AddressError, addressOf } from './address.ts';

test.each([
  [
    'postgres://localhost',
    { hosts: [{ host: 'localhost', port: 5432 }], database: 'postgres', user: null },
  ],
  [
    'postgresql://ann:p%40ss@db.example:6432/keys?application_name=one',
    {
      hosts: [{ host: 'db.example', port: 6432 }],
      user: 'ann',
      password: 'p@ss',
      database: 'keys',
      applicationName: 'one',
    },
  ],
  [
    'postgres://ann@one:1,two:2,[::1]:3/keys',
    {
      hosts: [
        { host: 'one', port: 1 },
        { host: 'two', port: 2 },
        { host: '::1', port: 3 },
      ],
    },
  ],
  [
    'postgres://ann@/keys?host=/run/pg&port=7',
    { hosts: [{ host: '/run/pg', port: 7 }], tls: null },
  ],
  ['postgres://ann@%2Frun%2Fpg/keys', { hosts: [{ host: '/run/pg', port: 5432 }], tls: null }],
  ['postgres://db?sslmode=disable', { tls: null }],
  ['postgres://db', { tls: { need: 'tried', ca: null } }],
  ['postgres://db?sslmode=require', { tls: { need: 'encrypted', ca: null } }],
  ['postgres://db?sslmode=verify-full', { tls: { need: 'named', ca: null } }],
  ['postgres://db?sslrootcert=system', { tls: { need: 'named', ca: null } }],
])('%s is read as libpq reads it', (url, expected) => {
  expect(addressOf(url)).toMatchObject(expected);
});

test.each([
  ['mysql://ann:hunter2@db/keys', /postgres:\/\//],
  ['postgres://ann:hunter2@db:x/keys', /port|postgres:\/\//],
  ['postgres://ann:hunter2@db:70000/keys', /port/],
  ['postgres://ann:hunter2%@db/keys', /%/],
  ['postgres://ann:hunter2@db/keys?sslmode=maybe', /sslmode is one of/],
  ['postgres://ann:hunter2@db/keys?pool=3', /not "pool"/],
  ['postgres://ann:hunter2@db/keys?sslrootcert=/nowhere.pem', /sslrootcert/],
])('%s is refused by the rule it breaks, without its password', (url, rule) => {
  expect(() => addressOf(url)).toThrow(AddressError);
  expect(() => addressOf(url)).toThrow(rule);
  expect(() => addressOf(url)).not.toThrow(/hunter2/);
});
