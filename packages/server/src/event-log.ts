// The log of events for a collector: one JSON line each, appended to a file or to
// standard output. It survives rotation, never holds up the service, and says once
// when it cannot be written and once when it can again.

import { constants, write as writeTo } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { describeEvent, type StoredEvent } from '@warder/core';
import type { Log } from './log.ts';

export interface EventLog {
  /** Appends the events; false where they could not be written, or not all of them. */
  take(events: readonly StoredEvent[]): Promise<boolean>;
  /** Opens the file anew before the next event: for who has moved it away. */
  reopen(): void;
  close(): Promise<void>;
}

/** Also when nobody reads the other end of a pipe, opening it must not wait. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
const STANDARD_OUTPUT = 1;
const FULL_MILLISECONDS = 1_000;

/** @param file `-` for standard output */
export function createEventLog(file: string, log: Log): EventLog {
  let opened: FileHandle | null = null;
  let stale = false;
  let failing = false;
  /** The end of a line of which a pipe has taken the beginning. */
  let rest: Buffer = Buffer.alloc(0);

  const close = async () => {
    const closing = opened;
    opened = null;
    await closing?.close();
  };

  /** The file that has the name now. */
  const current = async (): Promise<FileHandle> => {
    if (opened !== null && (stale || !(await isStill(opened, file)))) await close();
    stale = false;
    if (opened !== null) return opened;
    opened = await open(file, FLAGS, 0o600);
    if (await endsWithin(file, opened)) await append(opened.fd, Buffer.from('\n'));
    return opened;
  };

  const write = async (lines: Buffer): Promise<void> => {
    if (file === '-') return await toPipe(STANDARD_OUTPUT, lines);
    const handle = await current();
    const before = await handle.stat();
    if (!before.isFile()) return await toPipe(handle.fd, lines);
    try {
      await append(handle.fd, lines);
      await handle.datasync();
    } catch (error) {
      await handle.truncate(before.size).catch(() => {});
      throw error;
    }
  };

  const toPipe = async (fd: number, lines: Buffer): Promise<void> => {
    const whole = Buffer.concat([rest, lines]);
    let taken = 0;
    try {
      await append(fd, whole, (bytes) => {
        taken += bytes;
      });
      rest = Buffer.alloc(0);
    } catch (error) {
      const begun = taken > 0 && whole[taken - 1] !== NEWLINE;
      if (taken > 0) {
        rest = begun ? whole.subarray(taken, whole.indexOf(NEWLINE, taken) + 1) : Buffer.alloc(0);
      }
      throw error;
    }
  };

  return {
    async take(events) {
      const lines = events.map((event) => `${JSON.stringify(describeEvent(event))}\n`);
      try {
        await write(Buffer.from(lines.join('')));
      } catch (error) {
        if (!failing) log.error({ err: error, file }, 'the log of events cannot be written');
        failing = true;
        await close().catch(() => {});
        return false;
      }
      if (failing) log.info({ file }, 'the log of events is written again');
      failing = false;
      return true;
    },
    reopen() {
      stale = true;
    },
    close,
  };
}

const NEWLINE = 10;

/** Writes all of it, off this thread. A pipe that is full is waited for a moment. */
async function append(
  fd: number,
  bytes: Buffer,
  onTaken: (bytes: number) => void = () => {},
): Promise<void> {
  const giveUpAt = performance.now() + FULL_MILLISECONDS;
  for (let left = bytes; left.length > 0; ) {
    const taken = await writeSome(fd, left);
    onTaken(taken);
    left = left.subarray(taken);
    if (taken > 0) continue;
    if (performance.now() > giveUpAt) throw new Error('nobody reads the other end');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** How many bytes were taken; 0 by a pipe that is full. */
function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    writeTo(fd, bytes, 0, bytes.length, null, (error, taken) => {
      if (error === null) resolve(taken);
      else if (error.code === 'EAGAIN') resolve(0);
      else reject(error);
    });
  });
}

async function isStill(handle: FileHandle, file: string): Promise<boolean> {
  const there = await stat(file).catch(() => null);
  const { ino, dev } = await handle.stat();
  return there !== null && there.ino === ino && there.dev === dev;
}

/** Whether the file ends in the middle of a line, as a crash may leave it. */
async function endsWithin(file: string, handle: FileHandle): Promise<boolean> {
  const facts = await handle.stat();
  if (!facts.isFile() || facts.size === 0) return false;
  const reading = await open(file, 'r');
  try {
    const { buffer } = await reading.read(Buffer.alloc(1), 0, 1, facts.size - 1);
    return buffer[0] !== NEWLINE;
  } finally {
    await reading.close();
  }
}
