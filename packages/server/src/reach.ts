// What is read within a reach, in every engine: rows by their ids, confined to one
// workspace or not, and lists. How a statement runs, each engine says itself.

import {
  type CommitResult,
  creditsAt,
  isSubject,
  type Key,
  type KeyFilter,
  type NotedRefusal,
  type Reach,
  type Slice,
  type SliceRequest,
  type Spend,
  type Spent,
  type Storage,
  type UsageBucket,
  type UsageSpan,
  type UsageSubject,
} from '@warder/core';
import { listErasure, listPrunable, listUnlogged, listUnsealed } from './chains.ts';
import { confine } from './commit.ts';
import type { BalanceRow } from './credit-rows.ts';
import type { CreditStatements } from './credits.ts';
import { listEvents } from './events.ts';
import type { Lookup } from './lookup.ts';
import { type MemberRow, memberOf } from './member-rows.ts';
import { listKeysOfMember, listMembers, type MemberStatements } from './members.ts';
import { replyOf } from './reply-rows.ts';
import { candidateOf, installationOf, keyOf, ownerOf, workspaceOf } from './rows.ts';
import {
  type Listing,
  listKeysToErase,
  listOwners,
  listWorkspaces,
  type Walks,
  type Within,
} from './slices.ts';
import { at, type Builder, type Query, type Statements } from './storage.ts';

/** What an engine brings. */
export interface Engine {
  readonly builder: Builder;
  readonly texts: Statements & MemberStatements & CreditStatements;
  readonly walks: Walks;
  /** The first row that a statement finds, or null. @throws unavailable */
  row<Row>(query: Query): Promise<Row | null>;
  /** All of them, of which there are few. @throws unavailable */
  rows<Row>(query: Query): Promise<readonly Row[]>;
  /** The same of the look-up by digest, which waits for none of the others. */
  lookup<Row>(query: Query): Promise<Row | null>;
  /** Runs the queries of a list in one snapshot; whom it is asked for bounds whom it may hold up. @throws unavailable */
  list<Answer>(listing: Listing<Answer>, within: Within): Promise<Answer>;
  keys(within: Within, filter: KeyFilter, slice: SliceRequest): Listing<Slice<Key>>;
  usage(within: Within, subject: UsageSubject, span: UsageSpan): Listing<readonly UsageBucket[]>;
  refusals(within: Within, keyId: string): Listing<readonly NotedRefusal[]>;
  /** Writes all of the changes or none; nothing outside the reach is among them. */
  commit(changes: Parameters<Reach['commit']>[0]): Promise<CommitResult>;
}

/** The part of a store that only reads, and commits. */
export type Reading = Pick<
  Storage,
  'within' | 'everywhere' | 'installation' | 'members' | 'reply' | 'check'
> & {
  /** A spend that takes nothing. */
  balance(spend: Spend): Promise<Spent>;
};

export function readingOf(engine: Engine): { reading: Reading; lookup: Lookup } {
  const { texts } = engine;
  const one = async <Row, Value>(query: Query, toValue: (row: Row) => Value) => {
    const found = await engine.row<Row>(query);
    return found && toValue(found);
  };
  return {
    lookup: {
      async find(digests) {
        const values = digests.map(({ hex }) => Buffer.from(hex, 'hex'));
        const found = await engine.lookup<Parameters<typeof candidateOf>[0]>(
          texts.candidate(digests.length).with(values),
        );
        return found && candidateOf(found);
      },
    },
    reading: {
      within: (workspaceId) => reachOf(engine, workspaceId),
      everywhere: () => reachOf(engine, null),
      installation: async () => installationOf(await engine.rows(texts.installation.with({}))),
      async members(issuer, subject) {
        if (!isSubject({ issuer, subject })) return [];
        const found = await engine.rows<MemberRow>(texts.membersOf.with({ issuer, subject }));
        return found.map(memberOf);
      },
      reply: (id) => one(texts.reply.with({ id }), replyOf),
      async balance({ subject, refill, cost, now }) {
        const found = await engine.row<Omit<BalanceRow, 'subject'>>(
          texts.balance.with({ subject }),
        );
        if (found === null) return 'stale';
        const credits = { remaining: found.balance, refillAt: found.refill_at, refill };
        const { remaining, refillAt } = creditsAt(credits, now);
        return { enough: remaining >= cost, remaining, refillAt };
      },
      async check() {
        await engine.row(texts.check.with({}));
      },
    },
  };

  function reachOf(
    { builder, walks, keys, usage, refusals, commit }: Engine,
    within: Within,
  ): Reach {
    const list = <Answer>(listing: Listing<Answer>) => engine.list(listing, within);
    return {
      key: (id) =>
        one(
          within === null
            ? texts.key.with(at(id))
            : texts.keyWithin.with({ ...at(id), workspaceId: within }),
          keyOf,
        ),
      async keyOfHandle(handle) {
        const found = await one(texts.keyOfHandle.with({ handle }), keyOf);
        return found?.workspaceId === within || within === null ? found : null;
      },
      keys: (filter, slice) => list(keys(within, filter, slice)),
      workspace: async (id) =>
        isOutside(within, id) ? null : one(texts.workspace.with({ id }), workspaceOf),
      async workspaceOfSlug(slug) {
        const found = await one(texts.workspaceOfSlug.with({ slug }), workspaceOf);
        return found === null || isOutside(within, found.id) ? null : found;
      },
      workspaces: (filter, slice) => list(listWorkspaces(walks, within, filter, slice)),
      owner: async (workspaceId, externalId) =>
        isOutside(within, workspaceId)
          ? null
          : one(texts.owner.with({ workspaceId, externalId }), ownerOf),
      async ownerOfId(id) {
        const found = await one(texts.ownerOfId.with(at(id)), ownerOf);
        return found === null || isOutside(within, found.workspaceId) ? null : found;
      },
      owners: (filter, slice) => list(listOwners(walks, within, filter, slice)),
      member: (id) =>
        one(
          within === null
            ? texts.member.with(at(id))
            : texts.memberWithin.with({ ...at(id), workspaceId: within }),
          memberOf,
        ),
      memberOf: async (workspaceId, { issuer, subject }) =>
        isOutside(within, workspaceId) || !isSubject({ issuer, subject })
          ? null
          : one(texts.memberOf.with({ workspaceId, issuer, subject }), memberOf),
      members: (filter, slice) => list(listMembers(walks, within, filter, slice)),
      keysOfMember: (member, kept, most) =>
        list(listKeysOfMember(texts, within, member, kept, most)),
      events: (filter, slice) => list(listEvents(walks, within, filter, slice)),
      keysToErase: (most) => list(listKeysToErase(walks, within, most)),
      erasure: (most) => list(listErasure(builder, within, most)),
      unsealed: (most) => list(listUnsealed(builder, within, most)),
      prunable: (before, most) => list(listPrunable(builder, within, before, most)),
      unlogged: (most) => list(listUnlogged(builder, within, most)),
      usage: (subject, span) => list(usage(within, subject, span)),
      refusals: (keyId) => list(refusals(within, keyId)),
      async commit(changes): Promise<CommitResult> {
        confine(within, changes);
        return await commit(changes);
      },
    };
  }
}

function isOutside(within: Within, workspaceId: string): boolean {
  return within !== null && within !== workspaceId;
}
