// The store in one SQLite file. The thread that verifies reads single rows; whatever
// walks is read in a thread of its own (embedded/reader.ts), and so is whatever
// writes (embedded/writer.ts). Several processes may use one file.

import type { Change, CommitResult, Spend, Spent, Storage } from '@warder/core';
import { creditStatements } from '../credits.ts';
import { gather } from '../gathering.ts';
import type { Lookup } from '../lookup.ts';
import { memberStatements } from '../members.ts';
import { readingOf } from '../reach.ts';
import { type WindowRow, windowOf } from '../rows.ts';
import type { Listing, Within } from '../slices.ts';
import { type Query, statements } from '../storage.ts';
import { builder } from './embedded/builder.ts';
import { connected } from './embedded/connection.ts';
import { isBusy, toldOf, unavailable } from './embedded/failure.ts';
import { onlyRead, openFile, type Pending } from './embedded/file.ts';
import { listKeys } from './embedded/key-list.ts';
import { shareFile } from './embedded/lock.ts';
import { isMetadataDue } from './embedded/metadata.ts';
import { MIGRATIONS } from './embedded/migrations.ts';
import { openReader } from './embedded/reader.ts';
import { isSearchDue } from './embedded/search.ts';
import { listRefusals, listUsage } from './embedded/usage-figures.ts';
import { isUsageDue } from './embedded/usage-upkeep.ts';
import { walksIn } from './embedded/walk.ts';
import { type Writing, writeHere } from './embedded/writing.ts';

export interface EmbeddedOptions {
  /** Path of the database file. It and a missing folder are made for their owner alone. */
  readonly file: string;
  /** After which a list is given up. */
  readonly listMilliseconds?: number;
  /** How long a call waits while another process writes. */
  readonly busyMilliseconds?: number;
  /** Whether a file that lacks migrations is migrated (after a copy, unless said otherwise) or refused. */
  readonly pending?: Pending;
  /** Who writes it; a thread of this process unless given. */
  readonly writing?: Writing | undefined;
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
  const { writer, watch, obeyed } = options.writing ?? writeHere(file, busyMilliseconds);
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
  const list = async <Result>(
    { queries, answer }: Listing<Result>,
    within: Within = null,
  ): Promise<Result> => answer(await reader.read(queries, within ?? ''));
  const { reading, lookup } = readingOf({
    builder,
    texts,
    walks,
    row: <Row>(query: Query) => patiently(() => row<Row>(query)),
    rows: <Row>(query: Query) => patiently(() => rows<Row>(query)),
    lookup: <Row>(query: Query) => patiently(() => row<Row>(query)),
    list,
    keys: (within, filter, slice) => listKeys(builder, within, filter, slice),
    usage: listUsage,
    refusals: listRefusals,
    commit,
  });
  const { balance, ...reads } = reading;

  return {
    lookup,
    storage: {
      ...reads,
      spend: (asked) => (asked.charge && asked.cost > 0 ? spend(asked) : balance(asked)),
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
        return list({
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
      watch,
      obeyed,
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
