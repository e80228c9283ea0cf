// The thread that writes: each job is one transaction, durable when it is answered.
// While another process writes it waits, without anybody waiting for it who reads.

import { parentPort, workerData } from 'node:worker_threads';
import {
  type Change,
  type CommitRefusal,
  type CommitResult,
  type KeyRefusal,
  nextTurn,
  type Spend,
  type Spent,
  type StoredWindow,
  statusOf,
  type UsageRetention,
  type Use,
  type WindowReturn,
  type WindowsTaken,
  type WindowTake,
} from '@warder/core';
import { chainStatements } from '../../chains.ts';
import { commitSteps } from '../../commit.ts';
import { creditStatements } from '../../credits.ts';
import { memberStatements } from '../../members.ts';
import { keyOf, rowOfWindow, type UsedKeyRow } from '../../rows.ts';
import { at, statements } from '../../storage.ts';
import { builder } from './builder.ts';
import { connected } from './connection.ts';
import { isBusy, isSqliteFailure, type SqliteFailure } from './failure.ts';
import { openForWriting } from './file.ts';
import { tendMetadata } from './metadata.ts';
import { LOOK_MILLISECONDS, lookOut } from './others.ts';
import { fillSearch, isSearchDue } from './search.ts';
import { spendIn } from './spending.ts';
import { tendUsage } from './usage-upkeep.ts';
import { recordRefusals, recordUses } from './usage-writes.ts';
import { takeWindowsIn } from './window-takes.ts';

export interface Setting {
  readonly file: string;
  /** How long a job waits while another process writes. */
  readonly busyMilliseconds: number;
  /** Where it notes what other processes did. */
  readonly board: SharedArrayBuffer;
}

export type Job =
  /** Each on its own: what one of them is refused, the others are not. */
  | { readonly does: 'commit'; readonly commits: readonly (readonly Change[])[] }
  | { readonly does: 'spend'; readonly spends: readonly Spend[] }
  /** Uses as JSON. */
  | { readonly does: 'record uses'; readonly uses: string }
  | { readonly does: 'record refusals'; readonly refusals: readonly KeyRefusal[] }
  | { readonly does: 'tend usage'; readonly now: number; readonly keep: UsageRetention }
  | {
      readonly does: 'take windows';
      readonly takes: readonly WindowTake[];
      readonly returned: readonly WindowReturn[];
    }
  | { readonly does: 'record windows'; readonly windows: readonly StoredWindow[] }
  | { readonly does: 'turn states'; readonly now: number; readonly most: number }
  | { readonly does: 'tend lists' }
  | { readonly does: 'prune replies'; readonly now: number; readonly most: number }
  | { readonly does: 'prune windows'; readonly now: number; readonly most: number };

/** What each job answers; of several things, in the order asked for. */
export interface Done {
  commit: readonly CommitResult[];
  spend: readonly Spent[];
  'record uses': null;
  'record refusals': null;
  'tend usage': boolean;
  /** In the order asked for. */
  'take windows': readonly WindowsTaken[];
  'record windows': null;
  'turn states': number;
  'tend lists': boolean;
  'prune replies': number;
  'prune windows': number;
}

export type Answer = { readonly done: Done[keyof Done] } | { readonly failure: SqliteFailure };

const { file, busyMilliseconds, board }: Setting = workerData;
const connection = openForWriting(file);
const store = connected(connection);
const { rows, affected } = store;
const texts = {
  ...statements(builder),
  ...chainStatements(builder),
  ...memberStatements(builder),
  ...creditStatements(builder),
};

/** Thrown to roll a transaction back. */
class Refused extends Error {
  readonly refusal: CommitRefusal;
  constructor(refusal: CommitRefusal) {
    super(refusal);
    this.refusal = refusal;
  }
}

const commitChanges = connection.transaction((changes: readonly Change[]) => {
  const steps = commitSteps(texts, changes);
  let step = steps.next();
  while (!step.done) step = steps.next(affected(step.value.query));
  if (step.value !== 'done') throw new Refused(step.value);
});
const commitOne = (commit: () => void): CommitResult => {
  try {
    commit();
    return 'done';
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
};
/** A transaction within one is a savepoint. */
const commitAll = connection.transaction((commits: readonly (readonly Change[])[]) =>
  commits.map((changes) => commitOne(() => commitChanges(changes))),
);
const spendOne = spendIn(store, texts);
const spendAll = connection.transaction((spends: readonly Spend[]) => spends.map(spendOne));
const addUses = connection.transaction((uses: readonly Use[]) => recordUses(store, uses));
const addRefusals = connection.transaction((refusals: readonly KeyRefusal[]) =>
  recordRefusals(store, refusals),
);
const tendUsageOnce = connection.transaction((now: number, keep: UsageRetention) =>
  tendUsage(store, now, keep),
);
const takeWindows = connection.transaction(takeWindowsIn(store, texts));
const recordWindows = connection.transaction((windows: readonly StoredWindow[]) => {
  for (const window of windows) affected(texts.recordWindow.with(rowOfWindow(window)));
});
const turnStates = connection.transaction((now: number, most: number) => {
  const turning = rows<UsedKeyRow>(texts.turning.with({ now, most })).map(keyOf);
  for (const key of turning) {
    const turned = { state: statusOf(key, now), turns_at: nextTurn(key, now) };
    affected(texts.turn.with({ ...at(key.id), ...turned }));
  }
  return turning.length;
});
const tend = connection.transaction(() => {
  const filled = isSearchDue(connection) && fillSearch(connection);
  return tendMetadata(connection) || filled;
});

function run(job: Job): Done[keyof Done] {
  switch (job.does) {
    case 'commit': {
      const [first, ...others] = job.commits;
      // Alone it needs no savepoint, and nothing is written where it is refused.
      if (first === undefined || others.length > 0) return commitAll.immediate(job.commits);
      return [commitOne(() => commitChanges.immediate(first))];
    }
    case 'spend':
      return spendAll.immediate(job.spends);
    case 'record uses':
      // Written by `recordUses` of embedded.ts.
      addUses.immediate(JSON.parse(job.uses) as readonly Use[]);
      return null;
    case 'record refusals':
      addRefusals.immediate(job.refusals);
      return null;
    case 'tend usage':
      return tendUsageOnce.immediate(job.now, job.keep);
    case 'take windows':
      return takeWindows.immediate(job.takes, job.returned);
    case 'record windows':
      recordWindows.immediate(job.windows);
      return null;
    case 'turn states':
      return turnStates.immediate(job.now, job.most);
    case 'tend lists':
      return tend.immediate();
    case 'prune replies':
      return affected(texts.pruneReplies.with(job));
    case 'prune windows':
      return affected(texts.pruneWindows.with(job));
  }
}

const version = connection.prepare('PRAGMA data_version').pluck();
const look = lookOut(board, () => version.get());
setInterval(look, LOOK_MILLISECONDS).unref();
look();

const still = new Int32Array(new SharedArrayBuffer(4));

function patiently(job: Job): Done[keyof Done] {
  const giveUpAt = performance.now() + busyMilliseconds;
  for (;;) {
    try {
      return run(job);
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error;
    }
    Atomics.wait(still, 0, 0, 5 + Math.random() * 10);
    look();
  }
}

function answer(job: Job): Answer {
  try {
    return { done: patiently(job) };
  } catch (error) {
    if (!isSqliteFailure(error)) throw error;
    return { failure: { code: error.code, message: error.message } };
  }
}

parentPort?.on('message', (job: Job | 'close') => {
  if (job !== 'close') return parentPort?.postMessage(answer(job));
  connection.close();
  parentPort?.close();
});
