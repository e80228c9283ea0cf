import { expect, test } from 'vitest';
import { claimantOf, MAX_CLAIM_LENGTH } from './claims.ts';
import { type Issuer, parseIssuers } from './issuers.ts';

function issuerOf(row: object): Issuer {
  const base = { issuer: 'https://login.example.com', audiences: ['warder'] };
  const [issuer] = parseIssuers(JSON.stringify([{ ...base, ...row }]));
  if (issuer === undefined) throw new Error('no row');
  return issuer;
}

const BY_CLAIM = issuerOf({
  claims: { workspace: 'o.id', role: 'o.rol' },
  roles: { member: 'viewer', lead: 'editor', boss: 'admin' },
  workspaces: [
    { workspace: 'acme', claim: 'org_1' },
    { workspace: 'globex', claim: 'org_2' },
    { workspace: 'shared' },
  ],
});
const ONE = issuerOf({
  claims: { role: 'https://example.com/roles' },
  roles: { lead: 'editor', boss: 'admin', constructor: 'owner' },
  workspaces: [{ workspace: 'acme' }],
});

test('a token speaks for the workspace its claim stands for, and for those that need none', () => {
  const claimant = claimantOf({ sub: 'u', name: 'Ann', o: { id: 'org_2', rol: 'lead' } }, BY_CLAIM);
  expect(claimant).toEqual({
    subject: 'u',
    name: 'Ann',
    workspaces: ['globex', 'shared'],
    claimed: { workspace: 'globex', role: 'editor' },
  });
});

test.each([
  ['no claim', {}],
  ['another value', { o: { id: 'org_3', rol: 'boss' } }],
  ['a value that is no text', { o: { id: ['org_1'], rol: 'boss' } }],
  ['a claim spelt with the dot', { 'o.id': 'org_1', 'o.rol': 'boss' }],
  ['a text where an object is', { o: 'org_1' }],
])('with %s no workspace is claimed', (_, more) => {
  expect(claimantOf({ sub: 'u', ...more }, BY_CLAIM)).toMatchObject({
    workspaces: ['shared'],
    claimed: null,
  });
});

test('a role that is not mapped is none, and the workspace stays', () => {
  for (const rol of ['owner', '__proto__', 'toString', 7, null, ['owner']]) {
    const claimant = claimantOf({ sub: 'u', o: { id: 'org_1', rol } }, BY_CLAIM);
    expect(claimant).toMatchObject({ workspaces: ['acme', 'shared'], claimed: null });
  }
});

test('a name with a slash is one name, and of several roles the greatest counts', () => {
  const roles = ['lead', 'boss', 'nobody', 7];
  expect(claimantOf({ sub: 'u', 'https://example.com/roles': roles }, ONE)).toMatchObject({
    workspaces: ['acme'],
    claimed: { workspace: 'acme', role: 'admin' },
  });
  expect(claimantOf({ sub: 'u' }, ONE)).toMatchObject({ workspaces: ['acme'], claimed: null });
});

test('a subject is a text of 1 to 255 characters, exactly as it is written', () => {
  const longest = 'x'.repeat(MAX_CLAIM_LENGTH);
  expect(claimantOf({ sub: longest }, ONE).subject).toBe(longest);
  expect(claimantOf({ sub: ' U' }, ONE).subject).toBe(' U');
  for (const sub of [undefined, '', `${longest}x`, 7, null, ['u'], { id: 'u' }]) {
    expect(() => claimantOf({ sub }, ONE)).toThrow('This token does not say whom it is for.');
  }
});

test('a name that is no short text is none', () => {
  for (const name of [undefined, '', 7, 'x'.repeat(MAX_CLAIM_LENGTH + 1)]) {
    expect(claimantOf({ sub: 'u', name }, ONE).name).toBe(null);
  }
});
