// The store in one SQLite file. The thread that verifies reads single rows and
// commits, each commit one synchronous transaction; whatever walks is read in a
// thread of its own (embedded/reader.ts). Several processes may use one file.

import {
  type Change,
  type CommitRefusal,
  type CommitResult,
  dayOf,
  isSubject,
  nextTurn,
  type Reach,
  type Storage,
  statusOf,
  type Use,
} from '@warder/core';
import type Database from 'better-sqlite3';
import {
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import {
  chainStatements,
  listErasure,
  listPrunable,
  listUnlogged,
  listUnsealed,
} from '../chains.ts';
import { commitSteps, confine } from '../commit.ts';
import { listEvents } from '../events.ts';
import type { Lookup } from '../lookup.ts';
import { type MemberRow, memberOf } from '../member-rows.ts';
import { listKeysOfMember, listMembers, memberStatements } from '../members.ts';
import {
  candidateOf,
  installationOf,
  keyOf,
  ownerOf,
  replyOf,
  type UsedKeyRow,
  workspaceOf,
} from '../rows.ts';
import { type Listing, listKeysToErase, listOwners, listWorkspaces } from '../slices.ts';
import { at, type Query, statements, type Tables } from '../storage.ts';
import { type Doing, isBusy, toldOf, unavailable } from './embedded/failure.ts';
import { openFile, type Pending } from './embedded/file.ts';
import { listKeys } from './embedded/key-list.ts';
import { shareFile } from './embedded/lock.ts';
import { isMetadataDue, tendMetadata } from './embedded/metadata.ts';
import { MIGRATIONS } from './embedded/migrations.ts';
import { openReader } from './embedded/reader.ts';

export interface EmbeddedOptions {
  /** Path of the database file. It and a missing folder are made for their owner alone. */
  readonly file: string;
  /** After which a list is given up. */
  readonly listMilliseconds?: number;
  /** How long a call waits while another process writes. */
  readonly busyMilliseconds?: number;
  /** Whether a file that lacks migrations is migrated (after a copy, unless said otherwise) or refused. */
  readonly pending?: Pending;
}

const USES_A_COMMIT = 100;

/** @throws SchemaError where this program must not run on the file, FileRefused while it is restored */
export function openEmbedded(options: EmbeddedOptions): { storage: Storage; lookup: Lookup } {
  const { file, listMilliseconds = 10_000, busyMilliseconds = 5_000, pending = 'run' } = options;
  const { connection, release } = openShared(file, pending);
  const reader = openReader(file, listMilliseconds);
  const texts = {
    ...statements(builder),
    ...chainStatements(builder),
    ...memberStatements(builder),
  };
  const prepared = new Map<string, Database.Statement>();

  const prepare = (sql: string): Database.Statement => {
    const found = prepared.get(sql) ?? connection.prepare(sql);
    prepared.set(sql, found);
    return found;
  };
  const rows = <Row>({ sql, parameters }: Query) => prepare(sql).all(...parameters) as Row[];
  const row = <Row>({ sql, parameters }: Query) =>
    (prepare(sql).get(...parameters) ?? null) as Row | null;
  const affected = (query: Query): number => {
    const statement = prepare(query.sql);
    if (statement.reader) return row(query) === null ? 0 : 1;
    return statement.run(...query.parameters).changes;
  };

  /** Runs what takes the thread for a moment; waits without it while another process has the file. */
  const patiently = async <Result>(doing: Doing, run: () => Result): Promise<Result> => {
    for (let giveUpAt = 0; ; ) {
      if (!connection.open) throw unavailable(doing, 'the store is closed');
      try {
        return run();
      } catch (error) {
        giveUpAt ||= performance.now() + busyMilliseconds;
        if (!isBusy(error) || performance.now() > giveUpAt) throw toldOf(error, doing);
      }
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10));
    }
  };
  const readOne = async <Row, Value>(query: Query, toValue: (row: Row) => Value) => {
    const found = await patiently('read', () => row<Row>(query));
    return found && toValue(found);
  };
  const readList = async <Result>({ queries, answer }: Listing<Result>): Promise<Result> =>
    answer(await reader.read(queries));

  // SQLite's own count of what other connections committed; this one's commits do not move it.
  const readVersion = connection.prepare('PRAGMA data_version').pluck();
  let version: unknown;
  const changedElsewhere = (): boolean => {
    try {
      const before = version;
      version = readVersion.get();
      return version !== before;
    } catch {
      return true;
    }
  };

  const commit = connection.transaction((changes: readonly Change[]) => {
    const steps = commitSteps(texts, changes);
    let step = steps.next();
    while (!step.done) step = steps.next(affected(step.value));
    if (step.value !== 'done') throw new Refused(step.value);
  });
  const recordUses = connection.transaction((uses: readonly Use[]) => {
    for (const use of uses) {
      affected(texts.recordUse.with({ ...at(use.keyId), at: use.at }));
      affected(texts.recordDay.with({ ...at(use.keyId), day: dayOf(use.at) }));
    }
  });
  const turnStates = connection.transaction((now: number, most: number) => {
    const turning = rows<UsedKeyRow>(texts.turning.with({ now, most })).map(keyOf);
    for (const key of turning) {
      const turned = { state: statusOf(key, now), turns_at: nextTurn(key, now) };
      affected(texts.turn.with({ ...at(key.id), ...turned }));
    }
    return turning.length;
  });
  const tend = connection.transaction(() => tendMetadata(connection));

  const reach = (within: string | null): Reach => ({
    key: (id) =>
      readOne(
        within === null
          ? texts.key.with(at(id))
          : texts.keyWithin.with({ ...at(id), workspaceId: within }),
        keyOf,
      ),
    async keyOfHandle(handle) {
      const found = await readOne(texts.keyOfHandle.with({ handle }), keyOf);
      return found?.workspaceId === within || within === null ? found : null;
    },
    keys: (filter, slice) => readList(listKeys(builder, within, filter, slice)),
    workspace: async (id) =>
      isOutside(within, id) ? null : readOne(texts.workspace.with({ id }), workspaceOf),
    async workspaceOfSlug(slug) {
      const found = await readOne(texts.workspaceOfSlug.with({ slug }), workspaceOf);
      return found === null || isOutside(within, found.id) ? null : found;
    },
    workspaces: (filter, slice) => readList(listWorkspaces(builder, within, filter, slice)),
    owner: async (workspaceId, externalId) =>
      isOutside(within, workspaceId)
        ? null
        : readOne(texts.owner.with({ workspaceId, externalId }), ownerOf),
    async ownerOfId(id) {
      const found = await readOne(texts.ownerOfId.with(at(id)), ownerOf);
      return found === null || isOutside(within, found.workspaceId) ? null : found;
    },
    owners: (filter, slice) => readList(listOwners(builder, within, filter, slice)),
    member: (id) =>
      readOne(
        within === null
          ? texts.member.with(at(id))
          : texts.memberWithin.with({ ...at(id), workspaceId: within }),
        memberOf,
      ),
    memberOf: async (workspaceId, { issuer, subject }) =>
      isOutside(within, workspaceId) || !isSubject({ issuer, subject })
        ? null
        : readOne(texts.memberOf.with({ workspaceId, issuer, subject }), memberOf),
    members: (filter, slice) => readList(listMembers(builder, within, filter, slice)),
    keysOfMember: (member, kept, most) =>
      readList(listKeysOfMember(texts, within, member, kept, most)),
    events: (filter, slice) => readList(listEvents(builder, within, filter, slice)),
    keysToErase: (most) => readList(listKeysToErase(builder, within, most)),
    erasure: (most) => readList(listErasure(builder, within, most)),
    unsealed: (most) => readList(listUnsealed(builder, within, most)),
    prunable: (before, most) => readList(listPrunable(builder, within, before, most)),
    unlogged: (most) => readList(listUnlogged(builder, within, most)),
    async commit(changes): Promise<CommitResult> {
      confine(within, changes);
      try {
        await patiently('write', () => commit.immediate(changes));
        return 'done';
      } catch (error) {
        if (error instanceof Refused) return error.refusal;
        throw error;
      }
    },
  });

  return {
    lookup: {
      find: (digests) =>
        readOne(
          texts.candidate(digests.length).with(digests.map(({ hex }) => Buffer.from(hex, 'hex'))),
          candidateOf,
        ),
      changedElsewhere,
    },
    storage: {
      within: (workspaceId) => reach(workspaceId),
      everywhere: () => reach(null),
      installation: async () =>
        installationOf(await patiently('read', () => rows(texts.installation.with({})))),
      async members(issuer, subject) {
        if (!isSubject({ issuer, subject })) return [];
        const query = texts.membersOf.with({ issuer, subject });
        return (await patiently('read', () => rows<MemberRow>(query))).map(memberOf);
      },
      reply: (id) => readOne(texts.reply.with({ id }), replyOf),
      async recordUses(uses) {
        for (let from = 0; from < uses.length; from += USES_A_COMMIT) {
          // Between two commits, whoever waits for the thread comes first.
          if (from > 0) await new Promise((resolve) => setImmediate(resolve));
          const some = uses.slice(from, from + USES_A_COMMIT);
          await patiently('write', () => recordUses.immediate(some));
        }
      },
      async turnStates(now, most) {
        // Found by reading alone: a thread that has nothing to write takes no lock.
        const due = await patiently('read', () => row(texts.turning.with({ now, most: 1 })));
        return due === null ? 0 : patiently('write', () => turnStates.immediate(now, most));
      },
      async tendLists() {
        const due = await patiently('read', () => isMetadataDue(connection));
        return due && patiently('write', () => tend.immediate());
      },
      pruneReplies: (now, most) =>
        patiently('write', () => affected(texts.pruneReplies.with({ now, most }))),
      async check() {
        await patiently('read', () => row(texts.check.with({})));
      },
      async close() {
        await reader.close();
        connection.close();
        release();
      },
    },
  };
}

function openShared(file: string, pending: Pending) {
  const release = shareFile(file);
  try {
    return { connection: openFile(file, MIGRATIONS, pending), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Compiles to SQLite's words and never runs them: that is for this engine's own driver. */
export const builder = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** Thrown to roll a transaction back. */
class Refused extends Error {
  readonly refusal: CommitRefusal;
  constructor(refusal: CommitRefusal) {
    super(refusal);
    this.refusal = refusal;
  }
}

function isOutside(within: string | null, workspaceId: string): boolean {
  return within !== null && within !== workspaceId;
}
