import { expect, test } from 'vitest';
import { parseIssuers } from './issuers.ts';

const OIDC = {
  issuer: 'https://login.example.com/',
  audiences: ['warder'],
  workspaces: [{ workspace: 'acme' }],
};
const CLERK = {
  profile: 'clerk',
  issuer: 'https://clerk.example.com',
  authorized_parties: ['https://app.example.com'],
  workspaces: [{ workspace: 'acme', claim: 'org_1' }],
};

const parse = (...rows: unknown[]) => parseIssuers(JSON.stringify(rows));

function refusal(json: string): unknown {
  try {
    parseIssuers(json);
  } catch (error) {
    return error;
  }
  return expect.unreachable('the file should have been refused');
}

test('an OIDC issuer needs a name, an audience and a workspace, and is found by discovery', () => {
  expect(parse(OIDC)).toEqual([
    {
      issuer: 'https://login.example.com/',
      profile: 'oidc',
      audiences: ['warder'],
      authorizedParties: [],
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
      keys: { discoveryUrl: 'https://login.example.com/.well-known/openid-configuration' },
      claims: { subject: 'sub', workspace: null, role: null, name: 'name' },
      roles: {},
      workspaces: [{ workspace: 'acme', claim: null }],
    },
  ]);
});

test('a Clerk issuer needs an origin in place of the audience, and has its keys and claims where Clerk has them', () => {
  expect(parse({ ...CLERK, roles: { admin: 'editor' } })).toMatchObject([
    {
      profile: 'clerk',
      audiences: [],
      authorizedParties: ['https://app.example.com'],
      keys: { jwksUrl: 'https://clerk.example.com/.well-known/jwks.json' },
      claims: { subject: 'sub', workspace: 'o.id', role: 'o.rol', name: null },
      roles: { admin: 'editor' },
      workspaces: [{ workspace: 'acme', claim: 'org_1' }],
    },
  ]);
});

test('keys may be at another address or in a file, and then any text is an issuer', () => {
  const { keys } = parse({ ...OIDC, jwks_url: 'http://127.0.0.1:9000/keys' })[0] ?? {};
  expect(keys).toEqual({ jwksUrl: 'http://127.0.0.1:9000/keys' });
  const [row] = parse({ ...OIDC, issuer: 'joe', jwks_file: 'keys.json' });
  expect(row).toMatchObject({ issuer: 'joe', keys: { jwksFile: 'keys.json' } });
});

test('the address of discovery keeps the path of the issuer', () => {
  const [row] = parse({ ...OIDC, issuer: 'https://login.example.com/realms/one' });
  expect(row?.keys).toEqual({
    discoveryUrl: 'https://login.example.com/realms/one/.well-known/openid-configuration',
  });
});

const roles = { boss: 'admin' };
const twoWorkspaces = [{ workspace: 'a' }, { workspace: 'b' }];
test.each<[string, string, unknown]>([
  ['a row that is no object', 'issuers[0]', 'text'],
  ['no issuer', 'issuers[0].issuer', { ...OIDC, issuer: undefined }],
  ['an empty issuer', 'issuers[0].issuer', { ...OIDC, issuer: '' }],
  ['an issuer without an address', 'issuers[0].issuer', { ...OIDC, issuer: 'joe' }],
  ['an issuer over http', 'issuers[0].issuer', { ...OIDC, issuer: 'http://login.example.com' }],
  ['an issuer with a query', 'issuers[0].issuer', { ...OIDC, issuer: 'https://a.example/?x' }],
  ['metadata', 'issuers[0].issuer', { ...OIDC, issuer: 'https://169.254.169.254' }],
  ['metadata as keys', 'issuers[0].jwks_url', { ...OIDC, jwks_url: 'https://0xa9fea9fe/' }],
  ['a user name', 'issuers[0].jwks_url', { ...OIDC, jwks_url: 'https://a:b@c.example/' }],
  ['keys twice', 'issuers[0].jwks_file', { ...OIDC, jwks_url: 'https://a.b/', jwks_file: 'f' }],
  ['no audience', 'issuers[0].audiences', { ...OIDC, audiences: [] }],
  ['an audience that is no list', 'issuers[0].audiences', { ...OIDC, audiences: 'warder' }],
  ['an empty audience', 'issuers[0].audiences[0]', { ...OIDC, audiences: [''] }],
  ['Clerk without origin', 'issuers[0].authorized_parties', { ...CLERK, authorized_parties: [] }],
  ['another profile', 'issuers[0].profile', { ...OIDC, profile: 'saml' }],
  ['no signature', 'issuers[0].algorithms', { ...OIDC, algorithms: ['none'] }],
  ['a shared secret', 'issuers[0].algorithms', { ...OIDC, algorithms: ['RS256', 'HS256'] }],
  ['no algorithm', 'issuers[0].algorithms', { ...OIDC, algorithms: [] }],
  ['another claim', 'issuers[0].claims', { ...OIDC, claims: { email: 'email' } }],
  ['no subject', 'issuers[0].claims.subject', { ...OIDC, claims: { subject: '' } }],
  ['a role that is none', 'issuers[0].roles', { ...CLERK, roles: { admin: 'root' } }],
  ['roles without a claim', 'issuers[0].claims.role', { ...OIDC, roles }],
  [
    'a role for several workspaces',
    'issuers[0].roles',
    { ...OIDC, roles, claims: { role: 'role' }, workspaces: twoWorkspaces },
  ],
  [
    'a role for no workspace',
    'issuers[0].roles',
    { ...CLERK, roles, workspaces: [{ workspace: 'a' }] },
  ],
  ['no workspaces', 'issuers[0].workspaces', { ...OIDC, workspaces: undefined }],
  ['an empty list of workspaces', 'issuers[0].workspaces', { ...OIDC, workspaces: [] }],
  ['a workspace without name', 'issuers[0].workspaces[0].workspace', { ...OIDC, workspaces: [{}] }],
  [
    'a claim for two workspaces',
    'issuers[0].workspaces',
    {
      ...CLERK,
      workspaces: [
        { workspace: 'a', claim: 'c' },
        { workspace: 'b', claim: 'c' },
      ],
    },
  ],
  [
    'a value of no claim',
    'issuers[0].claims.workspace',
    { ...OIDC, workspaces: [{ workspace: 'a', claim: 'c' }] },
  ],
  ['a field that does not exist', 'issuers[0]', { ...OIDC, audience: 'warder' }],
])('%s is refused by the name of the field', (_, field, row) => {
  const error = refusal(JSON.stringify([row]));
  expect(error).toMatchObject({ code: 'invalid' });
  expect(String(error)).toMatch(/^WarderError: issuers\[0\]\S* must /);
  expect(String(error).split(' ')[1]).toBe(field);
});

test('an issuer is listed once', () => {
  expect(() => parse(OIDC, CLERK, OIDC)).toThrow(
    'issuers[2].issuer must not be that of another row',
  );
});

test('what is no JSON array, or says a thing twice, is refused', () => {
  expect(String(refusal('{'))).toContain('The file is not valid JSON.');
  expect(String(refusal('{}'))).toContain('issuers must be an array');
  expect(String(refusal('[]'))).toContain('issuers must be an array');
  expect(String(refusal('[{"issuer":"a","issuer":"b"}]'))).toContain('"issuer" twice');
});
