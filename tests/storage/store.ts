// A store under test and what to put in it, made by the core's own functions.

import { createHash } from 'node:crypto';
import {
  type Act,
  ALL_GRANTS,
  addMember,
  bucketOf,
  type Change,
  COUNTED_CODES,
  type CreditsPatch,
  createOwner,
  createWorkspace,
  creditsEdit,
  type Digest,
  drawToken,
  GOOD,
  issueKey,
  type Key,
  type KeyPlan,
  type KeyTerms,
  type Member,
  type MemberFacts,
  type Storage,
  type Use,
  uuid7,
  WARDER_FORMAT,
  type Workspace,
} from '@warder/core';
import type { Lookup } from '../../packages/server/src/lookup.ts';
import { INSTANCE, NOW, seededBytes } from '../fixtures/domain.ts';

export interface Store {
  readonly storage: Storage;
  readonly lookup: Lookup;
}

/** Opens a new, empty store; the test closes it. */
export type OpenStore = () => Store | Promise<Store>;

const TERMS: KeyTerms = {
  name: null,
  ownerId: null,
  allowedCidrs: [],
  allowSelfRevoke: false,
  limits: null,
  metadata: {},
  extension: {},
  notBefore: null,
  expiresAt: null,
};

export const ISSUER = 'https://issuer.example';

export type Draft = Partial<KeyTerms & Omit<KeyPlan, 'terms'>>;

/** One good verification of a key. */
export function useOf(keyId: string, at: number): Use {
  const counts = COUNTED_CODES.map((code) => (code === 'valid' ? 1 : 0));
  return { keyId, hour: bucketOf('hour', at), lastUsedAt: at, counts };
}

export type World = ReturnType<typeof worldIn>;

/** A hand for a test: makes things, writes them, and asks with every right. */
export function worldIn({ storage, lookup }: Store, seed = 1) {
  const host = clockAndDice(seed);
  const all = storage.everywhere(INSTANCE.instance);
  const act = (): Act => ({
    actor: { type: 'key', id: host.actor },
    origin: { address: '192.0.2.1', requestId: 'request', sharedCredential: null },
    at: host.at,
    newId: () => host.newId(host.at),
  });

  const draft = (differing: Draft = {}) => {
    const { workspaceId = null, environment = 'live', replaces = null } = differing;
    const rights = differing.rights ?? { kind: 'standard', scopes: ['files:read'] };
    const format = WARDER_FORMAT.name;
    const terms = Object.fromEntries(
      Object.entries(TERMS).map(([name, value]) => [
        name,
        differing[name as keyof KeyTerms] ?? value,
      ]),
    ) as unknown as KeyTerms;
    const token = drawToken(WARDER_FORMAT, 'wdr', environment, host.random);
    const { credits = null } = differing;
    const about = { workspaceId, environment, format, replaces };
    const plan = { terms, rights, credits, ...about, state: GOOD };
    const { key, event } = issueKey(plan, token, host.random(32), act());
    const digest = host.digest(token.secret);
    const changes: Change[] = [
      { type: 'insert_key', key, digest },
      { type: 'insert_event', event },
    ];
    const write = creditsEdit(null, key, key.credits, key.createdAt);
    if (write !== null) changes.push({ type: 'write_credits', write });
    return { key, event, digest, changes };
  };

  return {
    storage,
    lookup,
    host,
    all,
    act,
    draft,
    async key(differing: Draft = {}) {
      const made = draft(differing);
      await done(all.commit(made.changes));
      return made;
    },
    managementKey: () =>
      draft({ rights: { kind: 'management', permissions: ['*'], grants: ALL_GRANTS } }),
    async workspace(name: string): Promise<Workspace> {
      const { workspace, event } = createWorkspace({ name }, act());
      await done(
        all.commit([
          { type: 'insert_workspace', workspace },
          { type: 'insert_event', event },
        ]),
      );
      return workspace;
    },
    async owner(workspaceId: string, externalId: string, credits?: CreditsPatch) {
      const facts = { metadata: { a: 1 }, limits: [], credits };
      const { owner, event } = createOwner(workspaceId, externalId, facts, act());
      const write = creditsEdit(null, owner, credits, owner.createdAt);
      await done(
        all.commit([
          { type: 'insert_owner', owner },
          { type: 'insert_event', event },
          ...(write === null ? [] : [{ type: 'write_credits', write } as const]),
        ]),
      );
      return owner;
    },
    async member(workspaceId: string, subject: string, facts: Partial<MemberFacts> = {}) {
      const who = { workspaceId, issuer: ISSUER, subject, role: 'editor', name: null } as const;
      const { member, event } = addMember({ ...who, ...facts }, 'api', act());
      await done(
        all.commit([
          { type: 'insert_member', member },
          { type: 'insert_event', event },
        ]),
      );
      return member;
    },
    /** Writes a member as an act of the core left it. */
    async editMember(before: Member, change: { member: Member } | null): Promise<Member> {
      if (change === null) return before;
      await done(
        all.commit([{ type: 'update_member', member: change.member, was: before.version }]),
      );
      return change.member;
    },
    /** Writes a key as an act of the core left it; null stands for an act that changed nothing. */
    async change(before: Key, change: { key: Key } | null): Promise<Key> {
      if (change === null) return before;
      await done(all.commit([{ type: 'update_key', key: change.key, was: before.version }]));
      return change.key;
    },
  };
}

function clockAndDice(seed: number) {
  const random = seededBytes(seed);
  let made = 0;
  return {
    /** Set by hand. */
    at: NOW,
    /** Who makes things. */
    actor: 'actor',
    random,
    /** Later ones sort after earlier ones of the same millisecond. No two clash, nor those of two seeds. */
    newId(at: number): string {
      const bytes = random(10);
      const later = (seed - 1) * 1_000 + (made >> 12);
      new DataView(bytes.buffer).setUint16(0, made++ & 0xfff);
      return uuid7(at + later, bytes);
    },
    digest: (secret: string): Digest => ({
      hex: createHash('sha256').update(secret).digest('hex'),
      pepperVersion: 0,
    }),
  };
}

async function done(commit: Promise<string>): Promise<void> {
  const result = await commit;
  if (result !== 'done') throw new Error(`not committed: ${result}`);
}
