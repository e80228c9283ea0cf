// The store in one SQLite file. The thread that verifies reads single rows; whatever
// walks is read in a thread of its own (embedded/reader.ts), and so is whatever
// writes (embedded/writer.ts). Several processes may use one file.

import {
  type Change,
  type CommitResult,
  type Credits,
  creditsAt,
  isSubject,
  type Reach,
  type Spend,
  type Spent,
  type Storage,
} from '@warder/core';
import { listErasure, listPrunable, listUnlogged, listUnsealed } from '../chains.ts';
import { confine } from '../commit.ts';
import type { BalanceRow } from '../credit-rows.ts';
import { creditStatements } from '../credits.ts';
import { listEvents } from '../events.ts';
import { gather } from '../gathering.ts';
import type { Lookup } from '../lookup.ts';
import { type MemberRow, memberOf } from '../member-rows.ts';
import { listKeysOfMember, listMembers, memberStatements } from '../members.ts';
import { replyOf } from '../reply-rows.ts';
import {
  candidateOf,
  installationOf,
  keyOf,
  ownerOf,
  type WindowRow,
  windowOf,
  workspaceOf,
} from '../rows.ts';
import { type Listing, listKeysToErase, listOwners, listWorkspaces } from '../slices.ts';
import { at, type Query, statements } from '../storage.ts';
import { builder } from './embedded/builder.ts';
import { connected } from './embedded/connection.ts';
import { isBusy, toldOf, unavailable } from './embedded/failure.ts';
import { onlyRead, openFile, type Pending } from './embedded/file.ts';
import { listKeys } from './embedded/key-list.ts';
import { shareFile } from './embedded/lock.ts';
import { isMetadataDue } from './embedded/metadata.ts';
import { MIGRATIONS } from './embedded/migrations.ts';
import { newBoard, TRUSTED_MILLISECONDS, watchBoard } from './embedded/others.ts';
import { openReader } from './embedded/reader.ts';
import { isSearchDue } from './embedded/search.ts';
import { listRefusals, listUsage } from './embedded/usage-figures.ts';
import { isUsageDue } from './embedded/usage-upkeep.ts';
import { walksIn } from './embedded/walk.ts';
import { openWriter } from './embedded/writer.ts';

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

const WINDOWS_A_COMMIT = 100;
const walks = walksIn(builder);
/** So many share a transaction at the most: whoever waits next is held up that long. */
const SPENDS_TOGETHER = 1_000;
const COMMITS_TOGETHER = 32;

