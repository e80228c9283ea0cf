// Signing in as a member. A verified token says who it is and for which workspaces
// it speaks; the members and the token's own claims say to which of those it belongs;
// the call says which one it is about, where there are several.

import {
  callerOfMember,
  type Host,
  joinByClaim,
  type Member,
  type Origin,
  type Role,
  type Storage,
  type TokenSubject,
  WarderError,
  type Workspace,
} from '@warder/core';
import { isCalled, type Way } from '../auth.ts';

/** What a verified token says of who presents it. */
export interface Claims extends TokenSubject {
  readonly name: string | null;
  /** By id or slug. */
  readonly workspaces: readonly string[];
  /** The membership that it asserts itself, in one of those; null for none. */
  readonly claimed: { readonly workspace: string; readonly role: Role } | null;
}

export interface MemberParts {
  /** Null where no issuer is known. */
  readonly verify: ((jwt: string) => Promise<Claims>) | null;
  readonly storage: Storage;
  readonly host: Host;
  /** By id or slug; null where it is deleted or suspended. */
  readonly workspaceInUse: (idOrSlug: string) => Promise<Workspace | null>;
}

export function signInByToken({ verify, storage, host, workspaceInUse }: MemberParts): Way {
  return async ({ text, workspace: asked }, { members, bounds }, origin) => {
    if (members === null || verify === null) {
      throw new WarderError('unauthenticated', 'Tokens are not taken here.', { refusal: 'jwt' });
    }
    const member = await memberOf(await verify(text), asked?.toLowerCase(), origin);
    const ownerId = members === 'own_keys' ? member.id : null;
    return callerOfMember(member, { ...bounds, ownerId }, origin);
  };

  async function memberOf(claims: Claims, asked: string | undefined, origin: Origin) {
    const { issuer, subject, name, claimed } = claims;
    const open = await workspacesOf(claims);
    const about = asked ?? claimed?.workspace;
    if (about === undefined) return await onlyMember(claims, open);
    const workspace = named(open, about);
    if (workspace === undefined) throw notAMember();
    const { id: workspaceId } = workspace;
    const member =
      claimed !== null && named(open, claimed.workspace) === workspace
        ? await joinByClaim(
            storage,
            host,
            { workspaceId, issuer, subject, name, role: claimed.role },
            origin,
          )
        : (await membersOf(claims, [workspace]))[0];
    if (!member) throw notAMember();
    return member;
  }

  async function workspacesOf({ workspaces }: Claims): Promise<readonly Workspace[]> {
    const found = await Promise.all(workspaces.map(workspaceInUse));
    return found.filter((workspace) => workspace !== null);
  }

  async function membersOf(
    { issuer, subject }: TokenSubject,
    open: readonly Workspace[],
  ): Promise<readonly Member[]> {
    const all = await storage.members(issuer, subject);
    return all.filter(
      ({ removedAt, workspaceId }) =>
        removedAt === null && open.some(({ id }) => id === workspaceId),
    );
  }

  async function onlyMember(claims: Claims, open: readonly Workspace[]): Promise<Member> {
    const [member, other] = await membersOf(claims, open);
    if (member === undefined) throw notAMember();
    if (other === undefined) return member;
    throw new WarderError(
      'bad_request',
      'You are a member of several workspaces: name one, by its id or slug, in the header X-Workspace-Id.',
      { part: 'header' },
    );
  }
}

/** Nobody takes another workspace's place by having its id as a slug. */
function named(open: readonly Workspace[], idOrSlug: string): Workspace | undefined {
  return open.find(({ id }) => id === idOrSlug) ?? open.find((one) => isCalled(one, idOrSlug));
}

function notAMember(): WarderError {
  return new WarderError(
    'unauthenticated',
    'You are not a member of this workspace, or not of any that your token speaks for.',
    { refusal: 'not_a_member' },
  );
}
