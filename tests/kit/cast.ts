// Who signs in by token in a test: subjects of one issuer, what they are members of,
// and tokens that are not good.

import { newSigner, startIssuer, type TestIssuer } from './issuer.ts';
import type { Service } from './service.ts';

/** Longer than the clock of any test moves on. */
const YEAR_SECONDS = 365 * 86_400;

/** An issuer for the default workspace and for one called `elsewhere`, with its row for the service. */
export async function startCastIssuer(now: () => number) {
  const issuer = await startIssuer(now);
  const workspaces = [{ workspace: 'default' }, { workspace: 'elsewhere' }];
  return { issuer, row: { issuer: issuer.url, audiences: ['warder'], workspaces } };
}

/** A token of that subject which outlives the test. */
export function tokenOf(issuer: TestIssuer, subject: string, claims: object = {}): string {
  return issuer.sign({ sub: subject, exp: exp(issuer), ...claims });
}

function exp(issuer: TestIssuer): number {
  const { iat } = JSON.parse(
    Buffer.from(issuer.sign().split('.')[1] ?? '', 'base64url').toString(),
  ) as { readonly iat: number };
  return iat + YEAR_SECONDS;
}

/**
 * Makes the workspace `elsewhere` and the members, and answers by name: their ids
 * (`member_admin`), their
 * tokens (`token_admin`), `elsewhere_id`, and the tokens that sign nobody in. `both` is an admin
 * here and there, `other` only there, `stranger` nowhere.
 */
export async function addCast(
  service: Service,
  issuer: TestIssuer,
): Promise<Readonly<Record<string, string>>> {
  const { id: elsewhere } = await service.createWorkspace({ slug: 'elsewhere' });
  const here = service.defaultWorkspaceId;
  const cast: Record<string, string> = { elsewhere_id: elsewhere };
  const add = async (name: string, role: string, workspaceId = here) => {
    const body = { issuer: issuer.url, subject: name, role, workspace_id: workspaceId };
    const { id } = await service.expectCall(201, 'POST', '/v1/members', { body });
    cast[`member_${name}`] ??= id;
    cast[`token_${name}`] = tokenOf(issuer, name);
  };
  for (const role of ['viewer', 'editor', 'admin', 'owner']) await add(role, role);
  await add('other', 'admin', elsewhere);
  await add('both', 'admin');
  await add('both', 'admin', elsewhere);
  const [head, payload] = tokenOf(issuer, 'admin').split('.');
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  const signer = { ...newSigner(), kid: issuer.newest().kid };
  return {
    ...cast,
    token_stranger: tokenOf(issuer, 'stranger'),
    token_expired: tokenOf(issuer, 'admin', { exp: exp(issuer) - YEAR_SECONDS - 61 }),
    token_wrong_audience: tokenOf(issuer, 'admin', { aud: 'another' }),
    token_none: `${none}.${payload}.`,
    token_unsigned: `${head}.${payload}.`,
    token_forged: issuer.sign({ sub: 'admin', exp: exp(issuer) }, { signer }),
  };
}
