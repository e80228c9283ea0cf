// Whether another process wrote to the file. SQLite counts for each connection what
// others committed, and to the one that reads, the thread that writes is another, too.
// So each writer leaves its mark in the file where it finds that of another one.

import { randomInt } from 'node:crypto';
import type Database from 'better-sqlite3';

/** What the thread that reads and the one that writes share. */
export interface Writing {
  /** Stands for this process's writer. */
  readonly mark: number;
  readonly counts: SharedArrayBuffer;
}

const [OWN, OTHERS] = [0, 1];

export function newWriting(): Writing {
  return { mark: randomInt(1, 2 ** 47), counts: new SharedArrayBuffer(8) };
}

/** To be called within each transaction of the writer. */
export function leaveMark(connection: Database.Database, { mark, counts }: Writing): () => void {
  const shared = new Int32Array(counts);
  const leave = connection.prepare('UPDATE last_writer SET mark = ? WHERE mark <> ?');
  return () => {
    // Counted before the commit: whoever sees it committed sees it counted.
    if (leave.run(mark, mark).changes > 0) Atomics.add(shared, OTHERS, 1);
    Atomics.add(shared, OWN, 1);
  };
}

/** Answers whether another process wrote since it was last asked; true where it cannot be told. */
export function watchOthers(connection: Database.Database, { mark, counts }: Writing) {
  const shared = new Int32Array(counts);
  const version = connection.prepare('PRAGMA data_version').pluck();
  const lastMark = connection.prepare('SELECT mark FROM last_writer').pluck();
  const look = connection.transaction(() => ({ last: lastMark.get(), version: version.get() }));
  let before: unknown;
  let [own, others] = [0, 0];
  return (): boolean => {
    try {
      if (version.get() === before) return false;
      const now = look();
      const [ownBefore, othersBefore] = [own, others];
      before = now.version;
      own = Atomics.load(shared, OWN);
      others = Atomics.load(shared, OTHERS);
      // Also by a program that knows of no marks.
      return now.last !== mark || others !== othersBefore || own === ownBefore;
    } catch {
      return true;
    }
  };
}