/** @throws SchemaError where this program must not run on the file, FileRefused while it is restored */
export function openEmbedded(options: EmbeddedOptions): { storage: Storage; lookup: Lookup } {
  const { file, listMilliseconds = 10_000, busyMilliseconds = 5_000, pending = 'run' } = options;
  const { connection, release } = openShared(file, pending);
  const reader = openReader(file, listMilliseconds);
  const board = newBoard();
  const writer = openWriter({ file, busyMilliseconds, board });
  const spend = gather<Spend, Spent>(
    (spends) => writer.write({ does: 'spend', spends }),
    SPENDS_TOGETHER,
  );
  const commit = gather<readonly Change[], CommitResult>(
    (commits) => writer.write({ does: 'commit', commits }),
    COMMITS_TOGETHER,
  );
  const texts = {
    ...statements(builder),
    ...memberStatements(builder),
    ...creditStatements(builder),
  };
  const store = connected(connection);
  const { rows, row } = store;

  /** Reads what takes the thread for a moment; waits without it while another process has the file. */
  const patiently = async <Result>(run: () => Result): Promise<Result> => {
    for (let giveUpAt = 0; ; ) {
      if (!connection.open) throw unavailable('read', 'the store is closed');
      try {
        return run();
      } catch (error) {
        giveUpAt ||= performance.now() + busyMilliseconds;
        if (!isBusy(error) || performance.now() > giveUpAt) throw toldOf(error, 'read');
      }
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10));
    }
  };
  const readOne = async <Row, Value>(query: Query, toValue: (row: Row) => Value) => {
    const found = await patiently(() => row<Row>(query));
    return found && toValue(found);
  };
  /** @param within the workspace that is asked about; null for all of them */
  const readList = async <Result>(
    { queries, answer }: Listing<Result>,
    within: string | null = null,
  ): Promise<Result> => answer(await reader.read(queries, within ?? ''));

  const balanceOf = async ({ subject, refill, cost, now }: Spend) => {
    const found = await readOne<Omit<BalanceRow, 'subject'>, Credits>(
      texts.balance.with({ subject }),
      (row) => ({ remaining: row.balance, refillAt: row.refill_at, refill }),
    );
    if (found === null) return 'stale';
    const { remaining, refillAt } = creditsAt(found, now);
    return { enough: remaining >= cost, remaining, refillAt };
  };

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
    keys: (filter, slice) => readList(listKeys(builder, within, filter, slice), within),
    workspace: async (id) =>
      isOutside(within, id) ? null : readOne(texts.workspace.with({ id }), workspaceOf),
    async workspaceOfSlug(slug) {
      const found = await readOne(texts.workspaceOfSlug.with({ slug }), workspaceOf);
      return found === null || isOutside(within, found.id) ? null : found;
    },
    workspaces: (filter, slice) => readList(listWorkspaces(walks, within, filter, slice), within),
    owner: async (workspaceId, externalId) =>
      isOutside(within, workspaceId)
        ? null
        : readOne(texts.owner.with({ workspaceId, externalId }), ownerOf),
    async ownerOfId(id) {
      const found = await readOne(texts.ownerOfId.with(at(id)), ownerOf);
      return found === null || isOutside(within, found.workspaceId) ? null : found;
    },
    owners: (filter, slice) => readList(listOwners(walks, within, filter, slice), within),
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
    members: (filter, slice) => readList(listMembers(walks, within, filter, slice), within),
    keysOfMember: (member, kept, most) =>
      readList(listKeysOfMember(texts, within, member, kept, most), within),
    events: (filter, slice) => readList(listEvents(walks, within, filter, slice), within),
    keysToErase: (most) => readList(listKeysToErase(builder, within, most), within),
    erasure: (most) => readList(listErasure(builder, within, most), within),
    unsealed: (most) => readList(listUnsealed(builder, within, most), within),
    prunable: (before, most) => readList(listPrunable(builder, within, before, most), within),
    unlogged: (most) => readList(listUnlogged(builder, within, most), within),
    usage: (subject, span) => readList(listUsage(within, subject, span), within),
    refusals: (keyId) => readList(listRefusals(within, keyId), within),
    async commit(changes): Promise<CommitResult> {
      confine(within, changes);
      return await commit(changes);
    },
  });

  return {
    lookup: {
      find: (digests) =>
        readOne(
          texts.candidate(digests.length).with(digests.map(({ hex }) => Buffer.from(hex, 'hex'))),
          candidateOf,
        ),
    },
    storage: {
      within: (workspaceId) => reach(workspaceId),
      everywhere: () => reach(null),
      installation: async () =>
        installationOf(await patiently(() => rows(texts.installation.with({})))),
      async members(issuer, subject) {
        if (!isSubject({ issuer, subject })) return [];
        const query = texts.membersOf.with({ issuer, subject });
        return (await patiently(() => rows<MemberRow>(query))).map(memberOf);
      },
      reply: (id) => readOne(texts.reply.with({ id }), replyOf),
      spend: (asked) => (asked.charge && asked.cost > 0 ? spend(asked) : balanceOf(asked)),
      async recordUses(uses) {
        // As one text: to hand over as many objects costs more than all they count.
        await writer.write({ does: 'record uses', uses: JSON.stringify(uses) });
      },
      async recordRefusals(refusals) {
        await writer.write({ does: 'record refusals', refusals });
      },
      async tendUsage(now, keep) {
        const due = await patiently(() => isUsageDue(store, now, keep));
        return due && writer.write({ does: 'tend usage', now, keep });
      },
      takeWindows: (takes, returned) => writer.write({ does: 'take windows', takes, returned }),
      async recordWindows(windows) {
        for (let from = 0; from < windows.length; from += WINDOWS_A_COMMIT) {
          const some = windows.slice(from, from + WINDOWS_A_COMMIT);
          await writer.write({ does: 'record windows', windows: some });
        }
      },
      async windows(now, after, most) {
        // Where there is none, no thread has to be started for it.
        const first = texts.windows.with({ now, after, most: 1 });
        if ((await patiently(() => row(first))) === null) return [];
        return readList({
          queries: [texts.windows.with({ now, after, most })],
          answer: ([found = []]) => (found as WindowRow[]).map(windowOf),
        });
      },
      async pruneWindows(now, most) {
        const due = await patiently(() => row(texts.endedWindow.with({ now })));
        return due === null ? 0 : writer.write({ does: 'prune windows', now, most });
      },
      async turnStates(now, most) {
        // Found by reading alone: what has nothing to write takes no lock.
        const due = await patiently(() => row(texts.turning.with({ now, most: 1 })));
        return due === null ? 0 : writer.write({ does: 'turn states', now, most });
      },
      async tendLists() {
        const due = await patiently(() => isMetadataDue(connection) || isSearchDue(connection));
        return due && writer.write({ does: 'tend lists' });
      },
      pruneReplies: (now, most) => writer.write({ does: 'prune replies', now, most }),
      watch: (heard) => watchBoard(board, heard),
      async obeyed() {
        // Who else has the file open is not known, but what anybody trusts without having looked since.
        const asked = performance.now();
        await new Promise((resolve) => setTimeout(resolve, TRUSTED_MILLISECONDS));
        return { obeyedBy: 1, of: 1, afterMilliseconds: Math.round(performance.now() - asked) };
      },
      async check() {
        await patiently(() => row(texts.check.with({})));
      },
      async close() {
        await Promise.all([reader.close(), writer.close()]);
        connection.close();
        release();
      },
    },
  };
}

function openShared(file: string, pending: Pending) {
  const release = shareFile(file);
  try {
    return { connection: onlyRead(openFile(file, MIGRATIONS, pending)), release };
  } catch (error) {
    release();
    throw error;
  }
}

function isOutside(within: string | null, workspaceId: string): boolean {
  return within !== null && within !== workspaceId;
}
